//! Orders a new seating plan for every concert that sold tickets since the last one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::job::{Queue, ServiceTime};
use domain::{Context, Error, plans};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// What a plan takes before any was drawn here, in seconds: about what a large hall does.
const USUAL_S: f64 = 0.01;

/// When plans were ordered, and how old they have become.
#[derive(Debug)]
pub(crate) struct Seating {
    /// The share of one core that drawing plans may take.
    share: f64,
    /// The longest time between two orders.
    wait_max: Duration,
    /// Nothing is ordered before.
    next_at: Mutex<Instant>,
    /// The age in seconds of the oldest mark that the last tick found.
    oldest_mark: AtomicU64,
}

impl Seating {
    pub(crate) fn new(share: f64, wait_max: Duration) -> Self {
        Self {
            share,
            wait_max,
            next_at: Mutex::new(Instant::now()),
            oldest_mark: AtomicU64::default(),
        }
    }

    /// The age in seconds of the oldest mark that the last tick found.
    pub(crate) fn oldest_mark_s(&self) -> f64 {
        f64::from_bits(self.oldest_mark.load(Ordering::Relaxed))
    }

    /// Takes marks away, a batch at a time, until none is left. Nothing before the plans that
    /// were ordered last have had their share of the processor's time: when very many concerts
    /// sell at once, their plans get older rather than their buyers slower.
    pub(crate) async fn tick(&self, ctx: &Context) -> Result<(), Error> {
        let mut next_at = self.next_at.lock().await;
        if Instant::now() < *next_at {
            let oldest_s = plans::oldest_mark(ctx).await?.unwrap_or(0.0);
            self.note(oldest_s);
            return Ok(());
        }
        let (mut seconds, mut ordered) = (0_f64, 0);
        loop {
            let (concerts, oldest_s) = plans::tick(ctx).await?;
            seconds = seconds.max(oldest_s);
            ordered += concerts;
            self.note(seconds);
            if concerts == 0 {
                let one = ctx.service_times().of(Queue::Plans);
                *next_at = Instant::now() + self.wait(ordered, one);
                return Ok(());
            }
        }
    }

    fn note(&self, oldest_s: f64) {
        self.oldest_mark
            .store(oldest_s.to_bits(), Ordering::Relaxed);
    }

    /// How long so many plans are drawn at the share that they may take.
    fn wait(&self, plans: usize, one: ServiceTime) -> Duration {
        let one_s = if one.runs == 0 { USUAL_S } else { one.seconds };
        #[expect(clippy::cast_precision_loss, reason = "a number of concerts")]
        let work_s = plans as f64 * one_s;
        // More than a Duration holds, or no share at all, is as long as may be.
        Duration::try_from_secs_f64(work_s / self.share)
            .unwrap_or(self.wait_max)
            .min(self.wait_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: Duration = Duration::from_secs(30);

    fn wait(share: f64, plans: usize, seconds: f64, runs: u32) -> Duration {
        Seating::new(share, MAX).wait(plans, ServiceTime { seconds, runs })
    }

    #[tokio::test]
    async fn plans_take_their_share_of_a_core_and_no_more() {
        assert_eq!(wait(0.25, 1, 0.005, 9), Duration::from_millis(20));
        assert_eq!(wait(0.25, 1_000, 0.005, 9), Duration::from_secs(20));
        assert_eq!(
            wait(0.25, 24, 0.2, 0),
            Duration::from_millis(960),
            "an estimate"
        );
    }

    #[tokio::test]
    async fn no_plan_waits_for_ever() {
        assert_eq!(wait(0.25, 1_000_000, 1.0, 9), MAX);
        assert_eq!(wait(0.0, 1, 0.01, 9), MAX);
        assert_eq!(wait(0.0, 0, 0.01, 9), MAX);
    }
}
