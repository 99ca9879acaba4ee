//! `Idempotency-Key`: a retried request has one effect and the same answer.

use std::sync::{Arc, Mutex};

use domain::keys::{KEPT_FOR, StoredKey};
use futures::FutureExt;
use serde_json::{Value, json};
use tests::http::{concert_body, order_body};
use tests::{Answer, Http, TestApp, before_writing};

use super::elements;

/// One request of each kind that makes something, and how much of it there is.
async fn requests(http: &Http) -> Vec<(&'static str, String, Value)> {
    let concert = http.create_concert("A night", 500).await;
    let ticket = http.bought(&concert, 1).await;
    vec![
        (
            "ticket",
            "/api/v1/tickets".to_owned(),
            order_body(&concert, 2),
        ),
        (
            "concert",
            "/api/v1/concerts".to_owned(),
            concert_body("Another night", 5),
        ),
        (
            "print",
            format!("/api/v1/tickets/{ticket}/print"),
            json!({}),
        ),
    ]
}

async fn count(http: &Http) -> usize {
    let mut count = 0;
    for path in ["/api/v1/concerts", "/api/v1/tickets"] {
        count += elements(&http.get(path).await.json()).len();
    }
    count
}

#[track_caller]
fn assert_same(first: &Answer, again: &Answer) {
    assert_eq!(again.status, first.status);
    assert_eq!(again.body, first.body);
    for header in ["content-type", "etag", "location"] {
        assert_eq!(again.header(header), first.header(header), "{header}");
    }
}

#[tests::every_engine]
async fn a_repeated_request_has_the_first_answer_and_no_second_effect() {
    let app = TestApp::start().await;
    for (kind, path, body) in requests(&app.http).await {
        let key = format!("key-{kind}");
        let first = app.http.post_keyed(&path, &key, &body).await;
        assert!(
            [201, 202].contains(&first.status),
            "{kind}: {}",
            first.text()
        );
        let things = count(&app.http).await;
        for _ in 0..3 {
            assert_same(&first, &app.http.post_keyed(&path, &key, &body).await);
        }
        assert_eq!(count(&app.http).await, things, "{kind}");
    }
    app.stop().await;
}

#[tests::every_engine]
async fn another_payload_or_path_under_a_key_is_refused() {
    let app = TestApp::start().await;
    let requests = requests(&app.http).await;
    for (kind, path, body) in &requests {
        let key = format!("key-{kind}");
        app.http.post_keyed(path, &key, body).await;
        let things = count(&app.http).await;
        let mut other = body.clone();
        other["user_id"] = json!(tests::http::user_id(3));
        app.http
            .post_keyed(path, &key, &other)
            .await
            .assert_problem(422);
        for (_, path, body) in requests.iter().filter(|(other, ..)| other != kind) {
            app.http
                .post_keyed(path, &key, body)
                .await
                .assert_problem(422);
        }
        assert_eq!(count(&app.http).await, things, "{kind}");
    }
    app.stop().await;
}

#[tests::every_engine]
async fn a_hundred_concurrent_requests_with_one_key_have_one_effect() {
    let app = TestApp::start().await;
    for (kind, path, body) in requests(&app.http).await {
        let before = count(&app.http).await;
        let all = (0..100).map(|_| app.http.post_keyed(&path, kind, &body));
        let answers = futures::future::join_all(all).await;
        let done: Vec<_> = answers
            .iter()
            .filter(|answer| answer.status != 409)
            .collect();
        assert!(!done.is_empty());
        for answer in &done {
            assert!(
                [201, 202].contains(&answer.status),
                "{kind}: {}",
                answer.text()
            );
            assert_same(done[0], answer);
        }
        for answer in answers.iter().filter(|answer| answer.status == 409) {
            answer.assert_problem(409);
        }
        let made = usize::from(kind != "print");
        assert_eq!(count(&app.http).await, before + made, "{kind}");
        assert_same(done[0], &app.http.post_keyed(&path, kind, &body).await);
    }
    app.stop().await;
}

