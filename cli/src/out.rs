//! Standard output: what a command answers. Everything else goes to standard error.

use std::fmt::Display;
use std::io::{self, Write};

use serde::Serialize;

/// Prints a line. A reader that went away (`| head`) is no error.
pub(crate) fn line(text: impl Display) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Prints a value as indented JSON.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(serde_json::to_string_pretty(value)?);
    Ok(())
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
