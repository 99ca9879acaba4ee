//! A request that is refused before its body was read: the client hears why, and whether the
//! connection goes on.

use std::collections::BTreeSet;

use cli::service::Tweaks;
use futures::future::join_all;
use tests::raw::statuses;
use tests::{Raw, TestApp};

use super::NOBODY;

const LAST: &str = "GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

async fn start() -> TestApp {
    let folder = tempfile::tempdir().expect("a folder");
    TestApp::on(folder, Tweaks::default(), |config| {
        // Nobody can upload anything that is large.
        config.api.uploads_max = 0;
        config.api.body_read_timeout_ms = 1_000;
    })
    .await
}

/// Every verb on every route of the description, and on a path that leads nowhere. Bodies are read
/// in some, ignored in some, and refused in most.
async fn requests(app: &TestApp) -> Vec<(&'static str, String)> {
    let openapi = app.http.get("/openapi.json").await.json();
    let mut paths: BTreeSet<_> = openapi["paths"]
        .as_object()
        .expect("paths")
        .keys()
        .cloned()
        .collect();
    assert!(paths.len() > 20, "{paths:?}");
    paths.extend(
        [
            "/",
            "/nothing",
            "/concerts/{id}",
            "/docs/",
            "/api/v1/concerts/x",
        ]
        .map(String::from),
    );
    let verbs = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"];
    let requests = paths.iter().flat_map(|path| {
        let path = path.replace("{id}", NOBODY);
        verbs.map(|verb| (verb, path.clone()))
    });
    requests.collect()
}

/// What a server says to a request whose body is announced and sent, and to the next one.
async fn said(app: &TestApp, head: String, body: &[u8], next: &str) -> String {
    let mut raw = Raw::connect(app.http.address()).await;
    // A server may hang up while it is being told; it has answered nevertheless.
    let _ =
        raw.send(head.as_bytes()).await && raw.send(body).await && raw.send(next.as_bytes()).await;
    raw.until_closed().await
}

/// The head of the first answer.
fn first_head(said: &str) -> String {
    said.split("\r\n\r\n")
        .next()
        .unwrap_or_default()
        .to_lowercase()
}

#[tests::every_engine]
async fn a_body_that_nobody_wants_does_not_lose_the_connection() {
    let app = start().await;
    let body = vec![b'['; 300_000];
    for extra in ["", "origin: https://evil.example\r\n"] {
        let asked = requests(&app).await.into_iter().map(|(verb, path)| {
            let (app, body) = (&app, &body);
            async move {
                let head = format!(
                    "{verb} {path} HTTP/1.1\r\nhost: x\r\n{extra}content-length: {}\r\n\r\n",
                    body.len()
                );
                let said = said(app, head, body, LAST).await;
                let shown: String = said.chars().take(600).collect();
                let closes = first_head(&said).contains("connection: close");
                match statuses(&said)[..] {
                    [_, 200] => assert!(!closes, "{verb} {path}: {shown}"),
                    [_] => assert!(closes, "{verb} {path} hung up: {shown}"),
                    _ => panic!("{verb} {path}: {shown}"),
                }
                closes
            }
        });
        let closed = join_all(asked).await;
        // A small rest is read, so that the next request finds the connection open.
        assert!(closed.contains(&false), "every connection was closed");
    }
    app.stop().await;
}

#[tests::every_engine]
async fn a_body_that_never_comes_is_not_waited_for_in_silence() {
    let app = start().await;
    let asked = requests(&app).await.into_iter().map(|(verb, path)| {
        let app = &app;
        async move {
            let head =
                format!("{verb} {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 300000\r\n\r\n");
            let said = said(app, head, b"[", "").await;
            let shown: String = said.chars().take(600).collect();
            assert_eq!(statuses(&said).len(), 1, "{verb} {path}: {shown}");
            let closes = first_head(&said).contains("connection: close");
            assert!(closes, "{verb} {path}: {shown}");
        }
    });
    join_all(asked).await;
    app.stop().await;
}

#[tests::every_engine]
async fn who_asks_before_sending_is_not_asked_for_what_is_refused() {
    let app = start().await;
    for (verb, path, extra) in [
        ("POST", "/nothing", ""),
        ("DELETE", "/api/v1/concerts", ""),
        ("PUT", "/api/v1/concerts/x", ""),
        (
            "POST",
            "/api/v1/tickets",
            "origin: https://evil.example\r\n",
        ),
    ] {
        let head = format!(
            "{verb} {path} HTTP/1.1\r\nhost: x\r\n{extra}expect: 100-continue\r\n\
             content-length: 300000\r\n\r\n"
        );
        let said = said(&app, head, b"", "").await;
        let statuses = statuses(&said);
        assert!(matches!(statuses[..], [400..=499]), "{verb} {path}: {said}");
        assert!(first_head(&said).contains("connection: close"), "{said}");
    }
    app.stop().await;
}
