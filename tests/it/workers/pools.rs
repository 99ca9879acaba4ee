//! How pools grow and shrink by themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use domain::job::{Kind, NewJob, Noop, Policy, Queue, State};
use domain::ports::{Store, StoreResult, Tx, View};
use domain::{Context, Limits, Parts};
use serde::{Deserialize, Serialize};
use tests::eventually;
use tokio::sync::Semaphore;
use workers::{Config, Job, JobContext, JobResult, PoolConfig, PoolReport, Registry, Success};

use super::{GRACE, HOUR_MS, Platform};

/// Keeps its place until it is let go.
#[derive(Serialize, Deserialize)]
struct Patient {}

static LET_GO: Semaphore = Semaphore::const_new(0);

impl Kind for Patient {
    const NAME: &'static str = "patient";
    const QUEUE: Queue = Queue::System;
    const POLICY: Policy = Policy::DEFAULT;
}

impl Job for Patient {
    async fn run(&self, _ctx: &JobContext) -> JobResult {
        LET_GO.acquire().await.unwrap().forget();
        Ok(Success::nothing())
    }
}

/// Keeps its place as well, and knows how many do.
#[derive(Serialize, Deserialize)]
struct Few {}

static FEW: AtomicUsize = AtomicUsize::new(0);
static FEW_AT_MOST: AtomicUsize = AtomicUsize::new(0);
static FEW_LET_GO: Semaphore = Semaphore::const_new(0);

impl Kind for Few {
    const NAME: &'static str = "few";
    const QUEUE: Queue = Queue::System;
    const POLICY: Policy = Policy::DEFAULT;
}

impl Job for Few {
    async fn run(&self, _ctx: &JobContext) -> JobResult {
        let now = FEW.fetch_add(1, Ordering::SeqCst) + 1;
        FEW_AT_MOST.fetch_max(now, Ordering::SeqCst);
        FEW_LET_GO.acquire().await.unwrap().forget();
        FEW.fetch_sub(1, Ordering::SeqCst);
        Ok(Success::nothing())
    }
}

/// Counts the transactions that are begun.
struct Counting {
    inner: Arc<dyn Store>,
    begun: Arc<AtomicUsize>,
}

#[async_trait]
impl Store for Counting {
    async fn begin(&self) -> StoreResult<Box<dyn Tx>> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.inner.begin().await
    }

    async fn read(&self) -> StoreResult<Box<dyn View>> {
        self.inner.read().await
    }

    async fn snapshot(&self) -> StoreResult<Box<dyn View>> {
        self.inner.snapshot().await
    }
}

/// A pool for everything else of these sizes, which shrinks at once.
fn config(min: u32, max: u32) -> Config {
    Config {
        system: PoolConfig { min, max },
        resize_interval_ms: 10,
        shrink_after_ms: 0,
        ..super::config()
    }
}

fn system(workers: &workers::Workers) -> PoolReport {
    let pools = workers.pools();
    let of = pools.iter().find(|pool| pool.queue == Queue::System);
    *of.unwrap()
}

async fn until_places(workers: &workers::Workers, places: u32) {
    let sized = || async { (system(workers).places == places).then_some(()) };
    eventually(&format!("a pool has {places} places"), sized).await;
}

/// A place is given back a moment after the end of its job was recorded.
async fn until_held(workers: &workers::Workers, held: u32) {
    let taken = || async { (system(workers).held == held).then_some(()) };
    eventually(&format!("a pool holds {held} jobs"), taken).await;
}

/// A job that should have been done an hour ago.
fn late(job: NewJob) -> NewJob {
    NewJob {
        run_at: job.run_at - TimeDelta::hours(1),
        ..job
    }
}

#[tokio::test]
async fn pool_without_places_starts_a_job_when_it_is_woken_and_gives_its_place_back() {
    let platform = Platform::new().await;
    let workers = platform.work_as(&config(0, 8), Registry::default());
    for _ in 0..3 {
        until_places(&workers, 0).await;
        let job = platform.queue(platform.job(&Noop {})).await;
        platform.until(job, State::Completed).await;
    }
    until_places(&workers, 0).await;
    workers.stop(GRACE).await;
}

#[tokio::test]
async fn pool_without_places_starts_a_scheduled_job_when_its_time_has_come() {
    let platform = Platform::new().await;
    let workers = platform.work_as(&config(0, 8), Registry::default());
    let mut job = platform.job(&Noop {});
    job.run_at += TimeDelta::milliseconds(600);
    let job = platform.queue(job).await;
    until_places(&workers, 0).await;
    platform.until(job, State::Completed).await;
    workers.stop(GRACE).await;
}

