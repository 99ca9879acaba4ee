//! Wakeups between processes.

use std::time::{Duration, Instant};

use domain::ids::{IdSource, SeededIds};
use domain::job::Queue;
use domain::ports::Wakeups;
use storage::wakeups::RedisWakeups;
use tests::redis::{self, RedisServer};
use tests::wait::eventually;

/// The wakeups of a process of its own.
fn process(url: &str, prefix: &str, seed: u64) -> RedisWakeups {
    let redis = super::connect(url, prefix);
    RedisWakeups::new(redis, SeededIds::new(seed).next())
}

/// Rings in one process until it is heard in the other: what was said before it listened is lost.
async fn until_heard(one: &RedisWakeups, other: &RedisWakeups, queue: Queue) {
    let heard = || async {
        one.wake(queue);
        let woken = tokio::time::timeout(Duration::from_millis(100), other.woken(queue));
        woken.await.ok()
    };
    eventually("a wakeup reaches the other process", heard).await;
}

async fn reach_each_other(url: &str) {
    let prefix = redis::prefix();
    let (one, other) = (process(url, &prefix, 1), process(url, &prefix, 2));
    let stranger = process(url, "stranger", 3);
    for queue in Queue::ALL {
        until_heard(&one, &other, queue).await;
        until_heard(&other, &one, queue).await;
    }
    let mut heard = Box::pin(stranger.woken(Queue::Prints));
    let wait = tokio::time::timeout(Duration::from_millis(20), &mut heard);
    wait.await.expect_err("another prefix is another world");
}

#[tokio::test]
async fn processes_wake_each_other() {
    reach_each_other(&redis::shared().url()).await;
}

#[tokio::test]
async fn processes_wake_each_other_through_a_cluster() {
    reach_each_other(&redis::shared_cluster().url()).await;
}

#[tokio::test]
async fn a_process_is_not_woken_again_by_its_own_message() {
    let (url, prefix) = (redis::shared().url(), redis::prefix());
    let (one, other) = (process(&url, &prefix, 1), process(&url, &prefix, 2));
    until_heard(&other, &one, Queue::Plans).await;
    until_heard(&one, &other, Queue::Prints).await;
    // What is still under way arrives.
    let again = || tokio::time::timeout(Duration::from_millis(100), one.woken(Queue::Prints));
    while again().await.is_ok() {}
    one.wake(Queue::Prints);
    one.woken(Queue::Prints).await;
    other.woken(Queue::Prints).await;
    again().await.expect_err("it was woken once");
}

#[tokio::test]
async fn a_crowd_of_wakeups_makes_few_messages_and_the_last_one_is_heard() {
    let server = RedisServer::start();
    let (one, other) = (
        process(&server.url(), "a", 1),
        process(&server.url(), "a", 2),
    );
    until_heard(&one, &other, Queue::Prints).await;
    let before = server.calls("publish");
    let begun = Instant::now();
    for _ in 0..10_000 {
        one.wake(Queue::Prints);
        one.wake(Queue::Plans);
        tokio::task::yield_now().await;
    }
    other.woken(Queue::Plans).await;
    let sent = server.calls("publish") - before;
    // One every two milliseconds, and at most one each for the first and the last wakeup.
    let most = begun.elapsed().as_millis() / 2 + 2;
    assert!(
        u128::from(sent) <= most,
        "{sent} messages, of {most} at most"
    );
}

#[tokio::test]
async fn wakeups_are_heard_again_after_a_restart() {
    let mut server = RedisServer::start();
    let (one, other) = (
        process(&server.url(), "a", 1),
        process(&server.url(), "a", 2),
    );
    until_heard(&one, &other, Queue::Prints).await;
    server.kill();
    // Here it needs no Redis.
    one.wake(Queue::System);
    one.woken(Queue::System).await;
    server.restart();
    until_heard(&one, &other, Queue::Plans).await;
    until_heard(&other, &one, Queue::Plans).await;
}
