//! Requests that are HTTP and nothing else.

use serde_json::json;
use tests::http::{concert_body, order_body, user_id};
use tests::raw::statuses;

use super::Target;

#[tests::every_engine]
async fn bodies_that_are_no_json_are_refused() {
    let target = Target::new().await;
    let deep = |open: &str| open.repeat(100_000).into_bytes();
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("deep arrays", deep("[")[..60_000].to_vec()),
        ("deep objects", "{\"a\":".repeat(10_000).into_bytes()),
        (
            "deep in a member",
            [b"{\"name\":", &deep("[")[..50_000]].concat(),
        ),
        ("not UTF-8", b"{\"name\": \"\xff\xfe\"}".to_vec()),
        ("half a character", b"{\"name\": \"\xe6\x9d\"}".to_vec()),
        ("lone surrogate", br#"{"name": "\ud800"}"#.to_vec()),
        ("NUL", b"{\"name\": \"a\0b\"}".to_vec()),
        ("only NUL", vec![0; 1_000]),
        ("mark before", b"\xef\xbb\xbf{}x".to_vec()),
        (
            "UTF-16",
            "{}x".encode_utf16().flat_map(u16::to_be_bytes).collect(),
        ),
        (
            "long number",
            [b"{\"capacity\": ", &vec![b'9'; 60_000][..], b"}"].concat(),
        ),
        ("long exponent", br#"{"capacity": 1e99999999}"#.to_vec()),
        (
            "endless string",
            [b"{\"name\": \"", &vec![b'x'; 60_000][..]].concat(),
        ),
        ("many members", many_members()),
        ("a form", b"name=x&capacity=1".to_vec()),
        ("XML", b"<?xml version=\"1.0\"?><concert/>".to_vec()),
    ];
    for (verb, path) in target.takers() {
        for (what, body) in &bodies {
            let answer = target.app.http.send(verb, &path, &[], body.clone()).await;
            assert_eq!(
                answer.status,
                400,
                "{what} to {verb} {path}: {}",
                answer.text()
            );
            answer.assert_problem(400);
        }
        for (what, body) in [
            ("a million brackets", deep("[")),
            ("a long text", vec![b'x'; 1 << 20]),
        ] {
            let request = target
                .app
                .http
                .request(verb.parse().expect("a verb"), &path);
            // A server that hangs up in the middle of a long body has answered too.
            if let Ok(answer) = tests::http::try_answer(request.body(body)).await {
                assert_eq!(answer.status, 413, "{what} to {path}");
            }
        }
    }
    target.stop().await;
}

fn many_members() -> Vec<u8> {
    let members: Vec<_> = (0..5_000)
        .map(|number| format!("\"k{number}\":0"))
        .collect();
    format!("{{{}}}", members.join(",")).into_bytes()
}

#[tests::every_engine]
async fn wrong_types_in_every_place_are_refused() {
    let target = Target::new().await;
    let values = [
        json!(null),
        json!([[[]]]),
        json!({"a": {"b": []}}),
        json!(-0.0),
        json!(1e308),
    ];
    for value in &values {
        for key in ["name", "venue", "date", "capacity", "status"] {
            let mut body = concert_body("A night", 5);
            body[key] = value.clone();
            target
                .app
                .http
                .post("/api/v1/concerts", &body)
                .await
                .assert_problem(400);
        }
        for key in ["concert_id", "user_id"] {
            let mut body = order_body(&target.concert, 1);
            body[key] = value.clone();
            target
                .app
                .http
                .post("/api/v1/tickets", &body)
                .await
                .assert_problem(400);
        }
    }
    target.stop().await;
}

#[tests::every_engine]
async fn paths_that_try_to_leave_are_not_found() {
    let target = Target::new().await;
    let long = "a".repeat(20_000);
    let signing_key = "../".repeat(8) + "signing.key";
    for id in [
        "%2e%2e",
        "%2e%2e%2f%2e%2e%2fsigning.key",
        "..%2f..%2fledger.db",
        "%00",
        "x%00.svg",
        "%252e%252e",
        "%c0%ae%c0%ae",
        "%ff",
        "%",
        "%zz",
        "%2F",
        "%0d%0aset-cookie:x",
        "*",
        "~",
        "'",
        "\";drop%20table%20tickets;--",
        "{{7*7}}",
        "$(id)",
        "&#x0;",
        &long,
        &signing_key,
    ] {
        for path in [
            format!("/api/v1/concerts/{id}"),
            format!("/api/v1/concerts/{id}/seats"),
            format!("/api/v1/tickets/{id}"),
            format!("/api/v1/tickets/{id}/print"),
            format!("/api/v1/tickets/{}/print{id}", target.ticket),
            format!("/api/v1/users/{id}"),
            format!("/api/v1/tickets?concert_id={id}"),
            format!("/{id}"),
        ] {
            // By hand: a client would tidy such paths up.
            let mut raw = target.raw().await;
            let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
            raw.send(head.as_bytes()).await;
            let said = raw.until_closed().await;
            let shown = &path[..path.len().min(100)];
            assert!(
                matches!(statuses(&said)[..], [400..=499]),
                "{shown}: {said}"
            );
            assert!(!said.contains("SQLite format 3"));
        }
    }
    target.stop().await;
}

#[tests::every_engine]
async fn a_body_that_never_comes_is_given_up() {
    let target = Target::with(300, 20_000).await;
    for (verb, path) in target.takers() {
        let mut raw = target.raw().await;
        let head = format!("{verb} {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{{");
        raw.send(head.as_bytes()).await;
        let said = raw.until_closed().await;
        assert_eq!(statuses(&said), [408], "{said}");
        assert!(said.contains("application/problem+json"), "{said}");
    }
    target.stop().await;
}

#[tests::every_engine]
async fn a_body_that_breaks_off_changes_nothing() {
    let target = Target::new().await;
    let body = concert_body("Half", 5).to_string();
    for (verb, path) in target.takers() {
        for length in [0, 1, body.len() / 2, body.len()] {
            let mut raw = target.raw().await;
            let announced = body.len() + 1;
            let head =
                format!("{verb} {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {announced}\r\n\r\n");
            raw.send(head.as_bytes()).await;
            raw.send(&body.as_bytes()[..length]).await;
            raw.finish().await;
            let said = raw.until_closed().await;
            assert!(
                statuses(&said)
                    .iter()
                    .all(|status| (400..500).contains(status)),
                "{said}"
            );
        }
    }
    target.stop().await;
}

#[tests::every_engine]
async fn a_flood_of_bad_requests_leaves_good_ones_served() {
    let target = Target::new().await;
    let floods = (0..20).map(|number| {
        let (http, concert) = (target.app.http.clone(), target.concert.clone());
        async move {
            for _ in 0..20 {
                let bad = json!({"concert_id": concert, "user_id": user_id(9_000 + number)});
                http.post("/api/v1/tickets", &bad).await.assert_problem(400);
                http.send("PUT", "/api/v1/concerts/x", &[], vec![b'['; 10_000])
                    .await
                    .assert_problem(404);
            }
        }
    });
    let good = async {
        for _ in 0..50 {
            target.assert_unharmed().await;
        }
    };
    futures::join!(futures::future::join_all(floods), good);
    target.stop().await;
}
