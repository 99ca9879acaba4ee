//! Clients that talk nonsense, stall, or vanish.

use std::time::Duration;

use tests::http::order_body;
use tests::raw::statuses;

use super::Target;

#[tests::every_engine]
async fn what_is_no_http_is_closed() {
    let target = Target::new().await;
    let flood = "x-flood: 12345\r\n".repeat(5_000);
    let long = "x".repeat(200_000);
    for (what, bytes) in [
        (
            "TLS",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".repeat(20),
        ),
        ("zeros", vec![0; 10_000]),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()),
        ("no version", b"GET /\r\n\r\n".to_vec()),
        ("bad version", b"GET / HTTP/9.9\r\nhost: x\r\n\r\n".to_vec()),
        (
            "many headers",
            format!("GET / HTTP/1.1\r\nhost: x\r\n{flood}\r\n").into_bytes(),
        ),
        (
            "long header",
            format!("GET / HTTP/1.1\r\nhost: x\r\nx: {long}\r\n\r\n").into_bytes(),
        ),
        (
            "long path",
            format!("GET /{long} HTTP/1.1\r\nhost: x\r\n\r\n").into_bytes(),
        ),
        (
            "NUL in a header",
            b"GET / HTTP/1.1\r\nhost: x\r\nx: a\0b\r\n\r\n".to_vec(),
        ),
        (
            "folded name",
            b"GET / HTTP/1.1\r\nho st: x\r\n\r\n".to_vec(),
        ),
        (
            "two lengths",
            request_with("content-length: 2\r\ncontent-length: 4\r\n", "{}{}"),
        ),
        ("bad length", request_with("content-length: -1\r\n", "{}")),
        (
            "huge length",
            request_with("content-length: 99999999999999999999\r\n", "{}"),
        ),
        (
            "bad chunk",
            request_with("transfer-encoding: chunked\r\n", "zz\r\n{}\r\n"),
        ),
        (
            "bad coding",
            request_with("transfer-encoding: nonsense\r\n", "{}"),
        ),
    ] {
        let mut raw = target.raw().await;
        raw.send(&bytes).await;
        raw.finish().await;
        let said = raw.until_closed().await;
        assert!(
            statuses(&said)
                .iter()
                .all(|status| (400..500).contains(status)),
            "{what}: {said}"
        );
        target.assert_unharmed().await;
    }
    target.stop().await;
}

fn request_with(headers: &str, body: &str) -> Vec<u8> {
    format!("POST /api/v1/concerts HTTP/1.1\r\nhost: x\r\n{headers}\r\n{body}").into_bytes()
}

#[tests::every_engine]
async fn a_length_and_chunks_together_smuggle_nothing() {
    let target = Target::new().await;
    let inner = request_with("content-length: 2\r\n", "{}");
    let inner = String::from_utf8(inner).expect("ASCII");
    let headers = "content-length: 5\r\ntransfer-encoding: chunked\r\n";
    let mut raw = target.raw().await;
    raw.send(&request_with(headers, &format!("0\r\n\r\n{inner}")))
        .await;
    raw.finish().await;
    let said = raw.until_closed().await;
    assert!(
        statuses(&said)
            .iter()
            .all(|status| (400..500).contains(status)),
        "{said}"
    );
    target.stop().await;
}

#[tests::every_engine]
async fn garbage_after_a_good_request_does_not_undo_it() {
    let target = Target::new().await;
    let good = "GET /api/v1/concerts/health HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut raw = target.raw().await;
    raw.send(format!("{good}{good}\x01\x02garbage\r\n\r\n{good}").as_bytes())
        .await;
    raw.finish().await;
    let said = raw.until_closed().await;
    assert_eq!(statuses(&said)[..2], [200, 200], "{said}");
    assert!(
        statuses(&said)[2..].iter().all(|status| *status == 400),
        "{said}"
    );
    target.stop().await;
}

