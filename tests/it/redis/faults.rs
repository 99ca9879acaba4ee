//! A Redis that is gone, silent, or not what it was.

use std::time::{Duration, Instant};

use domain::ConcertId;
use domain::ids::{IdSource, SeededIds};
use domain::ports::{Counters, Stock, Taken};
use tests::redis::RedisServer;
use tests::wait::eventually;
use tokio::task::JoinSet;

use super::{COMMAND_TIME, QUICKLY, connect, counters, impatient_counters, loaded};

fn concert() -> ConcertId {
    ConcertId(SeededIds::new(9).next())
}

#[tokio::test]
async fn what_cannot_be_reached_fails_quickly_and_then_at_once() {
    let mut server = RedisServer::start();
    let counters = impatient_counters(&server.url(), "a");
    server.kill();
    let begun = Instant::now();
    for _ in 0..200 {
        let error = counters.take(concert(), 1).await.unwrap_err();
        assert!(error.0.contains("redis"), "{error}");
    }
    assert!(begun.elapsed() < QUICKLY, "{:?}", begun.elapsed());
    counters.count(concert()).await.unwrap_err();
    counters
        .load(concert(), Stock::full(1), None)
        .await
        .unwrap_err();
    counters.settled(concert()).await;
}

#[tokio::test]
async fn a_silent_server_fails_quickly_and_is_used_again_when_it_speaks() {
    let server = RedisServer::start();
    let counters = impatient_counters(&server.url(), "a");
    loaded(&counters, concert(), Stock::full(9)).await;
    server.pause();
    let begun = Instant::now();
    counters.take(concert(), 1).await.unwrap_err();
    assert!(begun.elapsed() < QUICKLY, "{:?}", begun.elapsed());
    server.resume();
    let seat = || async { counters.take(concert(), 1).await.ok() };
    let taken = eventually("the server is used again", seat).await;
    assert!(matches!(taken, Taken::Seat(..)), "{taken:?}");
}

/// This test's runtime has one thread, which comes to each of its tasks once in longer than a command
/// may take.
#[tokio::test]
async fn a_server_does_not_look_silent_to_who_is_busy() {
    const BUSY: Duration = Duration::from_millis(20);
    let server = RedisServer::start();
    let counters = impatient_counters(&server.url(), "a");
    loaded(&counters, concert(), Stock::full(9)).await;
    let crowd = || async {
        loop {
            std::thread::sleep(BUSY);
            tokio::task::yield_now().await;
        }
    };
    let tasks = 3 * COMMAND_TIME.as_millis() / (2 * BUSY.as_millis());
    let crowd: JoinSet<()> = (0..tasks).map(|_| crowd()).collect();
    for seat in 0..2 {
        let counted = counters.count(concert()).await.unwrap().unwrap();
        assert_eq!(counted.free, 9 - seat);
        let taken = counters.take(concert(), 1).await.unwrap();
        assert!(matches!(taken, Taken::Seat(..)), "{taken:?}");
    }
    drop(crowd);
}

#[tokio::test]
async fn a_restarted_server_has_no_counters_and_gets_its_scripts_again() {
    let mut server = RedisServer::start();
    let counters = counters(&server.url(), "a");
    counters
        .load(concert(), Stock::full(9), None)
        .await
        .unwrap();
    let Taken::Seat(seat, old) = counters.take(concert(), 1).await.unwrap() else {
        panic!("a seat was free");
    };
    server.restart();
    let taken = eventually("the server is used again", || async {
        counters.take(concert(), 1).await.ok()
    });
    assert_eq!(taken.await, Taken::Unknown);
    counters
        .load(concert(), Stock::full(9), None)
        .await
        .unwrap();
    counters.give_back(concert(), seat, old).await.unwrap();
    counters.settle_sold(concert(), old, 1).await.unwrap();
    let counted = counters.count(concert()).await.unwrap().unwrap();
    assert_eq!((counted.free, counted.held), (9, 0));
    assert!(counted.epoch > old);
}

#[tokio::test]
async fn counters_that_miss_a_bucket_are_unknown_as_a_whole() {
    let server = RedisServer::start();
    for look in ["take", "count"] {
        let counters = counters(&server.url(), look);
        counters
            .load(concert(), Stock::full(1_000), None)
            .await
            .unwrap();
        for key in server.run(&["--scan", "--pattern", "*.2}:*"]).lines() {
            server.run(&["DEL", key]);
        }
        if look == "take" {
            for _ in 0..750 {
                match counters.take(concert(), 2).await.unwrap() {
                    Taken::Seat(..) => {}
                    taken => assert_eq!(taken, Taken::Unknown),
                }
            }
        }
        assert_eq!(counters.count(concert()).await.unwrap(), None);
        assert_eq!(counters.take(concert(), 0).await.unwrap(), Taken::Unknown);
        counters
            .load(concert(), Stock::full(1_000), None)
            .await
            .unwrap();
        let counted = counters.count(concert()).await.unwrap().unwrap();
        assert_eq!((counted.free, counted.held), (1_000, 0));
    }
}

#[tokio::test]
async fn a_password_is_needed_and_never_shown() {
    let server = RedisServer::start();
    server.run(&["CONFIG", "SET", "requirepass", "s3cret"]);
    let url = |password: &str| format!("redis://:{password}@127.0.0.1:{}", server.port);
    let right = connect(&url("s3cret"), "a");
    right.ping().await.unwrap();
    let wrong = connect(&url("s3cre7"), "a");
    let error = wrong.ping().await.unwrap_err();
    for shown in [format!("{right:?}"), format!("{wrong:?} {error} {error:?}")] {
        assert!(!shown.contains("s3cre"), "{shown}");
    }
}

#[tokio::test]
async fn a_server_that_answers_and_refuses_to_be_written_fails_the_try() {
    let server = RedisServer::start();
    let redis = connect(&server.url(), "a");
    redis.try_out().await.unwrap();
    for (break_it, mend_it) in [
        (
            &["CONFIG", "SET", "maxmemory", "1"][..],
            &["CONFIG", "SET", "maxmemory", "0"][..],
        ),
        (
            &["REPLICAOF", "127.0.0.1", "1"],
            &["REPLICAOF", "NO", "ONE"],
        ),
        (
            &["CONFIG", "SET", "min-replicas-to-write", "1"],
            &["CONFIG", "SET", "min-replicas-to-write", "0"],
        ),
        (
            &["ACL", "SETUSER", "default", "-@scripting"],
            &["ACL", "SETUSER", "default", "+@all"],
        ),
    ] {
        server.run(break_it);
        redis.ping().await.unwrap();
        redis.try_out().await.unwrap_err();
        server.run(mend_it);
        let works = || async { redis.try_out().await.ok() };
        eventually("it works again", works).await;
    }
}
