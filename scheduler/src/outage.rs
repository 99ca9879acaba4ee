//! Says once that something does not work, and once that it works again.

use std::time::Duration;

use domain::Error;
use tokio::time::Instant;

const WAIT_FIRST: Duration = Duration::from_millis(100);
const WAIT_LONGEST: Duration = Duration::from_secs(10);

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
    pub(crate) fn failed(&mut self, error: &Error) -> Duration {
        if self.since.is_none() {
            self.since = Some(Instant::now());
            let error = match error {
                Error::Store(error) => error.chain(),
                other => other.to_string(),
            };
            tracing::error!(error, "{} failed and is tried again", self.what);
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
