//! What the scheduler sets going.

use domain::job::{CANCELLED, Kind, NewJob, Noop, Queue, RenderTicket, State};
use domain::jobs::{self, Cancelled};
use domain::ticket::PrintStatus;
use domain::{Context, Limits, Parts, WorkerId, tickets};
use scheduler::{Config, Duties, Scheduler};
use tests::eventually;

use super::{GRACE, Platform};

/// Every clock strikes as often as it may.
const ALL: Duties = Duties {
    leads: true,
    reconciles: true,
};

fn restless() -> Config {
    Config {
        seating_interval_ms: 10,
        rescue_interval_ms: 10,
        reconcile_interval_ms: 10,
        gauges_interval_ms: 10,
        prune_interval_ms: 10,
        ..Config::default()
    }
}

fn start(platform: &Platform, config: &Config) -> Scheduler {
    Scheduler::start(
        &platform.ctx,
        config,
        WorkerId(platform.ctx.ids.next()),
        ALL,
    )
}

#[tokio::test]
async fn sale_is_followed_by_a_seating_plan_that_shows_it() {
    let platform = Platform::new().await;
    let workers = platform.work();
    let scheduler = start(&platform, &restless());
    let concert = platform.concert().await;
    for sold in 1..=3 {
        platform.ticket(concert).await;
        eventually("a plan shows the sale", || async {
            let plan = platform.plan(concert).await;
            (plan.sold == sold).then_some(())
        })
        .await;
    }
    scheduler.stop().await;
    workers.stop(GRACE).await;
}

#[tokio::test]
async fn job_of_a_dead_worker_runs_elsewhere_and_has_lost_no_attempt() {
    let platform = Platform::new().await;
    let first = platform.work();
    let (ticket, job) = platform.hold_up_a_print().await;
    drop(first);

    platform.gate.open();
    let second = platform.work();
    let scheduler = start(&platform, &restless());
    platform.until_printed(ticket).await;
    let job = platform.until(job, State::Completed).await;
    assert_eq!(job.attempt, 1);
    // More than once, if the second worker was held up for longer than its claims last.
    let mut errors = job.errors.iter();
    assert!(
        !job.errors.is_empty() && errors.all(|one| one.error.contains("the worker died")),
        "{:?}",
        job.errors
    );
    scheduler.stop().await;
    second.stop(GRACE).await;
}

#[tokio::test]
async fn cancelled_job_of_a_dead_worker_does_not_run_again() {
    let platform = Platform::new().await;
    let first = platform.work();
    let (ticket, job) = platform.hold_up_a_print().await;
    drop(first);
    assert_eq!(
        jobs::cancel(&platform.ctx, job).await.unwrap(),
        Cancelled::Asked
    );

    platform.gate.open();
    let second = platform.work();
    let scheduler = start(&platform, &restless());
    let job = platform.until(job, State::Cancelled).await;
    assert_eq!(job.errors.last().unwrap().error, CANCELLED);
    let ticket = tickets::find(&platform.ctx, ticket).await.unwrap();
    assert_eq!(ticket.print_status(), PrintStatus::Error);
    scheduler.stop().await;
    second.stop(GRACE).await;
}

#[tokio::test]
async fn finished_jobs_are_deleted_and_dead_letters_stay() {
    let platform = Platform::new().await;
    let workers = platform.work();
    let done = platform.queue(platform.job(&Noop {})).await;
    let unreadable = NewJob {
        kind: RenderTicket::NAME,
        ..platform.job(&Noop {})
    };
    let dead = platform.queue(unreadable).await;
    platform.until(done, State::Completed).await;
    platform.until(dead, State::Discarded).await;

    let config = Config {
        finished_jobs_kept_hours: 0,
        ..restless()
    };
    let scheduler = start(&platform, &config);
    eventually("the job is deleted", || async {
        domain::jobs::find(&platform.ctx, done)
            .await
            .is_err()
            .then_some(())
    })
    .await;
    scheduler.stop().await;
    assert_eq!(platform.find(dead).await.state, State::Discarded);
    workers.stop(GRACE).await;
}

#[tokio::test]
async fn second_scheduler_takes_over_when_the_first_one_stops() {
    let platform = Platform::new().await;
    let ctx = &platform.ctx;
    // Whether somebody could take the lease. Never committed: only a question.
    let could_lead = |holder: WorkerId| async move {
        let now = ctx.clock.now();
        let mut tx = ctx.store.begin().await.unwrap();
        tx.take_lease("scheduler", holder, now, now).await.unwrap()
    };
    let [first, second, other] = [(); 3].map(|()| WorkerId(ctx.ids.next()));
    // A lease that would not run out before the test does.
    let config = Config {
        leader_lease_ms: 3_600_000,
        ..restless()
    };
    let first_one = Scheduler::start(ctx, &config, first, ALL);
    let taken = || async { (!could_lead(other).await).then_some(()) };
    eventually("the first one leads", taken).await;
    let second_one = Scheduler::start(ctx, &config, second, ALL);
    assert!(!could_lead(second).await && could_lead(first).await);

    first_one.stop().await;
    platform.ticket(platform.concert().await).await;
    eventually("the second one orders the plan", || async {
        let marked = ctx
            .store
            .read()
            .await
            .unwrap()
            .list_marked(1)
            .await
            .unwrap();
        marked.is_empty().then_some(())
    })
    .await;
    assert!(could_lead(second).await && !could_lead(other).await);
    second_one.stop().await;
}

#[tokio::test]
async fn what_was_learned_of_jobs_outlives_those_who_ran_them() {
    let platform = Platform::new().await;
    let ctx = &platform.ctx;
    let workers = platform.work();
    let job = platform.queue(platform.job(&Noop {})).await;
    platform.until(job, State::Completed).await;
    let told = || async {
        let mut view = ctx.store.read().await.unwrap();
        let told = view.list_service_times().await.unwrap();
        told.iter().any(|one| one.kind == Noop::NAME).then_some(())
    };
    workers.stop(GRACE).await;
    eventually("the others are told", told).await;

    // Another process on the same ledger, such as a scheduler that runs no jobs.
    let parts = Parts::clone(ctx);
    let other = Context::start(parts, Limits::default()).expect("a thread more");
    let runs = || other.service_times().of(Queue::System).runs;
    assert_eq!(runs(), 0);
    jobs::learn_from_others(&other).await.unwrap();
    assert!(runs() > 0);
}
