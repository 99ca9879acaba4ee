//! How many files may be open.

use std::process::Command;

use serde_json::Value;
use tests::process::{self, Ended};

/// `prlimit` is a part of util-linux, as `setpriv` is.
#[test]
fn a_process_takes_what_it_is_allowed_and_tells_when_that_is_too_little() {
    let folder = super::folder();
    let told = |limits: &str| {
        let mut doctor = Command::new("prlimit");
        doctor.arg(format!("--nofile={limits}"));
        doctor.arg(process::command().get_program());
        doctor.args(["doctor", "--json", "--data-dir"]);
        doctor.arg(folder.path());
        doctor.env("TICKETOVERFLOW__API__CONNECTIONS_MAX", "500");
        let said: Value = serde_json::from_str(&Ended::of(&mut doctor).output).unwrap();
        let findings = said["findings"].as_array().unwrap();
        let of_files = findings.iter().find(|one| one["what"] == "open files");
        of_files.unwrap()["detail"].as_str().unwrap().to_owned()
    };
    assert_eq!(told("64:1000"), "room for api.connections_max");
    let short = told("64:300");
    assert!(
        short.contains("room for 44 connections") && short.contains("ulimit -n 756"),
        "{short}"
    );
}
