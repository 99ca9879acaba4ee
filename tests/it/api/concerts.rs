//! `POST /concerts`, `GET /concerts` and `GET /concerts/{id}`.

use serde_json::{Value, json};
use tests::TestApp;
use tests::http::concert_body;

use super::{NO_IDS, NOBODY, assert_keys, elements, json, pointers};

const KEYS: [&str; 6] = ["id", "name", "venue", "date", "capacity", "status"];

/// A valid concert with one member replaced.
fn with(key: &str, value: Value) -> Value {
    let mut body = concert_body("A night", 10);
    body[key] = value;
    body
}

#[tests::every_engine]
async fn there_are_no_concerts_at_first() {
    let app = TestApp::start().await;
    let answer = app.http.get("/api/v1/concerts").await;
    assert_eq!(json(&answer, 200), json!([]));
    assert_eq!(answer.text(), "[]");
    app.stop().await;
}

#[tests::every_engine]
async fn what_is_created_is_what_is_found_and_listed() {
    let app = TestApp::start().await;
    let mut created = Vec::new();
    for status in ["ACTIVE", "CANCELLED", "SOLD_OUT"] {
        let body = with("status", json!(status));
        let one = json(&app.http.post("/api/v1/concerts", &body).await, 201);
        assert_keys(&one, &KEYS);
        for key in &KEYS[1..] {
            assert_eq!(one[*key], body[*key], "{key}");
        }
        let path = format!("/api/v1/concerts/{}", one["id"].as_str().unwrap());
        let found = app.http.get(&path).await;
        assert_eq!(json(&found, 200), one);
        created.push(one);
    }
    let list = json(&app.http.get("/api/v1/concerts").await, 200);
    assert_eq!(elements(&list).len(), 3);
    for one in &created {
        assert!(elements(&list).contains(one), "{one} is in {list}");
    }
    app.stop().await;
}

#[tests::every_engine]
async fn every_value_at_the_edge_of_the_contract_is_accepted() {
    let app = TestApp::start().await;
    for (key, value) in [
        ("name", json!("x")),
        ("name", json!(" ")),
        ("name", json!("東".repeat(1_000))),
        (
            "name",
            json!("<script>alert(\"1\")</script> & 'Ünïcödé' 🎸 \u{202e}"),
        ),
        ("venue", json!("x".repeat(1_000))),
        ("date", json!("2028-02-29")),
        ("date", json!("1999-12-31")),
        ("date", json!("9999-12-31")),
        ("capacity", json!(0)),
        ("capacity", json!(1)),
        ("capacity", json!(1_000_000)),
    ] {
        let body = with(key, value);
        let one = json(&app.http.post("/api/v1/concerts", &body).await, 201);
        assert_eq!(one[key], body[key]);
        let path = format!("/api/v1/concerts/{}", one["id"].as_str().unwrap());
        assert_eq!(app.http.get(&path).await.json()[key], body[key]);
    }
    app.stop().await;
}

#[tests::every_engine]
async fn a_concert_without_seats_is_shown_as_sold_out() {
    let app = TestApp::start().await;
    let id = app.http.create_concert("Nobody", 0).await;
    let found = app.http.get(&format!("/api/v1/concerts/{id}")).await;
    assert_eq!(found.json()["status"], "SOLD_OUT");
    app.stop().await;
}

#[tests::every_engine]
async fn every_missing_member_is_named() {
    let app = TestApp::start().await;
    for key in &KEYS[1..] {
        let mut body = concert_body("A night", 10);
        body.as_object_mut().unwrap().remove(*key);
        let problem = app
            .http
            .post("/api/v1/concerts", &body)
            .await
            .assert_problem(400);
        assert_eq!(pointers(&problem), [format!("/{key}")], "{problem}");
    }
    let all = app
        .http
        .post("/api/v1/concerts", &json!({}))
        .await
        .assert_problem(400);
    assert_eq!(
        pointers(&all),
        ["/capacity", "/date", "/name", "/status", "/venue"]
    );
    assert_eq!(app.http.get("/api/v1/concerts").await.json(), json!([]));
    app.stop().await;
}

/// Texts that are no day of the calendar as the contract writes days.
const BAD_DATES: [&str; 16] = [
    "",
    "2031-02-29",
    "2031-13-01",
    "2031-00-10",
    "2031-04-31",
    "2031-5-17",
    "31-05-17",
    "+031-05-17",
    "2031/05/17",
    "17-05-2031",
    "2031-05-17T20:00:00Z",
    " 2031-05-17",
    "2031-05-17 ",
    "20310517",
    "2031-05-1٧",
    "tomorrow",
];

