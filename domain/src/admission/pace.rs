//! How fast groups are written.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// How long a group takes to be written: a moving mean over the last ones, and never less than
/// the one that is being written has taken.
#[derive(Debug)]
pub(crate) struct Pace {
    start: Instant,
    mean_us: AtomicU64,
    /// When the group that is being written was begun, in microseconds since `start`; 0 when
    /// none is. Of several at a time, the last one that was begun.
    begun_us: AtomicU64,
}

impl Pace {
    /// A new group counts as a quarter: one that was held up by the disk does not decide.
    const NEW_COUNTS: u64 = 4;

    pub(super) fn new() -> Self {
        Self {
            start: Instant::now(),
            mean_us: AtomicU64::new(0),
            begun_us: AtomicU64::new(0),
        }
    }

    /// A group is being written from now on.
    pub(crate) fn begin(&self) -> Instant {
        self.begun_us.store(self.now_us().max(1), Ordering::Relaxed);
        Instant::now()
    }

    /// The group that was begun then is written.
    pub(crate) fn end(&self, begun: Instant) {
        self.begun_us.store(0, Ordering::Relaxed);
        let took = micros(begun.elapsed());
        let before = self.mean_us.load(Ordering::Relaxed);
        let mean = match before {
            0 => took,
            _ => before - before / Self::NEW_COUNTS + took / Self::NEW_COUNTS,
        };
        // Of two that end at once one may be lost: the mean is one of many.
        self.mean_us.store(mean.max(1), Ordering::Relaxed);
    }

    /// How long a group takes, in microseconds; 0 before the first.
    pub(super) fn group_us(&self) -> u64 {
        let running = match self.begun_us.load(Ordering::Relaxed) {
            0 => 0,
            begun => self.now_us().saturating_sub(begun),
        };
        self.mean_us.load(Ordering::Relaxed).max(running)
    }

    fn now_us(&self) -> u64 {
        micros(self.start.elapsed())
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn group(pace: &Pace, ms: u64) {
        let begun = pace.begin();
        tokio::time::advance(Duration::from_millis(ms)).await;
        pace.end(begun);
    }

    #[tokio::test(start_paused = true)]
    async fn one_slow_group_counts_a_quarter_and_many_count_in_full() {
        let pace = Pace::new();
        assert_eq!(pace.group_us(), 0);
        group(&pace, 10).await;
        assert_eq!(pace.group_us(), 10_000);
        group(&pace, 90).await;
        assert_eq!(pace.group_us(), 30_000);
        for _ in 0..50 {
            group(&pace, 90).await;
        }
        assert!((89_000..=90_000).contains(&pace.group_us()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_group_that_hangs_is_seen_before_it_ends() {
        let pace = Pace::new();
        group(&pace, 10).await;
        let begun = pace.begin();
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(pace.group_us(), 3_000_000);
        pace.end(begun);
        assert!(pace.group_us() < 1_000_000);
    }
}
