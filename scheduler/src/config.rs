//! How often the clock strikes, and how long things are kept.

use std::time::Duration;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// What an operator may set about the scheduler.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How often new seating plans are ordered for concerts that sold tickets.
    pub seating_interval_ms: u64,
    /// The share of one core that drawing them may take. When more concerts sell at once than
    /// that is enough for, those whose plans are oldest come first.
    pub seating_share: f64,
    /// The longest that a plan is put off for that.
    pub seating_wait_max_ms: u64,
    /// How often the jobs of lost workers are rescued.
    pub rescue_interval_ms: u64,
    /// How often seat counters are compared with the ledger. Sales may reach shared counters a
    /// second late: more often than that, counters are rebuilt in vain.
    pub reconcile_interval_ms: u64,
    /// How often the gauges of the queues are published.
    pub gauges_interval_ms: u64,
    /// How often the size of the ledger is published.
    pub sizes_interval_ms: u64,
    /// How often it is looked whether the ledger can be written and seats be taken.
    pub health_interval_ms: u64,
    /// How often finished jobs and old idempotency keys are deleted.
    pub prune_interval_ms: u64,
    /// How long finished jobs are kept.
    pub finished_jobs_kept_hours: u32,
    /// How long another scheduler waits for this one after it was last heard of.
    pub leader_lease_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seating_interval_ms: 1_000,
            seating_share: 0.25,
            seating_wait_max_ms: 30_000,
            rescue_interval_ms: 1_000,
            reconcile_interval_ms: 2_000,
            gauges_interval_ms: 2_000,
            sizes_interval_ms: 10_000,
            health_interval_ms: 5_000,
            prune_interval_ms: 60_000,
            finished_jobs_kept_hours: 24,
            leader_lease_ms: 5_000,
        }
    }
}

impl Config {
    pub(crate) fn finished_jobs_kept(&self) -> TimeDelta {
        TimeDelta::hours(i64::from(self.finished_jobs_kept_hours))
    }

    pub(crate) fn seating_wait_max(&self) -> Duration {
        /// The contract's three minutes, less the time to draw.
        const MOST: Duration = Duration::from_mins(2);
        Duration::from_millis(self.seating_wait_max_ms).min(MOST)
    }

    pub(crate) fn leader_lease(&self) -> TimeDelta {
        let ms = i64::try_from(self.leader_lease_ms.max(300)).unwrap_or(i64::MAX);
        TimeDelta::try_milliseconds(ms).unwrap_or(TimeDelta::MAX)
    }
}

/// The time between two strikes; no clock of ours strikes more often than every 10 ms.
pub(crate) fn period(interval_ms: u64) -> Duration {
    Duration::from_millis(interval_ms.max(10))
}
