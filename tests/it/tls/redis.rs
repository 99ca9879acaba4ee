//! Redis: one server, Sentinels and a cluster, all by `rediss`.

use domain::ConcertId;
use domain::ids::{IdSource, SeededIds};
use domain::job::Queue;
use domain::ports::{Counters, Stock, Taken, Wakeups};
use storage::Redis;
use storage::counters::RedisCounters;
use storage::wakeups::RedisWakeups;
use tests::redis::{self, EncryptedSentinel, RedisCluster, RedisServer};
use tests::{Authority, eventually};

use super::{ELSEWHERE, HERE, assert_says, encoded};

fn connect(url: &str) -> Redis {
    Redis::start(url.parse().unwrap(), &redis::prefix(), redis::PATIENCE).unwrap()
}

async fn refusal(url: &str) -> String {
    connect(url).ping().await.unwrap_err().to_string()
}

/// As [`refusal`], of a server that may say nothing at all.
async fn silence(url: &str) -> String {
    let patience = std::time::Duration::from_millis(500);
    let redis = Redis::start(url.parse().unwrap(), &redis::prefix(), patience).unwrap();
    redis.ping().await.unwrap_err().to_string()
}

/// Waits until there is a connection, which on a busy machine takes more than a command's time.
async fn connected(redis: &Redis) {
    eventually("it is connected", || async { redis.ping().await.ok() }).await;
}

/// Seats are handed out, and one process wakes another.
async fn assert_serves(url: &str) {
    let ids = SeededIds::new(7);
    let redis = connect(url);
    connected(&redis).await;
    let counters = RedisCounters::new(redis.clone());
    // Many buckets, on every node of a cluster.
    let concert = ConcertId(ids.next());
    counters
        .load(concert, Stock::full(20_000), None)
        .await
        .unwrap();
    for _ in 0..20 {
        let taken = counters.take(concert, 1).await.unwrap();
        assert!(matches!(taken, Taken::Seat(..)), "{taken:?}");
    }
    let here = RedisWakeups::new(redis.clone(), ids.next());
    let there = RedisWakeups::new(redis, ids.next());
    eventually("the other process is woken", || async {
        here.wake(Queue::Prints);
        let patience = std::time::Duration::from_millis(50);
        tokio::time::timeout(patience, there.woken(Queue::Prints))
            .await
            .ok()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_the_right_certificate_serves() {
    let authority = Authority::new();
    let server = RedisServer::start_encrypted(&authority, &authority.issue(HERE));
    let port = server.tls_port.unwrap();
    let trusted = encoded(&authority.file());
    assert_serves(&format!("rediss://{HERE}:{port}?sslrootcert={trusted}")).await;
    // What it listens to there is TLS indeed.
    let said = refusal(&format!("redis://{HERE}:{port}")).await;
    assert_says(&said, "redis: ");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_node_of_a_cluster_serves() {
    let authority = Authority::new();
    let cluster = RedisCluster::start_encrypted(&authority, &authority.issue(HERE));
    let port = cluster.nodes[0].tls_port.unwrap();
    let trusted = encoded(&authority.file());
    assert_serves(&format!(
        "rediss+cluster://{HERE}:{port}?sslrootcert={trusted}"
    ))
    .await;
    let used = |info: &str| info.lines().any(|line| line.starts_with("db0:keys="));
    for node in &cluster.nodes {
        assert!(used(&node.run(&["INFO", "keyspace"])), "each has its share");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sentinels_and_the_server_each_have_their_own_login() {
    let authority = Authority::new();
    let trusted = encoded(&authority.file());
    let sentinel = EncryptedSentinel::start(&authority, &authority.issue(HERE));
    let (url, login) = (sentinel.url(), sentinel.login());
    assert_serves(&format!("{url}?{login}&sslrootcert={trusted}")).await;
    let redis = connect(&format!("{url}?{login}&sslrootcert={trusted}"));
    connected(&redis).await;
    let clients = sentinel.server().run(&["CLIENT", "LIST"]);
    assert_says(&clients, "user=buyer");
    let said = refusal(&format!("{url}?sslrootcert={trusted}")).await;
    assert_says(&said, "Authentication");
    let wrong = login.replace("of-sentinels", "of-the-server");
    let said = refusal(&format!("{url}?{wrong}&sslrootcert={trusted}")).await;
    assert!(!said.contains("of-the-server"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_another_host_is_refused() {
    let authority = Authority::new();
    let trusted = encoded(&authority.file());
    let certificate = authority.issue(ELSEWHERE);
    let server = RedisServer::start_encrypted(&authority, &certificate);
    let port = server.tls_port.unwrap();
    for scheme in ["rediss", "rediss+cluster"] {
        let said = refusal(&format!("{scheme}://{HERE}:{port}?sslrootcert={trusted}")).await;
        assert_says(&said, "certificate not valid for name");
    }
    let sentinel = EncryptedSentinel::start(&authority, &certificate);
    let url = format!(
        "{}?{}&sslrootcert={trusted}",
        sentinel.url(),
        sentinel.login()
    );
    assert_says(&refusal(&url).await, "certificate not valid for name");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_issuer_is_refused() {
    let authority = Authority::new();
    let server = RedisServer::start_encrypted(&authority, &authority.issue(HERE));
    let port = server.tls_port.unwrap();
    let other = Authority::new();
    let url = format!("rediss://{HERE}:{port}");
    let trusting = format!("{url}?sslrootcert={}", encoded(&other.file()));
    for url in [url, trusting] {
        assert_says(&refusal(&url).await, "UnknownIssuer");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_is_refused_when_tls_is_asked_for() {
    let authority = Authority::new();
    let trusted = encoded(&authority.file());
    let server = RedisServer::start();
    for (scheme, path) in [
        ("rediss", ""),
        ("rediss+cluster", ""),
        ("rediss+sentinel", "/m"),
    ] {
        let url = format!(
            "{scheme}://{HERE}:{}{path}?sslrootcert={trusted}",
            server.port
        );
        let said = silence(&url).await;
        assert_says(&said, "does the server speak TLS");
    }
}
