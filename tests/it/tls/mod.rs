//! Encrypted connections to the servers that a cluster stands on: who is trusted, and who is not.

// Always so; it tells the lints that this is a test and may `unwrap`.
#![cfg(test)]

mod postgres;
mod redis;
mod s3;

use std::error::Error;
use std::path::Path;

use cli::config::{Role, Secret};
use cli::service::{Service, Tweaks};
use tests::postgres::PostgresServer;
use tests::redis::RedisServer;
use tests::svg::assert_text;
use tests::{Authority, Cluster, Database, Http, S3Server};

/// Where the servers of these tests are.
const HERE: &str = "127.0.0.1";
/// Where they are not.
const ELSEWHERE: &str = "elsewhere.example.org";

/// An error with everything that led to it.
fn words(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}

#[track_caller]
fn assert_says(said: &str, expected: &str) {
    assert!(said.contains(expected), "{expected:?} is not in: {said}");
}

/// As it stands in a URL.
fn encoded(file: &Path) -> String {
    file.display().to_string().replace('/', "%2F")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_sells_prints_and_hands_out_over_tls_alone() {
    let authority = Authority::new();
    let certificate = authority.issue(HERE);
    let trusted = encoded(&authority.file());
    let database = Database::on(PostgresServer::start_encrypted(&certificate)).await;
    let redis = RedisServer::start_encrypted(&authority, &certificate);
    let files = S3Server::start_encrypted(&certificate);
    let redis_url = format!(
        "rediss://{HERE}:{}?sslrootcert={trusted}",
        redis.tls_port.unwrap()
    );
    let postgres_url = format!(
        "{}?sslmode=verify-full&sslrootcert={trusted}",
        database.url_by(&format!("{HERE}:{}", database.server().port()))
    );
    let cluster = Cluster::on(database, redis_url);
    let mut config = cluster.config(&[Role::Api, Role::Worker, Role::Scheduler]);
    config.engine.postgres_url = Secret(postgres_url);
    tests::s3::configure(&mut config.engine, &files.place());
    config.engine.s3.root_certificates = authority.file();
    let service = Service::start(&config, Tweaks::default()).await.unwrap();
    let http = Http::new(service.address());
    let concert = http.create_concert("A night", 10).await;
    let ticket = http.bought(&concert, 1).await;
    let print = format!("/api/v1/tickets/{ticket}/print");
    assert_eq!(http.post_empty(&print).await.status, 202);
    http.until_print(&ticket, "PRINTED").await;
    assert_text(&http.get(&print).await.body, "A night");
    let objects = files.objects();
    assert!(
        objects.iter().any(|name| name.contains(&ticket)),
        "{objects:?}"
    );
    service.stop().await.unwrap();
    cluster.assert_audit();
}
