//! Every transition of the print-state table.

use domain::job::{Kind, RenderTicket};
use domain::jobs::JobFilter;
use serde_json::{Value, json};
use tests::svg::{assert_text, desc};
use tests::{Gate, Position, TestApp};

use super::{assert_keys, json};

struct Stage {
    app: TestApp,
    gate: Gate,
    concert: String,
    ticket: String,
}

impl Stage {
    /// A bought ticket behind a gate.
    async fn new(position: Position) -> Self {
        let gate = Gate::new(position);
        let app = TestApp::with(gate.tweaks()).await;
        let concert = app.http.create_concert("Old name", 10).await;
        let ticket = app.http.bought(&concert, 1).await;
        Self {
            app,
            gate,
            concert,
            ticket,
        }
    }

    async fn ask(&self) -> Value {
        let print = self.app.http.post_empty(&self.print()).await;
        let ticket = json(&print, 202);
        assert_keys(&ticket, &["id", "concert", "user", "print_status"]);
        assert_eq!(ticket["id"], self.ticket);
        ticket
    }

    async fn status(&self) -> String {
        let found = self
            .app
            .http
            .get(&format!("/api/v1/tickets/{}", self.ticket))
            .await;
        let list = self.app.http.get("/api/v1/tickets").await.json();
        let (found, listed) = (
            found.string("/print_status"),
            list[0]["print_status"].clone(),
        );
        // A print may become ready between the two requests, and only that.
        let moved_on = found == "PENDING" && listed == "PRINTED";
        assert!(
            listed == *found || moved_on,
            "{found} by id, {listed} in the list"
        );
        found
    }

    async fn rename(&self, name: &str) {
        let path = format!("/api/v1/concerts/{}", self.concert);
        json(&self.app.http.put(&path, &json!({"name": name})).await, 200);
    }

    async fn assert_no_print(&self) {
        for suffix in ["", ".pdf", ".png"] {
            let path = format!("{}{suffix}", self.print());
            self.app.http.get(&path).await.assert_problem(404);
        }
    }

    async fn assert_print(&self, name: &str) {
        let svg = self.app.http.get(&self.print()).await;
        assert_eq!(svg.status, 200, "{}", svg.text());
        assert_eq!(desc(&svg.body), self.ticket);
        assert_text(&svg.body, name);
    }

    fn print(&self) -> String {
        format!("/api/v1/tickets/{}/print", self.ticket)
    }
}

#[tests::every_engine]
async fn a_new_ticket_is_not_printed() {
    let stage = Stage::new(Position::Open).await;
    assert_eq!(stage.status().await, "NOT_PRINTED");
    stage.assert_no_print().await;
    stage.app.stop().await;
}

#[tests::every_engine]
async fn an_asked_print_is_pending_until_it_is_drawn() {
    let stage = Stage::new(Position::Closed).await;
    assert_eq!(stage.ask().await["print_status"], "PENDING");
    assert_eq!(stage.status().await, "PENDING");
    stage.gate.until_arrived(1).await;
    assert_eq!(stage.status().await, "PENDING");
    stage.assert_no_print().await;
    stage.gate.set(Position::Open);
    stage.app.http.until_print(&stage.ticket, "PRINTED").await;
    stage.assert_print("Old name").await;
    stage.app.stop().await;
}

#[tests::every_engine]
async fn asking_again_while_pending_draws_once() {
    let stage = Stage::new(Position::Closed).await;
    for _ in 0..10 {
        assert_eq!(stage.ask().await["print_status"], "PENDING");
    }
    stage.gate.until_arrived(1).await;
    for _ in 0..10 {
        assert_eq!(stage.ask().await["print_status"], "PENDING");
    }
    stage.gate.set(Position::Open);
    stage.app.http.until_print(&stage.ticket, "PRINTED").await;
    let drawn = stage.gate.arrived();
    let filter = JobFilter {
        kind: Some(RenderTicket::NAME.into()),
        max: 9,
        ..JobFilter::default()
    };
    let jobs = {
        let view = stage.app.context().store.read().await;
        view.unwrap().list_jobs(&filter).await.unwrap()
    };
    let [job] = jobs.as_slice() else {
        panic!("one job makes it: {jobs:?}");
    };
    // One render draws each stored format once. A worker that was held up for longer than its
    // claims last was taken for dead, and its job ran again.
    let most = 3 * (1 + job.errors.len());
    assert!(drawn <= most, "{drawn} drawings: {:?}", job.errors);
    stage.app.stop().await;
}

#[tests::every_engine]
async fn asking_for_what_is_printed_makes_no_new_work() {
    let stage = Stage::new(Position::Open).await;
    stage.ask().await;
    stage.app.http.until_print(&stage.ticket, "PRINTED").await;
    let drawn = stage.gate.arrived();
    assert_eq!(stage.ask().await["print_status"], "PRINTED");
    assert_eq!(stage.status().await, "PRINTED");
    stage.assert_print("Old name").await;
    assert_eq!(stage.gate.arrived(), drawn);
    stage.app.stop().await;
}

