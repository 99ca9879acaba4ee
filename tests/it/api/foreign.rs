//! Pages of others: what they may do is what an operator has named, and a browser tells who they are.

use cli::service::Tweaks;
use serde_json::json;
use tests::http::order_body;
use tests::{Answer, TestApp};

use super::NOBODY;

const EVIL: &str = "https://evil.example";
const SHOP: &str = "https://shop.example";

async fn start(change: impl FnOnce(&mut cli::config::Config)) -> TestApp {
    let folder = tempfile::tempdir().expect("a folder");
    TestApp::on(folder, Tweaks::default(), change).await
}

/// A server that believes proxies on this machine, and whose operator has named the shop.
async fn with_a_shop() -> TestApp {
    let api = json!({"trusted_proxies": ["127.0.0.1"], "allowed_origins": [SHOP]});
    let api = serde_json::from_value(api).expect("settings of the edge");
    start(|config| config.api = api).await
}

/// Every route that writes, as the description has it.
async fn writes(app: &TestApp) -> Vec<(String, String)> {
    let openapi = app.http.get("/openapi.json").await.json();
    let paths = openapi["paths"].as_object().expect("paths").iter();
    let writes = paths.flat_map(|(path, verbs)| {
        let verbs = verbs.as_object().expect("verbs").keys();
        let writes = verbs.filter(|verb| *verb != "get");
        writes.map(|verb| (verb.to_uppercase(), path.replace("{id}", NOBODY)))
    });
    writes.collect()
}

#[tests::every_engine]
async fn what_a_foreign_page_would_write_is_refused() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 5).await;
    let before = app.http.ledger().await;
    let order = order_body(&concert, 1).to_string();
    let foreign: [&[(&str, &str)]; 5] = [
        &[("origin", EVIL)],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site")],
        &[("origin", EVIL), ("sec-fetch-site", "same-site")],
        &[("origin", "http://127.0.0.1"), ("sec-fetch-site", "none")],
    ];
    let writes = writes(&app).await;
    assert!(writes.len() >= 6, "{writes:?}");
    for headers in foreign {
        for (verb, path) in &writes {
            let answer = app.http.send(verb, path, headers, order.clone()).await;
            let problem = answer.assert_problem(403);
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains("api.allowed_origins"), "{detail}");
            assert_eq!(answer.header("access-control-allow-origin"), "");
        }
        let looked = app.http.get_with("/api/v1/concerts", headers).await;
        assert_eq!(looked.status, 200);
    }
    assert_eq!(app.http.ledger().await, before);
    app.stop().await;
}

#[tests::every_engine]
async fn what_our_own_pages_and_programs_write_is_taken() {
    let app = with_a_shop().await;
    let concert = app.http.create_concert("A night", 20).await;
    let order = order_body(&concert, 1).to_string();
    let own = app.http.base().to_owned();
    let own: [&[(&str, &str)]; 6] = [
        &[],
        &[("origin", &own)],
        &[
            ("host", "tickets.example"),
            ("origin", "http://tickets.example"),
        ],
        &[
            ("host", "inner:8080"),
            ("x-forwarded-host", "tickets.example"),
            ("x-forwarded-proto", "https"),
            ("origin", "https://tickets.example"),
        ],
        &[
            (
                "forwarded",
                "for=192.0.2.7;host=tickets.example;proto=https",
            ),
            ("origin", "https://tickets.example"),
        ],
        // Behind a proxy that nobody trusts: the browser knows.
        &[
            ("origin", "https://tickets.example"),
            ("sec-fetch-site", "same-origin"),
        ],
    ];
    for headers in own {
        let answer = app
            .http
            .send("POST", "/api/v1/tickets", headers, order.clone())
            .await;
        assert_eq!(answer.status, 201, "{headers:?}: {}", answer.text());
    }
    let http = [
        ("x-forwarded-host", "tickets.example"),
        ("x-forwarded-proto", "https"),
        ("origin", "http://tickets.example"),
    ];
    let answer = app.http.send("POST", "/api/v1/tickets", &http, order).await;
    answer.assert_problem(403);
    app.stop().await;
}

/// A header's entries.
fn entries(answer: &Answer, header: &str) -> Vec<String> {
    let all = answer.headers.get_all(header).iter();
    let all = all.flat_map(|value| value.to_str().expect("ASCII").split(','));
    all.map(|entry| entry.trim().to_lowercase()).collect()
}

