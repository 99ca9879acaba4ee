//! `jobs`: what operators see of jobs and do to them.

use std::path::Path;

use serde_json::{Value, json};
use tests::{Server, eventually, process};

use super::folder;

/// `jobs …` with `--json` on a data folder.
#[track_caller]
fn jobs(data_dir: &Path, args: &[&str]) -> Value {
    let args = [&["jobs"], args, &["--json"]].concat();
    serde_json::from_str(&process::run(data_dir, &args).success()).expect("it prints JSON")
}

/// The id of the waiting job of a paused queue.
#[track_caller]
fn waiting(data_dir: &Path) -> String {
    let args = ["list", "--queue", "prints", "--state", "available"];
    let listed = jobs(data_dir, &args);
    let listed = listed.as_array().expect("an array");
    assert_eq!(listed.len(), 1, "{listed:?}");
    listed[0]["id"].as_str().expect("an id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_look_at_jobs_and_act_on_them_beside_a_running_server() {
    let folder = folder();
    let dir = folder.path();
    let server = Server::start(dir);
    let concert = server.http.create_concert("A night", 10).await;
    let ticket = server.http.bought(&concert, 1).await;
    jobs(dir, &["pause", "prints"]);
    server
        .http
        .post_empty(&format!("/api/v1/tickets/{ticket}/print"))
        .await;
    let id = waiting(dir);
    let shown = jobs(dir, &["show", &id]);
    assert_eq!(
        (&shown["id"], &shown["kind"]),
        (&json!(id), &json!("render_ticket"))
    );
    assert_eq!(shown["args"]["ticket_id"], json!(ticket));
    assert_eq!(shown["state"], "available");

    // A plan goes its way meanwhile.
    server.http.plan(&concert).await;
    assert_eq!(waiting(dir), id, "nothing of the paused queue is taken");

    jobs(dir, &["cancel", &id]);
    assert_eq!(jobs(dir, &["show", &id])["state"], "cancelled");
    jobs(dir, &["resume", "prints"]);
    // Whoever waits for it is told, and may ask again.
    let path = format!("/api/v1/tickets/{ticket}");
    let status = server.http.get(&path).await.string("/print_status");
    assert_ne!(status, "PRINTED");
    jobs(dir, &["retry", &id]);
    eventually("the retried job ends", || async {
        let state = jobs(dir, &["show", &id])["state"].clone();
        (state == "completed" || state == "cancelled").then_some(())
    })
    .await;
    server.http.post_empty(&format!("{path}/print")).await;
    server.http.until_print(&ticket, "PRINTED").await;
    assert!(
        jobs(dir, &["list", "--kind", "render_plan"])
            .as_array()
            .is_some_and(|j| !j.is_empty())
    );
    process::run(dir, &["audit"]).success();
}

#[tokio::test(flavor = "multi_thread")]
async fn autoscalers_are_told_how_many_places_are_needed_although_nobody_works() {
    let folder = folder();
    let dir = folder.path();
    let server = Server::start(dir);
    let needed = |places: u32| {
        let line = format!("ticketoverflow_workers_needed{{queue=\"prints\"}} {places}\n");
        let (http, line) = (server.http.clone(), line);
        async move {
            eventually(&line, || async {
                http.get("/metrics")
                    .await
                    .text()
                    .contains(&line)
                    .then_some(())
            })
            .await;
        }
    };
    needed(0).await;
    jobs(dir, &["pause", "prints"]);
    let concert = server.http.create_concert("A night", 10).await;
    let ticket = server.http.bought(&concert, 1).await;
    let print = format!("/api/v1/tickets/{ticket}/print");
    server.http.post_empty(&print).await;
    needed(1).await;
    jobs(dir, &["resume", "prints"]);
    server.http.until_print(&ticket, "PRINTED").await;
    needed(0).await;
}

#[test]
fn acting_on_what_is_not_there_is_an_error() {
    let folder = folder();
    process::run(folder.path(), &["migrate"]).success();
    let nobody = "0190163d-8694-739b-aea5-966c26f8ad90";
    for args in [
        &["jobs", "show", nobody][..],
        &["jobs", "retry", nobody],
        &["jobs", "cancel", nobody],
        &["jobs", "show", "nonsense"],
        &["jobs", "pause", "nonsense"],
        &["jobs", "list", "--state", "nonsense"],
        &["jobs", "pause", "prints", "--lane", "nonsense"],
        &["jobs", "retry", "--all", "--queue", "nonsense"],
    ] {
        let said = process::run(folder.path(), args).failure();
        assert!(said.starts_with("error: "), "{args:?}: {said}");
    }
}
