//! What stands beside the contract: probes, metrics, descriptions, pages.

use serde_json::Value;
use tests::TestApp;

/// Every path and verb of the contract, as OpenAPI writes them.
const OPERATIONS: [(&str, &str); 17] = [
    ("/api/v1/users/health", "get"),
    ("/api/v1/users", "get"),
    ("/api/v1/users/{id}", "get"),
    ("/api/v1/concerts/health", "get"),
    ("/api/v1/concerts", "get"),
    ("/api/v1/concerts", "post"),
    ("/api/v1/concerts/{id}", "get"),
    ("/api/v1/concerts/{id}", "put"),
    ("/api/v1/concerts/{id}/seats", "get"),
    ("/api/v1/tickets/health", "get"),
    ("/api/v1/tickets", "get"),
    ("/api/v1/tickets", "post"),
    ("/api/v1/tickets/{id}", "get"),
    ("/api/v1/tickets/{id}/print", "get"),
    ("/api/v1/tickets/{id}/print", "post"),
    ("/api/v1/tickets/{id}/print.pdf", "get"),
    ("/api/v1/tickets/{id}/print.png", "get"),
];

#[tests::every_engine]
async fn the_description_names_every_route() {
    let app = TestApp::start().await;
    let answer = app.http.get("/openapi.json").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
    let openapi = answer.json();
    assert!(
        openapi["openapi"]
            .as_str()
            .is_some_and(|version| version.starts_with("3.1"))
    );
    for (path, verb) in OPERATIONS {
        let operation = &openapi["paths"][path][verb];
        assert!(operation["responses"].is_object(), "{verb} {path}");
    }
    app.stop().await;
}

#[tests::every_engine]
async fn every_reference_in_the_description_leads_somewhere() {
    fn check(value: &Value, whole: &Value) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    let pointer = reference.strip_prefix('#').expect("a local reference");
                    assert!(whole.pointer(pointer).is_some(), "{reference}");
                }
                members.values().for_each(|member| check(member, whole));
            }
            Value::Array(items) => items.iter().for_each(|item| check(item, whole)),
            _ => {}
        }
    }
    let app = TestApp::start().await;
    let openapi = app.http.get("/openapi.json").await.json();
    check(&openapi, &openapi);
    app.stop().await;
}

#[tests::every_engine]
async fn the_pages_answer_and_need_no_other_host() {
    let app = TestApp::start().await;
    app.http.create_concert("A night", 10).await;
    for path in ["/", "/docs"] {
        let mut answer = app.http.get(path).await;
        if (300..400).contains(&answer.status) {
            answer = app.http.get(answer.header("location")).await;
        }
        assert_eq!(answer.status, 200, "{path}");
        assert!(
            answer.header("content-type").starts_with("text/html"),
            "{path}"
        );
        for loaded in ["src=\"http", "src=\"//", "<link href=\"http", "@import"] {
            assert!(!answer.text().contains(loaded), "{path} has {loaded}");
        }
    }
    app.stop().await;
}

#[tests::every_engine]
async fn probes_say_that_the_process_lives_and_can_serve() {
    let app = TestApp::start().await;
    for path in ["/livez", "/readyz"] {
        assert_eq!(app.http.get(path).await.status, 200, "{path}");
        app.http
            .send("POST", path, &[], "")
            .await
            .assert_problem(405);
    }
    app.stop().await;
}

#[tests::every_engine]
async fn metrics_are_in_the_text_format_and_count_requests() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 10).await;
    app.http.bought(&concert, 1).await;
    let answer = app.http.get("/metrics").await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").starts_with("text/plain"));
    let text = answer.text();
    assert!(text.contains("ticketoverflow_"), "{text}");
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (_, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
    assert!(
        !text.contains(&concert),
        "ids would make as many series as there are concerts"
    );
    app.stop().await;
}
