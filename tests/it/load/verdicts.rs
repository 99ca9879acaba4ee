//! That a verdict can fail: each promise is broken by a server that breaks it and no other.

use std::path::PathBuf;

use loadtest::LoadReport;
use tempfile::TempDir;

use super::wrong::{Defect, WrongServer};
use super::{broken_promises, load};

const SALE: [&str; 5] = ["small", "--scale", "0.05", "--duration", "1s"];

/// Twenty who do the same thing in half a second, and a concert with seats for more.
pub(super) fn scenario(promises: &str, name: &str, steps: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("mine.toml");
    let text = format!(
        r#"
        about = "some do one thing"
        promises = {{ {promises} }}
        [[concert]]
        key = "a"
        name = "{name}"
        venue = "Hall"
        capacity = 60
        in_days = 3
        [[phase]]
        name = "only"
        [[phase.crowd]]
        name = "all"
        clients = 20
        customers = 20
        rate = 40
        urgent = {}
        steps = [{steps}]
        "#,
        promises.contains("urgent")
    );
    std::fs::write(&file, text).expect("the folder is the test's own");
    (folder, file)
}

/// The promises that such a run finds broken.
async fn found_by(defect: Defect, promises: &str, steps: &str) -> Vec<String> {
    let (_folder, file) = scenario(promises, "Rock & Roll", steps);
    found(defect, &[file.to_str().expect("ASCII"), "--retries", "0"]).await
}

/// The promises that a run finds broken, and its exit status.
async fn found(defect: Defect, args: &[&str]) -> Vec<String> {
    let server = WrongServer::start(defect).await;
    found_at(&server, args).1
}

