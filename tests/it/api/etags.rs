//! `ETag`, `If-None-Match` and `If-Match` of concerts.

use reqwest::Method;
use serde_json::json;
use tests::http::answer;
use tests::{Answer, Http, TestApp};

async fn put_if(http: &Http, path: &str, tag: &str, name: &str) -> Answer {
    let request = http.request(Method::PUT, path).header("if-match", tag);
    answer(request.json(&json!({"name": name}))).await
}

#[track_caller]
fn strong_tag(answer: &Answer) -> String {
    let tag = answer.header("etag").to_owned();
    let inner = tag
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let inner = inner.unwrap_or_else(|| panic!("{tag:?} is a strong tag"));
    assert!(!inner.is_empty() && !inner.contains('"'));
    tag
}

#[tests::every_engine]
async fn every_answer_with_a_concert_carries_its_tag() {
    let app = TestApp::start().await;
    let body = tests::http::concert_body("A night", 10);
    let created = app.http.post("/api/v1/concerts", &body).await;
    let path = format!("/api/v1/concerts/{}", created.string("/id"));
    let first = strong_tag(&created);
    assert_eq!(strong_tag(&app.http.get(&path).await), first);
    let changed = app.http.put(&path, &json!({"name": "Renamed"})).await;
    let second = strong_tag(&changed);
    assert_ne!(second, first);
    assert_eq!(strong_tag(&app.http.get(&path).await), second);
    // The same value again is an accepted change too.
    let again = app.http.put(&path, &json!({"name": "Renamed"})).await;
    assert_ne!(strong_tag(&again), second);
    app.stop().await;
}

#[tests::every_engine]
async fn what_a_client_has_already_is_not_sent_again() {
    let app = TestApp::start().await;
    let id = app.http.create_concert("A night", 10).await;
    let path = format!("/api/v1/concerts/{id}");
    let tag = strong_tag(&app.http.get(&path).await);
    for known in [
        tag.clone(),
        format!("\"other\", {tag}"),
        format!("W/{tag}"),
        "*".to_owned(),
    ] {
        let answer = app.http.get_with(&path, &[("if-none-match", &known)]).await;
        assert_eq!(answer.status, 304, "{known}");
        assert_eq!(answer.header("etag"), tag);
        assert!(answer.body.is_empty());
    }
    for other in ["\"other\"", "\"\"", "nonsense"] {
        let answer = app.http.get_with(&path, &[("if-none-match", other)]).await;
        assert_eq!(answer.status, 200, "{other}");
    }
    app.http.put(&path, &json!({"name": "Renamed"})).await;
    let answer = app.http.get_with(&path, &[("if-none-match", &tag)]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["name"], "Renamed");
    app.stop().await;
}

#[tests::every_engine]
async fn a_change_of_what_was_not_seen_is_refused() {
    let app = TestApp::start().await;
    let id = app.http.create_concert("A night", 10).await;
    let path = format!("/api/v1/concerts/{id}");
    let first = strong_tag(&app.http.get(&path).await);
    let second = strong_tag(&put_if(&app.http, &path, &first, "Second").await);
    for stale in [&first, "\"other\"", "nonsense", &format!("W/{first}")] {
        put_if(&app.http, &path, stale, "Stale")
            .await
            .assert_problem(412);
    }
    let found = app.http.get(&path).await;
    assert_eq!(
        (found.json()["name"].as_str(), found.header("etag")),
        (Some("Second"), &*second)
    );
    assert_eq!(
        put_if(&app.http, &path, &format!("{first}, {second}"), "Third")
            .await
            .status,
        200
    );
    // A proxy that compresses calls our tag weak; it names its version as well.
    let third = strong_tag(&app.http.get(&path).await);
    let weak = format!("W/{third}");
    assert_eq!(put_if(&app.http, &path, &weak, "Fourth").await.status, 200);
    assert_eq!(put_if(&app.http, &path, "*", "Fifth").await.status, 200);
    app.stop().await;
}

#[tests::every_engine]
async fn of_many_changes_with_one_tag_exactly_one_is_accepted() {
    let app = TestApp::start().await;
    let id = app.http.create_concert("A night", 10).await;
    let path = format!("/api/v1/concerts/{id}");
    let tag = strong_tag(&app.http.get(&path).await);
    let puts = (0..20).map(|n| {
        let (http, path, tag) = (&app.http, &path, &tag);
        async move { put_if(http, path, tag, &format!("Name {n}")).await.status }
    });
    let statuses = futures::future::join_all(puts).await;
    assert_eq!(
        statuses.iter().filter(|status| **status == 200).count(),
        1,
        "{statuses:?}"
    );
    assert_eq!(statuses.iter().filter(|status| **status == 412).count(), 19);
    app.stop().await;
}

#[tests::every_engine]
async fn a_concert_that_sells_out_is_not_the_one_that_a_client_has() {
    let app = TestApp::start().await;
    let id = app.http.create_concert("Tiny", 1).await;
    let path = format!("/api/v1/concerts/{id}");
    let open = strong_tag(&app.http.get(&path).await);
    app.http.bought(&id, 1).await;
    let answer = app.http.get_with(&path, &[("if-none-match", &open)]).await;
    assert_eq!(answer.status, 200, "the status differs, so the tag does");
    assert_eq!(answer.json()["status"], "SOLD_OUT");
    let closed = strong_tag(&answer);
    assert_ne!(closed, open);
    let again = app
        .http
        .get_with(&path, &[("if-none-match", &closed)])
        .await;
    assert_eq!(again.status, 304);
    // Nobody changed it, so whoever read it while it was on sale may change it.
    assert_eq!(
        put_if(&app.http, &path, &closed, "Renamed").await.status,
        200
    );
    app.stop().await;
}

#[tests::every_engine]
async fn an_unknown_concert_is_not_found_before_its_tag_is_looked_at() {
    let app = TestApp::start().await;
    let path = format!("/api/v1/concerts/{}", super::NOBODY);
    put_if(&app.http, &path, "\"1\"", "x")
        .await
        .assert_problem(404);
    app.http
        .get_with(&path, &[("if-none-match", "*")])
        .await
        .assert_problem(404);
    app.stop().await;
}
