//! `PUT /concerts/{id}`.

use serde_json::{Map, Value, json};
use tests::TestApp;

use super::{NO_IDS, NOBODY, json, pointers};

const CHANGES: [(&str, &str); 4] = [
    ("name", "Another night"),
    ("venue", "Small Hall"),
    ("date", "2032-01-31"),
    ("status", "CANCELLED"),
];

#[tests::every_engine]
async fn any_part_of_a_concert_can_be_changed_and_the_others_stay() {
    let app = TestApp::start().await;
    for chosen in 0..1_u32 << CHANGES.len() {
        let id = app.http.create_concert("A night", 10).await;
        let path = format!("/api/v1/concerts/{id}");
        let mut wanted = app.http.get(&path).await.json();
        let mut body = Map::new();
        for (bit, (key, value)) in CHANGES.into_iter().enumerate() {
            if chosen >> bit & 1 == 1 {
                body.insert(key.to_owned(), json!(value));
                wanted[key] = json!(value);
            }
        }
        let changed = json(&app.http.put(&path, &Value::Object(body)).await, 200);
        assert_eq!(changed, wanted);
        assert_eq!(json(&app.http.get(&path).await, 200), wanted);
        let list = app.http.get("/api/v1/concerts").await.json();
        assert!(list.as_array().unwrap().contains(&wanted));
    }
    app.stop().await;
}

#[tests::every_engine]
async fn any_status_may_follow_any_other() {
    let app = TestApp::start().await;
    let id = app.http.create_concert("A night", 10).await;
    let path = format!("/api/v1/concerts/{id}");
    let all = ["ACTIVE", "CANCELLED", "SOLD_OUT"];
    for from in all {
        for to in all {
            for status in [from, to] {
                let changed = app.http.put(&path, &json!({"status": status})).await;
                assert_eq!(json(&changed, 200)["status"], status, "{from} to {to}");
            }
        }
    }
    app.stop().await;
}

#[tests::every_engine]
async fn nothing_to_change_makes_no_new_version() {
    let app = TestApp::start().await;
    let id = app.http.create_concert("A night", 10).await;
    let path = format!("/api/v1/concerts/{id}");
    let before = app.http.get(&path).await;
    let changed = app.http.put(&path, &json!({})).await;
    assert_eq!(json(&changed, 200), before.json());
    assert_eq!(changed.header("etag"), before.header("etag"));
    assert_eq!(
        app.http.get(&path).await.header("etag"),
        before.header("etag")
    );
    app.stop().await;
}

#[tests::every_engine]
async fn an_unknown_concert_is_not_found_whatever_the_body() {
    let app = TestApp::start().await;
    for id in [NOBODY].iter().chain(&NO_IDS) {
        let path = format!("/api/v1/concerts/{id}");
        for body in ["{}", r#"{"capacity":1}"#, r#"{"name":""}"#, "{", ""] {
            let answer = app.http.send("PUT", &path, &[], body.to_owned()).await;
            answer.assert_problem(404);
        }
    }
    app.stop().await;
}

/// Bodies that no concert may be changed with, and what is wrong with each.
fn bad_bodies() -> Vec<(Value, &'static str)> {
    let mut bad = vec![
        (json!({"capacity": 10}), "/capacity"),
        (json!({"capacity": 11}), "/capacity"),
        (json!({"capacity": null}), "/capacity"),
        (json!({"id": NOBODY}), "/id"),
        (json!({"id": null}), "/id"),
        (json!({"name": "good", "capacity": 10}), "/capacity"),
        (json!({"version": 1}), "/version"),
        (json!({"layout_id": NOBODY}), "/layout_id"),
        (json!({"Status": "ACTIVE"}), "/Status"),
    ];
    for value in [
        json!(""),
        json!(null),
        json!(1),
        json!("x".repeat(1_001)),
        json!("a\u{0}"),
    ] {
        bad.push((json!({"name": value}), "/name"));
        bad.push((json!({"venue": value}), "/venue"));
    }
    for value in [
        json!("2031-02-29"),
        json!(""),
        json!(null),
        json!("2031-5-1"),
        json!(1),
    ] {
        bad.push((json!({"date": value}), "/date"));
    }
    for value in [json!("active"), json!(""), json!(null), json!(1)] {
        bad.push((json!({"status": value}), "/status"));
        bad.push((json!({"name": "good", "status": value}), "/status"));
    }
    bad
}

#[tests::every_engine]
async fn a_refused_change_changes_nothing() {
    let app = TestApp::start().await;
    let id = app.http.create_concert("A night", 10).await;
    let path = format!("/api/v1/concerts/{id}");
    let before = app.http.get(&path).await;
    for (body, pointer) in bad_bodies() {
        let problem = app.http.put(&path, &body).await.assert_problem(400);
        assert_eq!(pointers(&problem), [pointer], "{body}");
    }
    let own = json!({"id": id});
    assert_eq!(
        pointers(&app.http.put(&path, &own).await.assert_problem(400)),
        ["/id"]
    );
    for body in [
        "",
        "{",
        "[]",
        "null",
        "\"x\"",
        r#"{"name":"a"}{}"#,
        r#"{"name":"a","name":"b"}"#,
    ] {
        app.http
            .send("PUT", &path, &[], body.to_owned())
            .await
            .assert_problem(400);
    }
    let after = app.http.get(&path).await;
    assert_eq!(after.json(), before.json());
    assert_eq!(after.header("etag"), before.header("etag"));
    app.stop().await;
}

#[tests::every_engine]
async fn a_change_survives_a_restart() {
    let app = TestApp::start().await;
    let id = app.http.create_concert("A night", 10).await;
    let path = format!("/api/v1/concerts/{id}");
    let changed = app
        .http
        .put(&path, &json!({"name": "Renamed", "date": "2031-06-01"}))
        .await;
    let folder = app.stop().await;
    let app = TestApp::again(folder, cli::service::Tweaks::default(), |_| {}).await;
    let found = app.http.get(&path).await;
    assert_eq!(found.json(), changed.json());
    assert_eq!(found.header("etag"), changed.header("etag"));
    app.stop().await;
}

#[tests::every_engine]
async fn concurrent_changes_of_different_parts_are_all_kept() {
    let app = TestApp::start().await;
    let id = app.http.create_concert("A night", 10).await;
    let path = format!("/api/v1/concerts/{id}");
    let puts = CHANGES.map(|(key, value)| {
        let (http, path) = (app.http.clone(), path.clone());
        async move { http.put(&path, &json!({key: value})).await.status }
    });
    assert_eq!(futures::future::join_all(puts).await, [200; 4]);
    let found = app.http.get(&path).await.json();
    for (key, value) in CHANGES {
        assert_eq!(found[key], value);
    }
    app.stop().await;
}
