//! Time as an input.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};

/// A moment in UTC with microseconds, which both engines store unchanged.
pub type Timestamp = DateTime<Utc>;

/// How far in the future a time may lie that another machine has written as its present. One that
/// lies farther is of a clock that was wrong.
pub const AHEAD_MAX: TimeDelta = TimeDelta::minutes(1);

/// Where the present comes from.
pub trait Clock: Send + Sync + 'static {
    /// The present, truncated to microseconds.
    fn now(&self) -> Timestamp;
}

/// The operating system's clock.
#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where real time is read"
    )]
    fn now(&self) -> Timestamp {
        truncate(Utc::now())
    }
}

/// A clock that stands still until it is told to move.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `start`.
    pub fn new(start: Timestamp) -> Self {
        Self(AtomicI64::new(start.timestamp_micros()))
    }

    /// Moves the clock, forwards or backwards.
    pub fn advance(&self, by: TimeDelta) {
        let micros = by
            .num_microseconds()
            .expect("a test moves time by less than 290,000 years");
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// The moment that many microseconds after 1970, clamped to what a timestamp can hold.
pub fn from_micros(micros: i64) -> Timestamp {
    let limit = if micros < 0 {
        DateTime::<Utc>::MIN_UTC
    } else {
        DateTime::<Utc>::MAX_UTC
    };
    DateTime::from_timestamp_micros(micros).unwrap_or(limit)
}

fn truncate(at: Timestamp) -> Timestamp {
    from_micros(at.timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_present_has_no_more_than_microseconds() {
        let now = SystemClock.now();
        assert_eq!(from_micros(now.timestamp_micros()), now);
    }

    #[test]
    fn extreme_values_are_clamped_instead_of_refused() {
        assert_eq!(from_micros(i64::MAX), DateTime::<Utc>::MAX_UTC);
        assert_eq!(from_micros(i64::MIN), DateTime::<Utc>::MIN_UTC);
    }
}
