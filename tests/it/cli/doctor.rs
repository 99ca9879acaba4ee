//! `doctor` does what a server needs, and does not only look.

use std::process::Command;

use serde_json::Value;
use tests::Server;
use tests::process::{self, Ended};

use super::folder;

/// What is found of the ledger, by somebody for whom no file may become longer than this.
fn found(folder: &std::path::Path, bytes: &str) -> (bool, String) {
    let mut doctor = Command::new("sh");
    doctor
        .args([
            "-c",
            r#"trap '' XFSZ; exec prlimit --fsize="$0" "$@""#,
            bytes,
        ])
        .arg(process::command().get_program())
        .args(["doctor", "--json", "--data-dir"])
        .arg(folder);
    let said: Value = serde_json::from_str(&Ended::of(&mut doctor).output).expect("JSON");
    let findings = said["findings"].as_array().expect("a list");
    let of_ledger = findings.iter().find(|one| one["what"] == "ledger");
    let of_ledger = of_ledger.expect("it is always looked at");
    let detail = of_ledger["detail"].as_str().expect("a text").to_owned();
    (of_ledger["ok"] == true, detail)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_can_be_read_and_not_be_written_is_found() {
    let folder = folder();
    let server = Server::start(folder.path());
    server.http.create_concert("A night", 10).await;
    let (ok, detail) = found(folder.path(), "1");
    assert!(!ok && detail.contains("cannot be written"), "{detail}");
    let (ok, detail) = found(folder.path(), "unlimited");
    assert!(ok && detail.contains("can be written"), "{detail}");
}