#[tokio::test]
async fn pool_without_places_finds_a_job_of_which_nobody_told_it() {
    let platform = Platform::new().await;
    let config = Config {
        poll_interval_ms: 50,
        ..config(0, 8)
    };
    let workers = platform.work_as(&config, Registry::default());
    let job = platform.job(&Noop {});
    let id = job.id;
    let mut tx = platform.ctx.store.begin().await.unwrap();
    tx.insert_jobs(&[job]).await.unwrap();
    tx.commit().await.unwrap();
    platform.until(id, State::Completed).await;
    workers.stop(GRACE).await;
}

/// Claims that idle workers make in a while, in which they would look for jobs a hundred times, and
/// until they have made a few if they make any.
async fn idle_claims(min: u32) -> usize {
    let platform = Platform::new().await;
    let begun = Arc::new(AtomicUsize::new(0));
    let parts: &Parts = &platform.ctx;
    let parts = Parts {
        store: Arc::new(Counting {
            inner: Arc::clone(&parts.store),
            begun: Arc::clone(&begun),
        }),
        ..parts.clone()
    };
    let ctx = Context::start(parts, Limits::default()).expect("a thread more");
    let mut config = Config {
        poll_interval_ms: 5,
        ..config(min, 8)
    };
    config.prints.min_per_thread = min;
    config.plans.min_per_thread = min;
    let workers = workers::Workers::start(&ctx, &config, domain::WorkerId(ctx.ids.next()));
    tokio::time::sleep(Duration::from_millis(500)).await;
    if min > 0 {
        let few = || async { (begun.load(Ordering::SeqCst) > 3).then_some(()) };
        eventually("they look by themselves", few).await;
    }
    workers.stop(GRACE).await;
    begun.load(Ordering::SeqCst)
}

#[tokio::test]
async fn pool_without_places_claims_nothing_in_vain() {
    assert_eq!(idle_claims(0).await, 0);
    assert!(idle_claims(1).await > 3, "others look by themselves");
}

#[tokio::test(flavor = "multi_thread")]
async fn pool_grows_to_its_most_for_late_work_and_shrinks_when_it_is_done() {
    let platform = Platform::new().await;
    let registry = Registry::default().with::<Patient>();
    let workers = platform.work_as(&config(1, 8), registry);
    assert_eq!(system(&workers).places, 1, "nothing to do as yet");
    // At 5 ms each in the second that is left: 10 places.
    let jobs: Vec<_> = (0..2_000)
        .map(|_| late(platform.job(&Patient {})))
        .collect();
    let ids: Vec<_> = jobs.iter().map(|job| job.id).collect();
    for jobs in jobs.chunks(500) {
        let mut tx = platform.ctx.store.begin().await.unwrap();
        tx.insert_jobs(jobs).await.unwrap();
        tx.commit().await.unwrap();
    }
    platform.ctx.wakeups.wake(Queue::System);
    until_places(&workers, 8).await;
    until_held(&workers, 8).await;
    assert!(system(&workers).target >= 10);

    LET_GO.add_permits(ids.len());
    for id in ids {
        platform.until(id, State::Completed).await;
    }
    until_places(&workers, 1).await;
    until_held(&workers, 0).await;
    workers.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_jobs_of_a_kind_are_held_than_its_limit_says_and_others_go_on() {
    let platform = Platform::new().await;
    let registry = Registry::default().with::<Few>();
    let config = Config {
        kinds_max: [(Few::NAME.to_owned(), 2)].into(),
        ..config(8, 8)
    };
    let workers = platform.work_as(&config, registry);
    let mut jobs = Vec::new();
    for _ in 0..9 {
        jobs.push(platform.queue(platform.job(&Few {})).await);
    }
    eventually("so many of them run", || async {
        (FEW.load(Ordering::SeqCst) == 2).then_some(())
    })
    .await;
    for _ in 0..5 {
        platform.until_looked(Queue::System).await;
    }
    // They hold no places that they cannot use.
    until_held(&workers, 2).await;
    FEW_LET_GO.add_permits(jobs.len());
    for job in jobs {
        platform.until(job, State::Completed).await;
    }
    assert_eq!(FEW_AT_MOST.load(Ordering::SeqCst), 2);
    workers.stop(GRACE).await;
}

#[tokio::test]
async fn pool_of_no_places_at_most_leaves_its_jobs_alone() {
    let platform = Platform::new().await;
    let job = platform.queue(platform.job(&Noop {})).await;
    let config = Config {
        poll_interval_ms: HOUR_MS,
        ..config(0, 0)
    };
    let workers = platform.work_as(&config, Registry::default());
    assert!(
        workers
            .pools()
            .iter()
            .all(|pool| pool.queue != Queue::System)
    );
    workers.stop(GRACE).await;
    assert_eq!(platform.find(job).await.state, State::Available);
}
