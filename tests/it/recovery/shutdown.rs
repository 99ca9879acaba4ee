//! Signals.

use std::path::Path;

use tests::http::{order_body, try_answer};
use tests::raw::statuses;
use tests::{Raw, Server, eventually};

use super::{assert_audit, count_tickets};

/// A server that would wait for its clients for longer than the test does.
fn patient(data_dir: &Path) -> Server {
    let file = data_dir.join("config.toml");
    std::fs::write(&file, "[api]\ndrain_timeout_ms = 3600000\n").expect("the test's own folder");
    Server::start_with(data_dir, &["--config", &file.to_string_lossy()])
}

/// An order of which the server has read the head and waits for the body.
async fn begin_order(server: &Server, body: &str) -> Raw {
    let mut raw = Raw::connect(server.http.address()).await;
    let length = body.len();
    let head = format!(
        "POST /api/v1/tickets HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
         content-length: {length}\r\nexpect: 100-continue\r\n\r\n"
    );
    raw.send(head.as_bytes()).await;
    // The server says so once the handler wants the body: the request is in flight.
    let said = raw.until("\r\n\r\n").await;
    assert!(said.starts_with("HTTP/1.1 100"), "{said}");
    raw
}

/// Waits until the server takes no new connections.
async fn until_draining(server: &Server) {
    eventually("new clients are refused", || async {
        tokio::net::TcpStream::connect(server.http.address())
            .await
            .is_err()
            .then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_lets_requests_in_flight_finish() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    let concert = server.http.create_concert("A night", 10).await;
    let order = order_body(&concert, 1).to_string();
    let mut raw = begin_order(&server, &order).await;
    server.terminate();
    until_draining(&server).await;
    raw.send(order.as_bytes()).await;
    let said = raw.until_closed().await;
    assert_eq!(statuses(&said), [100, 201], "{said}");
    assert_eq!(server.wait(), Some(0));
    assert_audit(folder.path());
    let server = Server::start(folder.path());
    assert_eq!(count_tickets(&server.http, &concert).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_in_a_sale_breaks_no_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    let concert = server.http.create_concert("A night", 100_000).await;
    let buyers: Vec<_> = (1..=16)
        .map(|user| {
            let (http, order) = (server.http.clone(), order_body(&concert, user));
            tokio::spawn(async move {
                let mut bought = 0_usize;
                loop {
                    let request = http.request(reqwest::Method::POST, "/api/v1/tickets");
                    match try_answer(request.json(&order)).await {
                        Ok(answer) if answer.status == 201 => bought += 1,
                        Ok(answer) => panic!("{}: {}", answer.status, answer.text()),
                        Err(_) => return bought,
                    }
                }
            })
        })
        .collect();
    eventually("the sale has begun", || async {
        (count_tickets(&server.http, &concert).await > 100).then_some(())
    })
    .await;
    server.terminate();
    assert_eq!(server.wait(), Some(0));
    let mut answered = 0;
    for buyer in buyers {
        answered += buyer.await.expect("no buyer panics");
    }
    assert_audit(folder.path());
    let server = Server::start(folder.path());
    // Nothing is in doubt after an end in good order: what is written was answered.
    assert_eq!(count_tickets(&server.http, &concert).await, answered);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_the_server_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = patient(folder.path());
    let concert = server.http.create_concert("A night", 10).await;
    let order = order_body(&concert, 1).to_string();
    // This client keeps the drain from ending: it never sends its body.
    let raw = begin_order(&server, &order).await;
    server.terminate();
    until_draining(&server).await;
    server.terminate();
    assert_ne!(server.wait(), Some(0), "it did not end in good order");
    drop(raw);
    assert_audit(folder.path());
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_clients_do_not_hold_up_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = patient(folder.path());
    let mut idle = Vec::new();
    for _ in 0..20 {
        let mut raw = Raw::connect(server.http.address()).await;
        raw.send(b"GET /api/v1/users/health HTTP/1.1\r\nhost: x\r\n\r\n")
            .await;
        raw.until("ok").await;
        idle.push(raw);
    }
    server.terminate();
    assert_eq!(server.wait(), Some(0));
    drop(idle);
}
