//! `GET /tickets/{id}/print` in every format, read by tools that are not ours.

use std::path::PathBuf;

use domain::code;
use serde_json::json;
use tests::http::{concert_body, user_id};
use tests::svg::{assert_text, desc};
use tests::{Answer, TestApp, tools};

struct Printed {
    app: TestApp,
    concert: String,
    ticket: String,
    holder: [String; 2],
}

impl Printed {
    /// A printed ticket of a concert with that name, held by that user.
    async fn new(name: &str, user: u32) -> Self {
        let app = TestApp::start().await;
        let mut body = concert_body(name, 10);
        body["venue"] = json!("Grand Arena, Hall 1");
        let concert = app.http.post("/api/v1/concerts", &body).await.string("/id");
        let ticket = app.http.bought(&concert, user).await;
        let asked = app
            .http
            .post_empty(&format!("/api/v1/tickets/{ticket}/print"))
            .await;
        assert_eq!(asked.status, 202);
        app.http.until_print(&ticket, "PRINTED").await;
        let holder = app
            .http
            .get(&format!("/api/v1/users/{}", user_id(user)))
            .await;
        let holder = [holder.string("/name"), holder.string("/email")];
        Self {
            app,
            concert,
            ticket,
            holder,
        }
    }

    fn path(&self) -> String {
        format!("/api/v1/tickets/{}/print", self.ticket)
    }

    async fn fetch(&self, accept: &str) -> Answer {
        self.app
            .http
            .get_with(&self.path(), &[("accept", accept)])
            .await
    }

    fn save(&self, name: &str, answer: &Answer) -> PathBuf {
        let file = self.app.folder().join(name);
        std::fs::write(&file, &answer.body).expect("the folder is the test's own");
        file
    }
}

#[tests::every_engine]
async fn the_svg_shows_everything_in_words() {
    let name = "Tom & \"Jerry\" <live> 'n' 東京";
    let printed = Printed::new(name, 97).await;
    let svg = printed.app.http.get(&printed.path()).await;
    assert_eq!(svg.status, 200);
    assert_eq!(svg.header("content-type"), "image/svg+xml");
    assert_eq!(desc(&svg.body), printed.ticket);
    let [holder, email] = &printed.holder;
    for words in [
        name,
        "Grand Arena, Hall 1",
        "2031",
        &printed.concert,
        holder,
        email,
        &printed.ticket,
    ] {
        assert_text(&svg.body, words);
    }
    // Where to sit: rows are letters, seats are numbers.
    let texts = tests::svg::texts(&svg.body).join("\n").to_lowercase();
    assert!(texts.contains("row") && texts.contains("seat"), "{texts}");
    printed.app.stop().await;
}

#[tests::every_engine]
async fn names_of_every_user_sort_are_whole_on_the_ticket() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 100).await;
    // The generated names repeat their hard cases within this many users.
    let mut tickets = Vec::new();
    for user in 1..=60 {
        let ticket = app.http.bought(&concert, user).await;
        app.http
            .post_empty(&format!("/api/v1/tickets/{ticket}/print"))
            .await;
        tickets.push((user, ticket));
    }
    for (user, ticket) in tickets {
        app.http.until_print(&ticket, "PRINTED").await;
        let holder = app
            .http
            .get(&format!("/api/v1/users/{}", user_id(user)))
            .await;
        let svg = app
            .http
            .get(&format!("/api/v1/tickets/{ticket}/print"))
            .await;
        assert_text(&svg.body, &holder.string("/name"));
        assert_text(&svg.body, &holder.string("/email"));
    }
    app.stop().await;
}

#[tests::every_engine]
async fn the_pdf_is_sound_and_says_the_same() {
    let printed = Printed::new("Die Walküre", 1).await;
    let by_accept = printed.fetch("application/pdf").await;
    let by_suffix = printed
        .app
        .http
        .get(&format!("{}.pdf", printed.path()))
        .await;
    assert_eq!(by_accept.body, by_suffix.body);
    for answer in [&by_accept, &by_suffix] {
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), "application/pdf");
        assert!(answer.header("content-disposition").contains(".pdf"));
    }
    let file = printed.save("ticket.pdf", &by_accept);
    tools::run("qpdf", &["--check"], &file);
    let words = tools::pdf_text(&file);
    let [holder, email] = &printed.holder;
    for wanted in [
        "Die Walküre",
        "Grand Arena, Hall 1",
        holder,
        email,
        &printed.ticket,
    ] {
        assert!(words.contains(wanted), "{wanted:?} is not in {words}");
    }
    assert!(words.contains(&printed.concert));
    printed.app.stop().await;
}

