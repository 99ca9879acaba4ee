//! `GET /concerts/{id}/seats`.

use std::io::Read;

use cli::service::Tweaks;
use serde_json::json;
use tests::svg::{assert_text, desc};
use tests::{Answer, Http, TestApp, eventually};

use super::{NO_IDS, NOBODY};

/// Polls until the plan shows that many sales.
async fn until_sold(http: &Http, concert: &str, sold: u32) -> Answer {
    let path = format!("/api/v1/concerts/{concert}/seats");
    eventually("the plan shows the sales", || async {
        let plan = http.get(&path).await;
        (plan.status == 200 && desc(&plan.body).ends_with(&format!("|{sold}"))).then_some(plan)
    })
    .await
}

#[tests::every_engine]
async fn the_plan_says_what_it_shows() {
    let app = TestApp::start().await;
    let name = "<b>&amp; \"Ünïcödé\" 'n' 東京";
    let concert = app.http.create_concert(name, 40).await;
    let plan = app.http.plan(&concert).await;
    assert_eq!(plan.header("content-type"), "image/svg+xml");
    assert_eq!(desc(&plan.body), format!("{concert}|40|0"));
    assert_text(&plan.body, name);
    assert_text(&plan.body, "Grand Arena");
    app.stop().await;
}

#[tests::every_engine]
async fn the_plan_follows_the_sale_and_never_goes_back() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 60).await;
    let mut highest = 0;
    for sold in 1..=60_u32 {
        app.http.bought(&concert, sold).await;
        let plan = app.http.plan(&concert).await;
        let shown = desc(&plan.body);
        let shown = shown
            .strip_prefix(&format!("{concert}|60|"))
            .expect("its own seats");
        let shown: u32 = shown.parse().expect("a number of seats");
        assert!(
            (highest..=sold).contains(&shown),
            "{highest} before, {shown} now, {sold} sold"
        );
        highest = shown;
    }
    until_sold(&app.http, &concert, 60).await;
    app.stop().await;
}

#[tests::every_engine]
async fn a_renamed_concert_has_another_plan_at_once() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("First name", 40).await;
    app.http.bought(&concert, 1).await;
    until_sold(&app.http, &concert, 1).await;
    let path = format!("/api/v1/concerts/{concert}");
    for name in ["Second name", "Third name"] {
        app.http
            .put(
                &path,
                &json!({"name": name, "venue": format!("Hall of {name}")}),
            )
            .await;
        let plan = app.http.plan(&concert).await;
        assert_text(&plan.body, name);
        assert_text(&plan.body, &format!("Hall of {name}"));
        assert_eq!(desc(&plan.body), format!("{concert}|40|1"));
    }
    app.stop().await;
}

#[tests::every_engine]
async fn halls_of_every_size_have_a_plan() {
    let app = TestApp::start().await;
    for capacity in [0, 1, 2, 997, 20_000, 1_000_000] {
        let concert = app.http.create_concert("A night", capacity).await;
        let plan = app.http.plan(&concert).await;
        assert_eq!(desc(&plan.body), format!("{concert}|{capacity}|0"));
    }
    app.stop().await;
}

#[tests::every_engine]
async fn an_unknown_concert_has_no_plan() {
    let app = TestApp::start().await;
    for id in [NOBODY].iter().chain(&NO_IDS) {
        let answer = app.http.get(&format!("/api/v1/concerts/{id}/seats")).await;
        answer.assert_problem(404);
        assert_eq!(answer.header("retry-after"), "", "it will not come");
    }
    app.stop().await;
}

#[tests::every_engine]
async fn before_the_first_drawing_a_client_is_told_to_come_back() {
    let tweaks = Tweaks {
        no_workers: true,
        ..Tweaks::default()
    };
    let app = TestApp::with(tweaks).await;
    let concert = app.http.create_concert("A night", 40).await;
    let begun = std::time::Instant::now();
    let answer = app
        .http
        .get(&format!("/api/v1/concerts/{concert}/seats"))
        .await;
    answer.assert_problem(404);
    let waited = begun.elapsed().as_secs_f64();
    assert!(
        waited > 1.0,
        "it waits a while for the drawing, not {waited} s"
    );
    let retry_after: u32 = answer.header("retry-after").parse().expect("seconds");
    assert!((1..=60).contains(&retry_after));
    app.stop().await;
}

