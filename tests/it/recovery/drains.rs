//! A stop is announced before anybody is refused.

use std::path::Path;

use tests::http::order_body;
use tests::{Answer, Raw, Server, eventually};

/// A server that would announce its end for longer than the test lasts.
fn announcing(data_dir: &Path) -> Server {
    let settings = [("API__DRAIN_NOTICE_MS", "3600000")];
    Server::start_ignoring("XFSZ", data_dir, &settings)
}

/// Waits until load balancers are told to go elsewhere.
async fn until_announced(server: &Server) -> Answer {
    eventually("load balancers are told", || async {
        let ready = server.http.get("/readyz").await;
        (ready.status != 200).then_some(ready)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_sent_here_after_the_announcement_is_served_and_comes_no_more() {
    type Send = fn(&Server);
    let signals: [(Send, i32); 2] = [(Server::terminate, 143), (Server::hang_up, 129)];
    for (signal, status) in signals {
        let folder = tempfile::tempdir().expect("a folder");
        let server = announcing(folder.path());
        let concert = server.http.create_concert("A night", 10).await;
        let mut kept = Raw::connect(server.http.address()).await;
        let ask = b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n";
        kept.send(ask).await;
        let said = kept.until("ok").await;
        assert!(!said.contains("connection: close"), "{said}");

        signal(&server);
        let told = until_announced(&server).await;
        told.assert_problem(503);
        assert!(told.text().contains("stopping"), "{}", told.text());
        // A balancer that has not looked yet, on a connection of its pool and on a new one.
        kept.send(ask).await;
        let said = kept.until_closed().await;
        assert!(said.contains("connection: close"), "{said}");
        let bought = server
            .http
            .post("/api/v1/tickets", &order_body(&concert, 1))
            .await;
        assert_eq!(bought.status, 201);
        assert_eq!(bought.header("connection"), "close");
        // Whoever cannot wait says it twice.
        signal(&server);
        assert_eq!(server.wait(), Some(status));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_announcement_a_server_ends_in_good_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = [("API__DRAIN_NOTICE_MS", "200")];
    let server = Server::start_ignoring("XFSZ", folder.path(), &settings);
    server.hang_up();
    assert_eq!(server.wait(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_presses_ctrl_c_waits_for_no_announcement() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = announcing(folder.path());
    server.interrupt();
    assert_eq!(server.wait(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_to_outlive_its_terminal_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start_ignoring("HUP", folder.path(), &[]);
    server.hang_up();
    // Were that a signal to stop, this one would be the second and end it at once.
    server.interrupt();
    assert_eq!(server.wait(), Some(0));
}
