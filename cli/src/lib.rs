//! The single binary: configuration, wiring, shutdown, commands.
//!
//! The only crate that knows which engine runs; everything below it sees ports.

mod args;
mod branding;
pub mod commands;
pub mod config;
mod env;
mod figures;
mod json;
mod logging;
mod open_files;
mod out;
mod progress;
pub mod service;
mod shutdown;
mod signing;
mod users;
mod wire;

use std::future::Future;
use std::io::IsTerminal;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;

pub use self::args::Args;
use self::args::Command;

/// Runs what the command line asks for. Errors are printed with their causes; the exit status is
/// 1 for them, for an audit that found something, and for an answer that cannot be written.
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return explain(&error),
    };
    open_files::raise();
    refuse_huge_pages();
    let code = dispatch(args).unwrap_or_else(|error| fail(&error));
    logging::finish();
    out::check().map_or_else(|error| fail(&error), |()| code)
}

fn fail(error: &anyhow::Error) -> ExitCode {
    // `anyhow` prints the chain; every layer says what it tried.
    out::note(format_args!("error: {error:#}"));
    ExitCode::FAILURE
}

/// Prints a help text, or what is wrong with the command line.
fn explain(error: &clap::Error) -> ExitCode {
    if error.use_stderr() || std::io::stdout().is_terminal() {
        error.exit();
    }
    out::text(error.render());
    out::check().map_or_else(|error| fail(&error), |()| ExitCode::SUCCESS)
}

/// The allocator asks for no huge pages, with which a crowd takes many times the memory; some
/// systems give them unasked.
fn refuse_huge_pages() {
    // A kernel that has none cannot be told so, which is as well.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

fn dispatch(args: Args) -> anyhow::Result<ExitCode> {
    let done = |()| ExitCode::SUCCESS;
    match args.command.unwrap_or(Command::Run(args.run)) {
        Command::Run(args) => block_on(commands::run::run(&args)).map(done),
        Command::Demo(args) => {
            quiet()?;
            block_on(commands::demo::demo(&args)).map(done)
        }
        Command::Render(command) => commands::render::render(&command).map(done),
        Command::Verify(args) => commands::verify::verify(&args).map(done),
        Command::Audit(args) => {
            let holds = block_on(commands::audit::audit(&args))?;
            Ok(if holds {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
        Command::Load(args) => {
            quiet()?;
            block_on(commands::load::load(&args))
        }
        Command::Jobs(command) => block_on(commands::jobs::jobs(command)).map(done),
        Command::Bench(command) => {
            quiet()?;
            block_on(commands::bench::bench(command)).map(done)
        }
        Command::Migrate(args) => block_on(commands::migrate::migrate(&args)).map(done),
        Command::Config(command) => commands::config::config(&command).map(done),
        Command::Doctor(args) => {
            let well = block_on(commands::doctor::doctor(&args))?;
            Ok(if well {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
        Command::Openapi => commands::openapi::openapi().map(done),
    }
}

/// A demo and a benchmark show their own progress; only what goes wrong is logged.
fn quiet() -> anyhow::Result<()> {
    logging::start(&logging::Config {
        filter: "warn".into(),
        format: logging::Format::Text,
    })
}

fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime cannot be started")?;
    let result = runtime.block_on(work);
    // A blocking task that hangs must not keep the process from ending.
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    result
}
