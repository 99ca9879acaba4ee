//! The loop around every tick: on time, one at a time, undeterred by errors.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use domain::{Error, Outage};
use futures::FutureExt;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// Calls `tick` every `period` until it is told to stop; a tick once begun is finished. Ticks
/// that were missed are skipped. After an error or a panic the next one waits longer and longer.
pub(crate) async fn every<Tick>(
    period: Duration,
    what: &'static str,
    stop: &CancellationToken,
    mut tick: impl FnMut() -> Tick,
) where
    Tick: Future<Output = Result<(), Error>>,
{
    let mut outage = Outage::of(what);
    let mut strikes = tokio::time::interval(period);
    strikes.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = strikes.tick() => {}
        }
        let ticked = AssertUnwindSafe(tick()).catch_unwind().await;
        match ticked.unwrap_or_else(|_| Err(Error::Part("it panicked".into()))) {
            Ok(()) => outage.worked(),
            Err(error) => {
                let wait = outage.failed(&error);
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(wait) => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::time::Instant;

    use super::*;

    const PERIOD: Duration = Duration::from_secs(1);

    /// Runs ticks that take and return what `plan` says, and tells when each began.
    async fn run(plan: Vec<(u64, Result<(), Error>)>) -> Vec<u64> {
        let (stop, began) = (CancellationToken::new(), Mutex::new(Vec::new()));
        let (start, plan) = (Instant::now(), Mutex::new(plan.into_iter()));
        every(PERIOD, "testing", &stop, || async {
            let (takes_ms, ends) = plan.lock().unwrap().next().unwrap();
            began.lock().unwrap().push(start.elapsed().as_millis());
            tokio::time::sleep(Duration::from_millis(takes_ms)).await;
            if plan.lock().unwrap().len() == 0 {
                stop.cancel();
            }
            ends
        })
        .await;
        let began = began.into_inner().unwrap();
        began
            .into_iter()
            .map(|ms| u64::try_from(ms).unwrap())
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn ticks_never_overlap_and_missed_ones_are_skipped() {
        let plan = [2_500, 0, 0].map(|takes_ms| (takes_ms, Ok(())));
        assert_eq!(run(plan.into()).await, [0, 2_500, 3_000]);
    }

    #[tokio::test(start_paused = true)]
    async fn failing_ticks_are_tried_again_ever_more_rarely() {
        let plan: Vec<_> = (0..12).map(|_| (0, Err(Error::Busy))).collect();
        let began = run(plan).await;
        let gaps: Vec<_> = began.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(
            gaps.is_sorted() && gaps[0] == 1_000 && gaps[10] == 5_000,
            "{gaps:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_tick_that_panics_is_tried_again() {
        let (stop, mut ticks) = (CancellationToken::new(), 0);
        every(PERIOD, "testing", &stop, || {
            ticks += 1;
            let (stop, ticks) = (stop.clone(), ticks);
            async move {
                assert!(ticks > 1, "on purpose");
                stop.cancel();
                Ok(())
            }
        })
        .await;
        assert_eq!(ticks, 2);
    }
}
