//! Promises, and whether they were kept.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::record::DETAILS_MAX;

/// Says that the audit did not come to its end, so that what it would have found is not known.
pub(crate) const NOT_AUDITED: &str = "P9 not-audited";

/// What became of a promise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The promise and a short name, as `audit` prints it.
    pub name: String,
    /// How often it was broken, or the figure that was promised.
    pub value: f64,
    /// Of the figure; empty for a count.
    pub unit: String,
    /// The figure must not be larger.
    pub limit: f64,
    /// What broke it, [`DETAILS_MAX`] lines at most.
    pub details: Vec<String>,
    /// Kept.
    pub ok: bool,
    /// Too little was measured to say either; then it is not `ok`.
    #[serde(default)]
    pub unmeasured: bool,
}

impl Verdict {
    /// A promise that is kept if nothing happened.
    pub fn count(name: &str, count: u64, details: Vec<String>) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        Self::figure(name, count as f64, "", 0.0).with(details)
    }

    /// A promise that is kept if a figure is small enough.
    pub fn figure(name: &str, value: f64, unit: &str, limit: f64) -> Self {
        Self {
            name: name.to_owned(),
            value,
            unit: unit.to_owned(),
            limit,
            details: Vec::new(),
            ok: value <= limit,
            unmeasured: false,
        }
    }

    /// The same, but that it was kept is not known, and why.
    #[must_use]
    pub fn doubted(mut self, why: String) -> Self {
        if self.ok {
            (self.ok, self.unmeasured) = (false, true);
            self.details.insert(0, why);
        }
        self
    }

    /// Whether it is known to be broken.
    pub fn is_broken(&self) -> bool {
        !self.ok && !self.unmeasured
    }

    /// With words about it.
    #[must_use]
    pub fn with(mut self, mut details: Vec<String>) -> Self {
        details.truncate(DETAILS_MAX);
        self.details = details;
        self
    }

    /// Joins what another generator found: violations add up, of figures the worst counts.
    pub fn join(&mut self, other: &Self) {
        if self.unit.is_empty() {
            self.value += other.value;
        } else {
            self.value = self.value.max(other.value);
        }
        self.limit = self.limit.min(other.limit);
        let is_broken = self.is_broken() || other.is_broken() || self.value > self.limit;
        self.unmeasured = !is_broken && (self.unmeasured || other.unmeasured);
        self.ok = !is_broken && !self.unmeasured;
        let room = DETAILS_MAX.saturating_sub(self.details.len());
        self.details
            .extend(other.details.iter().take(room).cloned());
    }

    /// The figure with its unit.
    pub fn figure_text(&self) -> String {
        match self.unit.as_str() {
            "" => format!("{:.0}", self.value),
            "s" if self.value < 1.0 => format!("{:.0} ms", self.value * 1_000.0),
            unit => format!("{:.1} {unit}", self.value),
        }
    }

    /// What was found and, if it is a figure, what was promised.
    pub fn found_text(&self) -> String {
        let found = self.figure_text();
        match self.unit.as_str() {
            "" => found,
            unit => format!("{found} of {} {unit}", self.limit),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.ok, self.unmeasured) {
            (true, _) => write!(f, "{} {} ok", self.name, self.found_text())?,
            (false, true) => write!(f, "{} not measured", self.name)?,
            (false, false) => write!(f, "{} {} BROKEN", self.name, self.found_text())?,
        }
        for detail in &self.details {
            write!(f, "\n  {detail}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_promise_stays_broken() {
        let mut sum = Verdict::count("P1 oversold", 0, Vec::new());
        assert_eq!(sum.to_string(), "P1 oversold 0 ok");
        sum.join(&Verdict::count("P1 oversold", 2, vec!["concert x".into()]));
        sum.join(&Verdict::count("P1 oversold", 0, Vec::new()));
        assert_eq!(sum.to_string(), "P1 oversold 2 BROKEN\n  concert x");
        let mut worst = Verdict::figure("P7 urgent-p99", 0.25, "s", 10.0);
        assert_eq!(worst.to_string(), "P7 urgent-p99 250 ms of 10 s ok");
        worst.join(&Verdict::figure("P7 urgent-p99", 12.0, "s", 10.0));
        assert_eq!(worst.to_string(), "P7 urgent-p99 12.0 s of 10 s BROKEN");
    }

    #[test]
    fn what_was_not_measured_is_neither_kept_nor_broken() {
        let part = |share| Verdict::figure("P2 unserved", share, "%", 1.0);
        assert_eq!(part(0.5).to_string(), "P2 unserved 0.5 % of 1 % ok");
        let doubted = part(0.5).doubted("few came".into());
        assert_eq!(doubted.to_string(), "P2 unserved not measured\n  few came");
        assert!(!doubted.ok && !doubted.is_broken());
        assert!(part(2.0).doubted("few came".into()).is_broken());
        let mut sum = part(0.5);
        sum.join(&doubted);
        assert!(!sum.ok && !sum.is_broken());
        sum.join(&part(2.0));
        assert!(sum.is_broken());
    }
}
