//! Orders new seating plans for concerts that sold tickets since the last one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::job::{Queue, ServiceTime};
use domain::ports::BATCH_MAX;
use domain::{ConcertId, Context, Error, plans};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// What a plan takes before any was drawn here, in seconds: about what a large hall does.
const USUAL_S: f64 = 0.01;
/// What is earned in the time that no plan was ordered is saved up for so long, or for two ticks:
/// what a thousand concerts sell at once is not drawn at once, nor who leads anew orders it all.
const SAVED_MIN: Duration = Duration::from_secs(1);

/// How many plans are ordered, and how old they have become.
#[derive(Debug)]
pub(crate) struct Seating {
    /// The share of one core that drawing plans may take.
    share: f64,
    /// The longest time that a plan is put off.
    wait_max: Duration,
    /// The longest time of which the earnings are kept.
    saved_max: Duration,
    budget: Mutex<Budget>,
    /// The age in seconds of the oldest mark that the last tick found.
    oldest_mark: AtomicU64,
}

/// What may be drawn.
#[derive(Debug)]
struct Budget {
    /// Seconds of drawing. Below zero while the last plan is not paid for.
    seconds: f64,
    /// When it was looked at last.
    at: Instant,
}

impl Seating {
    /// Plans that are looked at every `period`.
    pub(crate) fn new(share: f64, wait_max: Duration, period: Duration) -> Self {
        let saved_max = SAVED_MIN.max(2 * period);
        Self {
            share,
            wait_max,
            saved_max,
            budget: Mutex::new(Budget {
                seconds: share * saved_max.as_secs_f64(),
                at: Instant::now(),
            }),
            oldest_mark: AtomicU64::default(),
        }
    }

    /// The age in seconds of the oldest mark that the last tick found.
    pub(crate) fn oldest_mark_s(&self) -> f64 {
        f64::from_bits(self.oldest_mark.load(Ordering::Relaxed))
    }

    /// Takes marks away, the oldest ones first, as many as drawing may take its share of the
    /// processor's time: when very many concerts sell at once, their plans get older rather than
    /// their buyers slower.
    pub(crate) async fn tick(&self, ctx: &Context) -> Result<(), Error> {
        let mut budget = self.budget.lock().await;
        let mut passed = budget.earn(self.share, self.saved_max);
        let mut marked = plans::marked(ctx).await?;
        let oldest_s = marked.first().map_or(0.0, |&(_, age_s)| age_s);
        self.oldest_mark
            .store(oldest_s.to_bits(), Ordering::Relaxed);
        loop {
            let one_s = seconds(ctx.service_times().of(Queue::Plans));
            let quota = self.quota(&marked, budget.seconds, one_s, passed);
            let concerts: Vec<_> = marked[..quota].iter().map(|&(id, _)| id).collect();
            if concerts.is_empty() {
                return Ok(());
            }
            plans::order(ctx, &concerts).await?;
            budget.spend(quota, one_s);
            passed = Duration::ZERO;
            // There may be more behind a whole batch that could not be put off.
            if quota < BATCH_MAX {
                return Ok(());
            }
            marked = plans::marked(ctx).await?;
        }
    }

    /// How many of the marked concerts have their plan ordered, `passed` after the last look: what
    /// is earned, or more where some would be put off for too long.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "numbers of concerts, a batch at most"
    )]
    fn quota(
        &self,
        marked: &[(ConcertId, f64)],
        earned_s: f64,
        one_s: f64,
        passed: Duration,
    ) -> usize {
        let paid = (earned_s / one_s).ceil().max(0.0) as usize;
        let wait_max_s = self.wait_max.as_secs_f64();
        // All of them within the longest wait, evenly.
        let even = (marked.len() as f64 * passed.as_secs_f64() / wait_max_s) as usize;
        let overdue = marked.partition_point(|&(_, age_s)| age_s >= wait_max_s);
        paid.max(even).max(overdue).min(marked.len())
    }
}

impl Budget {
    /// Earns a share of the time since it was looked at last, `saved_max` of it at most, which is
    /// returned.
    fn earn(&mut self, share: f64, saved_max: Duration) -> Duration {
        let passed = self.at.elapsed().min(saved_max);
        self.at = Instant::now();
        let most = share * saved_max.as_secs_f64();
        self.seconds = (self.seconds + share * passed.as_secs_f64()).min(most);
        passed
    }

