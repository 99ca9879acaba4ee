//! Jobs that go wrong: each is written down, and the others go on.

use std::time::Duration;

use chrono::TimeDelta;
use domain::job::{
    Kind, NewJob, Noop, Policy, Queue, RenderTicket, State, UNKNOWN_KEPT_FOR, WAIT_MAX,
};
use serde::{Deserialize, Serialize};
use workers::{Job, JobContext, JobResult, Registry, Success};

use super::Platform;

const IMPATIENT: Policy = Policy {
    timeout: Duration::from_millis(50),
    ..Policy::DEFAULT
};

#[derive(Serialize, Deserialize)]
struct Panicking {}

impl Kind for Panicking {
    const NAME: &'static str = "panicking";
    const QUEUE: Queue = Queue::System;
    const POLICY: Policy = Policy::DEFAULT;
}

impl Job for Panicking {
    async fn run(&self, ctx: &JobContext) -> JobResult {
        // After a wait, as most panics come.
        ctx.store.read().await?;
        panic!("on purpose")
    }
}

#[derive(Serialize, Deserialize)]
struct Endless {}

impl Kind for Endless {
    const NAME: &'static str = "endless";
    const QUEUE: Queue = Queue::System;
    const POLICY: Policy = IMPATIENT;
}

impl Job for Endless {
    async fn run(&self, _ctx: &JobContext) -> JobResult {
        std::future::pending::<()>().await;
        Ok(Success::nothing())
    }
}

/// Runs a job until it is a dead letter; what its attempts died of.
async fn run_to_death<J: Job>(platform: &Platform, job: &J) -> Vec<String> {
    let workers = platform.work_with(Registry::default().with::<J>());
    let job = platform.queue(platform.job(job)).await;
    let dead = platform.until(job, State::Discarded).await;
    platform.until_looked(Queue::System).await;
    workers.stop(super::GRACE).await;
    dead.errors.into_iter().map(|error| error.error).collect()
}

#[tokio::test]
async fn panicking_job_is_recorded_and_retried() {
    let errors = run_to_death(&Platform::new().await, &Panicking {}).await;
    assert_eq!(errors.len(), 5, "as often as the policy says");
    assert!(
        errors
            .iter()
            .all(|error| error.contains("panicked: on purpose")),
        "{errors:?}"
    );
}

#[tokio::test]
async fn job_that_outlives_its_timeout_is_retried() {
    let errors = run_to_death(&Platform::new().await, &Endless {}).await;
    assert_eq!(errors.len(), 5, "as often as the policy says");
    assert!(
        errors
            .iter()
            .all(|error| error.contains("longer than 50ms")),
        "{errors:?}"
    );
}

#[tokio::test]
async fn unknown_kind_is_left_to_another_version_of_this_program() {
    let platform = Platform::new().await;
    let workers = platform.work();
    let of_a_kind = |kind| NewJob {
        kind,
        ..platform.job(&Noop {})
    };
    let left = platform.queue(of_a_kind("unheard_of")).await;
    let left = platform.until(left, State::Scheduled).await;
    let wait = left.run_at - platform.ctx.clock.now();
    assert!(wait > TimeDelta::zero() && wait <= WAIT_MAX, "{wait}");
    assert_eq!((left.attempt, left.errors.len()), (0, 0));
    // After a week nobody knows it either.
    let mut old = of_a_kind("unheard_of");
    old.created_at -= UNKNOWN_KEPT_FOR + TimeDelta::hours(1);
    old.run_at = old.created_at;
    let dead = platform.queue(old).await;
    let dead = platform.until(dead, State::Discarded).await;
    let error = &dead.errors[0].error;
    assert!(error.contains("\"unheard_of\""), "{error}");
    platform.until_looked(Queue::System).await;
    workers.stop(super::GRACE).await;
}

#[tokio::test]
async fn payload_that_cannot_be_read_is_a_dead_letter() {
    let platform = Platform::new().await;
    let workers = platform.work();
    let job = NewJob {
        kind: RenderTicket::NAME,
        queue: Queue::Prints,
        ..platform.job(&Noop {})
    };
    let dead = platform.queue(job).await;
    let dead = platform.until(dead, State::Discarded).await;
    assert!(
        dead.errors[0].error.contains("ticket_id"),
        "{:?}",
        dead.errors
    );
    platform.until_looked(Queue::Prints).await;
    workers.stop(super::GRACE).await;
}
