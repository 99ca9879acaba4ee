//! A concert gets another date while prints of it wait.

use chrono::{NaiveDate, TimeDelta};
use domain::concert::Change;
use domain::job::{Lane, RetimePrints, State};
use domain::show::{Show, Showtime, TimeZone, parse_time};
use domain::{ConcertId, JobId, Timestamp, concerts, shows};
use tests::eventually;
use workers::{Config, Registry, Workers};

use super::{GRACE, Platform};

impl Platform {
    /// Workers that leave prints and plans alone.
    fn work_beside_prints(&self) -> Workers {
        let mut config = Config { ..super::config() };
        for pool in [&mut config.prints, &mut config.plans] {
            (pool.min_per_thread, pool.max_per_thread) = (0, 0);
        }
        self.work_as(&config, Registry::default())
    }

    async fn move_to(&self, concert: ConcertId, date: NaiveDate) {
        let change = Change {
            date: Some(date),
            ..Change::default()
        };
        concerts::change(&self.ctx, concert, change, None, None)
            .await
            .unwrap();
    }

    /// Says when a show begins and by which clocks, or nothing of it; its time then.
    async fn announce(&self, concert: ConcertId, starts: &str, zone: &str) -> Showtime {
        let show = Show {
            starts_at: parse_time(starts),
            time_zone: TimeZone::parse(zone),
            ..Show::default()
        };
        shows::announce(&self.ctx, concert, show.clone(), None, None)
            .await
            .unwrap();
        let offer = concerts::find(&self.ctx, concert).await.unwrap();
        Showtime::of(offer.concert.date, &show)
    }

    async fn until_due(&self, job: JobId, due_at: Timestamp) {
        let due = || async { (self.find(job).await.due_at == due_at).then_some(()) };
        eventually("a print is due at another time", due).await;
    }
}

#[tokio::test]
async fn prints_that_wait_are_due_when_their_concert_is_after_it_was_moved() {
    let platform = Platform::new().await;
    let (moved, other) = (platform.concert().await, platform.concert().await);
    let mut jobs = Vec::new();
    for _ in 0..3 {
        jobs.push(platform.print(platform.ticket(moved).await).await);
    }
    let same_day = platform.print(platform.ticket(other).await).await;
    let now = platform.ctx.clock.now();
    let before = Showtime::on(platform.day(30)).due_at(now);
    let workers = platform.work_beside_prints();
    // Tonight, next year, over already, and tonight after all.
    for days in [0, 365, -10, 0] {
        platform.move_to(moved, platform.day(days)).await;
        let date = platform.day(days);
        for &job in &jobs {
            if days < 0 {
                let lane = async || {
                    let due_at = platform.find(job).await.due_at;
                    (due_at > now + TimeDelta::days(3_000)).then_some(Lane::of(due_at, now))
                };
                assert_eq!(eventually("it is due late", lane).await, Lane::Later);
            } else {
                platform
                    .until_due(job, Showtime::on(date).due_at(now))
                    .await;
            }
        }
    }
    assert_eq!(platform.find(same_day).await.due_at, before);
    assert_eq!(platform.find(jobs[0]).await.state, State::Available);
    workers.stop(GRACE).await;
}

#[tokio::test]
async fn print_that_was_ordered_by_the_old_date_is_found_by_a_later_walk() {
    let platform = Platform::new().await;
    let concert_id = platform.concert().await;
    let before = Showtime::on(platform.day(30));
    platform.move_to(concert_id, platform.day(0)).await;
    let job = platform.print(platform.ticket(concert_id).await).await;
    let now = platform.ctx.clock.now();
    // As if its order had read the concert before the change.
    let mut tx = platform.ctx.store.begin().await.unwrap();
    let late = tx.retime_jobs(&[job], before.due_at(now)).await;
    assert_eq!(late.unwrap(), 1);
    tx.commit().await.unwrap();
    let workers = platform.work_beside_prints();
    platform
        .queue(platform.job(&RetimePrints::of(concert_id, &before)))
        .await;
    platform
        .until_due(job, Showtime::on(platform.day(0)).due_at(now))
        .await;
    workers.stop(GRACE).await;
}

#[tokio::test]
async fn prints_that_wait_are_due_at_the_hour_that_was_said_last() {
    let platform = Platform::new().await;
    let concert = platform.concert().await;
    let before = platform.print(platform.ticket(concert).await).await;
    let workers = platform.work_beside_prints();
    let now = platform.ctx.clock.now();
    let tokyo = platform.announce(concert, "19:30", "Asia/Tokyo").await;
    platform.until_due(before, tokyo.due_at(now)).await;
    let after = platform.print(platform.ticket(concert).await).await;
    assert_eq!(platform.find(after).await.due_at, tokyo.begins());
    for (starts, zone) in [
        ("20:15", "Asia/Tokyo"),
        ("20:15", "America/Lima"),
        ("", "America/Lima"),
        ("20:15", ""),
        ("12:00", "Pacific/Kiritimati"),
    ] {
        let show = platform.announce(concert, starts, zone).await;
        for job in [before, after] {
            platform.until_due(job, show.due_at(now)).await;
        }
    }
    // It keeps its hour on another day.
    platform.move_to(concert, platform.day(3)).await;
    let moved = Showtime {
        date: platform.day(3),
        starts_at: parse_time("12:00"),
        time_zone: TimeZone::parse("Pacific/Kiritimati"),
    };
    for job in [before, after] {
        platform.until_due(job, moved.begins()).await;
    }
    workers.stop(GRACE).await;
}
