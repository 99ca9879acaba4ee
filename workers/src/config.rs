//! How many jobs at a time, on how many threads, for how long.

use std::time::Duration;

use domain::job::Queue;
use serde::{Deserialize, Serialize};

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
    /// Threads that draw. 0: as many as the machine has cores.
    pub render_threads: usize,
    /// Drawings that may wait for a thread before the next one is refused.
    pub renders_waiting_max: usize,
    /// How often an idle pool looks for jobs although nobody woke it.
    pub poll_interval_ms: u64,
    /// How long running jobs may take to finish when the process stops.
    pub grace_ms: u64,
}

/// What an operator may set about a pool whose jobs wait for a thread that draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrawingPoolConfig {
    /// Jobs held at a time for each thread that draws: drawing, waiting for the thread, or being
    /// written down. Few, so that an urgent job never waits behind many that were merely claimed.
    /// 0: this process leaves such jobs alone.
    pub jobs_per_thread: usize,
}

/// What an operator may set about a pool whose jobs need no thread of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolConfig {
    /// Jobs held at a time. 0: this process leaves such jobs alone.
    pub concurrency: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            prints: DrawingPoolConfig { jobs_per_thread: 4 },
            plans: DrawingPoolConfig { jobs_per_thread: 4 },
            system: PoolConfig { concurrency: 4_000 },
            render_threads: 0,
            renders_waiting_max: 1_000,
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

    pub(crate) fn concurrency(&self, queue: Queue) -> usize {
        match queue {
            Queue::Prints => self.prints.jobs_per_thread * self.threads(),
            Queue::Plans => self.plans.jobs_per_thread * self.threads(),
            Queue::System => self.system.concurrency,
        }
    }

    pub(crate) fn threads(&self) -> usize {
        if self.render_threads > 0 {
            return self.render_threads;
        }
        std::thread::available_parallelism().map_or(1, usize::from)
    }
}
