//! `kill -9` at the worst moments.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Method;
use tests::http::{order_body, try_answer};
use tests::svg::assert_text;
use tests::{Http, Server, TestApp, eventually};

use super::{assert_audit, count_tickets};

const BUYERS: u32 = 32;

/// So many purchases are answered in a burst at the most: it is the kill that ends it, or else
/// nobody would know what a server does that is killed in the middle.
const BURST_MAX: usize = 700;

/// Buys until the server is gone; the tickets that it answered with.
async fn buy_until_gone(
    http: Http,
    concert: String,
    user: u32,
    answered: Arc<AtomicUsize>,
) -> Vec<String> {
    let order = order_body(&concert, user);
    let mut tickets = Vec::new();
    loop {
        let request = http.request(Method::POST, "/api/v1/tickets").json(&order);
        let Ok(answer) = try_answer(request).await else {
            return tickets;
        };
        if answer.status != 201 {
            return tickets;
        }
        tickets.push(answer.string("/id"));
        if answered.fetch_add(1, Ordering::SeqCst) >= BURST_MAX {
            return tickets;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answered_purchase_survives_a_killed_server_and_the_rest_can_be_sold() {
    const CAPACITY: usize = 2_000;
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = Server::start(folder.path());
    let concert = server.http.create_concert("A night", 2_000).await;
    let mut tickets = HashSet::new();
    // Twice: the second burst runs on a ledger that was recovered once already.
    for _ in 0..2 {
        let answered = Arc::new(AtomicUsize::new(0));
        let buyers: Vec<_> = (1..=BUYERS)
            .map(|user| {
                let (http, concert) = (server.http.clone(), concert.clone());
                tokio::spawn(buy_until_gone(http, concert, user, Arc::clone(&answered)))
            })
            .collect();
        let begun = || async { (answered.load(Ordering::SeqCst) >= 200).then_some(()) };
        eventually("the sale is in full swing", begun).await;
        server.kill();
        for buyer in buyers {
            tickets.extend(buyer.await.expect("no buyer panics"));
        }
        assert!(tickets.len() < CAPACITY, "it was killed in the middle");
        assert_audit(folder.path());
        server = Server::start(folder.path());
        let list = server
            .http
            .get(&format!("/api/v1/tickets?concert_id={concert}"))
            .await
            .json();
        let list = list.as_array().expect("an array");
        let there: HashSet<_> = list
            .iter()
            .filter_map(|ticket| ticket["id"].as_str())
            .map(str::to_owned)
            .collect();
        let lost: Vec<_> = tickets.difference(&there).collect();
        assert!(lost.is_empty(), "{lost:?} were answered and are lost");
        let in_doubt = there.len() - tickets.len();
        assert!(in_doubt <= BUYERS as usize, "one in doubt for each buyer");
        // Whatever the kill left is part of the ledger from now on.
        tickets = there;
    }
    let left = CAPACITY - count_tickets(&server.http, &concert).await;
    for at in 0..left {
        let bought = server.http.buy(&concert, 1).await;
        assert_eq!(bought.status, 201, "{at} of {left}: {}", bought.text());
    }
    server.http.buy(&concert, 1).await.assert_problem(422);
    assert_eq!(count_tickets(&server.http, &concert).await, CAPACITY);
    // Beside the running server, as an operator would.
    assert_audit(folder.path());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_pending_print_is_made_after_a_killed_server() {
    const TICKETS: u32 = 60;
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    let concert = server.http.create_concert("A night", TICKETS).await;
    let mut tickets = Vec::new();
    for user in 1..=TICKETS {
        tickets.push(server.http.bought(&concert, user).await);
    }
    for ticket in &tickets {
        let asked = server
            .http
            .post_empty(&format!("/api/v1/tickets/{ticket}/print"))
            .await;
        assert_eq!(asked.status, 202);
    }
    eventually("a print is made", || async {
        let list = server.http.get("/api/v1/tickets").await.json();
        let mut list = list.as_array().expect("an array").iter();
        list.any(|ticket| ticket["print_status"] == "PRINTED")
            .then_some(())
    })
    .await;
    server.kill();
    assert_audit(folder.path());
    let server = Server::start(folder.path());
    for ticket in &tickets {
        let found = server.http.get(&format!("/api/v1/tickets/{ticket}")).await;
        let status = found.string("/print_status");
        assert!(["PENDING", "PRINTED"].contains(&&*status), "{status}");
        server.http.until_print(ticket, "PRINTED").await;
        let svg = server
            .http
            .get(&format!("/api/v1/tickets/{ticket}/print"))
            .await;
        assert_eq!(svg.status, 200);
        assert_text(&svg.body, "A night");
    }
    assert_audit(folder.path());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_keeps_its_answers_to_keys_and_its_changes() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    let concert = server.http.create_concert("Old name", 50).await;
    let path = format!("/api/v1/concerts/{concert}");
    let order = order_body(&concert, 1);
    let first = server
        .http
        .post_keyed("/api/v1/tickets", "once", &order)
        .await;
    server
        .http
        .put(&path, &serde_json::json!({"name": "New name"}))
        .await;
    let shown = server.http.get(&path).await;
    server.kill();
    let server = Server::start(folder.path());
    let again = server
        .http
        .post_keyed("/api/v1/tickets", "once", &order)
        .await;
    assert_eq!((again.status, &again.body), (201, &first.body));
    assert_eq!(count_tickets(&server.http, &concert).await, 1);
    let after = server.http.get(&path).await;
    assert_eq!(after.body, shown.body);
    assert_eq!(after.header("etag"), shown.header("etag"));
    assert_audit(folder.path());
}

#[tests::every_engine]
async fn lost_files_are_drawn_again() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 50).await;
    let ticket = app.http.bought(&concert, 1).await;
    let print = format!("/api/v1/tickets/{ticket}/print");
    app.http.post_empty(&print).await;
    app.http.until_print(&ticket, "PRINTED").await;
    let svg = app.http.get(&print).await.body;
    let pdf = app.http.get(&format!("{print}.pdf")).await.body;

    // While the server runs …
    std::fs::remove_dir_all(app.folder().join("files")).expect("files can be lost");
    assert_eq!(app.http.get(&print).await.body, svg);
    app.http.plan(&concert).await;

    // … and while it does not.
    let folder = app.stop().await;
    std::fs::remove_dir_all(folder.path().join("files")).expect("files can be lost");
    let app = TestApp::again(folder, cli::service::Tweaks::default(), |_| {}).await;
    let found = app.http.get(&format!("/api/v1/tickets/{ticket}")).await;
    assert_eq!(found.string("/print_status"), "PRINTED");
    assert_eq!(app.http.get(&print).await.body, svg);
    assert_eq!(app.http.get(&format!("{print}.pdf")).await.body, pdf);
    let plan = app.http.plan(&concert).await;
    assert_text(&plan.body, "A night");
    app.stop().await;
}

#[tests::every_engine]
async fn files_that_were_cut_short_are_drawn_again() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 50).await;
    let ticket = app.http.bought(&concert, 1).await;
    let print = format!("/api/v1/tickets/{ticket}/print");
    app.http.post_empty(&print).await;
    app.http.until_print(&ticket, "PRINTED").await;
    let svg = app.http.get(&print).await.body;
    let pdf = app.http.get(&format!("{print}.pdf")).await.body;
    let folder = app.folder().join("files").join("tickets").join(&ticket);
    let mut cut = 0;
    for version in std::fs::read_dir(&folder).expect("the ticket has a folder") {
        let version = version.expect("it can be listed").path();
        for file in std::fs::read_dir(version).expect("a version has a folder") {
            let file = file.expect("it can be listed").path();
            let bytes = std::fs::read(&file).expect("it can be read");
            std::fs::write(&file, &bytes[..bytes.len() / 2]).expect("it can be cut");
            cut += 1;
        }
    }
    assert!(cut >= 2, "both stored formats were cut");
    assert_eq!(app.http.get(&print).await.body, svg);
    assert_eq!(app.http.get(&format!("{print}.pdf")).await.body, pdf);
    app.stop().await;
}
