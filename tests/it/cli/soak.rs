//! A steady load, on both engines side by side: some seconds of it, or as many as are asked for.

use std::thread;
use std::time::Duration;

use serde_json::Value;
use tests::engine::soak_seconds;
use tests::process::{self, Ended};
use tests::{Database, redis};

use super::{folder, text};

/// Soaks, and returns what was found: the JSON and the plot.
///
/// The rate is a fraction of what either engine can take in a debug build while other tests run.
fn soak(engine: &[&str]) -> (Value, String) {
    let folder = folder();
    let plot = folder.path().join("soak.svg");
    let mut command = process::command();
    command
        .args(["bench", "soak", "--rate", "300"])
        .args(["--duration", &format!("{}s", soak_seconds())])
        .args(["--prints", "3", "--plot", text(&plot), "--json", "-"])
        .args(engine);
    let patience = Duration::from_mins(5) + Duration::from_secs(soak_seconds());
    let said = Ended::within(patience, &mut command).success();
    let mut said: Value = serde_json::from_str(&said).expect("it prints JSON");
    let plot = std::fs::read_to_string(&plot).expect("it is drawn");
    (said[0].take(), plot)
}

/// Nothing drifted, and there was something that could have; how much is the machine's affair.
fn assert_steady((said, plot): &(Value, String)) {
    let broken = said["broken"].as_array().expect("a list");
    assert!(broken.is_empty(), "{said:#}");
    // How much is for the machine to say: others may have it stand still for most of the time.
    let of = |pointer: &str| said.pointer(pointer).and_then(Value::as_f64);
    for pointer in [
        "/tickets/end",
        "/ledger_bytes_a_ticket/end",
        "/prints_downloaded",
        "/plans",
        "/value",
    ] {
        assert!(of(pointer) > Some(0.0), "{pointer} of {said:#}");
    }
    assert!(of("/samples") >= Some(4.0), "{said:#}");
    let plot = roxmltree::Document::parse(plot).expect("it is XML");
    let shown: Vec<_> = plot.descendants().filter_map(|node| node.text()).collect();
    for panel in [
        "memory, MiB",
        "open files",
        "p99 of purchases, ms",
        "jobs in the ledger",
        "disk, MiB",
        "bytes of the ledger for each ticket",
    ] {
        assert!(shown.iter().any(|text| text.trim() == panel), "{panel}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_steady_load_lets_nothing_drift_on_either_engine() {
    let database = Database::new().await;
    let (postgres, redis) = (database.url().to_owned(), redis::shared().url());
    let cluster = thread::spawn(move || {
        let urls = ["--postgres-url", &postgres, "--redis-url", &redis];
        soak(&[&["--engine", "cluster"], &urls[..]].concat())
    });
    let embedded = thread::spawn(|| soak(&[]));
    for engine in [embedded, cluster] {
        assert_steady(&engine.join().expect("it does not panic"));
    }
}