#[tests::every_engine]
async fn a_plan_that_a_client_has_is_not_sent_again() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 40).await;
    let path = format!("/api/v1/concerts/{concert}/seats");
    let plan = app.http.plan(&concert).await;
    let tag = plan.header("etag").to_owned();
    assert!(tag.contains('"'), "{tag:?}");
    let again = app.http.get_with(&path, &[("if-none-match", &tag)]).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(again.header("etag"), tag);
    app.http.bought(&concert, 1).await;
    // The tag of the empty hall is known; only another plan is sent.
    let fresh = eventually("the plan with the sale is sent", || async {
        let answer = app.http.get_with(&path, &[("if-none-match", &tag)]).await;
        (answer.status == 200 && desc(&answer.body).ends_with("|1")).then_some(answer)
    })
    .await;
    assert_ne!(fresh.header("etag"), tag);
    app.stop().await;
}

#[tests::every_engine]
async fn a_plan_is_compressed_for_those_who_ask() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 3_000).await;
    let path = format!("/api/v1/concerts/{concert}/seats");
    let plain = app.http.plan(&concert).await;
    assert_eq!(plain.header("content-encoding"), "");
    for coding in ["gzip", "br;q=1.0, gzip;q=0.8", "*"] {
        let packed = app
            .http
            .get_with(&path, &[("accept-encoding", coding)])
            .await;
        assert_eq!(packed.status, 200);
        assert_eq!(packed.header("content-type"), "image/svg+xml");
        assert_eq!(packed.header("content-encoding"), "gzip", "{coding}");
        assert!(
            packed
                .header("vary")
                .to_lowercase()
                .contains("accept-encoding")
        );
        let mut unpacked = Vec::new();
        let mut reader = flate2::read::GzDecoder::new(&*packed.body);
        reader.read_to_end(&mut unpacked).expect("it is gzip");
        assert_eq!(unpacked, plain.body);
        assert!(packed.body.len() < plain.body.len());
        let headers = [
            ("accept-encoding", coding),
            ("if-none-match", packed.header("etag")),
        ];
        assert_eq!(app.http.get_with(&path, &headers).await.status, 304);
    }
    let modern = [("accept-encoding", "gzip, deflate, br, zstd")];
    let packed = app.http.get_with(&path, &modern).await;
    assert_eq!(packed.header("content-encoding"), "zstd");
    assert_eq!(packed.header("content-type"), "image/svg+xml");
    let unpacked = zstd::stream::decode_all(&*packed.body).expect("it is zstd");
    assert_eq!(unpacked, plain.body);
    let headers = [modern[0], ("if-none-match", packed.header("etag"))];
    assert_eq!(app.http.get_with(&path, &headers).await.status, 304);
    assert_eq!(
        app.http.get_with(&path, &headers[1..]).await.status,
        200,
        "the tag of one coding is not that of another"
    );
    for coding in ["identity", "gzip;q=0", "deflate"] {
        let answer = app
            .http
            .get_with(&path, &[("accept-encoding", coding)])
            .await;
        assert_eq!(answer.header("content-encoding"), "", "{coding}");
        assert_eq!(answer.body, plain.body);
    }
    app.stop().await;
}

#[tests::every_engine]
async fn one_section_has_an_element_for_every_seat() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 100).await;
    app.http.bought(&concert, 1).await;
    let path = format!("/api/v1/concerts/{concert}/seats");
    let section = app.http.get(&format!("{path}?section=A%E2%80%93G")).await;
    assert_eq!(section.status, 200, "{}", section.text());
    assert_eq!(section.header("content-type"), "image/svg+xml");
    assert_eq!(desc(&section.body), format!("{concert}|100|1"));
    let text = section.text();
    assert_eq!(text.matches("id=\"seat-").count(), 100);
    assert_eq!(text.matches("class=\"sold\"").count(), 1);
    app.http
        .get(&format!("{path}?section=nowhere"))
        .await
        .assert_problem(404);
    app.stop().await;
}