#[tests::every_engine]
async fn a_print_that_cannot_be_drawn_is_an_error_until_it_is_asked_for_again() {
    let stage = Stage::new(Position::Broken).await;
    assert_eq!(stage.ask().await["print_status"], "PENDING");
    stage.app.http.until_print(&stage.ticket, "ERROR").await;
    stage.assert_no_print().await;
    stage.gate.set(Position::Closed);
    assert_eq!(stage.ask().await["print_status"], "PENDING");
    assert_eq!(stage.status().await, "PENDING");
    stage.gate.set(Position::Open);
    stage.app.http.until_print(&stage.ticket, "PRINTED").await;
    stage.assert_print("Old name").await;
    stage.app.stop().await;
}

#[tests::every_engine]
async fn a_change_voids_what_is_printed() {
    let stage = Stage::new(Position::Open).await;
    for (was, name) in [("Old name", "Second name"), ("Second name", "Third name")] {
        stage.ask().await;
        stage.app.http.until_print(&stage.ticket, "PRINTED").await;
        stage.assert_print(was).await;
        stage.rename(name).await;
        assert_eq!(stage.status().await, "NOT_PRINTED");
        stage.assert_no_print().await;
    }
    stage.app.stop().await;
}

#[tests::every_engine]
async fn every_part_that_changes_voids_what_is_printed() {
    let stage = Stage::new(Position::Open).await;
    let path = format!("/api/v1/concerts/{}", stage.concert);
    for body in [
        json!({"name": "Old name"}),
        json!({"venue": "Small Hall"}),
        json!({"date": "2032-01-31"}),
        json!({"status": "CANCELLED"}),
        json!({"status": "ACTIVE"}),
    ] {
        stage.ask().await;
        stage.app.http.until_print(&stage.ticket, "PRINTED").await;
        assert_eq!(stage.app.http.put(&path, &body).await.status, 200);
        assert_eq!(stage.status().await, "NOT_PRINTED", "{body}");
        stage.assert_no_print().await;
    }
    stage.app.stop().await;
}

#[tests::every_engine]
async fn what_changes_nothing_voids_nothing() {
    let stage = Stage::new(Position::Open).await;
    stage.ask().await;
    stage.app.http.until_print(&stage.ticket, "PRINTED").await;
    let path = format!("/api/v1/concerts/{}", stage.concert);
    assert_eq!(stage.app.http.put(&path, &json!({})).await.status, 200);
    for body in [
        json!({"capacity": 10}),
        json!({"name": ""}),
        json!({"x": 1}),
    ] {
        stage.app.http.put(&path, &body).await.assert_problem(400);
    }
    let stale = [("if-match", "\"77\"")];
    stage
        .app
        .http
        .send("PUT", &path, &stale, r#"{"name":"x"}"#)
        .await
        .assert_problem(412);
    assert_eq!(stage.status().await, "PRINTED");
    stage.assert_print("Old name").await;
    stage.app.stop().await;
}

#[tests::every_engine]
async fn selling_out_voids_no_print() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("Tiny", 2).await;
    let ticket = app.http.bought(&concert, 1).await;
    app.http
        .post_empty(&format!("/api/v1/tickets/{ticket}/print"))
        .await;
    app.http.until_print(&ticket, "PRINTED").await;
    app.http.bought(&concert, 2).await;
    let shown = app.http.get(&format!("/api/v1/concerts/{concert}")).await;
    assert_eq!(shown.json()["status"], "SOLD_OUT");
    let found = app.http.get(&format!("/api/v1/tickets/{ticket}")).await;
    assert_eq!(found.json()["print_status"], "PRINTED");
    app.stop().await;
}

#[tests::every_engine]
async fn a_change_leaves_a_pending_print_pending_and_it_shows_the_new_data() {
    let stage = Stage::new(Position::Closed).await;
    stage.ask().await;
    stage.gate.until_arrived(1).await;
    stage.rename("New name").await;
    assert_eq!(stage.status().await, "PENDING");
    stage.assert_no_print().await;
    stage.gate.set(Position::Open);
    stage.app.http.until_print(&stage.ticket, "PRINTED").await;
    stage.assert_print("New name").await;
    stage.app.stop().await;
}

#[tests::every_engine]
async fn a_change_makes_a_failed_print_one_that_was_never_made() {
    let stage = Stage::new(Position::Broken).await;
    stage.ask().await;
    stage.app.http.until_print(&stage.ticket, "ERROR").await;
    stage.rename("New name").await;
    assert_eq!(stage.status().await, "NOT_PRINTED");
    stage.assert_no_print().await;
    stage.app.stop().await;
}

#[tests::every_engine]
async fn a_print_is_asked_for_with_any_body_or_none() {
    let stage = Stage::new(Position::Open).await;
    for body in ["", "{}", "null"] {
        let answer = stage.app.http.send("POST", &stage.print(), &[], body).await;
        assert_eq!(answer.status, 202, "{body:?}: {}", answer.text());
    }
    stage.app.stop().await;
}
