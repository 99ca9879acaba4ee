//! `/concerts/{id}/show`: hours, terms and prices, and where they are seen.

use serde_json::{Value, json};
use tests::svg::assert_text;
use tests::{TestApp, eventually};

use super::NOBODY;

fn show() -> Value {
    json!({
        "starts_at": "19:30", "doors_at": "18:45", "time_zone": "Europe/Vienna",
        "terms": "No refunds.", "prices": {"A": "€ 89.00"},
    })
}

fn nothing() -> Value {
    json!({"starts_at": null, "doors_at": null, "time_zone": null, "terms": null, "prices": {}})
}

#[tests::every_engine]
async fn show_is_kept_and_another_version_of_its_concert() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 40).await;
    let (path, of) = (
        format!("/api/v1/concerts/{concert}/show"),
        |answer: &tests::Answer| {
            (
                answer.status,
                answer.json(),
                answer.header("etag").to_owned(),
            )
        },
    );
    assert_eq!(
        of(&app.http.get(&path).await),
        (200, nothing(), "\"1\"".into())
    );
    let put = app.http.put(&path, &show()).await;
    assert_eq!(of(&put), (200, show(), "\"2\"".into()));
    assert_eq!(
        of(&app.http.get(&path).await),
        (200, show(), "\"2\"".into())
    );
    let same = app.http.put(&path, &show()).await;
    assert_eq!(of(&same), (200, show(), "\"2\"".into()), "nothing changed");
    let known = app
        .http
        .get_with(&path, &[("if-none-match", "\"2\"")])
        .await;
    assert_eq!(known.status, 304);
    let concerts = app.http.get(&format!("/api/v1/concerts/{concert}")).await;
    assert_eq!(concerts.header("etag"), "\"2\"");
    let stale = [("if-match", "\"1\""), ("content-type", "application/json")];
    app.http
        .send("PUT", &path, &stale, "{}")
        .await
        .assert_problem(412);
    assert_eq!(
        of(&app.http.put(&path, &json!({})).await),
        (200, nothing(), "\"3\"".into())
    );
    app.stop().await;
}

#[tests::every_engine]
async fn mistakes_in_a_show_are_told_by_their_place_and_change_nothing() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 40).await;
    let path = format!("/api/v1/concerts/{concert}/show");
    let long = "x".repeat(4_001);
    for (key, value) in [
        ("starts_at", json!("7:30 pm")),
        ("starts_at", json!("24:00")),
        ("doors_at", json!(1_845)),
        ("time_zone", json!("Europe/Wien")),
        ("terms", json!("")),
        ("terms", json!(long)),
        ("terms", json!("a\u{7}")),
        ("prices", json!(["1"])),
        ("prices", json!({"A": 89})),
        ("prices", json!({"": "1"})),
        ("price", json!({})),
    ] {
        let answer = app.http.put(&path, &json!({ key: value })).await;
        answer.assert_problem(400);
        assert_eq!(answer.json()["errors"][0]["pointer"], format!("/{key}"));
    }
    assert_eq!(app.http.get(&path).await.header("etag"), "\"1\"");
    for id in [NOBODY, "x"] {
        let path = format!("/api/v1/concerts/{id}/show");
        app.http.get(&path).await.assert_problem(404);
        app.http
            .put(&path, &json!({"starts_at": 1}))
            .await
            .assert_problem(404);
    }
    app.stop().await;
}

#[tests::every_engine]
async fn tickets_show_hours_and_terms_and_the_plan_shows_prices() {
    let app = TestApp::start().await;
    let seat = |x: u32, number: &str| {
        json!({"seat_number": number, "seat_guid": number, "category": "A",
               "position": {"x": x, "y": 0}})
    };
    let house = json!({
        "name": "Small house", "categories": [{"name": "A", "color": "#00aa00"}],
        "zones": [{"name": "Stalls", "position": {"x": 0, "y": 0}, "rows": [
            {"row_number": "1", "position": {"x": 0, "y": 0}, "seats": [seat(0, "1"), seat(20, "2")]},
        ]}],
    });
    let layout = app.http.post("/api/v1/layouts", &house).await.string("/id");
    let concert = json!({"name": "Faust", "venue": "Old Theatre", "date": "2030-01-01",
        "capacity": 2, "status": "ACTIVE", "layout_id": layout});
    let concert = app
        .http
        .post("/api/v1/concerts", &concert)
        .await
        .string("/id");
    let ticket = app.http.bought(&concert, 1).await;
    let print = format!("/api/v1/tickets/{ticket}/print");
    let printed = || async {
        app.http.post(&print, &json!({})).await;
        eventually("the ticket is printed", || async {
            let answer = app.http.get(&print).await;
            (answer.status == 200).then_some(answer)
        })
        .await
    };
    printed().await;
    let path = format!("/api/v1/concerts/{concert}");
    assert_eq!(
        app.http.put(&format!("{path}/show"), &show()).await.status,
        200
    );
    app.http.get(&print).await.assert_problem(404);
    assert_text(&printed().await.body, "Tuesday, 1 January 2030 · 19:30");
    let german = app.http.get(&format!("{print}?lang=de")).await;
    assert_text(&german.body, "Dienstag, 1. Januar 2030 · 19:30 Uhr");
    assert_text(&german.body, "Einlass: 18:45 Uhr");
    assert_text(&german.body, "2030-01-01 19:30 (Europe/Vienna)");
    assert_text(&german.body, "No refunds.");
    let plan = app.http.plan(&concert).await;
    assert_text(&plan.body, "A – € 89.00");
    app.stop().await;
}
