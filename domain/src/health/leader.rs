//! Whether a scheduler leads: its lease is renewed, whatever the clocks say of when it ends.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use tokio::time::Instant;

use super::{PATIENCE, Part};
use crate::context::Context;

/// The name of the lease that the scheduler has which leads.
pub const LEADER: &str = "scheduler";

/// A lease that is not renewed for so long has no holder. Twice as long as one usually lasts.
const LEADERLESS: Duration = Duration::from_secs(10);

/// A lease that is renewed ends later by more than this.
const RENEWED_BY: TimeDelta = TimeDelta::milliseconds(50);

/// What was seen of the lease.
#[derive(Debug, Default)]
pub(super) struct LeaderWatch(Mutex<Option<Seen>>);

#[derive(Debug, Clone, Copy)]
struct Seen {
    /// How long ago the lease ended; negative while it lasts.
    age: Option<TimeDelta>,
    at: Instant,
    /// When it was seen renewed, or first looked at.
    renewed_at: Instant,
}

impl LeaderWatch {
    /// Takes a look into account; tells for how long nobody has renewed the lease.
    fn seen(&self, age: Option<TimeDelta>) -> Duration {
        let at = Instant::now();
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let renewed_at = match *seen {
            Some(before) if !before.is_renewed(age, at) => before.renewed_at,
            Some(_) | None => at,
        };
        *seen = Some(Seen {
            age,
            at,
            renewed_at,
        });
        at - renewed_at
    }
}

impl Seen {
    fn is_renewed(&self, age: Option<TimeDelta>, at: Instant) -> bool {
        let passed = TimeDelta::from_std(at - self.at).unwrap_or(TimeDelta::MAX);
        match (self.age, age) {
            (Some(before), Some(age)) => age < before + passed - RENEWED_BY,
            (None, Some(_)) => true,
            (_, None) => false,
        }
    }
}

/// Looks whether a scheduler leads. A ledger that cannot be read tells nothing of it.
pub(super) async fn look(ctx: &Context) {
    let now = ctx.clock.now();
    let age = async { ctx.store.read().await?.lease_age(LEADER, now).await };
    let Ok(Ok(age)) = tokio::time::timeout(PATIENCE, age).await else {
        return;
    };
    let health = ctx.health();
    let since = health.leader.seen(age);
    let found = if since < LEADERLESS {
        Ok(())
    } else {
        let seconds = since.as_secs();
        Err((format!("its lease was not renewed for {seconds} s"), false))
    };
    health.seen(Part::Scheduler, found);
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOK: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn a_lease_that_is_renewed_has_a_holder_and_one_that_ends_some_day_has_none() {
        // In how many seconds the lease ends, at each look.
        for (what, ends_in_s, leaderless_s) in [
            ("renewed", [Some(4), Some(3), Some(4)], 0),
            ("ended", [Some(4), Some(-1), Some(-6)], 10),
            (
                "of a clock hours ahead",
                [Some(9_000), Some(8_995), Some(8_990)],
                10,
            ),
            ("taken over", [Some(-60), Some(-65), Some(5)], 0),
            ("given back", [Some(4), Some(-3), Some(-8)], 10),
            ("never taken", [None; 3], 10),
            ("taken at last", [None, None, Some(5)], 0),
        ] {
            let watch = LeaderWatch::default();
            let mut since = Duration::ZERO;
            for ends_in_s in ends_in_s {
                since = watch.seen(ends_in_s.map(|seconds: i64| TimeDelta::seconds(-seconds)));
                tokio::time::advance(LOOK).await;
            }
            assert_eq!(since.as_secs(), leaderless_s, "{what}");
        }
    }
}
