//! `POST /tickets` and `GET /tickets/{id}`.

use std::collections::HashSet;

use serde_json::{Value, json};
use tests::TestApp;
use tests::http::{concert_body, order_body, user_id};

use super::{NO_IDS, NOBODY, assert_keys, elements, json, pointers};

#[tests::every_engine]
async fn what_is_bought_is_what_is_found_and_listed() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 10).await;
    let bought = json(&app.http.buy(&concert, 7).await, 201);
    assert_keys(&bought, &["id", "concert", "user", "print_status"]);
    assert_eq!(bought["print_status"], "NOT_PRINTED");
    for (key, id, collection) in [
        ("concert", concert.as_str(), "concerts"),
        ("user", &user_id(7), "users"),
    ] {
        assert_keys(&bought[key], &["id", "url"]);
        assert_eq!(bought[key]["id"], id);
        let url = format!("{}/api/v1/{collection}/{id}", app.http.base());
        assert_eq!(bought[key]["url"], url);
        let path = url.strip_prefix(app.http.base()).unwrap();
        assert_eq!(app.http.get(path).await.json()["id"], id);
    }
    let path = format!("/api/v1/tickets/{}", bought["id"].as_str().unwrap());
    assert_eq!(json(&app.http.get(&path).await, 200), bought);
    let list = json(&app.http.get("/api/v1/tickets").await, 200);
    assert_eq!(list, json!([bought]));
    app.stop().await;
}

#[tests::every_engine]
async fn one_user_may_buy_many_tickets() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 5).await;
    let mut ids = HashSet::new();
    for _ in 0..5 {
        ids.insert(app.http.bought(&concert, 1).await);
    }
    assert_eq!(ids.len(), 5);
    app.http.buy(&concert, 1).await.assert_problem(422);
    app.stop().await;
}

#[tests::every_engine]
async fn a_purchase_is_visible_everywhere_as_soon_as_it_is_answered() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 30).await;
    for count in 1..=30_usize {
        let ticket = app.http.buy(&concert, 3).await.json();
        let path = format!("/api/v1/tickets/{}", ticket["id"].as_str().unwrap());
        assert_eq!(app.http.get(&path).await.json(), ticket);
        for filter in [
            String::new(),
            format!("?concert_id={concert}"),
            format!("?user_id={}", user_id(3)),
        ] {
            let list = app
                .http
                .get(&format!("/api/v1/tickets{filter}"))
                .await
                .json();
            assert_eq!(elements(&list).len(), count, "{filter}");
            assert!(elements(&list).contains(&ticket));
        }
    }
    let shown = app.http.get(&format!("/api/v1/concerts/{concert}")).await;
    assert_eq!(shown.json()["status"], "SOLD_OUT");
    app.stop().await;
}

/// Orders that name nothing that can be sold, and what is wrong with each.
fn bad_orders(concert: &str) -> Vec<(Value, Vec<&'static str>)> {
    let user = user_id(1);
    let mut bad = vec![
        (json!({}), vec!["/concert_id", "/user_id"]),
        (json!({"concert_id": concert}), vec!["/user_id"]),
        (json!({"user_id": user}), vec!["/concert_id"]),
        (
            json!({"concert_id": concert, "user_id": user, "quantity": 2}),
            vec!["/quantity"],
        ),
        (
            json!({"concert_id": concert, "user_id": user, "id": NOBODY}),
            vec!["/id"],
        ),
        (
            json!({"concert_id": concert, "user_id": user, "print_status": 1}),
            vec!["/print_status"],
        ),
    ];
    let values = [
        json!(null),
        json!(1),
        json!(true),
        json!([]),
        json!({}),
        json!([concert]),
        json!({"id": concert}),
        json!(""),
        json!("health"),
        json!(NOBODY),
        json!("a\u{0}b"),
        json!(NOBODY.to_uppercase()),
        json!(NOBODY.replace('-', "")),
        json!("x".repeat(10_000)),
    ];
    for value in values {
        bad.push((
            json!({"concert_id": value, "user_id": user}),
            vec!["/concert_id"],
        ));
        bad.push((
            json!({"concert_id": concert, "user_id": value}),
            vec!["/user_id"],
        ));
    }
    bad.push((
        json!({"concert_id": user, "user_id": user}),
        vec!["/concert_id"],
    ));
    bad.push((
        json!({"concert_id": concert, "user_id": concert}),
        vec!["/user_id"],
    ));
    bad.push((
        json!({"concert_id": concert, "user_id": user_id(5_001)}),
        vec!["/user_id"],
    ));
    bad
}

