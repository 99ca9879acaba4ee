//! `GET /{resource}/health`.

use serde_json::json;
use tests::TestApp;

use super::json;

#[tokio::test(flavor = "multi_thread")]
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

#[tokio::test(flavor = "multi_thread")]
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
