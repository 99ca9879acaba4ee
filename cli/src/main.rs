//! The `ticketoverflow` binary.

use std::process::ExitCode;

/// The default allocator keeps one arena a thread and grows under a crowd; this one does not.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main()
}