fn found_at(server: &WrongServer, args: &[&str]) -> (LoadReport, Vec<String>) {
    let (report, ended) = load(&server.url(), args);
    let broken = broken_promises(&report);
    assert_eq!(
        ended.status,
        Some(i32::from(!broken.is_empty())),
        "{ended:?}"
    );
    for name in &broken {
        let line = ended.output.lines().find(|line| line.starts_with(name));
        assert!(
            line.is_some_and(|line| line.ends_with(" BROKEN")),
            "{}",
            ended.output
        );
    }
    let broken = broken.into_iter().map(str::to_owned).collect();
    (report, broken)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_a_defect_passes() {
    assert_eq!(found(Defect::None, &SALE).await, [""; 0]);
    assert_eq!(
        found(Defect::None, &["rename", "--duration", "1s"]).await,
        [""; 0]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn overselling_is_found() {
    assert_eq!(found(Defect::Oversells, &SALE).await, ["P1 oversold"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn underselling_is_found() {
    assert_eq!(found(Defect::Undersells, &SALE).await, ["P2 undersold"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_purchase_is_found() {
    let broken = found(
        Defect::Loses,
        &["small", "--scale", "0.01", "--duration", "1s"],
    )
    .await;
    assert!(broken.contains(&"P3 lost".to_owned()), "{broken:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_was_sold_twice_is_found() {
    let broken = found(Defect::SellsTwice, &SALE).await;
    assert!(broken.contains(&"P4 sold-twice".to_owned()), "{broken:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn stale_bytes_are_found() {
    let broken = found(Defect::ServesStale, &["rename", "--duration", "1s"]).await;
    assert_eq!(broken, ["P6 stale-bytes"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_plan_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("seating.toml");
    let text = loadtest::scenario::BUILT_IN
        .iter()
        .find(|(name, _)| *name == "seating");
    let (_, text) = text.expect("it is built in");
    let text = format!("promises = {{ plan_staleness_s = 0.5 }}\n{text}");
    std::fs::write(&file, text).expect("the folder is the test's own");
    let file = file.to_str().expect("ASCII");
    let args = [file, "--scale", "0.05", "--duration", "2s"];
    assert_eq!(found(Defect::OldPlan, &args).await, ["P8 plan-staleness"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_nobody_foresaw_is_found() {
    let broken = found(Defect::WrongStatus, &SALE).await;
    assert_eq!(broken, ["P9 wrong-answers"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_sells_nothing_is_found() {
    let broken = found_by(Defect::Busy, "", r#""buy""#).await;
    assert_eq!(broken, ["P2 unserved"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_with_an_ampersand_is_compared() {
    let steps = r#""buy", "print", "printed", "download""#;
    assert_eq!(found_by(Defect::None, "", steps).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_print_with_another_venue_or_day_is_found() {
    for defect in [Defect::KeepsVenue, Defect::KeepsDay] {
        let broken = found_by(defect, "", r#""buy", "print""#).await;
        assert_eq!(broken, ["P6 stale-bytes"], "{defect:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn prints_that_fail_are_found() {
    let broken = found_by(Defect::FailsPrints, "", r#""buy", "print", "printed""#).await;
    assert_eq!(broken, ["P5 not-printed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_that_are_printed_without_a_print_are_found() {
    let (_folder, file) = scenario("", "A", r#""buy", "print", "printed", "download""#);
    let server = WrongServer::start(Defect::HidesPrints).await;
    let (report, broken) = found_at(&server, &[file.to_str().expect("ASCII")]);
    assert_eq!(broken, ["P5 printed-without-print"]);
    let all = &report.verdicts;
    let verdict = all.iter().find(|one| one.name == broken[0]);
    // Each of twenty customers missed theirs, and so did the audit.
    assert!(
        verdict.is_some_and(|verdict| verdict.figure_text() == "40"),
        "{verdict:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_urgent_prints_are_found() {
    let steps = r#""buy", "print", "printed""#;
    let promise = "urgent_p99_s = 0.5";
    let broken = found_by(Defect::PrintsSlowly, promise, steps).await;
    assert_eq!(broken, ["P7 urgent-p99"]);
    assert_eq!(found_by(Defect::None, promise, steps).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn urgent_prints_that_nobody_made_are_found() {
    let broken = found_by(Defect::None, "urgent_p99_s = 0.5", r#""buy""#).await;
    assert_eq!(broken, ["P7 urgent-p99"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_that_take_back_a_sale_are_found() {
    let broken = found_by(Defect::PlanBack, "", r#""buy", "plan""#).await;
    assert_eq!(broken, ["P8 plan-back"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_that_show_more_than_was_sold_are_found() {
    let broken = found_by(Defect::PlanAhead, "", r#""buy", "plan""#).await;
    assert_eq!(broken, ["P8 plan-ahead"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_plan_of_a_concert_that_sold_before_is_found() {
    let server = WrongServer::start(Defect::OldPlan).await;
    let (_before, file) = scenario("", "A", r#""buy""#);
    let (report, _) = found_at(&server, &[file.to_str().expect("ASCII")]);
    let concert = &report.concerts[0].id;
    let (_folder, file) = scenario("plan_staleness_s = 0.2", "A", r#""buy", "plan""#);
    let args = [file.to_str().expect("ASCII"), "--concert", concert];
    let (report, broken) = found_at(&server, &args);
    assert_eq!(broken, ["P8 plan-staleness"]);
    // Those who fetched plans saw it, and not only the audit.
    let seconds = report.timeline.steps.values();
    let oldest_s = seconds.filter_map(|second| second.plan_stale_s);
    let oldest_s = oldest_s.fold(0.0, f64::max);
    assert!(oldest_s > 0.2, "{oldest_s} s");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_of_nobody_is_found() {
    let broken = found_by(Defect::Stranger, "", r#""buy""#).await;
    assert_eq!(broken, ["P9 unknown-names"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sold_out_concert_that_does_not_say_so_is_found() {
    assert_eq!(
        found(Defect::StaysActive, &SALE).await,
        ["P9 status-differs"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_says_nothing_of_a_print_is_found() {
    let broken = found_by(Defect::Mumbles, "", r#""buy", "print", "printed""#).await;
    assert_eq!(broken, ["P9 wrong-answers"]);
}
