//! One process goes by a clock that is an hour ahead.

use std::sync::Arc;

use chrono::TimeDelta;
use cli::config::Role;
use cli::service::{Service, Tweaks};
use domain::clock::Clock;
use domain::{SystemClock, Timestamp};
use tests::{Cluster, Gate, Http, Position, eventually};

use super::{broken_attempts, until_printed};

/// The system's clock, wrong by so much.
struct Wrong(TimeDelta);

impl Clock for Wrong {
    fn now(&self) -> Timestamp {
        SystemClock.now() + self.0
    }
}

const AHEAD: TimeDelta = TimeDelta::hours(1);
const BEHIND: TimeDelta = TimeDelta::hours(-1);
const RIGHT: TimeDelta = TimeDelta::zero();

/// Much longer than a process that lives is held up, and much shorter than an hour.
const LEADER_LEASE_MS: u64 = 60_000;

/// A process in roles with a clock.
async fn start(cluster: &Cluster, roles: &[Role], wrong_by: TimeDelta, tweaks: Tweaks) -> Service {
    let mut config = cluster.config(roles);
    config.scheduler.leader_lease_ms = LEADER_LEASE_MS;
    let tweaks = Tweaks {
        clock: Some(Arc::new(Wrong(wrong_by))),
        ..tweaks
    };
    let service = Service::start(&config, tweaks).await;
    service.expect("it starts")
}

/// Orders a print, and gives the ticket.
async fn order_print(http: &Http, concert: &str, user: u32) -> String {
    let ticket = http.bought(concert, user).await;
    let path = format!("/api/v1/tickets/{ticket}/print");
    assert_eq!(http.post_empty(&path).await.status, 202);
    ticket
}

/// Waits until the leader has renewed its lease a few times, and acted by it between.
async fn a_while(cluster: &Cluster) {
    for _ in 0..4 {
        let until = cluster.number("select until from leases where name = 'scheduler'");
        let renewed = || async {
            (cluster.number("select until from leases where name = 'scheduler'") > until)
                .then_some(())
        };
        eventually("the leader renews its lease", renewed).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduler_ahead_takes_no_job_from_a_worker_that_lives() {
    let cluster = Cluster::new().await;
    let gate = Gate::new(Position::Closed);
    let roles = [Role::Api, Role::Worker];
    let worker = start(&cluster, &roles, RIGHT, gate.tweaks()).await;
    let http = Http::new(worker.address());
    let ahead = start(&cluster, &[Role::Scheduler], AHEAD, Tweaks::default()).await;
    let concert = http.create_concert("A night", 10).await;
    let ticket = order_print(&http, &concert, 1).await;
    cluster
        .until(
            "the job is claimed",
            "select count(*) from jobs where state = 'running'",
        )
        .await;
    a_while(&cluster).await;
    gate.set(Position::Open);
    http.until_print(&ticket, "PRINTED").await;
    until_printed(&cluster, &[ticket].into()).await;
    assert_eq!(broken_attempts(&cluster), (0, 0));
    for service in [ahead, worker] {
        service.stop().await.expect("it stops");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduler_ahead_does_not_take_the_lease_of_one_that_lives() {
    let cluster = Cluster::new().await;
    let right = start(&cluster, &[Role::Scheduler], RIGHT, Tweaks::default()).await;
    cluster
        .until(
            "it leads",
            "select count(*) from leases where name = 'scheduler'",
        )
        .await;
    let holder = cluster
        .database
        .sql("select holder from leases where name = 'scheduler'");
    let ahead = start(&cluster, &[Role::Scheduler], AHEAD, Tweaks::default()).await;
    a_while(&cluster).await;
    assert_eq!(
        cluster
            .database
            .sql("select holder from leases where name = 'scheduler'"),
        holder
    );
    for service in [right, ahead] {
        service.stop().await.expect("it stops");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn prints_are_made_whoever_is_ahead_or_behind() {
    for (api, worker) in [
        (AHEAD, RIGHT),
        (RIGHT, AHEAD),
        (BEHIND, RIGHT),
        (RIGHT, BEHIND),
    ] {
        let cluster = Cluster::new().await;
        let worker = start(&cluster, &[Role::Worker], worker, Tweaks::default()).await;
        let api = start(&cluster, &[Role::Api], api, Tweaks::default()).await;
        let http = Http::new(api.address());
        let concert = http.create_concert("A night", 10).await;
        let ticket = order_print(&http, &concert, 1).await;
        http.until_print(&ticket, "PRINTED").await;
        for service in [api, worker] {
            service.stop().await.expect("it stops");
        }
        cluster.assert_audit();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_of_a_lost_worker_do_not_wait_for_the_hour_by_which_their_rescuer_is_ahead() {
    let cluster = Cluster::new().await;
    let api = start(&cluster, &[Role::Api], RIGHT, Tweaks::default()).await;
    let http = Http::new(api.address());
    let concert = http.create_concert("A night", 10).await;
    let ticket = order_print(&http, &concert, 1).await;
    let gate = Gate::new(Position::Closed);
    let lost = start(&cluster, &[Role::Worker], RIGHT, gate.tweaks()).await;
    gate.until_arrived(1).await;
    // Without an end in good order, as a crash.
    drop(lost);
    let ahead = start(&cluster, &[Role::Scheduler], AHEAD, Tweaks::default()).await;
    let worker = start(&cluster, &[Role::Worker], RIGHT, Tweaks::default()).await;
    http.until_print(&ticket, "PRINTED").await;
    let (lost, failed) = broken_attempts(&cluster);
    // A worker that lives is lost, too, while it is held up for longer than its claims last.
    assert!(lost >= 1, "the job was not rescued");
    assert_eq!(failed, 0);
    for service in [ahead, worker, api] {
        service.stop().await.expect("it stops");
    }
    cluster.assert_audit();
}
