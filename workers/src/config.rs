//! How many jobs at a time, on how many threads, for how long.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::job::{self, KINDS, PoolLimits, Queue};
use serde::{Deserialize, Serialize};

/// Places of a pool at the very most; its inbox has room for so many jobs.
const PLACES_MAX: u32 = 100_000;

/// What an operator may set about the workers of one process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Tickets to render.
    pub prints: DrawingPoolConfig,
    /// Seating plans to render.
    pub plans: DrawingPoolConfig,
    /// Everything else.
    pub system: PoolConfig,
    /// The most jobs of a kind that are held at a time, by its name; others as many as there are
    /// places.
    pub kinds_max: BTreeMap<String, u32>,
    /// Threads that draw. 0: as many as the machine has cores.
    pub render_threads: usize,
    /// Drawings that may wait for a thread before the next one is refused, beside those of jobs.
    pub renders_waiting_max: usize,
    /// How often the size of the pools is looked at while there is more to do than they hold, and
    /// while they are larger than they need be.
    pub resize_interval_ms: u64,
    /// How long a pool needs less than it has before it shrinks.
    pub shrink_after_ms: u64,
    /// How often an idle pool looks for jobs although nobody woke it.
    pub poll_interval_ms: u64,
    /// How long running jobs may take to finish when the process stops.
    pub grace_ms: u64,
}

/// What an operator may set about a pool whose jobs wait for a thread that draws: its places for
/// each such thread. A place holds a job that is drawn, waits for the thread, or is written down.
/// Few, so that an urgent job never waits behind many that were merely claimed; enough that the
/// thread is not idle while the others are on their way from and to the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrawingPoolConfig {
    /// Places for each thread while there is little to do.
    pub min_per_thread: u32,
    /// Places for each thread at most. 0: this process leaves such jobs alone.
    pub max_per_thread: u32,
}

/// What an operator may set about a pool whose jobs need no thread of their own: its places, each
/// of which holds a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolConfig {
    /// Places while there is little to do.
    pub min: u32,
    /// Places at most. 0: this process leaves such jobs alone.
    pub max: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            prints: DrawingPoolConfig {
                min_per_thread: 4,
                max_per_thread: 8,
            },
            plans: DrawingPoolConfig {
                min_per_thread: 1,
                max_per_thread: 4,
            },
            system: PoolConfig {
                min: 64,
                max: 4_000,
            },
            kinds_max: BTreeMap::new(),
            render_threads: 0,
            renders_waiting_max: 1_000,
            resize_interval_ms: 500,
            shrink_after_ms: 30_000,
            poll_interval_ms: 1_000,
            grace_ms: 10_000,
        }
    }
}

impl Config {
    /// How long running jobs may take to finish when the process stops.
    pub fn grace(&self) -> Duration {
        Duration::from_millis(self.grace_ms)
    }

    pub(crate) fn poll_interval(&self) -> Duration {
        Duration::from_millis(self.poll_interval_ms.max(1))
    }

    pub(crate) fn resize_interval(&self) -> Duration {
        Duration::from_millis(self.resize_interval_ms.max(10))
    }

    /// How large a pool may be.
    pub(crate) fn limits(&self, queue: Queue) -> PoolLimits {
        let threads = u32::try_from(self.threads()).unwrap_or(u32::MAX);
        let (min, max) = match queue {
            Queue::Prints => self.prints.places(threads),
            Queue::Plans => self.plans.places(threads),
            Queue::System => (self.system.min, self.system.max),
        };
        let max = max.min(PLACES_MAX);
        PoolLimits {
            min: min.min(max),
            max,
            shrink_after: Duration::from_millis(self.shrink_after_ms),
        }
    }

    /// The most places that a pool may have.
    pub fn places_max(&self, queue: Queue) -> u32 {
        self.limits(queue).max
    }

    /// What only shows when several settings are looked at together, in words.
    pub fn check(&self) -> Result<(), String> {
        let drawing = |pool: DrawingPoolConfig| (pool.min_per_thread, pool.max_per_thread);
        for (pool, unit, (min, max)) in [
            ("prints", "_per_thread", drawing(self.prints)),
            ("plans", "_per_thread", drawing(self.plans)),
            ("system", "", (self.system.min, self.system.max)),
        ] {
            if min > max {
                return Err(format!(
                    "workers.{pool}: min{unit} = {min} is more than max{unit} = {max}; \
                     lower the first or raise the second"
                ));
            }
            if max > PLACES_MAX {
                return Err(format!(
                    "workers.{pool}: max{unit} = {max} is more than {PLACES_MAX}, beyond which \
                     jobs would be held that nobody runs"
                ));
            }
        }
        for (kind, &max) in &self.kinds_max {
            if job::info(kind).is_none() {
                let known: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
                return Err(format!(
                    "workers.kinds_max: there is no kind of job {kind:?}; there are {}",
                    known.join(", ")
                ));
            }
            if max == 0 {
                return Err(format!(
                    "workers.kinds_max: {kind} = 0 would leave such jobs waiting for ever; \
                     `ticketoverflow jobs pause` stops a queue"
                ));
            }
        }
        Ok(())
    }

    pub(crate) fn threads(&self) -> usize {
        if self.render_threads > 0 {
            return self.render_threads;
        }
        std::thread::available_parallelism().map_or(1, usize::from)
    }
}

impl DrawingPoolConfig {
    /// The least and the most places with so many threads.
    fn places(self, threads: u32) -> (u32, u32) {
        (
            self.min_per_thread.saturating_mul(threads),
            self.max_per_thread.saturating_mul(threads),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_that_is_larger_at_least_than_at_most_is_refused_by_name() {
        let mut config = Config::default();
        assert_eq!(config.check(), Ok(()));
        config.plans.min_per_thread = 5;
        let refused = config.check().unwrap_err();
        assert!(
            refused.contains("workers.plans: min_per_thread = 5"),
            "{refused}"
        );
        config.plans.min_per_thread = 0;
        config.system.max = PLACES_MAX + 1;
        let refused = config.check().unwrap_err();
        assert!(refused.contains("workers.system: max"), "{refused}");
    }

    #[test]
    fn a_limit_for_a_kind_names_one_that_there_is_and_lets_some_run() {
        for (kind, max, refused) in [
            ("render_plan", 1, None),
            ("render_plan", 0, Some("render_plan = 0")),
            ("unheard_of", 1, Some("render_ticket, ")),
        ] {
            let config = Config {
                kinds_max: [(kind.to_owned(), max)].into(),
                ..Config::default()
            };
            let error = config.check().err();
            assert_eq!(error.is_some(), refused.is_some(), "{kind} = {max}");
            assert!(
                error
                    .unwrap_or_default()
                    .contains(refused.unwrap_or_default())
            );
        }
    }

    #[test]
    fn drawing_pools_grow_with_the_threads() {
        let config = Config {
            render_threads: 3,
            ..Config::default()
        };
        let limits = config.limits(Queue::Prints);
        assert_eq!((limits.min, limits.max), (12, 24));
    }
}
