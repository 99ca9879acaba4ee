//! What real clients send, which is not always how one would write it.

use serde_json::json;
use tests::TestApp;
use tests::http::{concert_body, order_body, user_id};

use super::json;

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

fn house() -> serde_json::Value {
    let seat = json!({"seat_number": "1", "position": {"x": 0, "y": 0}});
    let row = json!({"row_number": "A", "position": {"x": 0, "y": 0}, "seats": [seat]});
    json!({"name": "House", "zones": [{"name": "Stalls", "rows": [row]}]})
}

#[tests::every_engine]
async fn json_after_a_byte_order_mark_is_read() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 5).await;
    let marked = |body: &serde_json::Value| format!("\u{feff}{body}");
    let path = format!("/api/v1/concerts/{concert}");
    for (verb, path, body, status) in [
        ("POST", "/api/v1/concerts", concert_body("B", 5), 201),
        ("POST", "/api/v1/tickets", order_body(&concert, 1), 201),
        ("PUT", &path, json!({"name": "C"}), 200),
        ("PUT", &format!("{path}/show"), json!({}), 200),
        ("POST", "/api/v1/layouts", house(), 201),
    ] {
        let answer = app.http.send(verb, path, &[], marked(&body)).await;
        let answer = json(&answer, status);
        if path.ends_with("layouts") {
            let path = format!("{path}/{}", answer["id"].as_str().unwrap());
            assert_eq!(app.http.get(&path).await.text(), body.to_string());
        }
    }
    app.stop().await;
}

#[tests::every_engine]
async fn json_in_another_coding_is_refused_by_its_name() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 5).await;
    let before = app.http.ledger().await;
    let path = format!("/api/v1/concerts/{concert}");
    for (verb, path, body) in [
        ("POST", "/api/v1/concerts", concert_body("B", 5)),
        ("POST", "/api/v1/tickets", order_body(&concert, 1)),
        ("PUT", &path, json!({"name": "C"})),
        ("PUT", &format!("{path}/show"), json!({})),
        ("POST", "/api/v1/layouts", house()),
    ] {
        for mark in ["", "\u{feff}"] {
            let text = format!("{mark}{body}");
            let wide = text.encode_utf16().flat_map(u16::to_le_bytes);
            let answer = app
                .http
                .send(verb, path, &[], wide.collect::<Vec<_>>())
                .await;
            let problem = answer.assert_problem(400);
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains("UTF-16"), "{verb} {path}: {detail}");
        }
    }
    assert_eq!(app.http.ledger().await, before);
    app.stop().await;
}

#[tests::every_engine]
async fn bodies_in_a_coding_are_refused_and_told_what_is_read() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 5).await;
    let ticket = app.http.bought(&concert, 1).await;
    let before = app.http.ledger().await;
    let path = format!("/api/v1/concerts/{concert}");
    for (verb, path) in [
        ("POST", "/api/v1/concerts"),
        ("POST", "/api/v1/tickets"),
        ("POST", "/api/v1/layouts"),
        ("PUT", &path),
        ("PUT", &format!("{path}/show")),
    ] {
        let coded = [("content-encoding", "gzip")];
        let answer = app.http.send(verb, path, &coded, vec![0x1f, 0x8b, 8]).await;
        answer.assert_problem(415);
        assert_eq!(
            answer.header("accept-encoding"),
            "identity",
            "{verb} {path}"
        );
    }
    assert_eq!(app.http.ledger().await, before);
    let plain = [("content-encoding", "identity")];
    let order = order_body(&concert, 2).to_string();
    let bought = app
        .http
        .send("POST", "/api/v1/tickets", &plain, order)
        .await;
    assert_eq!(bought.status, 201);
    // Nothing is in no coding.
    let print = format!("/api/v1/tickets/{ticket}/print");
    let coded = [("content-encoding", "gzip")];
    assert_eq!(app.http.send("POST", &print, &coded, "").await.status, 202);
    app.stop().await;
}

