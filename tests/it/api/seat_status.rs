//! `GET /concerts/{id}/seats/status`.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::Engine;
use tests::svg::desc;
use tests::{Http, StoreGate, TestApp};

use super::{NO_IDS, NOBODY};

/// The seats of an answer, which are numbers and runs.
fn seats(answer: &Value) -> BTreeSet<u64> {
    let number = |value: &Value| value.as_u64().expect("a number");
    let entries = answer["sold"].as_array().expect("a list");
    let runs = entries.iter().map(|entry| match entry.as_array() {
        Some(run) => number(&run[0])..number(&run[0]) + number(&run[1]),
        None => number(entry)..number(entry) + 1,
    });
    runs.flatten().collect()
}

async fn status(http: &Http, concert: &str, query: &str) -> Value {
    let path = format!("/api/v1/concerts/{concert}/seats/status{query}");
    let answer = http.get(&path).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/json");
    answer.json()
}

#[tests::every_engine]
async fn parts_bring_a_client_up_to_date_from_any_moment() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 60).await;
    let none = status(&app.http, &concert, "").await;
    assert_eq!(
        none,
        json!({"capacity": 60, "version": "0", "since": null, "sold": []})
    );
    let several = Engine::of_this_test().servers() > 1;
    let mut known = vec![(String::from("0"), BTreeSet::new())];
    for sold in 1..=12_u32 {
        app.http.bought(&concert, sold).await;
        // It is never older than the plan.
        let plan = app.http.plan(&concert).await;
        let plan: usize = desc(&plan.body)
            .rsplit('|')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        let whole = status(&app.http, &concert, "").await;
        let all = seats(&whole);
        assert!(
            all.len() >= plan && all.len() <= sold as usize,
            "{plan}, {all:?}, {sold}"
        );
        for (version, then) in &known {
            let part = status(&app.http, &concert, &format!("?since={version}")).await;
            let since = match part["since"].as_str() {
                Some(since) => since,
                // Another process may remember nothing as old, and then tells all.
                None if several => "0",
                None => panic!("it is remembered"),
            };
            assert!(since.parse::<u32>().unwrap() <= version.parse().unwrap());
            let now: BTreeSet<_> = then.union(&seats(&part)).copied().collect();
            assert!(now.len() >= plan && now.len() <= sold as usize);
            // Another process may have looked at the ledger a moment earlier than this one.
            assert!(several || now.is_superset(&all));
            assert_eq!(part["version"], now.len().to_string());
        }
        known.push((all.len().to_string(), all));
    }
    app.stop().await;
}

#[tests::every_engine]
async fn moments_that_nobody_remembers_are_answered_with_all_seats() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 60).await;
    for user in 1..=3 {
        app.http.bought(&concert, user).await;
    }
    for since in ["1", "2", "4", "999999999999", "-1", "x", ""] {
        let all = status(&app.http, &concert, &format!("?since={since}")).await;
        assert_eq!(
            (&all["since"], seats(&all).len()),
            (&Value::Null, 3),
            "{since:?}"
        );
    }
    app.stop().await;
}

#[tests::every_engine]
async fn seats_come_as_bytes_and_with_tags() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 60).await;
    let path = format!("/api/v1/concerts/{concert}/seats/status");
    for user in 1..=2 {
        app.http.bought(&concert, user).await;
    }
    let sold = seats(&status(&app.http, &concert, "").await);
    let bytes = [("accept", "application/octet-stream")];
    let answer = app.http.get_with(&path, &bytes).await;
    assert_eq!(answer.header("content-type"), "application/octet-stream");
    assert_eq!(&answer.body[..8], b"TOSS\x01\x00\x00\x00");
    let two_bits = |seat: u64| {
        let at = usize::try_from(20 + seat / 4).unwrap();
        answer.body[at] >> (2 * (seat % 4)) & 3
    };
    let shown: BTreeSet<u64> = (0..60).filter(|seat| two_bits(*seat) == 2).collect();
    assert_eq!((answer.body.len(), shown), (20 + 15, sold));

    let tag = answer.header("etag").to_owned();
    let again = [bytes[0], ("if-none-match", tag.as_str())];
    assert_eq!(app.http.get_with(&path, &again).await.status, 304);
    let json = app
        .http
        .get_with(&path, &[("if-none-match", tag.as_str())])
        .await;
    assert_eq!((json.status, json.header("vary")), (200, "accept"));
    let html = app.http.get_with(&path, &[("accept", "text/html")]).await;
    html.assert_problem(406);
    app.stop().await;
}

#[tests::every_engine]
async fn unknown_concerts_have_no_seats() {
    let app = TestApp::start().await;
    for id in [NOBODY].iter().chain(&NO_IDS) {
        let path = format!("/api/v1/concerts/{id}/seats/status");
        app.http.get(&path).await.assert_problem(404);
    }
    app.stop().await;
}

/// They have no other end than the limit of the domain: a snapshot may take its time.
#[tests::every_engine]
async fn who_follows_a_sale_gives_up_on_a_ledger_that_is_silent() {
    let gate = StoreGate::before_snapshots();
    let app = TestApp::with(gate.tweaks()).await;
    let concert = app.http.create_concert("A night", 60).await;
    let path = format!("/api/v1/concerts/{concert}/seats/status");
    gate.set_open(false);
    // One of them reads, and the others wait for that one.
    let followers = (0..5).map(|_| app.http.get(&path));
    for answer in futures::future::join_all(followers).await {
        answer.assert_problem(503);
    }
    gate.set_open(true);
    assert_eq!(
        status(&app.http, &concert, "").await["sold"],
        json!([]),
        "nobody is in the way of who comes next"
    );
    app.stop().await;
}
