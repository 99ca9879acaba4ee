//! How long jobs keep a place, learned from the runs of this process, or else of others.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Queue, info};

/// The mean of the last runs: after so many, an older run counts ever less.
const WINDOW: u32 = 128;

/// No run counts as more than this.
const RUN_MAX: Duration = Duration::from_hours(1);

/// No mean is less than this, so that nobody divides by nothing: 10 µs.
const MEAN_S_MIN: f64 = 1e-5;

/// What was learned from others counts as much as so many runs here, so that what is seen here soon
/// counts for more.
const OTHERS: u32 = 16;

/// What was learned of every kind that was run. One value for each kind, whatever is run.
#[derive(Debug, Default)]
pub struct ServiceTimes(Mutex<BTreeMap<(Queue, &'static str), Known>>);

/// What a job takes of a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ServiceTime {
    /// In seconds, from the claim to the written outcome, without the wait for a thread that
    /// draws: more places do not make that work any longer.
    pub seconds: f64,
    /// The runs that this was learned from, [`Self::seconds`] being an estimate without any.
    pub runs: u32,
}

/// What was learned of a kind, to be told to others.
#[derive(Debug, Clone, PartialEq)]
pub struct Learned {
    /// Name of the kind.
    pub kind: String,
    /// The pool that runs it.
    pub queue: Queue,
    /// The mean of its last runs, in seconds as in [`ServiceTime`].
    pub seconds: f64,
    /// How many these are.
    pub runs: u32,
}

/// What is known of a kind.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    mean: Mean,
    /// Whether it was run here.
    own: bool,
    /// Whether it was run here since others were told.
    news: bool,
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
        let mut kinds = self.lock();
        let known = kinds.entry((queue, kind)).or_default();
        known.mean.record(took.min(RUN_MAX).as_secs_f64());
        (known.own, known.news) = (true, true);
        known.mean.seconds
    }

    /// Takes over what others have learned of kinds that were not run here.
    pub fn believe(&self, learned: &[Learned]) {
        let mut kinds = self.lock();
        for one in learned {
            let Some(info) = info(&one.kind) else {
                continue;
            };
            let known = kinds.entry((one.queue, info.name)).or_default();
            if !known.own && one.runs > 0 && one.seconds.is_finite() {
                known.mean = Mean {
                    runs: one.runs.min(OTHERS),
                    seconds: one.seconds.clamp(0.0, RUN_MAX.as_secs_f64()),
                };
            }
        }
    }

    /// What was learned here of the domain's kinds since this was asked last.
    pub fn news(&self) -> Vec<Learned> {
        let mut news = Vec::new();
        for (&(queue, kind), known) in self.lock().iter_mut() {
            if std::mem::take(&mut known.news) && info(kind).is_some() {
                news.push(Learned {
                    kind: kind.to_owned(),
                    queue,
                    seconds: known.mean.seconds,
                    runs: known.mean.runs,
                });
            }
        }
        news
    }

    /// What a job of a queue takes: the mean of its kinds, each as often as it was run lately, and
    /// of one run as long as the estimate that there is before any.
    pub fn of(&self, queue: Queue) -> ServiceTime {
        let kinds = self.lock();
        let kinds = kinds.iter().filter(|((of, _), _)| *of == queue);
        let (mut runs, mut seconds) = (0, queue.usual_s());
        for (_, Known { mean, .. }) in kinds {
            runs += mean.runs;
            seconds += f64::from(mean.runs) * mean.seconds;
        }
        ServiceTime {
            seconds: (seconds / f64::from(runs + 1)).max(MEAN_S_MIN),
            runs,
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(Queue, &'static str), Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
    fn what_others_have_learned_counts_until_it_is_known_better() {
        let (worker, scheduler) = (ServiceTimes::default(), ServiceTimes::default());
        assert_eq!(worker.news(), []);
        for _ in 0..500 {
            worker.record(Queue::Prints, "render_ticket", ms(2));
        }
        let news = worker.news();
        assert_eq!(worker.news(), [], "they are told once");
        scheduler.believe(&news);
        let told = scheduler.of(Queue::Prints);
        assert_eq!(told.runs, OTHERS);
        assert!(told.seconds < 0.006, "{told:?}");
        assert_eq!(scheduler.news(), [], "it is none of its own");

        for _ in 0..500 {
            scheduler.record(Queue::Prints, "render_ticket", ms(20));
        }
        scheduler.believe(&news);
        let learned = scheduler.of(Queue::Prints).seconds;
        assert!((learned - 0.02).abs() < 0.001, "{learned}");
    }

    #[test]
    fn what_cannot_be_is_not_believed() {
        let times = ServiceTimes::default();
        let learned = |kind: &str, seconds, runs| Learned {
            kind: kind.into(),
            queue: Queue::System,
            seconds,
            runs,
        };
        times.believe(&[
            learned("unheard_of", 1.0, 9),
            learned("noop", f64::NAN, 9),
            learned("noop", 1.0, 0),
        ]);
        let usual = times.of(Queue::System);
        assert_eq!((usual.seconds, usual.runs), (0.005, 0));
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