#[tests::every_engine]
async fn pages_that_the_operator_has_named_may_use_the_interface() {
    let app = with_a_shop().await;
    let concert = app.http.create_concert("A night", 5).await;
    let shop = [
        ("origin", SHOP),
        ("sec-fetch-site", "cross-site"),
        ("idempotency-key", "one"),
    ];
    let order = order_body(&concert, 1).to_string();
    for replayed in ["", "true"] {
        let bought = app
            .http
            .send("POST", "/api/v1/tickets", &shop, order.clone())
            .await;
        assert_eq!(bought.status, 201, "{}", bought.text());
        assert_eq!(bought.header("idempotency-replayed"), replayed);
        assert_eq!(bought.header("access-control-allow-origin"), SHOP);
        let shown = entries(&bought, "access-control-expose-headers");
        for name in ["etag", "retry-after", "idempotency-replayed", "location"] {
            assert!(
                shown.iter().any(|shown| shown == name),
                "{name} of {shown:?}"
            );
        }
    }
    let refused = app
        .http
        .get_with(&format!("/api/v1/concerts/{NOBODY}"), &shop[..2])
        .await;
    refused.assert_problem(404);
    assert_eq!(refused.header("access-control-allow-origin"), SHOP);
    // Whoever else asks gets an answer that a cache must not hand to the shop.
    for origin in [None, Some(EVIL)] {
        let headers: Vec<_> = origin
            .map(|origin| ("origin", origin))
            .into_iter()
            .collect();
        let answer = app.http.get_with("/api/v1/concerts", &headers).await;
        assert_eq!(answer.header("access-control-allow-origin"), "");
        assert!(entries(&answer, "vary").contains(&"origin".to_owned()));
    }
    let evil = [("origin", EVIL)];
    let answer = app.http.send("POST", "/api/v1/tickets", &evil, order).await;
    answer.assert_problem(403);
    app.stop().await;
}

#[tests::every_engine]
async fn preflights_are_answered_before_anything_else() {
    let app = with_a_shop().await;
    for (verb, path) in writes(&app).await {
        let mut ask = vec![
            ("origin", SHOP),
            ("access-control-request-method", &verb),
            (
                "access-control-request-headers",
                "content-type,idempotency-key,if-match",
            ),
        ];
        let answer = app.http.send("OPTIONS", &path, &ask, "").await;
        assert_eq!(answer.status, 204, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), SHOP);
        let verbs = entries(&answer, "access-control-allow-methods");
        assert!(
            verbs.contains(&verb.to_lowercase()),
            "{verb} {path}: {verbs:?}"
        );
        let names = entries(&answer, "access-control-allow-headers");
        for name in ["content-type", "idempotency-key", "if-match"] {
            assert!(names.contains(&name.to_owned()), "{name} of {names:?}");
        }
        assert_ne!(answer.header("access-control-max-age"), "");
        ask[0] = ("origin", EVIL);
        let answer = app.http.send("OPTIONS", &path, &ask, "").await;
        answer.assert_problem(403);
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
    app.stop().await;
}

#[tests::every_engine]
async fn a_service_that_has_names_answers_to_no_other() {
    let hosts = json!(["tickets.example", "inner:8080"]);
    let hosts: Vec<_> = serde_json::from_value(hosts).expect("hosts");
    let app = start(|config| config.server.hosts = hosts).await;
    let get = |path: &'static str, host: &'static str| {
        let http = app.http.clone();
        async move { http.get_with(path, &[("host", host)]).await }
    };
    for host in ["tickets.example", "Tickets.Example:8443", "inner:8080"] {
        assert_eq!(get("/api/v1/concerts", host).await.status, 200, "{host}");
    }
    for host in ["evil.example", "inner", "inner:81", "tickets.example.evil"] {
        for path in ["/api/v1/concerts", "/", "/nothing"] {
            let problem = get(path, host).await.assert_problem(421);
            assert!(problem["detail"].as_str().unwrap().contains("server.hosts"));
        }
        // Who runs it asks by its address.
        for path in ["/livez", "/readyz", "/metrics"] {
            assert_eq!(get(path, host).await.status, 200, "{host} {path}");
        }
    }
    app.stop().await;
}
