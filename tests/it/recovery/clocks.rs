//! A server whose clock was hours ahead, and was set right while it was away.

use std::sync::Arc;

use chrono::TimeDelta;
use cli::service::Tweaks;
use domain::clock::Clock;
use domain::{SystemClock, Timestamp};
use serde_json::json;
use tests::{TestApp, eventually};

struct Ahead;

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock.now() + TimeDelta::hours(5)
    }
}

#[tests::every_engine]
async fn a_clock_that_is_set_right_again_holds_nothing_up() {
    let ahead = Tweaks {
        clock: Some(Arc::new(Ahead)),
        ..Tweaks::default()
    };
    let app = TestApp::with(ahead).await;
    let concert = app.http.create_concert("A night", 50).await;
    app.http.bought(&concert, 1).await;
    app.http.plan(&concert).await;
    let home = app.stop().await;

    let app = TestApp::again(home, Tweaks::default(), |_| {}).await;
    let ticket = app.http.bought(&concert, 2).await;
    app.http
        .post_empty(&format!("/api/v1/tickets/{ticket}/print"))
        .await;
    app.http.until_print(&ticket, "PRINTED").await;
    let sold = format!("{concert}|50|2");
    eventually("the plan shows the sale", || async {
        let plan = app.http.plan(&concert).await.text();
        plan.contains(&sold).then_some(())
    })
    .await;
    assert_eq!(
        app.http.get("/readyz").await.json(),
        json!({"status": "ok"})
    );
    app.stop().await;
}
