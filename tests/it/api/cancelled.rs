//! Tickets of concerts that were cancelled: what is printed, and what their codes say.

use domain::code::{self, Code, Gate, Verdict};
use serde_json::json;
use tests::svg::assert_text;
use tests::{TestApp, tools};

struct Stage {
    app: TestApp,
    concert: String,
    ticket: String,
}

impl Stage {
    async fn new() -> Self {
        let app = TestApp::start().await;
        let concert = app.http.create_concert("A night", 10).await;
        let ticket = app.http.bought(&concert, 1).await;
        Self {
            app,
            concert,
            ticket,
        }
    }

    fn print(&self, rest: &str) -> String {
        format!("/api/v1/tickets/{}/print{rest}", self.ticket)
    }

    async fn printed(&self) {
        let asked = self.app.http.post_empty(&self.print("")).await;
        assert_eq!(asked.status, 202, "{}", asked.text());
        self.app.http.until_print(&self.ticket, "PRINTED").await;
    }

    async fn set(&self, status: &str) {
        let path = format!("/api/v1/concerts/{}", self.concert);
        let changed = self.app.http.put(&path, &json!({"status": status})).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
    }

    /// What the code on the print says.
    async fn code(&self, query: &str) -> Code {
        let png = self
            .app
            .http
            .get(&self.print(&format!(".png{query}")))
            .await;
        assert_eq!(png.status, 200, "{}", png.text());
        let file = self.app.folder().join("ticket.png");
        std::fs::write(&file, &png.body).expect("the folder is the test's own");
        let key = self.app.context().signer.public_key();
        code::verify(&tools::codes(&file), &key).expect("the code is genuine")
    }
}

#[tests::every_engine]
async fn a_cancellation_voids_prints_and_new_ones_say_so_in_the_buyers_language() {
    let stage = Stage::new().await;
    stage.printed().await;
    let good = stage.code("").await;
    assert_eq!(good.judge(&Gate::default()), Verdict::Valid);
    stage.set("CANCELLED").await;
    for ending in ["", ".pdf", ".png"] {
        let path = stage.print(ending);
        stage.app.http.get(&path).await.assert_problem(404);
    }
    stage.printed().await;
    for (query, words) in [
        ("", "CANCELLED"),
        ("?lang=de", "ABGESAGT"),
        ("?lang=ja", "公演中止"),
        ("?sheet=phone&lang=fr", "ANNULÉ"),
    ] {
        let svg = stage.app.http.get(&stage.print(query)).await;
        assert_text(&svg.body, words);
        let code = stage.code(query).await;
        assert!(code.cancelled, "{query}");
        assert_eq!(code.judge(&Gate::default()), Verdict::Cancelled, "{query}");
    }
    let pdf = stage.app.http.get(&stage.print(".pdf")).await;
    let file = stage.app.folder().join("ticket.pdf");
    std::fs::write(&file, &pdf.body).expect("the folder is the test's own");
    let words = tools::pdf_text(&file);
    assert!(words.contains("CANCELLED"), "{words}");
    stage.app.stop().await;
}

#[tests::every_engine]
async fn a_concert_that_takes_place_after_all_has_good_codes_again() {
    let stage = Stage::new().await;
    stage.set("CANCELLED").await;
    stage.printed().await;
    let cancelled = stage.code("").await;
    assert_eq!((cancelled.version, cancelled.cancelled), (2, true));
    stage.set("ACTIVE").await;
    stage
        .app
        .http
        .get(&stage.print(""))
        .await
        .assert_problem(404);
    stage.printed().await;
    let good = stage.code("").await;
    let gate = Gate {
        concert_id: Some(good.concert_id),
        version: Some(3),
        date: Some(good.date),
    };
    assert_eq!(good.judge(&gate), Verdict::Valid);
    let outdated = Verdict::Outdated {
        printed: 2,
        present: 3,
    };
    assert_eq!(cancelled.judge(&gate), outdated);
    let svg = stage.app.http.get(&stage.print("")).await.text();
    assert!(!svg.contains("CANCELLED"));
    stage.app.stop().await;
}
