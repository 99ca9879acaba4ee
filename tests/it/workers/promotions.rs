//! Jobs that come due by the thousand, as after a long pause: a batch of them becomes available at
//! a time, and no urgent one is behind the others for that.

use chrono::TimeDelta;
use domain::job::{Kind, Lane, NewJob, Noop, Policy, Queue, State};
use domain::jobs;
use domain::ports::BATCH_MAX;
use serde::{Deserialize, Serialize};
use tests::eventually;
use tokio::sync::Semaphore;
use workers::{Config, Job, JobContext, JobResult, PoolConfig, Registry, Success};

use super::{GRACE, Platform, config};

/// More than two batches.
const MANY: usize = 2 * BATCH_MAX + 1;

/// Keeps its place until it is let go.
#[derive(Serialize, Deserialize)]
struct Steady {}

static LET_GO: Semaphore = Semaphore::const_new(0);

impl Kind for Steady {
    const NAME: &'static str = "steady";
    const QUEUE: Queue = Queue::System;
    const POLICY: Policy = Policy::DEFAULT;
}

impl Job for Steady {
    async fn run(&self, _ctx: &JobContext) -> JobResult {
        LET_GO.acquire().await.unwrap().forget();
        Ok(Success::nothing())
    }
}

impl Platform {
    /// A job that came due so many minutes ago.
    fn overdue(&self, minutes: i64) -> NewJob {
        let job = self.job(&Noop {});
        NewJob {
            created_at: job.created_at - TimeDelta::hours(2),
            run_at: job.run_at - TimeDelta::minutes(minutes),
            ..job
        }
    }

    /// Writes [`MANY`] jobs of the lowest lane that came due an hour ago.
    async fn insert_many(&self) {
        let due_at = self.ctx.clock.now() + TimeDelta::hours(1_000);
        let later = || NewJob {
            due_at,
            ..self.overdue(60)
        };
        let jobs: Vec<_> = (0..MANY).map(|_| later()).collect();
        for some in jobs.chunks(BATCH_MAX) {
            let mut tx = self.ctx.store.begin().await.unwrap();
            tx.insert_jobs(some).await.unwrap();
            tx.commit().await.unwrap();
        }
    }

    async fn scheduled(&self) -> u64 {
        let mut view = self.ctx.store.read().await.unwrap();
        let depths = view.count_jobs(self.ctx.clock.now()).await.unwrap();
        let scheduled = depths.iter().filter(|one| one.state == State::Scheduled);
        scheduled.map(|one| one.jobs).sum()
    }
}

/// Nothing of the first batches can be claimed, so nothing else would bring the last one up.
#[tokio::test]
async fn urgent_job_that_came_due_last_runs_though_what_came_due_before_is_paused() {
    let platform = Platform::new().await;
    let ctx = &platform.ctx;
    jobs::set_paused(ctx, Queue::System, Some(Lane::Later), true)
        .await
        .unwrap();
    platform.insert_many().await;
    let urgent = platform.queue(platform.overdue(1)).await;
    let workers = platform.work();
    platform.until(urgent, State::Completed).await;
    workers.stop(GRACE).await;
}

#[tokio::test]
async fn jobs_that_came_due_become_available_while_every_place_is_taken() {
    let platform = Platform::new().await;
    platform.insert_many().await;
    let steady = platform.queue(platform.job(&Steady {})).await;
    let one_place = Config {
        system: PoolConfig { min: 1, max: 1 },
        ..config()
    };
    let workers = platform.work_as(&one_place, Registry::default().with::<Steady>());
    platform.until(steady, State::Running).await;
    let none = || async { (platform.scheduled().await == 0).then_some(()) };
    eventually("all that came due are available", none).await;
    assert_eq!(platform.find(steady).await.state, State::Running);
    LET_GO.add_permits(1);
    platform.until(steady, State::Completed).await;
    workers.stop(GRACE).await;
}
