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
    let bytes = told
        .lines()
        .find_map(|line| line.strip_prefix("ticketoverflow_ledger_bytes "));
    let bytes: f64 = bytes.expect("it is told").parse().expect("it is a number");
    let on_disk = ["ledger.db", "ledger.db-wal"].map(|name| {
        let file = std::fs::metadata(folder.path().join(name)).expect("it is there");
        file.len()
    });
    // Between the two looks, a row may have been written, or the log copied into the database.
    #[expect(clippy::cast_precision_loss, reason = "far less than 2^53")]
    let all = on_disk.iter().sum::<u64>() as f64;
    assert!(
        bytes > 100_000.0 && bytes < all * 2.0,
        "{bytes} of {on_disk:?}"
    );
}