#[tests::every_engine]
async fn every_bad_order_is_refused_with_its_place() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 10).await;
    for (body, wanted) in bad_orders(&concert) {
        let problem = app
            .http
            .post("/api/v1/tickets", &body)
            .await
            .assert_problem(400);
        assert_eq!(pointers(&problem), wanted, "{body}");
    }
    let good = order_body(&concert, 1).to_string();
    for body in [
        "",
        "{",
        "[]",
        "null",
        &format!("[{good}]"),
        &format!("{good}{good}"),
        &good[1..],
    ] {
        app.http
            .send("POST", "/api/v1/tickets", &[], body.to_owned())
            .await
            .assert_problem(400);
    }
    assert_eq!(app.http.get("/api/v1/tickets").await.json(), json!([]));
    app.stop().await;
}

#[tests::every_engine]
async fn what_is_not_on_sale_cannot_be_bought() {
    let app = TestApp::start().await;
    for status in ["CANCELLED", "SOLD_OUT"] {
        let mut body = concert_body("A night", 10);
        body["status"] = json!(status);
        let concert = app.http.post("/api/v1/concerts", &body).await.string("/id");
        app.http.buy(&concert, 1).await.assert_problem(422);
        // Sold out is what the venue says, not what the seats say: the venue may open the sale.
        let path = format!("/api/v1/concerts/{concert}");
        app.http.put(&path, &json!({"status": "ACTIVE"})).await;
        assert_eq!(app.http.buy(&concert, 1).await.status, 201);
        app.http.put(&path, &json!({"status": status})).await;
        app.http.buy(&concert, 1).await.assert_problem(422);
    }
    let empty = app.http.create_concert("Nobody", 0).await;
    app.http.buy(&empty, 1).await.assert_problem(422);
    assert_eq!(
        app.http
            .get("/api/v1/tickets")
            .await
            .json()
            .as_array()
            .unwrap()
            .len(),
        2
    );
    app.stop().await;
}

#[tests::every_engine]
async fn a_bad_order_for_a_sold_out_concert_is_a_bad_order() {
    let app = TestApp::start().await;
    let empty = app.http.create_concert("Nobody", 0).await;
    let body = json!({"concert_id": empty, "user_id": NOBODY});
    app.http
        .post("/api/v1/tickets", &body)
        .await
        .assert_problem(400);
    let body = json!({"concert_id": empty, "user_id": user_id(1), "x": 1});
    app.http
        .post("/api/v1/tickets", &body)
        .await
        .assert_problem(400);
    app.stop().await;
}

#[tests::every_engine]
async fn an_unknown_or_malformed_ticket_is_not_found() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 1).await;
    app.http.bought(&concert, 1).await;
    for id in [NOBODY, &concert].iter().chain(&NO_IDS) {
        app.http
            .get(&format!("/api/v1/tickets/{id}"))
            .await
            .assert_problem(404);
        let print = format!("/api/v1/tickets/{id}/print");
        app.http.get(&print).await.assert_problem(404);
        app.http.post_empty(&print).await.assert_problem(404);
        for suffix in ["pdf", "png"] {
            app.http
                .get(&format!("{print}.{suffix}"))
                .await
                .assert_problem(404);
        }
    }
    app.stop().await;
}
