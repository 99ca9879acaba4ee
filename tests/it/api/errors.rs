//! What all routes answer to what they cannot serve.

use std::collections::BTreeSet;

use serde_json::json;
use tests::TestApp;
use tests::http::{concert_body, order_body};

use super::{NOBODY, json};

const VERBS: [&str; 5] = ["GET", "POST", "PUT", "DELETE", "PATCH"];

/// Every route of the contract with the verbs that it has.
fn routes(concert: &str, ticket: &str) -> Vec<(String, Vec<&'static str>)> {
    let user = tests::http::user_id(1);
    [
        ("users".to_owned(), vec!["GET"]),
        ("users/health".to_owned(), vec!["GET"]),
        (format!("users/{user}"), vec!["GET"]),
        ("concerts".to_owned(), vec!["GET", "POST"]),
        ("concerts/health".to_owned(), vec!["GET"]),
        (format!("concerts/{concert}"), vec!["GET", "PUT"]),
        (format!("concerts/{concert}/seats"), vec!["GET"]),
        ("tickets".to_owned(), vec!["GET", "POST"]),
        ("tickets/health".to_owned(), vec!["GET"]),
        (format!("tickets/{ticket}"), vec!["GET"]),
        (format!("tickets/{ticket}/print"), vec!["GET", "POST"]),
    ]
    .into_iter()
    .map(|(path, verbs)| (format!("/api/v1/{path}"), verbs))
    .collect()
}

#[tests::every_engine]
async fn a_wrong_verb_is_told_which_ones_are_allowed() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 5).await;
    let ticket = app.http.bought(&concert, 1).await;
    let before = app.http.ledger().await;
    for (path, verbs) in routes(&concert, &ticket) {
        let mut allowed: BTreeSet<_> = verbs.iter().copied().collect();
        allowed.insert("HEAD");
        for verb in VERBS.into_iter().filter(|verb| !allowed.contains(verb)) {
            let answer = app.http.send(verb, &path, &[], "{}").await;
            assert_eq!(answer.status, 405, "{verb} {path}");
            answer.assert_problem(405);
            let told: BTreeSet<_> = answer.header("allow").split(',').map(str::trim).collect();
            assert_eq!(told, allowed, "{verb} {path}");
        }
    }
    assert_eq!(app.http.ledger().await, before);
    app.stop().await;
}

#[tests::every_engine]
async fn a_path_that_leads_nowhere_is_not_found() {
    let app = TestApp::start().await;
    for path in [
        "/api",
        "/api/v1",
        "/api/v2/concerts",
        "/api/v1/venues",
        "/api/v1/concerts/",
        "/api/v1//concerts",
        "/api/v1/concerts/a/b/c",
        "/API/V1/CONCERTS",
        "/favicon.ico.exe",
        "/api/v1/users/1/2",
        "/api/v1/tickets/1/print/2",
    ] {
        for verb in ["GET", "POST", "DELETE"] {
            app.http.send(verb, path, &[], "").await.assert_problem(404);
        }
    }
    app.stop().await;
}

#[tests::every_engine]
async fn head_answers_as_get_without_a_body() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 5).await;
    let ticket = app.http.bought(&concert, 1).await;
    app.http
        .post_empty(&format!("/api/v1/tickets/{ticket}/print"))
        .await;
    app.http.until_print(&ticket, "PRINTED").await;
    let unknown = (format!("/api/v1/concerts/{NOBODY}"), vec!["GET"]);
    for (path, _) in routes(&concert, &ticket).into_iter().chain([unknown]) {
        let (get, head) = (
            app.http.get(&path).await,
            app.http.send("HEAD", &path, &[], "").await,
        );
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(
            head.header("content-type"),
            get.header("content-type"),
            "{path}"
        );
        assert!(head.body.is_empty());
    }
    app.stop().await;
}

#[tests::every_engine]
async fn a_body_of_64_kib_is_read_and_a_longer_one_is_not() {
    const LIMIT: usize = 64 * 1024;
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 5).await;
    let ticket = app.http.bought(&concert, 1).await;
    let padded = |body: &serde_json::Value, length: usize| {
        let body = body.to_string();
        format!("{body}{}", " ".repeat(length - body.len()))
    };
    for (verb, path, body, good) in [
        ("POST", "/api/v1/concerts", concert_body("A night", 5), 201),
        ("POST", "/api/v1/tickets", order_body(&concert, 2), 201),
        (
            "PUT",
            &format!("/api/v1/concerts/{concert}"),
            json!({"name": "x"}),
            200,
        ),
    ] {
        let fits = app.http.send(verb, path, &[], padded(&body, LIMIT)).await;
        json(&fits, good);
        let before = app.http.ledger().await;
        let long = app
            .http
            .send(verb, path, &[], padded(&body, LIMIT + 1))
            .await;
        long.assert_problem(413);
        assert_eq!(app.http.ledger().await, before);
    }
    // A print needs no body, and none that long either.
    let print = format!("/api/v1/tickets/{ticket}/print");
    let long = app
        .http
        .send("POST", &print, &[], " ".repeat(LIMIT + 1))
        .await;
    long.assert_problem(413);
    app.stop().await;
}

/// Sends 80 KiB in chunks and says what the server said.
async fn send_chunks(app: &TestApp, end: &[u8]) -> String {
    let mut raw = tests::Raw::connect(app.http.address()).await;
    raw.send(b"POST /api/v1/concerts HTTP/1.1\r\nhost: x\r\n")
        .await;
    raw.send(b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n")
        .await;
    let chunk = [&b"1000\r\n"[..], &[b' '; 0x1000], b"\r\n"].concat();
    for _ in 0..20 {
        raw.send(&chunk).await;
    }
    raw.send(end).await;
    raw.until_closed().await
}

#[tests::every_engine]
async fn a_body_without_a_length_is_limited_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let app = TestApp::on(folder, cli::service::Tweaks::default(), |config| {
        config.api.body_read_timeout_ms = 5_000;
    })
    .await;
    let before = app.http.ledger().await;
    // One that ends, and one that is too large already and never ends.
    for end in [&b"0\r\n\r\n"[..], b""] {
        let said = send_chunks(&app, end).await;
        assert_eq!(tests::raw::statuses(&said), [413], "{said}");
    }
    assert_eq!(app.http.ledger().await, before);
    app.stop().await;
}

#[tests::every_engine]
async fn problems_have_a_stable_type_and_differ_by_cause() {
    let app = TestApp::start().await;
    let empty = app.http.create_concert("Nobody", 0).await;
    let order = order_body(&empty, 1);
    let kinds = [
        app.http.get("/api/v1/nowhere").await.assert_problem(404),
        app.http
            .post("/api/v1/concerts", &json!({}))
            .await
            .assert_problem(400),
        app.http
            .post("/api/v1/tickets", &order)
            .await
            .assert_problem(422),
        app.http
            .send("PATCH", "/api/v1/users", &[], "")
            .await
            .assert_problem(405),
    ]
    .map(|problem| problem["type"].as_str().unwrap().to_owned());
    assert_eq!(
        kinds.iter().collect::<BTreeSet<_>>().len(),
        kinds.len(),
        "{kinds:?}"
    );
    let again = app
        .http
        .post("/api/v1/tickets", &order)
        .await
        .assert_problem(422);
    assert_eq!(again["type"], kinds[2]);
    app.stop().await;
}
