//! P7 on real workers: a crowd that prints for tonight overtakes a backlog for later.

use chrono::TimeDelta;
use domain::job::{Lane, Noop, Queue, Rota, State};
use domain::jobs::JobFilter;
use futures::future::join_all;
use tests::eventually;
use workers::{Config, PoolConfig, Registry};

use super::{GRACE, Platform};

const BACKLOG: u32 = 300;
const URGENT: u32 = 20;

/// Prints that may be made while somebody looks whether the others are.
const SLACK: u64 = 20;

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
    let before = platform.later().await;
    assert!(
        before > u64::from(BACKLOG / 2),
        "there is something to overtake"
    );
    join_all(urgent.iter().map(|&ticket| platform.until_printed(ticket))).await;
    let overtaken = before - platform.later().await;
    let pools = workers.pools();
    let places = pools.iter().find(|pool| pool.queue == Queue::Prints);
    // What was held already, and one place of ten.
    let bound = u64::from(places.unwrap().places + URGENT / (Rota::SHARE - 1) + 1) + SLACK;
    assert!(
        overtaken <= bound,
        "{overtaken} prints for later were made before, of {bound} at most"
    );
    workers.stop(GRACE).await;
}
