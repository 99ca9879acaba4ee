//! What the demo claims, and whether it held.

use crate::out;

/// Claims in the order in which they were checked.
#[derive(Debug, Default)]
pub(super) struct Proof {
    lines: Vec<(String, Option<bool>)>,
}

impl Proof {
    /// A claim that held or did not.
    pub(super) fn check(&mut self, claim: &str, holds: bool) {
        self.lines.push((claim.to_owned(), Some(holds)));
    }

    /// Something worth knowing that proves nothing.
    pub(super) fn note(&mut self, text: &str) {
        self.lines.push((text.to_owned(), None));
    }

    /// Prints everything; whether all claims held.
    pub(super) fn print(&self) -> bool {
        out::line("");
        for (text, holds) in &self.lines {
            let mark = match holds {
                Some(true) => "ok    ",
                Some(false) => "BROKEN",
                None => "      ",
            };
            out::line(format!("{mark} {text}"));
        }
        self.lines.iter().all(|(_, holds)| *holds != Some(false))
    }
}
