//! `GET /users` and `GET /users/{id}`.

use std::collections::HashSet;

use tests::TestApp;
use tests::http::user_id;

use super::{NO_IDS, NOBODY, assert_keys, elements, json};

#[tests::every_engine]
async fn there_are_five_thousand_users_in_the_order_of_their_ids() {
    let app = TestApp::start().await;
    let list = json(&app.http.get("/api/v1/users").await, 200);
    let list = elements(&list);
    assert_eq!(list.len(), 5_000);
    for (user, number) in list.iter().zip(1..) {
        assert_keys(user, &["id", "name", "email"]);
        assert_eq!(user["id"], user_id(number));
        for key in ["name", "email"] {
            assert!(
                user[key].as_str().is_some_and(|text| !text.is_empty()),
                "{user}"
            );
        }
    }
    app.stop().await;
}

#[tests::every_engine]
async fn the_list_holds_the_hard_cases_of_real_directories() {
    let app = TestApp::start().await;
    let list = app.http.get("/api/v1/users").await.json();
    let of = |key: &str| -> Vec<String> {
        elements(&list)
            .iter()
            .map(|user| user[key].as_str().unwrap().to_owned())
            .collect()
    };
    let names = of("name").concat();
    assert!(
        names.contains('"') && names.contains('\''),
        "quotes of both sorts"
    );
    for (script, range) in [
        ("Cyrillic", 'а'..='я'),
        ("Greek", 'α'..='ω'),
        ("Han", '一'..='龥'),
        ("Arabic", 'ا'..='ي'),
        ("Hebrew", 'א'..='ת'),
    ] {
        assert!(names.chars().any(|char| range.contains(&char)), "{script}");
    }
    let emails = of("email");
    let distinct: HashSet<_> = emails.iter().collect();
    assert!(distinct.len() < emails.len(), "families share addresses");
    app.stop().await;
}

#[tests::every_engine]
async fn a_user_by_id_is_the_element_of_the_list() {
    let app = TestApp::start().await;
    let list = app.http.get("/api/v1/users").await.json();
    for number in [1, 2, 97, 4_999, 5_000] {
        let one = json(
            &app.http
                .get(&format!("/api/v1/users/{}", user_id(number)))
                .await,
            200,
        );
        assert_eq!(one, list[number as usize - 1]);
    }
    app.stop().await;
}

#[tests::every_engine]
async fn an_unknown_or_malformed_user_is_not_found() {
    let app = TestApp::start().await;
    let outside = [user_id(0), user_id(5_001), NOBODY.to_owned()];
    for id in outside.iter().map(String::as_str).chain(NO_IDS) {
        app.http
            .get(&format!("/api/v1/users/{id}"))
            .await
            .assert_problem(404);
    }
    app.stop().await;
}

#[tests::every_engine]
async fn the_users_are_the_same_after_a_restart() {
    let app = TestApp::start().await;
    let before = app.http.get("/api/v1/users").await.body;
    let folder = app.stop().await;
    let app = TestApp::again(folder, cli::service::Tweaks::default(), |_| {}).await;
    assert_eq!(app.http.get("/api/v1/users").await.body, before);
    app.stop().await;
}
