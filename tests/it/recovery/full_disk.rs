//! A disk that is full: those who run the service are told once, and what can be done is done.

use serde_json::{Value, json};
use tests::{Server, eventually};

use super::assert_audit;

/// Purchases that are refused.
const STORM: u32 = 300;

async fn readiness(server: &Server) -> (u16, Value) {
    let ready = server.http.get("/readyz").await;
    (ready.status, ready.json())
}

async fn degraded(server: &Server, part: &str) -> String {
    let told = server.http.get("/metrics").await.text();
    let name = format!("ticketoverflow_degraded{{part=\"{part}\"}} ");
    let value = told.lines().find_map(|line| line.strip_prefix(&name));
    value.expect("it is always told").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_named_and_does_not_fill_the_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = [
        ("SCHEDULER__HEALTH_INTERVAL_MS", "100"),
        ("LOG__FILTER", "info"),
    ];
    let server = Server::start_ignoring("XFSZ", folder.path(), &settings);
    let concert = server.http.create_concert("A night", 1_000).await;
    let ticket = server.http.bought(&concert, 1).await;
    assert_eq!(readiness(&server).await, (200, json!({"status": "ok"})));
    assert_eq!(degraded(&server, "ledger").await, "0");

    server.limit_files(Some(1));
    for user in 1..=STORM {
        let refused = server.http.buy(&concert, user).await;
        refused.assert_problem(503);
    }
    // Nobody else could do better, so it still wants requests, and says what is wrong.
    let (status, told) = readiness(&server).await;
    assert_eq!(
        (status, &told["status"]),
        (200, &json!("degraded")),
        "{told}"
    );
    let fault = &told["degraded"][0];
    assert_eq!(fault["part"], "ledger");
    assert!(
        fault["reason"]
            .as_str()
            .is_some_and(|reason| reason.len() > 10)
    );
    let since = fault["since"].as_str().expect("a time");
    chrono::DateTime::parse_from_rfc3339(since).expect("a time");
    assert_eq!(degraded(&server, "ledger").await, "1");
    assert_eq!(degraded(&server, "counters").await, "0");
    let path = format!("/api/v1/tickets/{ticket}");
    assert_eq!(server.http.get(&path).await.status, 200);

    server.limit_files(None);
    server.http.bought(&concert, 2).await;
    eventually("all is well again", || async {
        (readiness(&server).await == (200, json!({"status": "ok"}))).then_some(())
    })
    .await;
    server.interrupt();
    let (status, log) = server.wait_with_log();
    assert_eq!(status, Some(0), "{log}");
    let of = |words: &str| log.lines().filter(|line| line.contains(words)).count();
    let failures = of("a request failed");
    assert!(
        (2..10).contains(&failures),
        "{failures} of {STORM} in {log}"
    );
    assert!(of(" more of: a request failed") >= 1, "{log}");
    assert_eq!(of("the ledger cannot be written"), 1, "{log}");
    assert_eq!(of("works again part=\"ledger\""), 1, "{log}");
    assert!(!log.contains('\u{1b}'), "colours are for terminals: {log}");
    assert_audit(folder.path());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_on_the_full_disk_is_lost_and_takes_no_request_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = std::fs::File::create(folder.path().join("log")).expect("the folder is ours");
    let server = Server::start_ignoring_into(log, "XFSZ", folder.path(), &[]);
    let concert = server.http.create_concert("A night", 100).await;
    server.http.bought(&concert, 1).await;
    server.limit_files(Some(1));
    for user in 1..=5 {
        server.http.buy(&concert, user).await.assert_problem(503);
    }
    server.limit_files(None);
    server.http.bought(&concert, 2).await;
    server.interrupt();
    assert_eq!(server.wait(), Some(0));
}
