//! P7 on real workers: a crowd that prints for tonight overtakes a backlog for later.

use chrono::TimeDelta;
use domain::Timestamp;
use domain::job::{Job, Lane, Noop, Queue, Rota, State};
use domain::jobs::JobFilter;
use futures::future::join_all;
use tests::eventually;
use workers::{Config, PoolConfig, Registry};

use super::{GRACE, Platform};

const BACKLOG: u32 = 300;
const URGENT: u32 = 20;

impl Platform {
    /// Prints for later that are not made yet.
    async fn later(&self) -> u64 {
        let mut view = self.ctx.store.read().await.unwrap();
        let depths = view.count_jobs(self.ctx.clock.now()).await.unwrap();
        let later = depths
            .iter()
            .filter(|depth| depth.queue == Queue::Prints && depth.lane == Lane::Later);
        later.map(|depth| depth.jobs).sum()
    }

    /// Prints that were made, as they are due and as they were finished.
    async fn made(&self) -> Vec<(Lane, Timestamp)> {
        let now = self.ctx.clock.now();
        let filter = JobFilter {
            queue: Some(Queue::Prints),
            state: Some(State::Completed),
            max: 999,
            ..JobFilter::default()
        };
        let mut view = self.ctx.store.read().await.unwrap();
        let jobs = view.list_jobs(&filter).await.unwrap();
        let made = |job: Job| (Lane::of(job.due_at, now), job.finished_at.unwrap());
        jobs.into_iter().map(made).collect()
    }
}

/// The promise of [`Rota`], kept by a pool: a lowest lane of one job.
#[tokio::test(flavor = "multi_thread")]
async fn job_of_the_lowest_lane_has_its_share_of_a_pool() {
    let platform = Platform::new().await;
    let mut jobs: Vec<_> = (0..300).map(|_| platform.job(&Noop {})).collect();
    let later = &mut jobs[299];
    later.due_at += TimeDelta::days(30);
    let later = later.id;
    let mut tx = platform.ctx.store.begin().await.unwrap();
    tx.insert_jobs(&jobs).await.unwrap();
    tx.commit().await.unwrap();
    let config = Config {
        system: PoolConfig { min: 4, max: 4 },
        ..super::config()
    };
    let workers = platform.work_as(&config, Registry::default());
    for job in &jobs {
        platform.until(job.id, State::Completed).await;
    }
    workers.stop(GRACE).await;
    let filter = JobFilter {
        queue: Some(Queue::System),
        max: 999,
        ..JobFilter::default()
    };
    let mut view = platform.ctx.store.read().await.unwrap();
    let mut done = view.list_jobs(&filter).await.unwrap();
    done.sort_by_key(|job| job.finished_at);
    let place = done.iter().position(|job| job.id == later).unwrap();
    // Those that a pool holds at a time end in any order.
    assert!(
        place <= (2 * Rota::SHARE + 4) as usize,
        "it was number {place}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn prints_for_tonight_overtake_those_for_later_but_for_their_share() {
    let platform = Platform::new().await;
    let (later, tonight) = (
        platform.concert_in(30, BACKLOG).await,
        platform.concert_in(0, URGENT).await,
    );
    let mut urgent = Vec::new();
    for _ in 0..URGENT {
        urgent.push(platform.ticket(tonight).await);
    }
    for _ in 0..BACKLOG {
        platform.print(platform.ticket(later).await).await;
    }
    let workers = platform.work();
    eventually("the backlog is being worked off", || async {
        (platform.later().await < u64::from(BACKLOG)).then_some(())
    })
    .await;

    join_all(urgent.iter().map(|&ticket| platform.print(ticket))).await;
    let asked_at = platform.ctx.clock.now();
    join_all(urgent.iter().map(|&ticket| platform.until_printed(ticket))).await;
    assert!(
        platform.later().await > 0,
        "there was something to overtake"
    );
    let made = platform.made().await;
    let urgent = made.iter().filter(|(lane, _)| *lane != Lane::Later);
    let last = urgent.map(|(_, at)| *at).max().unwrap();
    let meanwhile = |(lane, at): &&(_, _)| *lane == Lane::Later && (asked_at..last).contains(at);
    let overtaken = made.iter().filter(meanwhile).count() as u64;
    let pools = workers.pools();
    let places = pools.iter().find(|pool| pool.queue == Queue::Prints);
    // What was held already, and one place of ten.
    let bound = u64::from(places.unwrap().places + URGENT / (Rota::SHARE - 1) + 1);
    assert!(
        overtaken <= bound,
        "{overtaken} prints for later were made before, of {bound} at most"
    );
    workers.stop(GRACE).await;
}
