//! Something that is tried over and over: says once that it does not work, and once that it works
//! again, and tells how long to wait in between.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::Error;

const WAIT_FIRST: Duration = Duration::from_millis(50);
const WAIT_LONGEST: Duration = Duration::from_secs(5);

/// Something that is tried over and over.
#[derive(Debug)]
pub struct Outage {
    what: &'static str,
    since: Option<Instant>,
    wait: Duration,
}

impl Outage {
    /// Of what the log names, in the form of "claiming jobs".
    pub fn of(what: &'static str) -> Self {
        Self {
            what,
            since: None,
            wait: WAIT_FIRST,
        }
    }

    /// It failed. Returns how long to wait before the next try: 50 ms at first, each time twice
    /// as long, 5 s at most.
    pub fn failed(&mut self, error: &Error) -> Duration {
        if self.since.is_none() {
            self.since = Some(Instant::now());
            let error = error.chain();
            tracing::error!(error, "{} failed and is tried again", self.what);
        }
        let wait = self.wait;
        self.wait = (wait * 2).min(WAIT_LONGEST);
        wait
    }

    /// It worked.
    pub fn worked(&mut self) {
        if let Some(since) = self.since.take() {
            let outage_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
            tracing::info!(outage_ms, "{} works again", self.what);
            self.wait = WAIT_FIRST;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_during_an_outage_and_start_anew_after_it() {
        let mut outage = Outage::of("testing");
        let waits: Vec<_> = (0..9).map(|_| outage.failed(&Error::Busy)).collect();
        assert!(waits.is_sorted());
        assert_eq!((waits[0], waits[8]), (WAIT_FIRST, WAIT_LONGEST));
        outage.worked();
        assert_eq!(outage.failed(&Error::Busy), WAIT_FIRST);
    }
}