#[tests::every_engine]
async fn the_code_on_the_ticket_is_genuine() {
    let printed = Printed::new("A night", 1).await;
    let by_accept = printed.fetch("image/png").await;
    let by_suffix = printed
        .app
        .http
        .get(&format!("{}.png", printed.path()))
        .await;
    assert_eq!(by_accept.body, by_suffix.body);
    assert_eq!(by_accept.header("content-type"), "image/png");
    assert!(by_accept.header("content-disposition").contains(".png"));
    let file = printed.save("ticket.png", &by_accept);
    let scanned = tools::codes(&file);
    let key = printed.app.context().signer.public_key();
    let code = code::verify(scanned.trim_end_matches('\n'), &key).expect("the code is genuine");
    assert_eq!(code.ticket_id.to_string(), printed.ticket);
    assert_eq!(code.concert_id.to_string(), printed.concert);
    assert_eq!(code.date.to_string(), "2031-05-17");
    assert_eq!(code.version, 1);
    let mut other = key;
    other[0] ^= 1;
    assert!(code::verify(scanned.trim_end_matches('\n'), &other).is_err());
    printed.app.stop().await;
}

#[tests::every_engine]
async fn the_format_is_what_the_client_prefers() {
    let printed = Printed::new("A night", 1).await;
    for (accept, wanted) in [
        ("*/*", "image/svg+xml"),
        ("image/*", "image/svg+xml"),
        ("image/svg+xml", "image/svg+xml"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "image/svg+xml"),
        ("application/pdf", "application/pdf"),
        ("image/png", "image/png"),
        ("image/png;q=0.5, application/pdf;q=0.9", "application/pdf"),
    ] {
        let answer = printed.fetch(accept).await;
        assert_eq!(answer.status, 200, "{accept}");
        assert_eq!(answer.header("content-type"), wanted, "{accept}");
    }
    for accept in [
        "application/json",
        "text/html",
        "image/webp",
        "application/pdf;q=0",
    ] {
        printed.fetch(accept).await.assert_problem(406);
    }
    printed
        .app
        .http
        .get(&format!("{}.exe", printed.path()))
        .await
        .assert_problem(404);
    printed.app.stop().await;
}

#[tests::every_engine]
async fn hostile_names_do_no_harm_in_any_format() {
    let name = "</text><script>alert(1)</script> ]]> &lt; \u{202e}evil\u{202c} %s ${x} 🎸";
    let printed = Printed::new(name, 1).await;
    let svg = printed.app.http.get(&printed.path()).await;
    assert_eq!(desc(&svg.body), printed.ticket);
    assert!(!svg.text().contains("<script"), "it is words, not markup");
    let pdf = printed
        .app
        .http
        .get(&format!("{}.pdf", printed.path()))
        .await;
    tools::run("qpdf", &["--check"], &printed.save("ticket.pdf", &pdf));
    let png = printed
        .app
        .http
        .get(&format!("{}.png", printed.path()))
        .await;
    assert!(!tools::codes(&printed.save("ticket.png", &png)).is_empty());
    printed.app.stop().await;
}

#[tests::every_engine]
async fn a_print_comes_in_the_buyers_language_and_for_a_phone() {
    let printed = Printed::new("A night", 1).await;
    let path = |query: &str| format!("{}{query}", printed.path());
    let http = &printed.app.http;
    let english = http.get(&printed.path()).await;
    assert_text(&english.body, "Saturday, 17 May 2031");
    let header = [("accept-language", "de-AT, en;q=0.5")];
    let by_header = http.get_with(&printed.path(), &header).await;
    assert_text(&by_header.body, "Samstag, 17. Mai 2031");
    let by_query = http.get(&path("?lang=de")).await;
    assert_eq!(by_header.body, by_query.body);
    assert_ne!(by_query.header("etag"), english.header("etag"));
    let query_first = http.get_with(&path("?lang=ja"), &header).await;
    assert_text(&query_first.body, "2031年5月17日");
    let phone = http.get(&path("?sheet=phone")).await;
    assert_text(&phone.body, "A night");
    assert_ne!(phone.body, english.body);
    assert_eq!(desc(&phone.body), printed.ticket);
    for query in ["?lang=xx", "?lang=", "?sheet=a5"] {
        http.get(&path(query)).await.assert_problem(404);
    }
    printed.app.stop().await;
}
