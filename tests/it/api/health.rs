//! `GET /{resource}/health`.

use std::future::ready;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::ports::StoreError;
use futures::FutureExt;
use serde_json::json;
use tests::{TestApp, before_writing_and_reading};

use super::json;

#[tests::every_engine]
async fn every_resource_says_that_it_is_well() {
    let app = TestApp::start().await;
    for resource in ["users", "concerts", "tickets"] {
        let answer = app.http.get(&format!("/api/v1/{resource}/health")).await;
        assert_eq!(json(&answer, 200), json!({"status": "ok"}), "{resource}");
        // Compared byte by byte by those who probe.
        assert_eq!(answer.text(), r#"{"status":"ok"}"#);
    }
    app.stop().await;
}

#[tests::every_engine]
async fn nothing_is_well_while_the_ledger_is_damaged() {
    let is_damaged = Arc::<AtomicBool>::default();
    let damaged = Arc::clone(&is_damaged);
    let tweaks = before_writing_and_reading(
        |_| ready(Ok(())).boxed(),
        move |_| {
            let damage = || StoreError::corrupt("concerts.name", io::Error::other("on purpose"));
            let found = damaged.load(Ordering::SeqCst).then(damage);
            ready(found.map_or(Ok(()), Err)).boxed()
        },
    );
    let app = TestApp::with(tweaks).await;
    is_damaged.store(true, Ordering::SeqCst);
    for path in ["users", "concerts", "tickets"].map(|name| format!("/api/v1/{name}/health")) {
        app.http.get(&path).await.assert_problem(503);
    }
    app.http.get("/readyz").await.assert_problem(503);
    is_damaged.store(false, Ordering::SeqCst);
    assert_eq!(app.http.get("/readyz").await.status, 200);
    app.stop().await;
}

#[tests::every_engine]
async fn health_is_never_an_id() {
    let app = TestApp::start().await;
    let change = app
        .http
        .put("/api/v1/concerts/health", &json!({"name": "x"}))
        .await;
    change.assert_problem(405);
    for path in ["concerts/health/seats", "tickets/health/print"] {
        app.http
            .get(&format!("/api/v1/{path}"))
            .await
            .assert_problem(404);
    }
    let order = json!({"concert_id": "health", "user_id": "health"});
    app.http
        .post("/api/v1/tickets", &order)
        .await
        .assert_problem(400);
    app.http
        .get("/api/v1/tickets?user_id=health")
        .await
        .assert_problem(404);
    app.stop().await;
}