/// Values that a member of a new concert may not have.
fn bad_values() -> Vec<(&'static str, Value)> {
    let mut bad = Vec::new();
    for key in ["name", "venue"] {
        for value in [
            json!(""),
            json!(null),
            json!(1),
            json!(true),
            json!([]),
            json!(["x"]),
            json!({}),
            json!("x".repeat(1_001)),
            json!("a\u{0}b"),
            json!("a\nb"),
            json!("a\tb"),
            json!("\u{7f}"),
            json!("\u{9b}"),
        ] {
            bad.push((key, value));
        }
    }
    for text in BAD_DATES {
        bad.push(("date", json!(text)));
    }
    bad.extend([
        ("date", json!(20_310_517)),
        ("date", json!(null)),
        ("date", json!({})),
    ]);
    for value in [
        json!(-1),
        json!(1_000_001),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(1.5),
        json!(10.0),
        json!(1e300),
        json!("10"),
        json!(null),
        json!(true),
        json!([10]),
    ] {
        bad.push(("capacity", value));
    }
    for value in [
        json!("active"),
        json!("PENDING"),
        json!(""),
        json!(" ACTIVE"),
        json!(null),
        json!(0),
        json!(["ACTIVE"]),
    ] {
        bad.push(("status", value));
    }
    bad
}

#[tests::every_engine]
async fn every_bad_value_is_refused_with_its_place() {
    let app = TestApp::start().await;
    for (key, value) in bad_values() {
        let body = with(key, value);
        let problem = app
            .http
            .post("/api/v1/concerts", &body)
            .await
            .assert_problem(400);
        assert_eq!(pointers(&problem), [format!("/{key}")], "{body}");
    }
    assert_eq!(app.http.get("/api/v1/concerts").await.json(), json!([]));
    app.stop().await;
}

#[tests::every_engine]
async fn an_id_and_unknown_keys_are_refused() {
    let app = TestApp::start().await;
    for (key, pointer) in [
        ("id", "/id"),
        ("version", "/version"),
        ("Name", "/Name"),
        ("", "/"),
        ("a/b~c", "/a~1b~0c"),
    ] {
        let body = with(key, json!(NOBODY));
        let problem = app
            .http
            .post("/api/v1/concerts", &body)
            .await
            .assert_problem(400);
        assert_eq!(pointers(&problem), [pointer], "{body}");
    }
    app.stop().await;
}

#[tests::every_engine]
async fn every_mistake_of_one_body_is_reported_at_once() {
    let app = TestApp::start().await;
    let body = json!({"name": "", "venue": 1, "date": "x", "capacity": -1, "status": "", "x": 0});
    let problem = app
        .http
        .post("/api/v1/concerts", &body)
        .await
        .assert_problem(400);
    let wanted = ["/capacity", "/date", "/name", "/status", "/venue", "/x"];
    assert_eq!(pointers(&problem), wanted);
    for error in elements(&problem["errors"]) {
        assert_keys(error, &["pointer", "detail"]);
    }
    app.stop().await;
}

#[tests::every_engine]
async fn what_is_not_one_json_object_is_refused() {
    let app = TestApp::start().await;
    let good = concert_body("A night", 10).to_string();
    let twice = good.replacen('{', r#"{"name":"other","#, 1);
    let infinite = good.replace("10", "1e999");
    for body in [
        "",
        " ",
        "{",
        "}",
        "[]",
        "null",
        "1",
        "\"x\"",
        "nope",
        "{'name': 'x'}",
        "{\"name\":}",
        &good[1..],
        &good[..good.len() - 1],
        &format!("[{good}]"),
        &format!("{good}{good}"),
        &format!("{good},"),
        &twice,
        &infinite,
    ] {
        let answer = app
            .http
            .send("POST", "/api/v1/concerts", &[JSON], body.to_owned())
            .await;
        answer.assert_problem(400);
    }
    assert_eq!(app.http.get("/api/v1/concerts").await.json(), json!([]));
    app.stop().await;
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[tests::every_engine]
async fn an_unknown_or_malformed_concert_is_not_found() {
    let app = TestApp::start().await;
    for id in [NOBODY].iter().chain(&NO_IDS) {
        app.http
            .get(&format!("/api/v1/concerts/{id}"))
            .await
            .assert_problem(404);
    }
    app.stop().await;
}

#[tests::every_engine]
async fn concerts_are_there_again_after_a_restart() {
    let app = TestApp::start().await;
    for capacity in 0..5 {
        app.http.create_concert("A night", capacity).await;
    }
    let before = app.http.get("/api/v1/concerts").await.text();
    let folder = app.stop().await;
    let app = TestApp::again(folder, cli::service::Tweaks::default(), |_| {}).await;
    assert_eq!(app.http.get("/api/v1/concerts").await.text(), before);
    app.stop().await;
}
