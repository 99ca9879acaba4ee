//! `load` and `audit --target`, as operators use them: real servers, the real binary, HTTP.

mod answers;
mod encrypted;
mod front;
mod honesty;
mod operator;
mod outside;
mod page;
mod scenarios;
mod verdicts;
mod wrong;

use std::path::Path;

use loadtest::LoadReport;
use serde_json::Value;
use tests::process::{self, Ended};

/// Runs a command of the binary against a server, beside the test's own tasks.
fn command(args: &[&str]) -> Ended {
    tokio::task::block_in_place(|| Ended::within(process::LONG_RUN, process::command().args(args)))
}

/// `load …` with its result, whatever the verdict.
fn load(target: &str, args: &[&str]) -> (LoadReport, Ended) {
    let folder = tempfile::tempdir().expect("a folder");
    let json = folder.path().join("result.json");
    let name = json.to_str().expect("temporary folders are named in ASCII");
    let all = [&["load"], args, &["--target", target, "--json", name]].concat();
    let ended = command(&all);
    let text = std::fs::read_to_string(&json);
    let text = text.unwrap_or_else(|error| panic!("{error}: {}{}", ended.output, ended.errors));
    let report = serde_json::from_str(&text).expect("it is a result");
    (report, ended)
}

/// The result that a run wrote.
fn read(file: &Path) -> LoadReport {
    let text = std::fs::read_to_string(file).expect("the result was written");
    serde_json::from_str(&text).expect("it is a result")
}

/// `audit --target` as JSON: the verdict, and the violations by name.
fn audit(target: &str, args: &[&str]) -> (bool, Value) {
    let all = [&["audit", "--target", target, "--json"], args].concat();
    let ended = command(&all);
    let json: Value = serde_json::from_str(&ended.output)
        .unwrap_or_else(|error| panic!("{error}: {}{}", ended.output, ended.errors));
    let ok = json["ok"] == true;
    assert_eq!(ended.status, Some(i32::from(!ok)), "{json}");
    (ok, json)
}

/// The names of what an audit found broken.
fn broken(audit: &Value) -> Vec<&str> {
    let all = audit["invariants"].as_array().expect("an array");
    let found = all.iter().filter(|one| one["ok"] == false);
    found.filter_map(|one| one["name"].as_str()).collect()
}

/// The names of the promises that a run found broken.
fn broken_promises(report: &LoadReport) -> Vec<&str> {
    let found = report.verdicts.iter().filter(|verdict| !verdict.ok);
    found.map(|verdict| verdict.name.as_str()).collect()
}
