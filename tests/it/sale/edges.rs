//! Halls of no seat and of one, and sales that the venue ends.

use std::collections::{BTreeMap, HashSet};

use serde_json::json;
use tests::{TestApp, eventually};

use super::{assert_ledger, rush, sold, tally};

#[tests::every_engine]
async fn a_hall_without_seats_sells_nothing() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("Nobody", 0).await;
    let answers = rush(&app, (1..=50).map(|user| (concert.clone(), user))).await;
    assert_eq!(tally(&answers), BTreeMap::from([(422, 50)]));
    assert_ledger(&app, &concert, &HashSet::new()).await;
    app.stop().await;
}

#[tests::every_engine]
async fn a_single_seat_is_sold_once() {
    let app = TestApp::start().await;
    for _ in 0..20 {
        let concert = app.http.create_concert("One", 1).await;
        let answers = rush(&app, (1..=20).map(|user| (concert.clone(), user))).await;
        assert_eq!(tally(&answers), BTreeMap::from([(201, 1), (422, 19)]));
        assert_ledger(&app, &concert, &sold(&answers)).await;
    }
    app.stop().await;
}

#[tests::every_engine]
async fn nothing_is_sold_once_a_cancellation_is_answered() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 5_000).await;
    let path = format!("/api/v1/concerts/{concert}");
    let buyers: Vec<_> = (0..16)
        .map(|buyer| {
            let (http, concert) = (app.http.clone(), concert.clone());
            tokio::spawn(async move {
                let mut bought = Vec::new();
                loop {
                    let answer = http.buy(&concert, buyer + 1).await;
                    match answer.status {
                        201 => bought.push(answer),
                        422 => return bought,
                        other => panic!("{other}: {}", answer.text()),
                    }
                }
            })
        })
        .collect();
    eventually("the sale has begun", || async {
        let list = app
            .http
            .get(&format!("/api/v1/tickets?concert_id={concert}"))
            .await
            .json();
        (list.as_array()?.len() > 30).then_some(())
    })
    .await;
    assert_eq!(
        app.http
            .put(&path, &json!({"status": "CANCELLED"}))
            .await
            .status,
        200
    );
    for user in 1..=20 {
        app.http.buy(&concert, user).await.assert_problem(422);
    }
    let mut answers = Vec::new();
    for buyer in buyers {
        answers.extend(buyer.await.expect("no buyer panics"));
    }
    let tickets = sold(&answers);
    assert!(tickets.len() < 5_000, "it was cancelled in the middle");
    assert_ledger(&app, &concert, &tickets).await;
    assert_eq!(app.http.get(&path).await.json()["status"], "CANCELLED");

    // The seats are still there for whoever comes when the concert takes place after all.
    assert_eq!(
        app.http
            .put(&path, &json!({"status": "ACTIVE"}))
            .await
            .status,
        200
    );
    assert_eq!(app.http.buy(&concert, 1).await.status, 201);
    app.stop().await;
}

#[tests::every_engine]
async fn the_last_seat_turns_the_status_and_its_tag_at_once() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 3).await;
    let path = format!("/api/v1/concerts/{concert}");
    let first = app.http.get(&path).await;
    for left in [2, 1] {
        app.http.bought(&concert, left).await;
        let shown = app.http.get(&path).await;
        assert_eq!(shown.json()["status"], "ACTIVE", "{left} left");
        assert_eq!(shown.header("etag"), first.header("etag"));
    }
    app.http.bought(&concert, 3).await;
    let shown = app.http.get(&path).await;
    assert_eq!(shown.json()["status"], "SOLD_OUT");
    assert_ne!(shown.header("etag"), first.header("etag"));
    let listed = app.http.get("/api/v1/concerts").await.json();
    assert_eq!(listed[0], shown.json());
    // What the venue says comes first.
    app.http.put(&path, &json!({"status": "CANCELLED"})).await;
    assert_eq!(app.http.get(&path).await.json()["status"], "CANCELLED");
    app.http.put(&path, &json!({"status": "ACTIVE"})).await;
    assert_eq!(app.http.get(&path).await.json()["status"], "SOLD_OUT");
    app.stop().await;
}

#[tests::every_engine]
async fn changes_in_mid_sale_lose_no_seat() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 200).await;
    let path = format!("/api/v1/concerts/{concert}");
    let changes = async {
        for number in 0..20 {
            let renamed = app
                .http
                .put(&path, &json!({"name": format!("Name {number}")}))
                .await;
            assert_eq!(renamed.status, 200);
        }
    };
    let buyers = rush(&app, (1..=300).map(|user| (concert.clone(), user)));
    let (answers, ()) = futures::join!(buyers, changes);
    assert_eq!(tally(&answers), BTreeMap::from([(201, 200), (422, 100)]));
    assert_ledger(&app, &concert, &sold(&answers)).await;
    app.stop().await;
}
