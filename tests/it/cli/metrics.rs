//! What operators are told by `/metrics`.

use tests::{Server, eventually};

use super::{folder, text};

#[tokio::test(flavor = "multi_thread")]
async fn operators_are_told_how_large_the_ledger_is() {
    let folder = folder();
    let config = folder.path().join("often.toml");
    std::fs::write(&config, "scheduler.sizes_interval_ms = 20").expect("the folder is ours");
    let server = Server::start_with(folder.path(), &["--config", text(&config)]);
    let concert = server.http.create_concert("A night", 10).await;
    for user in 1..=3 {
        server.http.bought(&concert, user).await;
    }
    let told = eventually("the three tickets are told", || async {
        let told = server.http.get("/metrics").await.text();
        let tickets = "ticketoverflow_ledger_rows{table=\"tickets\"} 3\n";
        told.contains(tickets).then_some(told)
    })
    .await;
    assert!(told.contains("ticketoverflow_ledger_rows{table=\"concerts\"} 1\n"));
    let bytes = |name: &str| {
        let line = told.lines().find_map(|line| line.strip_prefix(name));
        let bytes: f64 = line.expect(name).parse().expect("it is a number");
        bytes
    };
    // An empty schema takes a page for each table and index, and all of it was written to the log.
    let tables = bytes("ticketoverflow_ledger_bytes ");
    let log = bytes("ticketoverflow_ledger_log_bytes ");
    assert!(tables > 50_000.0 && log > 10_000.0, "{tables}, {log}");
}
