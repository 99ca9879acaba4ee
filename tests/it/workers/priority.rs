//! P7 on real workers: a crowd that prints for tonight overtakes a backlog for later.

use std::collections::HashSet;

use chrono::TimeDelta;
use domain::job::{Noop, Queue, Rota, State};
use domain::jobs::JobFilter;
use domain::show::{Show, TimeZone};
use domain::{ConcertId, shows};
use futures::future::join_all;
use workers::{Config, DrawingPoolConfig, PoolConfig, Registry};

use super::gate::Drawing;
use super::{GRACE, Platform};

const BACKLOG: u32 = 300;
const URGENT: u32 = 20;
/// Prints that are held at a time.
const PLACES: u32 = 2;

/// The promise of [`Rota`], kept by a pool: a lowest lane of one job.
#[tokio::test(flavor = "multi_thread")]
async fn job_of_the_lowest_lane_has_its_share_of_a_pool() {
    let platform = Platform::new().await;
    let mut jobs: Vec<_> = (0..100).map(|_| platform.job(&Noop {})).collect();
    let later = &mut jobs[99];
    later.due_at += TimeDelta::days(30);
    let later = later.id;
    let mut tx = platform.ctx.store.begin().await.unwrap();
    tx.insert_jobs(&jobs).await.unwrap();
    tx.commit().await.unwrap();
    let config = Config {
        system: PoolConfig { min: 1, max: 1 },
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
    // A pool of one place ends jobs in the order of their claims, but for what is settled at once.
    assert!(
        place <= (2 * Rota::SHARE + 4) as usize,
        "it was number {place}"
    );
}

/// Prints of one concert are ordered while those of another are worked off by pools of few places;
/// of the others no more are begun before than have their share.
async fn assert_overtakes(platform: &Platform, backlog: ConcertId, urgent: ConcertId) {
    let mut tickets = Vec::new();
    for _ in 0..URGENT {
        tickets.push(platform.ticket(urgent).await);
    }
    for _ in 0..BACKLOG {
        platform.print(platform.ticket(backlog).await).await;
    }
    let places = DrawingPoolConfig {
        min_per_thread: 1,
        max_per_thread: 1,
    };
    let config = Config {
        prints: places,
        render_threads: PLACES as usize,
        ..super::config()
    };
    let gate = &platform.gate;
    // The backlog is still there when the others come, however long that takes.
    gate.close();
    let workers = platform.work_as(&config, Registry::default());
    let is_print = |one: &Drawing| one.concert == backlog && one.ticket.is_some();
    gate.until("the backlog is being worked off", 1, is_print)
        .await;
    join_all(tickets.iter().map(|&ticket| platform.print(ticket))).await;
    let begun = gate.drawings().len();
    gate.open();
    join_all(tickets.iter().map(|&ticket| platform.until_printed(ticket))).await;

    let drawings = gate.drawings();
    let is_urgent = |one: &Drawing| one.concert == urgent && one.ticket.is_some();
    let last = drawings.iter().rposition(is_urgent).unwrap();
    let overtaken = drawings[begun..last].iter().filter(|one| is_print(one));
    let overtaken: HashSet<_> = overtaken.filter_map(|one| one.ticket).collect();
    // What was held already, one place of ten, and what is held together with the last one.
    let bound = 2 * PLACES + URGENT / (Rota::SHARE - 1) + 1;
    assert!(
        overtaken.len() <= bound as usize,
        "{} prints for later were begun before, of {bound} at most",
        overtaken.len()
    );
    workers.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prints_for_tonight_overtake_those_for_later_but_for_their_share() {
    let platform = Platform::new().await;
    let (later, tonight) = (
        platform.concert_in(30, BACKLOG).await,
        platform.concert_in(0, URGENT).await,
    );
    assert_overtakes(&platform, later, tonight).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prints_for_a_show_in_ten_minutes_overtake_those_for_the_same_night_in_a_later_zone() {
    let platform = Platform::new().await;
    // The same day and hour by the clocks of both, eleven hours apart.
    let begins = platform.ctx.clock.now() + TimeDelta::minutes(10);
    let days = (begins.date_naive() - platform.today).num_days();
    let concert = async |zone, capacity| {
        let concert = platform.concert_in(days, capacity).await;
        let show = Show {
            starts_at: Some(begins.time()),
            time_zone: TimeZone::parse(zone),
            ..Show::default()
        };
        let announced = shows::announce(&platform.ctx, concert, show, None, None).await;
        announced.unwrap();
        concert
    };
    let later = concert("Pacific/Pago_Pago", BACKLOG).await;
    let soon = concert("UTC", URGENT).await;
    assert_overtakes(&platform, later, soon).await;
}
