//! How often, how long and how far apart a job is tried.

use std::time::Duration;

use chrono::TimeDelta;

use crate::ids::{JobId, mix};

/// The longest that any job waits for its time. Who finds a longer wait knows that a clock was wrong
/// when it was written, and does not believe it.
pub const WAIT_MAX: TimeDelta = TimeDelta::minutes(1);

/// How often and how long a kind of job may try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Attempts before the job is given up; at least 1.
    pub attempts_max: u32,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// The waits between attempts.
    pub backoff: Backoff,
}

/// Waits that double from a first one up to a longest one, spread by half so that jobs that
/// failed together do not come back together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The wait after the first attempt.
    pub first: Duration,
    /// No wait is longer.
    pub longest: Duration,
}

impl Policy {
    /// Five attempts of up to half a minute.
    pub const DEFAULT: Self = Self {
        attempts_max: 5,
        timeout: Duration::from_secs(30),
        backoff: Backoff::DEFAULT,
    };
}

impl Backoff {
    /// About 0.2 s, 0.4 s, 0.8 s and so on, a minute at most.
    pub const DEFAULT: Self = Self {
        first: Duration::from_millis(200),
        longest: Duration::from_mins(1),
    };

    /// The wait after an attempt, counted from 1: `first × 2^(attempt − 1)`, at most `longest`,
    /// of which the upper half is chosen by the job's id. Repeatable for a job, spread over jobs.
    pub fn delay(&self, attempt: u32, job: JobId) -> TimeDelta {
        let doublings = attempt.saturating_sub(1).min(20);
        let full = self.first.saturating_mul(1 << doublings).min(self.longest);
        let half_ms = u64::try_from(full.as_millis() / 2).unwrap_or(u64::MAX);
        let spread = mix(job.0.as_u64_pair().1 ^ u64::from(attempt)) % (half_ms + 1);
        let ms = i64::try_from(half_ms.saturating_add(spread)).unwrap_or(i64::MAX);
        TimeDelta::try_milliseconds(ms).unwrap_or(TimeDelta::MAX)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn waits_double_stay_within_bounds_and_repeat_for_a_job() {
        for id in 0..100 {
            let job = JobId(Uuid::from_u128(id));
            for attempt in 1..40 {
                let wait = Backoff::DEFAULT.delay(attempt, job).to_std().unwrap();
                let full = Duration::from_millis(200)
                    .saturating_mul(1 << (attempt - 1).min(20))
                    .min(Duration::from_mins(1));
                assert!(
                    wait >= full / 2 && wait <= full,
                    "attempt {attempt}: {wait:?}"
                );
                assert_eq!(wait, Backoff::DEFAULT.delay(attempt, job).to_std().unwrap());
            }
        }
    }
}
