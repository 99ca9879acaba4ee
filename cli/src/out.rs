//! Standard output: what a command answers. Everything else goes to standard error.
//!
//! A command goes on when its answer cannot be written, as what it does may matter more; in the end
//! the process says so and fails ([`check`]).

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::sync::OnceLock;

use anyhow::anyhow;
use serde::Serialize;

/// Why some of the answer was lost.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// Prints a line.
pub(crate) fn line(text: impl Display) {
    write(format_args!("{text}\n"));
}

/// Prints a text as it is.
pub(crate) fn text(text: impl Display) {
    write(format_args!("{text}"));
}

/// Prints a value as indented JSON.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Writes a file's bytes.
pub(crate) fn bytes(bytes: &[u8]) {
    attempt(|out| out.write_all(bytes));
}

/// Says something beside the answer, on standard error.
pub(crate) fn note(text: impl Display) {
    // Nobody to tell it to is no reason to fail.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Fails when something of the answer could not be written. A reader that went away (`| head`) has
/// had enough, which is no error.
pub(crate) fn check() -> anyhow::Result<()> {
    LOST.get().map_or(Ok(()), |error| {
        Err(anyhow!("standard output cannot be written: {error}"))
    })
}

fn write(text: std::fmt::Arguments<'_>) {
    attempt(|out| out.write_fmt(text));
}

/// Nothing is written after what was lost: a gap in the middle would not be noticed.
fn attempt(writing: impl FnOnce(&mut io::StdoutLock<'static>) -> io::Result<()>) {
    if LOST.get().is_some() {
        return;
    }
    let mut out = io::stdout().lock();
    match writing(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            // Only the first one counts.
            let _ = LOST.set(error);
        }
        Ok(()) | Err(_) => {}
    }
}

/// A number with commas between the thousands.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number of things, with an s when they are several.
pub(crate) fn several(number: u64, thing: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {thing}{ending}", grouped(number))
}

/// A rate as a whole number with commas.
pub(crate) fn rate(per_second: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate is positive and far below 2^53"
    )]
    let whole = per_second.round().max(0.0) as u64;
    grouped(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        let all: Vec<_> = [0, 999, 1_000, 2_800_000].map(grouped).into();
        assert_eq!(all, ["0", "999", "1,000", "2,800,000"]);
        let threads = [0, 1, 2].map(|number| several(number, "thread"));
        assert_eq!(threads, ["0 threads", "1 thread", "2 threads"]);
    }
}
