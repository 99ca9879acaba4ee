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

#[tests::every_engine]
async fn ports_and_the_standard_header_of_a_trusted_proxy_are_believed() {
    let app = trusting(&["127.0.0.1"]).await;
    let concert = app.http.create_concert("A night", 5).await;
    let ticket = app.http.bought(&concert, 1).await;
    let path = format!("/api/v1/tickets/{ticket}");
    let cases: [(&[(&str, &str)], &str); 3] = [
        (
            &[
                ("x-forwarded-host", "tickets.example"),
                ("x-forwarded-proto", "https"),
                ("x-forwarded-port", "8443"),
            ],
            "https://tickets.example:8443",
        ),
        (
            &[("host", "tickets.example"), ("x-forwarded-port", "8080")],
            "http://tickets.example:8080",
        ),
        (
            &[(
                "forwarded",
                "for=192.0.2.7;host=tickets.example;proto=https",
            )],
            "https://tickets.example",
        ),
    ];
    for (headers, wanted) in cases {
        let answer = app.http.get_with(&path, headers).await;
        assert_eq!(base(&answer.json()), wanted);
    }
    app.stop().await;
}

/// Asserts that everything that the service links to is under a path; `asked` is what requests begin
/// with, as a proxy hands them on.
async fn assert_under(app: &TestApp, asked: &str, headers: &[(&str, &str)], under: &str) {
    let send = |verb: &'static str, path: String, body: Option<Value>| {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let path = format!("{asked}{path}");
        async move { app.http.send(verb, &path, headers, body).await }
    };
    let made = tests::http::concert_body("A night", 5);
    let made = send("POST", "/api/v1/concerts".to_owned(), Some(made)).await;
    let concert = made.string("/id");
    let place = format!("{under}/api/v1/concerts/{concert}");
    assert_eq!(made.header("location"), place);
    let order = tests::http::order_body(&concert, 1);
    let bought = send("POST", "/api/v1/tickets".to_owned(), Some(order)).await;
    let ticket = bought.string("/id");
    assert_eq!(
        bought.header("location"),
        format!("{under}/api/v1/tickets/{ticket}")
    );
    assert!(base(&bought.json()).ends_with(under), "{}", bought.text());
    let found = send("GET", format!("/api/v1/tickets/{ticket}"), None).await;
    assert_eq!(found.json(), bought.json());
    for page in [
        "/".to_owned(),
        format!("/concerts/{concert}"),
        "/docs/".to_owned(),
    ] {
        let page = send("GET", page, None).await;
        assert_eq!(page.status, 200);
        let text = page.text();
        for link in ["href=\"", "src=\""] {
            for (at, _) in text.match_indices(link) {
                let to = &text[at + link.len()..];
                assert!(to.starts_with(&format!("{under}/")), "{text}");
            }
        }
    }
    let script = send("GET", "/docs/start.js".to_owned(), None).await;
    assert!(script.text().contains(&format!("\"{under}/openapi.json\"")));
    let openapi = send("GET", "/openapi.json".to_owned(), None).await.json();
    assert_eq!(openapi["servers"], json!([{"url": under}]));
    let lost = send("GET", "/nothing".to_owned(), None).await;
    assert_eq!(lost.status, 404);
}

#[tests::every_engine]
async fn a_service_under_a_path_has_it_in_every_link() {
    let folder = tempfile::tempdir().expect("a folder");
    let shop = serde_json::from_value(json!("/shop/tickets")).expect("a path");
    let app = TestApp::on(folder, Tweaks::default(), |config| {
        config.server.base_path = shop;
    })
    .await;
    // Proxies leave the path in, or out.
    for asked in ["/shop/tickets", ""] {
        assert_under(&app, asked, &[], "/shop/tickets").await;
    }
    assert_eq!(app.http.get("/shop/tickets").await.status, 200);
    app.http.get("/shop/ticketsx").await.assert_problem(404);
    app.stop().await;
}

#[tests::every_engine]
async fn the_path_that_a_trusted_proxy_leaves_out_is_in_every_link() {
    let app = trusting(&["127.0.0.1"]).await;
    assert_under(&app, "", &[("x-forwarded-prefix", "/shop/")], "/shop").await;
    for bad in ["//evil.example", "shop", "/a b", "/a\"b", "/../b"] {
        let answer = app.http.get_with("/", &[("x-forwarded-prefix", bad)]).await;
        answer.assert_problem(400);
    }
    app.stop().await;
    let app = TestApp::start().await;
    let stranger = [("x-forwarded-prefix", "/shop")];
    let page = app.http.get_with("/", &stranger).await;
    assert!(!page.text().contains("/shop"), "{}", page.text());
    app.stop().await;
}
