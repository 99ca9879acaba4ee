//! Changes that come at the worst moment.

use serde_json::json;
use tests::svg::assert_text;
use tests::{Gate, Http, Position, TestApp, eventually};

const OLD: &str = "Elsa on Ice";
const NEW: &str = "Bob on Ice";

async fn rename(http: &Http, concert: &str, name: &str) {
    let changed = http
        .put(
            &format!("/api/v1/concerts/{concert}"),
            &json!({"name": name}),
        )
        .await;
    assert_eq!(changed.status, 200, "{}", changed.text());
}

fn print(ticket: &str) -> String {
    format!("/api/v1/tickets/{ticket}/print")
}

#[tests::every_engine]
async fn what_was_drawn_from_old_data_is_never_published() {
    let gate = Gate::new(Position::Closed);
    let app = TestApp::with(gate.tweaks()).await;
    let concert = app.http.create_concert(OLD, 10).await;
    let ticket = app.http.bought(&concert, 1).await;
    app.http.post_empty(&print(&ticket)).await;
    // The drawing at the gate holds the old name.
    gate.until_arrived(1).await;
    rename(&app.http, &concert, NEW).await;
    gate.set(Position::Open);
    eventually("the print is there", || async {
        let status = app.http.get(&format!("/api/v1/tickets/{ticket}")).await;
        let answer = app.http.get(&print(&ticket)).await;
        assert!(!answer.text().contains(OLD), "an old byte");
        if status.string("/print_status") == "PRINTED" {
            assert_eq!(answer.status, 200, "what is PRINTED can be fetched");
        }
        (answer.status == 200).then_some(())
    })
    .await;
    let svg = app.http.get(&print(&ticket)).await;
    assert_text(&svg.body, NEW);
    app.stop().await;
}

#[tests::every_engine]
async fn many_changes_while_drawing_end_with_the_last_one() {
    let gate = Gate::new(Position::Closed);
    let app = TestApp::with(gate.tweaks()).await;
    let concert = app.http.create_concert(OLD, 10).await;
    let ticket = app.http.bought(&concert, 1).await;
    app.http.post_empty(&print(&ticket)).await;
    for number in 0..4 {
        let arrived = gate.arrived();
        gate.until_arrived(arrived.max(1)).await;
        rename(&app.http, &concert, &format!("Name {number}")).await;
        gate.set(Position::Open);
        gate.set(Position::Closed);
        let found = app.http.get(&format!("/api/v1/tickets/{ticket}")).await;
        assert_eq!(found.string("/print_status"), "PENDING");
    }
    gate.set(Position::Open);
    app.http.until_print(&ticket, "PRINTED").await;
    assert_text(&app.http.get(&print(&ticket)).await.body, "Name 3");
    app.stop().await;
}

#[tests::every_engine]
async fn a_change_while_a_lost_file_is_drawn_again_keeps_the_old_one_in() {
    let gate = Gate::new(Position::Open);
    let app = TestApp::with(gate.tweaks()).await;
    let concert = app.http.create_concert(OLD, 10).await;
    let ticket = app.http.bought(&concert, 1).await;
    app.http.post_empty(&print(&ticket)).await;
    app.http.until_print(&ticket, "PRINTED").await;
    // PNG files are not made beforehand, so the request itself draws.
    gate.set(Position::Closed);
    let arrived = gate.arrived();
    let (http, path) = (app.http.clone(), format!("{}.png", print(&ticket)));
    let reading = tokio::spawn(async move { http.get(&path).await });
    gate.until_arrived(arrived + 1).await;
    rename(&app.http, &concert, NEW).await;
    gate.set(Position::Open);
    reading.await.expect("the reader ends").assert_problem(404);
    let found = app.http.get(&format!("/api/v1/tickets/{ticket}")).await;
    assert_eq!(found.string("/print_status"), "NOT_PRINTED");
    app.stop().await;
}

#[tests::every_engine]
async fn prints_of_a_renamed_concert_are_void_all_at_once() {
    const TICKETS: u32 = 60;
    let app = TestApp::with(super::Sketcher::tweaks(0)).await;
    let concert = app.http.create_concert(OLD, TICKETS).await;
    let mut tickets = Vec::new();
    for user in 1..=TICKETS {
        let ticket = app.http.bought(&concert, user).await;
        app.http.post_empty(&print(&ticket)).await;
        tickets.push(ticket);
    }
    for ticket in &tickets {
        app.http.until_print(ticket, "PRINTED").await;
    }
    rename(&app.http, &concert, NEW).await;
    let list = app.http.get("/api/v1/tickets").await.json();
    let statuses: Vec<_> = list.as_array().expect("an array").iter().collect();
    assert_eq!(statuses.len(), TICKETS as usize);
    assert!(
        statuses
            .iter()
            .all(|ticket| ticket["print_status"] == "NOT_PRINTED")
    );
    for ticket in &tickets {
        app.http.get(&print(ticket)).await.assert_problem(404);
    }
    app.stop().await;
}

#[tests::every_engine]
async fn a_plan_of_an_older_version_is_not_served() {
    let app = TestApp::with(super::Sketcher::tweaks(1)).await;
    let concert = app.http.create_concert("Name 0", 10).await;
    for number in 1..=50 {
        let name = format!("Name {number}");
        rename(&app.http, &concert, &name).await;
        let plan = app.http.plan(&concert).await;
        assert_text(&plan.body, &name);
    }
    app.stop().await;
}
