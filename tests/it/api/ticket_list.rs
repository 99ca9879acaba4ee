//! `GET /tickets` and its filters.

use std::collections::HashSet;

use domain::tickets::{self, Order};
use domain::{ConcertId, UserId};
use futures::StreamExt;
use serde_json::{Value, json};
use tests::TestApp;
use tests::http::user_id;

use super::{NO_IDS, NOBODY, elements, json};

fn ids(list: &Value) -> HashSet<String> {
    let list = elements(list);
    let ids: HashSet<_> = list
        .iter()
        .map(|one| one["id"].as_str().expect("a ticket has an id").to_owned())
        .collect();
    assert_eq!(ids.len(), list.len(), "every ticket once");
    ids
}

#[tests::every_engine]
async fn filters_narrow_the_list_and_both_must_hold() {
    let app = TestApp::start().await;
    let one = app.http.create_concert("One", 10).await;
    let two = app.http.create_concert("Two", 10).await;
    let mut bought = Vec::new();
    for (concert, user) in [(&one, 1), (&one, 1), (&one, 2), (&two, 1), (&two, 3)] {
        bought.push((concert.clone(), user, app.http.bought(concert, user).await));
    }
    for concert in [None, Some(&one), Some(&two)] {
        for user in [None, Some(1), Some(2), Some(3), Some(4)] {
            let mut query = Vec::new();
            query.extend(user.map(|user| format!("user_id={}", user_id(user))));
            query.extend(concert.map(|id| format!("concert_id={id}")));
            let wanted: HashSet<_> = bought
                .iter()
                .filter(|(of, ..)| concert.is_none_or(|id| id == of))
                .filter(|(_, by, _)| user.is_none_or(|id| id == *by))
                .map(|(_, _, ticket)| ticket.clone())
                .collect();
            // The order of the conditions is the client's.
            for _ in 0..2 {
                let path = format!("/api/v1/tickets?{}", query.join("&"));
                assert_eq!(
                    ids(&json(&app.http.get(&path).await, 200)),
                    wanted,
                    "{path}"
                );
                query.reverse();
            }
        }
    }
    app.stop().await;
}

#[tests::every_engine]
async fn a_known_id_without_tickets_gives_an_empty_list() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 10).await;
    let user = user_id(9);
    for query in [
        String::new(),
        "?".to_owned(),
        format!("?user_id={user}"),
        format!("?concert_id={concert}"),
        format!("?user_id={user}&concert_id={concert}"),
    ] {
        let answer = app.http.get(&format!("/api/v1/tickets{query}")).await;
        assert_eq!(json(&answer, 200), json!([]), "{query}");
    }
    app.stop().await;
}

#[tests::every_engine]
async fn a_filter_by_what_is_not_there_is_not_found() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 10).await;
    app.http.bought(&concert, 1).await;
    let user = user_id(1);
    let mut queries = vec![
        "concert_id=".to_owned(),
        "user_id=".to_owned(),
        "concert_id".to_owned(),
        "user_id".to_owned(),
        format!("concert_id={user}"),
        format!("user_id={concert}"),
        format!("user_id={user}&concert_id="),
        format!("user_id=&concert_id={concert}"),
        format!("user_id={user}&concert_id={NOBODY}"),
        format!("user_id={NOBODY}&concert_id={concert}"),
        format!("user_id={user}&page=1"),
        "limit=10".to_owned(),
        "quantity=1".to_owned(),
        format!("USER_ID={user}"),
        format!("user={user}"),
        "=".to_owned(),
        "%00=%00".to_owned(),
        "user_id=%ZZ".to_owned(),
    ];
    for id in [NOBODY, "health"].into_iter().chain(NO_IDS) {
        queries.push(format!("user_id={id}"));
        queries.push(format!("concert_id={id}"));
    }
    for query in queries {
        let answer = app.http.get(&format!("/api/v1/tickets?{query}")).await;
        assert_eq!(answer.status, 404, "{query}: {}", answer.text());
        answer.assert_problem(404);
    }
    app.stop().await;
}

#[tests::every_engine]
async fn a_list_of_thousands_is_whole_and_valid_json() {
    const TICKETS: u32 = 5_003;
    let app = TestApp::start().await;
    let concert = app.http.create_concert("Stadium", TICKETS).await;
    let concert_id = ConcertId::parse(&concert).unwrap();
    let buy = |number: u32| {
        let user_id = UserId::parse(&user_id(number % 5_000 + 1)).unwrap();
        tickets::buy(
            app.context(),
            Order {
                concert_id,
                user_id,
            },
            None,
        )
    };
    let bought: Vec<_> = futures::stream::iter((0..TICKETS).map(buy))
        .buffer_unordered(500)
        .map(|bought| bought.unwrap())
        .collect()
        .await;
    assert_eq!(bought.len(), TICKETS as usize);
    for path in [
        "/api/v1/tickets".to_owned(),
        format!("/api/v1/tickets?concert_id={concert}"),
    ] {
        let list = json(&app.http.get(&path).await, 200);
        assert_eq!(ids(&list).len(), TICKETS as usize);
    }
    // An element from the middle of the stream is the object itself.
    let list = app.http.get("/api/v1/tickets").await.json();
    for at in [0, 499, 500, 501, 2_500, 5_002] {
        let id = list[at]["id"].as_str().unwrap();
        assert_eq!(
            app.http.get(&format!("/api/v1/tickets/{id}")).await.json(),
            list[at]
        );
    }
    app.stop().await;
}