    /// Pays for so many plans. The last one may cost more than is left, which is paid before the
    /// next one; what could not be put off is no debt, or one sale after a rush would wait for it.
    fn spend(&mut self, plans: usize, one_s: f64) {
        #[expect(clippy::cast_precision_loss, reason = "a number of concerts")]
        let plans = plans as f64;
        if self.seconds > 0.0 {
            self.seconds = (self.seconds - plans * one_s).max(-one_s);
        }
    }
}

/// What one plan takes.
fn seconds(one: ServiceTime) -> f64 {
    if one.runs == 0 { USUAL_S } else { one.seconds }
}

#[cfg(test)]
mod tests {
    use domain::ids::{IdSource, SeededIds};

    use super::*;

    const TICK: Duration = Duration::from_secs(1);

    fn seating(share: f64) -> Seating {
        Seating::new(share, Duration::from_secs(30), TICK)
    }

    fn marked(concerts: usize, age_s: f64) -> Vec<(ConcertId, f64)> {
        let ids = SeededIds::new(3);
        (0..concerts)
            .map(|_| (ConcertId(ids.next()), age_s))
            .collect()
    }

    /// What is ordered in each of some ticks while so many concerts sell all the time.
    async fn course(share: f64, concerts: usize, one_s: f64, ticks: usize) -> Vec<usize> {
        let seating = seating(share);
        let mut budget = seating.budget.lock().await;
        let mut ordered = Vec::new();
        for _ in 0..ticks {
            let passed = budget.earn(share, seating.saved_max);
            let quota = seating.quota(&marked(concerts, 1.0), budget.seconds, one_s, passed);
            budget.spend(quota, one_s);
            ordered.push(quota);
            tokio::time::advance(TICK).await;
        }
        ordered
    }

    #[tokio::test(start_paused = true)]
    async fn plans_take_their_share_of_a_core_and_no_more() {
        assert_eq!(course(0.25, 20, 0.01, 3).await, [20, 20, 20]);
        // What was saved up first.
        assert_eq!(course(0.25, 1_000, 0.005, 3).await, [100, 50, 50]);
        // One that costs more than is earned in a tick is paid for afterwards.
        assert_eq!(course(0.25, 9, 1.0, 9).await, [1, 0, 0, 1, 0, 0, 0, 1, 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn no_plan_waits_for_ever() {
        assert_eq!(course(0.25, 1_000, 9.0, 3).await, [1, 33, 33], "evenly");
        assert_eq!(course(0.0, 60, 0.01, 3).await, [0, 2, 2]);
        let seating = seating(0.0);
        let overdue = [marked(3, 30.0), marked(9, 29.0)].concat();
        assert_eq!(seating.quota(&overdue, -9.0, 0.01, TICK), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_plan_that_was_never_drawn_is_estimated() {
        let none = ServiceTime {
            seconds: 0.0,
            runs: 0,
        };
        assert!((seconds(none) - USUAL_S).abs() < f64::EPSILON);
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_rest_is_not_made_up_for() {
        let seating = seating(0.25);
        tokio::time::advance(Duration::from_hours(1)).await;
        let mut budget = seating.budget.lock().await;
        let passed = budget.earn(0.25, seating.saved_max);
        let quota = seating.quota(&marked(1_000, 1.0), budget.seconds, 0.005, passed);
        assert_eq!(quota, 100);
    }

    #[tokio::test(start_paused = true)]
    async fn a_single_sale_after_a_rush_is_drawn_at_the_next_tick_but_one() {
        let seating = seating(0.25);
        let mut budget = seating.budget.lock().await;
        budget.spend(1_000, 0.1);
        for _ in 0..2 {
            tokio::time::advance(TICK).await;
            budget.earn(0.25, seating.saved_max);
        }
        assert_eq!(seating.quota(&marked(1, 1.0), budget.seconds, 0.1, TICK), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn rare_ticks_earn_the_whole_share() {
        let period = 5 * TICK;
        let seating = Seating::new(0.25, Duration::from_secs(30), period);
        let mut budget = seating.budget.lock().await;
        budget.spend(1_000, 0.005);
        tokio::time::advance(period).await;
        budget.earn(0.25, seating.saved_max);
        assert!(budget.seconds > 1.2, "{}", budget.seconds);
    }
}
