//! Spares those who need a store the wait for one that is away.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long nobody asks a store that has just failed.
const PAUSE: Duration = Duration::from_secs(1);
/// How long others may follow one who looks whether it is back: a job that stores two files at a
/// time would give up the first one when the second is refused.
const COMPANY: Duration = Duration::from_millis(100);

/// A circuit breaker: after a failure everybody is refused at once, but for one from time to time
/// who looks whether the store is back, and who comes at the same moment.
#[derive(Debug)]
pub(super) struct Breaker {
    /// Who is away.
    place: String,
    outage: Mutex<Option<Outage>>,
}

#[derive(Debug)]
struct Outage {
    reason: String,
    since: Instant,
    /// Nobody asks before, but those who come until the other moment.
    ask_at: Instant,
    company_until: Instant,
}

impl Breaker {
    pub(super) fn new(place: impl fmt::Display) -> Self {
        Self {
            place: place.to_string(),
            outage: Mutex::new(None),
        }
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Whether the store may be asked by one who waits for so long; if not, why it was away when
    /// it last was.
    pub(super) fn enter(&self, patience: Duration) -> Result<(), String> {
        self.enter_at(Instant::now(), patience)
    }

    fn enter_at(&self, now: Instant, patience: Duration) -> Result<(), String> {
        match self.outage().as_mut() {
            Some(outage) if now < outage.company_until => Ok(()),
            Some(outage) if now < outage.ask_at => Err(outage.reason.clone()),
            Some(outage) => {
                // The others wait for what becomes of this one, who may be dropped on the way.
                outage.ask_at = now + patience;
                outage.company_until = now + COMPANY;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// It answered, if only that it does not like what it was asked.
    pub(super) fn answered(&self) {
        if let Some(outage) = self.outage().take() {
            let outage_ms = u64::try_from(outage.since.elapsed().as_millis()).unwrap_or(u64::MAX);
            tracing::info!(files = %self.place, outage_ms, "the store of files is back");
        }
    }

    /// It did not answer, or that it failed.
    pub(super) fn failed(&self, reason: &str) {
        self.failed_at(reason, Instant::now());
    }

    fn failed_at(&self, reason: &str, now: Instant) {
        let mut outage = self.outage();
        if outage.is_none() {
            tracing::warn!(files = %self.place, error = reason, "the store of files is away");
        }
        *outage = Some(Outage {
            reason: reason.to_owned(),
            since: outage.as_ref().map_or(now, |outage| outage.since),
            ask_at: now + PAUSE,
            company_until: now,
        });
    }

    fn outage(&self) -> MutexGuard<'_, Option<Outage>> {
        self.outage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_from_time_to_time_asks_a_store_that_is_away() {
        let patience = 5 * PAUSE;
        let breaker = Breaker::new("s3://bucket");
        let enter = |now| breaker.enter_at(now, patience);
        let begun = Instant::now();
        assert_eq!(enter(begun), Ok(()));
        breaker.failed_at("refused", begun);
        assert_eq!(enter(begun), Err("refused".to_owned()));
        // One looks, the others do not wait for it.
        let later = begun + PAUSE;
        assert_eq!(enter(later), Ok(()));
        assert_eq!(enter(later), Ok(()), "who comes with it");
        let later = later + COMPANY;
        assert!(enter(later).is_err());
        breaker.failed_at("silent", later);
        assert_eq!(enter(later), Err("silent".to_owned()));
        // One who looked and went away without a word does not keep the store shut.
        let later = later + PAUSE;
        assert_eq!(enter(later), Ok(()));
        assert!(enter(later + COMPANY).is_err());
        assert_eq!(enter(later + patience), Ok(()));
        breaker.answered();
        assert_eq!(enter(later), Ok(()));
        assert_eq!(enter(later), Ok(()));
    }
}
