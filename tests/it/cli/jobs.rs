//! `jobs`: what operators see of jobs and do to them.

use std::path::Path;

use serde_json::{Value, json};
use tests::{Server, eventually, process};

use super::{folder, text};

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

/// Waits until the figures of a server hold a line.
async fn until_told(server: &Server, line: &str) {
    eventually(line, || async {
        let told = server.http.get("/metrics").await.text();
        told.lines().any(|one| one == line).then_some(())
    })
    .await;
}

async fn order_print(server: &Server) -> String {
    let concert = server.http.create_concert("A night", 10).await;
    let ticket = server.http.bought(&concert, 1).await;
    let print = format!("/api/v1/tickets/{ticket}/print");
    assert_eq!(server.http.post_empty(&print).await.status, 202);
    ticket
}

#[tokio::test(flavor = "multi_thread")]
async fn autoscalers_are_told_how_many_places_are_needed_although_nobody_works() {
    let folder = folder();
    let config = folder.path().join("nobody.toml");
    let nobody = "workers.prints.max_per_thread = 0\nworkers.prints.min_per_thread = 0";
    std::fs::write(&config, nobody).expect("the folder is ours");
    let server = Server::start_with(folder.path(), &["--config", text(&config)]);
    let needed = "ticketoverflow_workers_needed{queue=\"prints\"}";
    until_told(&server, &format!("{needed} 0")).await;
    order_print(&server).await;
    until_told(&server, &format!("{needed} 1")).await;
    jobs(folder.path(), &["pause", "prints"]);
    until_told(&server, &format!("{needed} 0")).await;
    jobs(folder.path(), &["resume", "prints"]);
    until_told(&server, &format!("{needed} 1")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_paused_is_told_wherever_operators_look() {
    let folder = folder();
    let dir = folder.path();
    let server = Server::start(dir);
    let paused = |lane: &str, is: u32| {
        format!("ticketoverflow_jobs_paused{{queue=\"prints\",lane=\"{lane}\"}} {is}")
    };
    let of_doctor = || {
        let said = process::run(dir, &["doctor", "--json"]).output;
        let said: Value = serde_json::from_str(&said).expect("JSON");
        let findings = said["findings"].as_array().expect("a list");
        let queues = findings.iter().find(|one| one["what"] == "queues");
        queues.expect("it is looked at")["detail"]
            .as_str()
            .expect("a text")
            .to_owned()
    };
    let listed = || process::run(dir, &["jobs", "list"]).errors;
    until_told(&server, &paused("soon", 0)).await;
    assert_eq!(of_doctor(), "nothing is paused");
    assert!(!listed().contains("paused"), "{}", listed());

    jobs(dir, &["pause", "prints", "--lane", "later"]);
    let said = jobs(dir, &["pause", "prints"]);
    let lane = json!({"queue": "prints", "lane": "later"});
    let whole = json!({"queue": "prints", "lane": null});
    assert_eq!(said["paused"], json!([whole, lane]));
    until_told(&server, &paused("soon", 1)).await;
    for told in [of_doctor(), listed()] {
        assert!(told.contains("prints; prints, lane later"), "{told}");
    }

    let said = jobs(dir, &["resume", "prints"]);
    let done = said["done"].as_str().expect("a text");
    assert!(
        done.ends_with("but for what is still paused: prints, lane later"),
        "{done}"
    );
    assert_eq!(said["paused"], json!([lane]));
    until_told(&server, &paused("soon", 0)).await;
    until_told(&server, &paused("later", 1)).await;
    assert!(of_doctor().contains("prints, lane later"));

    jobs(dir, &["pause", "prints"]);
    let said = jobs(dir, &["resume", "prints", "--lane", "later"]);
    let done = said["done"].as_str().expect("a text");
    assert!(
        done.ends_with("are not taken yet, for this is still paused: prints"),
        "{done}"
    );
    let said = jobs(dir, &["resume", "prints"]);
    assert_eq!(said["done"], "jobs of the queue prints are taken again");
    until_told(&server, &paused("later", 0)).await;
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
