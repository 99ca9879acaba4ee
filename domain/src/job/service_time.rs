//! How long jobs keep a place, learned from the runs of this process.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Queue;

/// The mean of the last runs: after so many, an older run counts ever less.
const WINDOW: u32 = 128;

/// No run counts as more than this.
const RUN_MAX: Duration = Duration::from_hours(1);

/// No mean is less than this, so that nobody divides by nothing: 10 µs.
const MEAN_S_MIN: f64 = 1e-5;

/// What was learned of every kind that was run. One value for each kind, whatever is run.
#[derive(Debug, Default)]
pub struct ServiceTimes(Mutex<BTreeMap<(Queue, &'static str), Mean>>);

/// What a job takes of a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ServiceTime {
    /// In seconds, from the claim to the written outcome, without the wait for a thread that
    /// draws: more places do not make that work any longer.
    pub seconds: f64,
    /// The runs that this was learned from, [`Self::seconds`] being an estimate without any.
    pub runs: u32,
}

/// A mean over about [`WINDOW`] values.
#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    runs: u32,
    seconds: f64,
}

impl Mean {
    fn record(&mut self, seconds: f64) {
        self.runs = (self.runs + 1).min(WINDOW);
        self.seconds += (seconds - self.seconds) / f64::from(self.runs);
    }
}

impl ServiceTimes {
    /// Learns from a run that ended. Returns the kind's mean in seconds.
    pub fn record(&self, queue: Queue, kind: &'static str, took: Duration) -> f64 {
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mean = kinds.entry((queue, kind)).or_default();
        mean.record(took.min(RUN_MAX).as_secs_f64());
        mean.seconds
    }

    /// What a job of a queue takes: the mean of its kinds, each as often as it was run lately, and
    /// of one run as long as the estimate that there is before any.
    pub fn of(&self, queue: Queue) -> ServiceTime {
        let kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kinds = kinds.iter().filter(|((of, _), _)| *of == queue);
        let (mut runs, mut seconds) = (0, queue.usual_s());
        for (_, mean) in kinds {
            runs += mean.runs;
            seconds += f64::from(mean.runs) * mean.seconds;
        }
        ServiceTime {
            seconds: (seconds / f64::from(runs + 1)).max(MEAN_S_MIN),
            runs,
        }
    }
}

impl Queue {
    /// What a job takes of a place before any was run, in seconds. On the high side.
    fn usual_s(self) -> f64 {
        match self {
            Self::Prints => 0.05,
            Self::Plans => 0.2,
            Self::System => 0.005,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn an_estimate_gives_way_to_what_is_seen() {
        let times = ServiceTimes::default();
        let before = times.of(Queue::Prints);
        assert_eq!((before.seconds, before.runs), (0.05, 0));
        for _ in 0..200 {
            times.record(Queue::Prints, "a", ms(10));
        }
        let after = times.of(Queue::Prints);
        assert!((after.seconds - 0.01).abs() < 0.001, "{after:?}");
        assert_eq!(after.runs, WINDOW);
        assert_eq!(times.of(Queue::Plans).runs, 0, "of another queue");
    }

    #[test]
    fn what_was_long_ago_is_forgotten_and_an_outlier_is_bounded() {
        let times = ServiceTimes::default();
        times.record(Queue::System, "a", Duration::MAX);
        assert!(times.of(Queue::System).seconds <= 3_600.0);
        for _ in 0..20 * WINDOW {
            times.record(Queue::System, "a", ms(1));
        }
        let learned = times.of(Queue::System).seconds;
        assert!(learned < 0.002, "{learned}");
    }

    #[test]
    fn kinds_count_as_often_as_they_run() {
        let times = ServiceTimes::default();
        for _ in 0..30 {
            times.record(Queue::System, "quick", ms(1));
        }
        for _ in 0..10 {
            times.record(Queue::System, "slow", ms(41));
        }
        let learned = times.of(Queue::System).seconds;
        assert!((learned - 0.011).abs() < 0.001, "{learned}");
    }
}