#[tests::every_engine]
async fn ids_in_capital_letters_name_the_same_things() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 5).await;
    let capitals = concert.to_uppercase();
    assert_ne!(capitals, concert);
    let order = order_body(&capitals, 1);
    let bought = json(&app.http.post("/api/v1/tickets", &order).await, 201);
    assert_eq!(bought["concert"]["id"], concert.as_str());
    let ticket = bought["id"].as_str().unwrap();
    let found = app.http.get(&format!("/api/v1/concerts/{capitals}")).await;
    assert_eq!(json(&found, 200)["id"], concert.as_str());
    let path = format!("/api/v1/tickets/{}", ticket.to_uppercase());
    assert_eq!(json(&app.http.get(&path).await, 200), bought);
    let listed = format!(
        "/api/v1/tickets?concert_id={capitals}&user_id={}",
        user_id(1)
    );
    assert_eq!(json(&app.http.get(&listed).await, 200), json!([bought]));
    let layout = app
        .http
        .post("/api/v1/layouts", &house())
        .await
        .string("/id");
    let mut of_layout = concert_body("B", 1);
    of_layout["layout_id"] = json!(layout.to_uppercase());
    assert_eq!(
        app.http.post("/api/v1/concerts", &of_layout).await.status,
        201
    );
    app.stop().await;
}

#[tests::every_engine]
async fn languages_and_sheets_are_named_in_any_case_and_by_regions() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 5).await;
    let ticket = app.http.bought(&concert, 1).await;
    let print = format!("/api/v1/tickets/{ticket}/print");
    app.http.post_empty(&print).await;
    app.http.until_print(&ticket, "PRINTED").await;
    let german = app.http.get(&format!("{print}?lang=de&sheet=phone")).await;
    assert_eq!(german.status, 200);
    let english = app.http.get(&format!("{print}?sheet=phone")).await;
    assert_ne!(english.body, german.body);
    for query in [
        "lang=de-AT&sheet=PHONE",
        "lang=DE&sheet=Phone",
        "lang=de_AT&sheet=phone",
    ] {
        let answer = app.http.get(&format!("{print}?{query}")).await;
        assert_eq!(answer.body, german.body, "{query}");
        assert_eq!(answer.header("etag"), german.header("etag"), "{query}");
    }
    for query in ["lang=xx-DE", "lang=deu", "sheet=A5"] {
        app.http
            .get(&format!("{print}?{query}"))
            .await
            .assert_problem(404);
    }
    app.stop().await;
}

#[tests::every_engine]
async fn tags_that_a_compressing_proxy_has_changed_name_their_version() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 5).await;
    let path = format!("/api/v1/concerts/{concert}");
    for (version, form) in [(1, "W/\"1\""), (2, "\"2-gzip\""), (3, "W/\"3-br\"")] {
        let body = json!({"name": format!("Night {version}")}).to_string();
        let stale = [("if-match", "W/\"9-gzip\"")];
        let refused = app.http.send("PUT", &path, &stale, body.clone()).await;
        refused.assert_problem(412);
        let known = app.http.get_with(&path, &[("if-none-match", form)]).await;
        assert_eq!(known.status, 304, "{form}");
        let changed = app
            .http
            .send("PUT", &path, &[("if-match", form)], body)
            .await;
        assert_eq!(changed.status, 200, "{form}: {}", changed.text());
        let news = app.http.get_with(&path, &[("if-none-match", form)]).await;
        assert_eq!(news.status, 200, "{form}");
    }
    app.stop().await;
}

#[tests::every_engine]
async fn browsers_that_are_lost_get_a_page_with_a_way_home_and_clients_json() {
    let app = TestApp::start().await;
    for path in [
        "/nothing",
        "/docs/nothing",
        "/concerts/",
        "/api/v1/concerts/",
        "/api/v1/nothing",
    ] {
        let page = app.http.get_with(path, &[("accept", BROWSER)]).await;
        assert_eq!(page.status, 404, "{path}");
        assert!(
            page.header("content-type").starts_with("text/html"),
            "{path}"
        );
        assert_eq!(page.header("vary"), "accept", "{path}");
        assert!(page.text().contains("href=\"/\""), "{path}");
        for accept in [
            "*/*",
            "application/json",
            "application/json, text/plain, */*",
            "",
        ] {
            let answer = app.http.get_with(path, &[("accept", accept)]).await;
            answer.assert_problem(404);
        }
        app.http.get(path).await.assert_problem(404);
    }
    let missing = app.http.get("/concerts/none").await;
    assert_eq!(missing.status, 404);
    assert!(missing.text().contains("href=\"/\""));
    app.stop().await;
}
