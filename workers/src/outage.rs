//! Says once that something does not work, and once that it works again.

use std::fmt::Display;
use std::time::{Duration, Instant};

use domain::Error;

const WAIT_FIRST: Duration = Duration::from_millis(50);
const WAIT_LONGEST: Duration = Duration::from_secs(5);

/// Something that is tried over and over.
#[derive(Debug)]
pub(crate) struct Outage {
    what: &'static str,
    since: Option<Instant>,
    wait: Duration,
}

impl Outage {
    pub(crate) fn of(what: &'static str) -> Self {
        Self {
            what,
            since: None,
            wait: WAIT_FIRST,
        }
    }

    /// It failed. Returns how long to wait before the next try.
    pub(crate) fn failed(&mut self, error: &dyn Display) -> Duration {
        if self.since.is_none() {
            self.since = Some(Instant::now());
            tracing::error!(%error, "{} failed and is tried again", self.what);
        }
        let wait = self.wait;
        self.wait = (wait * 2).min(WAIT_LONGEST);
        wait
    }

    /// It worked.
    pub(crate) fn worked(&mut self) {
        if let Some(since) = self.since.take() {
            let outage_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
            tracing::info!(outage_ms, "{} works again", self.what);
            self.wait = WAIT_FIRST;
        }
    }
}

/// An error with everything that led to it, for the log.
pub(crate) fn words(error: &Error) -> String {
    match error {
        Error::Store(error) => error.chain(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_during_an_outage_and_start_anew_after_it() {
        let mut outage = Outage::of("testing");
        let waits: Vec<_> = (0..9).map(|_| outage.failed(&"no")).collect();
        assert!(waits.is_sorted());
        assert_eq!((waits[0], waits[8]), (WAIT_FIRST, WAIT_LONGEST));
        outage.worked();
        assert_eq!(outage.failed(&"no"), WAIT_FIRST);
    }
}