#[tests::every_engine]
async fn a_refusal_is_replayed_even_when_it_would_be_granted_by_now() {
    let app = TestApp::start().await;
    let mut body = concert_body("Not yet", 5);
    body["status"] = json!("SOLD_OUT");
    let concert = app.http.post("/api/v1/concerts", &body).await.string("/id");
    let order = order_body(&concert, 1);
    let first = app
        .http
        .post_keyed("/api/v1/tickets", "early", &order)
        .await;
    first.assert_problem(422);
    let path = format!("/api/v1/concerts/{concert}");
    app.http.put(&path, &json!({"status": "ACTIVE"})).await;
    assert_same(
        &first,
        &app.http
            .post_keyed("/api/v1/tickets", "early", &order)
            .await,
    );
    assert_eq!(
        app.http
            .post_keyed("/api/v1/tickets", "later", &order)
            .await
            .status,
        201
    );
    app.stop().await;
}

#[tests::every_engine]
async fn keys_survive_a_restart() {
    let app = TestApp::start().await;
    let mut first = Vec::new();
    for (kind, path, body) in requests(&app.http).await {
        let answer = app.http.post_keyed(&path, kind, &body).await;
        first.push((kind, path, body, answer));
    }
    let things = count(&app.http).await;
    let folder = app.stop().await;
    let app = TestApp::again(folder, cli::service::Tweaks::default(), |_| {}).await;
    for (kind, path, body, answer) in first {
        assert_same(&answer, &app.http.post_keyed(&path, kind, &body).await);
    }
    assert_eq!(count(&app.http).await, things);
    app.stop().await;
}

#[tests::every_engine]
async fn a_key_is_forgotten_after_a_day() {
    let clock = std::sync::Arc::new(domain::ManualClock::new(domain::Clock::now(
        &domain::SystemClock,
    )));
    let tweaks = cli::service::Tweaks {
        clock: Some(clock.clone()),
        no_workers: true,
        ..cli::service::Tweaks::default()
    };
    let app = TestApp::with(tweaks).await;
    let body = concert_body("A night", 5);
    let post = || app.http.post_keyed("/api/v1/concerts", "daily", &body);
    let first = post().await;
    clock.advance(chrono::TimeDelta::hours(23));
    assert_same(&first, &post().await);
    clock.advance(chrono::TimeDelta::hours(2));
    let second = post().await;
    assert_eq!(second.status, 201);
    assert_ne!(second.json()["id"], first.json()["id"]);
    app.stop().await;
}

#[tests::every_engine]
async fn a_key_that_is_none_is_refused_and_does_nothing() {
    let app = TestApp::start().await;
    for key in ["", " ", "a b", &"k".repeat(256)] {
        let body = concert_body("A night", 5);
        app.http
            .post_keyed("/api/v1/concerts", key, &body)
            .await
            .assert_problem(400);
    }
    assert_eq!(count(&app.http).await, 0);
    let longest = "k".repeat(255);
    let body = concert_body("A night", 5);
    let created = app
        .http
        .post_keyed("/api/v1/concerts", &longest, &body)
        .await;
    assert_eq!(created.status, 201);
    app.stop().await;
}

#[tests::every_engine]
async fn who_bought_the_last_seat_is_not_told_that_there_is_none() {
    // An answer that another process gives before the next transaction.
    let elsewhere = Arc::new(Mutex::new(None::<StoredKey>));
    let answers = Arc::clone(&elsewhere);
    let tweaks = before_writing(move |ledger| {
        let answered = answers.lock().expect("nobody panics").take();
        async move {
            if let Some(key) = answered {
                let mut tx = ledger.begin().await?;
                tx.insert_keys(std::slice::from_ref(&key), key.created_at - KEPT_FOR)
                    .await?;
                tx.commit().await?;
            }
            Ok(())
        }
        .boxed()
    });
    let app = TestApp::with(tweaks).await;
    let concert = app.http.create_concert("A night", 1).await;
    let order = order_body(&concert, 1);
    let buy = async |key| app.http.post_keyed("/api/v1/tickets", key, &order).await;
    let bought = buy("first").await;
    assert_eq!(bought.status, 201);
    let mut view = app.context().store.read().await.expect("it is there");
    let mut stored = view
        .find_keys(&["first".into()])
        .await
        .expect("it can be read");
    drop(view);
    // As if the next request had been answered elsewhere after it was looked up here.
    let answered = StoredKey {
        key: "second".into(),
        ..stored.pop().expect("it was kept")
    };
    *elsewhere.lock().expect("nobody panics") = Some(answered);
    assert_same(&bought, &buy("second").await);
    assert_same(&bought, &buy("second").await);
    buy("third").await.assert_problem(422);
    app.stop().await;
}
