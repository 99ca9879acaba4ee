//! The base of the URLs in tickets is the client's own.

use cli::service::Tweaks;
use serde_json::{Value, json};
use tests::TestApp;

use super::elements;

const FORWARDED: [(&str, &str); 3] = [
    ("host", "inner:8080"),
    ("x-forwarded-host", "tickets.example"),
    ("x-forwarded-proto", "https"),
];

/// The bases of both URLs of a ticket, which must agree.
#[track_caller]
fn base(ticket: &Value) -> String {
    let of = |key: &str| {
        let url = ticket[key]["url"].as_str().expect("a url");
        let id = ticket[key]["id"].as_str().expect("an id");
        let path = format!("/api/v1/{key}s/{id}");
        url.strip_suffix(&path)
            .unwrap_or_else(|| panic!("{url} ends with {path}"))
            .to_owned()
    };
    assert_eq!(of("concert"), of("user"));
    of("user")
}

async fn trusting(networks: &[&str]) -> TestApp {
    let networks = json!({"trusted_proxies": networks});
    let api = serde_json::from_value(networks).expect("settings of the edge");
    let folder = tempfile::tempdir().expect("a folder");
    TestApp::on(folder, Tweaks::default(), |config| config.api = api).await
}

#[tests::every_engine]
async fn the_host_that_a_client_used_is_in_every_url_it_gets() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 5).await;
    let bought = app.http.buy(&concert, 1).await.json();
    assert_eq!(base(&bought), app.http.base());
    let path = format!("/api/v1/tickets/{}", bought["id"].as_str().unwrap());
    for host in [
        "tickets.example",
        "tickets.example:8443",
        "localhost:1",
        "[::1]:8080",
    ] {
        let headers = [("host", host)];
        let wanted = format!("http://{host}");
        let one = app.http.get_with(&path, &headers).await.json();
        assert_eq!(base(&one), wanted);
        let list = app.http.get_with("/api/v1/tickets", &headers).await.json();
        assert!(elements(&list).contains(&one));
        assert!(elements(&list).iter().all(|ticket| base(ticket) == wanted));
        let order = tests::http::order_body(&concert, 1).to_string();
        let bought = app
            .http
            .send("POST", "/api/v1/tickets", &headers, order)
            .await
            .json();
        assert_eq!(base(&bought), wanted);
    }
    app.stop().await;
}

#[tests::every_engine]
async fn forwarded_headers_of_a_stranger_are_ignored() {
    let app = trusting(&["10.0.0.0/8"]).await;
    let concert = app.http.create_concert("A night", 5).await;
    let ticket = app.http.bought(&concert, 1).await;
    let path = format!("/api/v1/tickets/{ticket}");
    let answer = app.http.get_with(&path, &FORWARDED).await;
    assert_eq!(base(&answer.json()), "http://inner:8080");
    app.stop().await;
}

#[tests::every_engine]
async fn forwarded_headers_of_a_trusted_proxy_are_believed() {
    let app = trusting(&["10.0.0.0/8", "127.0.0.1"]).await;
    let concert = app.http.create_concert("A night", 5).await;
    let ticket = app.http.bought(&concert, 1).await;
    let path = format!("/api/v1/tickets/{ticket}");
    let answer = app.http.get_with(&path, &FORWARDED).await;
    assert_eq!(base(&answer.json()), "https://tickets.example");
    let only_scheme = [FORWARDED[0], FORWARDED[2]];
    let answer = app.http.get_with(&path, &only_scheme).await;
    assert_eq!(base(&answer.json()), "https://inner:8080");
    app.stop().await;
}

#[tests::every_engine]
async fn a_host_that_could_forge_a_url_never_reaches_one() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 5).await;
    let ticket = app.http.bought(&concert, 1).await;
    let path = format!("/api/v1/tickets/{ticket}");
    for host in [
        "evil/path",
        "a\"b",
        "<script>",
        "user@evil",
        "a?b",
        "a#b",
        "a\\b",
    ] {
        let answer = app.http.get_with(&path, &[("host", host)]).await;
        assert_eq!(answer.status, 400, "{host}: {}", answer.text());
    }
    app.stop().await;
}
