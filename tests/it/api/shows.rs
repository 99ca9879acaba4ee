//! `/concerts/{id}/show`: hours, terms and prices, and where they are seen.

use serde_json::{Value, json};
use tests::http::concert_body;
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

/// The pointer and the detail of the one mistake that an answer tells.
fn mistake(answer: &tests::Answer) -> (String, String) {
    let problem = answer.assert_problem(400);
    assert_eq!(
        problem["errors"].as_array().map(Vec::len),
        Some(1),
        "{problem}"
    );
    (
        answer.string("/errors/0/pointer"),
        answer.string("/errors/0/detail"),
    )
}

/// A concert on that day; its path.
async fn concert_on(app: &TestApp, date: &str) -> String {
    let mut body = concert_body("A night", 10);
    body["date"] = json!(date);
    let id = app.http.post("/api/v1/concerts", &body).await.string("/id");
    format!("/api/v1/concerts/{id}")
}

#[tests::every_engine]
async fn hours_that_the_venues_clocks_skip_or_show_twice_are_refused_with_the_nearest() {
    let app = TestApp::start().await;
    for (date, show, pointer, nearest) in [
        (
            "2027-03-28",
            json!({"starts_at": "02:30", "time_zone": "Europe/Vienna"}),
            "/starts_at",
            "01:59 and 03:00",
        ),
        (
            "2026-10-25",
            json!({"starts_at": "02:30", "time_zone": "Europe/Vienna"}),
            "/starts_at",
            "01:59 and 03:00",
        ),
        (
            "2027-03-28",
            json!({"starts_at": "04:00", "doors_at": "02:30", "time_zone": "Europe/Vienna"}),
            "/doors_at",
            "01:59 and 03:00",
        ),
        (
            "2026-10-04",
            json!({"starts_at": "02:15", "time_zone": "Australia/Lord_Howe"}),
            "/starts_at",
            "01:59 and 02:30",
        ),
        (
            "2011-12-30",
            json!({"starts_at": "20:00", "time_zone": "Pacific/Apia"}),
            "/time_zone",
            "2011-12-29 and 2011-12-31",
        ),
    ] {
        let path = concert_on(&app, date).await;
        let show_path = format!("{path}/show");
        let (found, detail) = mistake(&app.http.put(&show_path, &show).await);
        assert_eq!(found, pointer, "{detail}");
        assert!(detail.ends_with(nearest), "{detail}");
        let zone = show["time_zone"].as_str().unwrap();
        assert!(detail.contains(zone), "{detail}");
        assert_eq!(app.http.get(&show_path).await.json(), nothing());
        assert_eq!(app.http.get(&path).await.header("etag"), "\"1\"");
    }
    app.stop().await;
}

#[tests::every_engine]
async fn concert_moves_to_no_day_that_lacks_the_hours_of_its_show() {
    let app = TestApp::start().await;
    let path = concert_on(&app, "2027-03-27").await;
    let show_path = format!("{path}/show");
    let show = json!({"starts_at": "02:30", "doors_at": "01:30", "time_zone": "Europe/Vienna"});
    assert_eq!(app.http.put(&show_path, &show).await.status, 200);
    for (date, why) in [("2027-03-28", "skip"), ("2026-10-25", "show twice")] {
        let change = json!({"date": date, "name": "Another night"});
        let (pointer, detail) = mistake(&app.http.put(&path, &change).await);
        assert_eq!(pointer, "/date");
        assert!(detail.contains("02:30") && detail.contains(why), "{detail}");
        assert!(detail.contains("01:59 and 03:00"), "{detail}");
    }
    let concert = app.http.get(&path).await;
    assert_eq!(concert.header("etag"), "\"2\"", "nothing changed");
    assert_eq!(concert.string("/name"), "A night");
    // Other days will do, and with other hours that one, too.
    let moved = app.http.put(&path, &json!({"date": "2027-03-29"})).await;
    assert_eq!(moved.status, 200);
    let later = json!({"starts_at": "03:30", "doors_at": "01:30", "time_zone": "Europe/Vienna"});
    assert_eq!(app.http.put(&show_path, &later).await.status, 200);
    let moved = app.http.put(&path, &json!({"date": "2027-03-28"})).await;
    assert_eq!(moved.status, 200);
    app.stop().await;
}

#[tests::every_engine]
async fn doors_of_the_evening_before_are_printed_with_their_day() {
    let app = TestApp::start().await;
    let path = concert_on(&app, "2031-01-01").await;
    let show_path = format!("{path}/show");
    let wrong = json!({"starts_at": "19:30", "doors_at": "20:30"});
    let (pointer, detail) = mistake(&app.http.put(&show_path, &wrong).await);
    assert_eq!(pointer, "/doors_at");
    assert!(detail.contains("after the start at 19:30"), "{detail}");
    let same = json!({"starts_at": "19:30", "doors_at": "19:30"});
    assert_eq!(app.http.put(&show_path, &same).await.status, 200);
    let late = json!({"starts_at": "00:30", "doors_at": "23:30", "time_zone": "Europe/Vienna"});
    assert_eq!(app.http.put(&show_path, &late).await.status, 200);
    let concert = path.rsplit('/').next().unwrap();
    let ticket = app.http.bought(concert, 1).await;
    let print = format!("/api/v1/tickets/{ticket}/print");
    app.http.post_empty(&print).await;
    app.http.until_print(&ticket, "PRINTED").await;
    let svg = app.http.get(&format!("{print}?lang=de")).await;
    assert_text(&svg.body, "Mittwoch, 1. Januar 2031 · 00:30 Uhr");
    assert_text(&svg.body, "Einlass: Dienstag, 31. Dezember · 23:30 Uhr");
    app.stop().await;
}
