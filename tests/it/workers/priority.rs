//! P7 on real workers: a crowd that prints for tonight overtakes a backlog for later.

use domain::job::{Lane, Queue, Rota};
use futures::future::join_all;
use tests::eventually;

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
