//! That a verdict can fail: each promise is broken by a server that breaks it and no other.

use super::wrong::{Defect, WrongServer};
use super::{broken_promises, load};

const SALE: [&str; 5] = ["small", "--scale", "0.05", "--duration", "1s"];

/// The promises that a run finds broken, and its exit status.
async fn found(defect: Defect, args: &[&str]) -> Vec<String> {
    let server = WrongServer::start(defect).await;
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
    broken.into_iter().map(str::to_owned).collect()
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
