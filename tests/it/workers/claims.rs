//! Who runs a job, since when, and until when.

use std::time::Duration;

use chrono::TimeDelta;
use domain::job::{Noop, Outcome, Queue, RenderPlan, State};
use domain::jobs::{self, LEASE_BELIEVED, Settled};
use domain::prints::Effect;

use super::gate::{Drawing, Ended};
use super::{GRACE, NO_GRACE, Platform};

#[tokio::test]
async fn idle_worker_starts_a_job_without_waiting_for_the_poll() {
    let platform = Platform::new().await;
    let workers = platform.work();
    for _ in 0..3 {
        let job = platform.queue(platform.job(&Noop {})).await;
        platform.until(job, State::Completed).await;
        // Until after the last look of a claimer that goes to sleep.
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    workers.stop(GRACE).await;
}

#[tokio::test]
async fn idle_worker_starts_a_scheduled_job_when_its_time_has_come() {
    let platform = Platform::new().await;
    let workers = platform.work();
    let mut job = platform.job(&Noop {});
    job.run_at += TimeDelta::milliseconds(300);
    let run_at = job.run_at;
    let job = platform.queue(job).await;
    let done = platform.until(job, State::Completed).await;
    assert!(done.finished_at.unwrap() >= run_at);
    workers.stop(GRACE).await;
}

/// The runtime of a test has one thread. It stands for those that serve the crowd: while it is kept
/// busy, no transaction may wait for it.
#[tokio::test]
async fn job_is_claimed_while_the_crowd_keeps_every_thread_busy() {
    let platform = Platform::new().await;
    let workers = platform.work();
    let first = platform.queue(platform.job(&Noop {})).await;
    platform.until(first, State::Completed).await;
    // Until after the last look of a claimer that goes to sleep.
    tokio::time::sleep(Duration::from_millis(200)).await;

    let job = platform.queue(platform.job(&Noop {})).await;
    std::thread::scope(|scope| {
        let claimed = platform.until(job, State::Running);
        let looking = scope.spawn(|| platform.ctx.writer().block_on(claimed));
        looking.join().unwrap();
    });
    platform.until(job, State::Completed).await;
    workers.stop(GRACE).await;
}

#[tokio::test]
async fn stopped_worker_hands_its_jobs_back_without_burning_an_attempt() {
    let platform = Platform::new().await;
    let workers = platform.work();
    let (ticket, job) = platform.hold_up_a_print().await;
    workers.stop(NO_GRACE).await;

    let back = platform.find(job).await;
    assert_eq!((back.state, back.attempt), (State::Available, 0));
    assert_eq!((back.errors, back.claimed_by), (vec![], None));

    platform.gate.open();
    let workers = platform.work();
    platform.until_printed(ticket).await;
    assert_eq!(platform.until(job, State::Completed).await.attempt, 1);
    workers.stop(GRACE).await;
}

#[tokio::test]
async fn stopping_worker_lets_running_jobs_finish_and_begins_no_other() {
    let platform = Platform::new().await;
    let workers = platform.work();
    let (_, job) = platform.hold_up_a_print().await;
    let (later, ()) = tokio::join!(
        async {
            let later = platform.queue(platform.job(&Noop {})).await;
            platform.gate.open();
            later
        },
        workers.stop(GRACE),
    );
    assert_eq!(platform.find(job).await.state, State::Completed);
    assert_eq!(platform.find(later).await.state, State::Available);
}

#[tokio::test]
async fn lost_claim_cancels_the_running_job() {
    let platform = Platform::new().await;
    let ctx = &platform.ctx;
    let workers = platform.work();
    let (_, job) = platform.hold_up_a_print().await;

    // As if this worker had not been heard of for an hour.
    let in_an_hour = ctx.clock.now() + TimeDelta::hours(1);
    let expired = ctx
        .store
        .read()
        .await
        .unwrap()
        .list_expired(in_an_hour, LEASE_BELIEVED, 9)
        .await
        .unwrap();
    let [claimed] = expired.as_slice() else {
        panic!("one job runs: {expired:?}");
    };
    let rescued = jobs::settle(ctx, claimed, Outcome::Lost, Effect::None)
        .await
        .unwrap();
    assert_eq!(rescued, Settled::Done);

    ctx.wakeups.wake(Queue::Prints);

    platform
        .gate
        .until("the drawings are dropped", 2, |one| {
            one.ended == Ended::Dropped
        })
        .await;
    platform.gate.open();
    let job = platform.until(job, State::Completed).await;
    assert_eq!(
        (job.attempt, job.errors.len()),
        (1, 1),
        "the rescue is on record and is not charged"
    );
    workers.stop(GRACE).await;
}

#[tokio::test]
async fn claims_are_renewed_for_as_long_as_their_jobs_run() {
    let platform = Platform::new().await;
    let ctx = &platform.ctx;
    let workers = platform.work();
    let (ticket, job) = platform.hold_up_a_print().await;
    let lease_ends = ctx.clock.now() + jobs::LEASE;
    // Without a renewal it is among those whose lease has ended by then.
    tests::eventually("the claim is renewed", || async {
        let expired = ctx
            .store
            .read()
            .await
            .unwrap()
            .list_expired(lease_ends, LEASE_BELIEVED, 9)
            .await;
        expired.unwrap().is_empty().then_some(())
    })
    .await;
    platform.gate.open();
    platform.until_printed(ticket).await;
    assert_eq!(platform.until(job, State::Completed).await.attempt, 1);
    workers.stop(GRACE).await;
}

#[tokio::test]
async fn two_plan_jobs_of_one_concert_never_run_at_once() {
    let platform = Platform::new().await;
    platform.gate.close();
    let workers = platform.work();
    let concert_id = platform.concert().await;
    let of_it = |drawing: &Drawing| drawing.concert == concert_id;
    platform
        .gate
        .until("the first plan is drawn", 1, of_it)
        .await;

    let second = platform
        .queue(platform.job(&RenderPlan { concert_id }))
        .await;
    platform.until_looked(Queue::Plans).await;
    assert_eq!(platform.find(second).await.state, State::Available);
    assert_eq!(platform.gate.drawings().len(), 1);

    platform.gate.open();
    platform.until(second, State::Completed).await;
    assert_eq!(
        platform
            .gate
            .drawings()
            .iter()
            .filter(|drawing| of_it(drawing))
            .count(),
        2
    );
    workers.stop(GRACE).await;
}