#[tests::every_engine]
async fn a_head_that_never_ends_is_given_up() {
    let target = Target::with(2_000, 20_000).await;
    let mut raw = target.raw().await;
    raw.send(b"POST /api/v1/concerts HTTP/1.1\r\nhost: x\r\n")
        .await;
    let mut lines = 0;
    // One line at a time, for ever: the head as a whole has a time.
    while raw.send(format!("x-{lines}: 1\r\n").as_bytes()).await {
        lines += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(lines < 3_000, "the server still listens after a minute");
    }
    let said = raw.until_closed().await;
    assert!(
        statuses(&said)
            .iter()
            .all(|status| (400..500).contains(status)),
        "{said}"
    );
    target.stop().await;
}

#[tests::every_engine]
async fn a_client_that_does_not_read_is_given_up() {
    // With room for one client, the next one is served only when this one is gone.
    let target = Target::with(2_000, 1).await;
    // Many times the largest answer there is, so that no buffer of the system holds it.
    let request = "GET /api/v1/users HTTP/1.1\r\nhost: x\r\n\r\n".repeat(100);
    let mut raw = target.raw().await;
    raw.send(request.as_bytes()).await;
    raw.until("\r\n\r\n[").await;
    target.assert_unharmed().await;
    let said = raw.until_closed().await;
    assert!(statuses(&said).len() < 100, "it was served to the end");
    target.stop().await;
}

#[tests::every_engine]
async fn a_client_that_vanishes_costs_nothing() {
    let target = Target::new().await;
    let order = order_body("nothing", 1).to_string();
    let length = order.len();
    for bytes in [
        String::new(),
        "GET".to_owned(),
        "GET /api/v1/users HTTP/1.1\r\nhost: x\r\n\r\n".repeat(50),
        format!("POST /api/v1/tickets HTTP/1.1\r\ncontent-length: {length}\r\n\r\n{order}"),
    ] {
        for _ in 0..20 {
            let mut raw = target.raw().await;
            raw.send(bytes.as_bytes()).await;
            drop(raw);
        }
        target.assert_unharmed().await;
    }
    target.stop().await;
}

#[tests::every_engine]
async fn who_polls_does_not_keep_buyers_from_being_accepted() {
    // Who says nothing is given up long after this test has failed.
    let target = Target::with(600_000, 20).await;
    let health = "GET /api/v1/concerts/health HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut pollers = Vec::new();
    for _ in 0..17 {
        let mut poller = target.raw().await;
        assert!(poller.send(health.as_bytes()).await);
        let answer = poller.until("\r\n\r\n").await;
        assert!(!answer.contains("connection: close"), "{answer}");
        pollers.push(poller);
    }
    let body = format!("{{\"concert_id\": \"{}\"}}", target.concert);
    let order = format!(
        "POST /api/v1/tickets HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    // Two places are left, and the server waits with one in its hand: the buyer's, who may stay.
    let mut buyer = target.raw().await;
    assert!(buyer.send(order.as_bytes()).await);
    let answer = buyer.until("\r\n\r\n").await;
    assert!(!answer.contains("connection: close"), "{answer}");
    // These take the last places, and the next buyer waits to be accepted.
    pollers.extend([target.raw().await, target.raw().await]);
    let mut next = target.raw().await;
    assert!(next.send(order.as_bytes()).await);
    // Whoever polls now hears that it was the last time, which leaves a place to the buyer.
    assert!(pollers[0].send(health.as_bytes()).await);
    let answer = pollers[0].until_closed().await;
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 2, "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    let answer = next.until("\r\n\r\n").await;
    assert_eq!(statuses(&answer), [400], "{answer}");
    drop((pollers, buyer, next));
    target.stop().await;
}

#[tests::every_engine]
async fn idle_connections_do_not_keep_others_from_being_served() {
    let target = Target::new().await;
    let mut idle = Vec::new();
    for number in 0..200 {
        let mut raw = target.raw().await;
        // Some have said nothing at all, some have begun.
        if number % 2 == 0 {
            raw.send(b"POST /api/v1/concerts HTTP/1.1\r\nhost: x\r\ncontent-")
                .await;
        }
        idle.push(raw);
    }
    for _ in 0..20 {
        target.assert_unharmed().await;
    }
    let bought = target.app.http.buy(&target.concert, 3).await;
    assert_eq!(bought.status, 201);
    // Stopping does not wait for them: their heads would have a minute.
    let stopping = target.app.stop();
    tokio::time::timeout(Duration::from_secs(50), stopping)
        .await
        .expect("it stops at once");
    drop(idle);
}
