//! Every built-in scenario in a short form, on this run's engine. Each ends in two audits: the
//! one from outside, and the ledger's own.

use loadtest::{Kind, LoadReport};
use tests::TestApp;

/// Runs a scenario that must keep every promise.
async fn kept(args: &[&str]) -> LoadReport {
    let app = TestApp::start().await;
    let (report, ended) = super::load(app.http.base(), args);
    assert_eq!(super::broken_promises(&report), [""; 0], "{}", ended.output);
    assert!(!report.cut_short);
    let output = ended.success();
    assert!(output.contains("P1 oversold 0 ok\n"), "{output}");
    assert_eq!(
        report.of_kind(Kind::Buy).unanswered,
        0,
        "{:?}",
        report.errors
    );
    app.stop().await;
    report
}

/// Seats, tickets sold, tickets listed.
fn sold(report: &LoadReport) -> (u64, u64, u64) {
    let sum = |each: fn(&loadtest::ConcertSales) -> u64| report.concerts.iter().map(each).sum();
    (
        sum(|one| one.capacity),
        sum(|one| one.bought),
        sum(|one| one.listed),
    )
}

#[tests::every_engine]
async fn small_sells_out() {
    let report = kept(&["small", "--scale", "0.2", "--duration", "2s"]).await;
    assert_eq!(sold(&report), (170, 170, 170));
    assert_eq!(report.concerts[0].refused, 30);
    let lookups = report.of_kind(Kind::User);
    assert_eq!((lookups.count(200), report.generator.arrived), (200, 200));
}

#[tests::every_engine]
async fn presale_sells_out_in_a_closed_loop_too() {
    let args = ["presale", "--scale", "0.1", "--closed", "--think", "0.05s"];
    let report = kept(&args).await;
    assert_eq!(sold(&report), (200, 200, 200));
    assert_eq!(report.mode, "closed");
}

#[tests::every_engine]
async fn general_sells_out_from_two_threads() {
    let args = [
        "general",
        "--scale",
        "0.2",
        "--duration",
        "2s",
        "--threads",
        "2",
    ];
    let report = kept(&args).await;
    assert_eq!(sold(&report), (600, 600, 600));
    let arrived: u64 = report
        .timeline
        .steps
        .values()
        .map(|second| second.arrived)
        .sum();
    assert_eq!(arrived, 720, "the seconds add up to everybody");
}

#[tests::every_engine]
async fn seating_shows_plans_to_staff_during_the_sale() {
    let report = kept(&["seating", "--scale", "0.2", "--duration", "3s"]).await;
    assert_eq!(sold(&report), (600, 600, 600));
    let plans = report.of_kind(Kind::Plan);
    assert_eq!(plans.answers(), 10, "{:?}", plans.by_status);
    assert!(plans.count(200) > 0, "{:?}", plans.by_status);
}

#[tests::every_engine]
async fn evening_sells_three_concerts_out_at_once() {
    let report = kept(&["evening", "--scale", "0.1", "--duration", "3s"]).await;
    let capacities: Vec<_> = report.concerts.iter().map(|one| one.capacity).collect();
    assert_eq!(capacities, [300, 200, 150]);
    assert_eq!(sold(&report), (650, 650, 650));
}

#[tests::every_engine]
async fn priority_prints_for_tonight_within_a_minute() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("priority.toml");
    let text = loadtest::scenario::BUILT_IN
        .iter()
        .find(|(name, _)| *name == "priority");
    let (_, text) = text.expect("it is built in");
    // Of ten prints the slowest decides, and the machine has other things to do.
    let text = format!("promises = {{ urgent_p99_s = 60 }}\n{text}");
    std::fs::write(&file, text).expect("the folder is the test's own");
    let report = kept(&[file.to_str().expect("ASCII"), "--scale", "0.2"]).await;
    assert_eq!(report.urgent().count(), 10);
    let all: u64 = report.waits.iter().map(|waits| waits.wait.count()).sum();
    assert_eq!(all, 570, "everybody's print was made");
}

#[tests::every_engine]
async fn rename_hands_out_no_old_print() {
    let report = kept(&["rename", "--duration", "3s"]).await;
    assert_eq!(report.of_kind(Kind::Rename).count(200), 1);
    assert_eq!(report.of_kind(Kind::Download).count(200), 220);
}

#[tests::every_engine]
async fn tour_sells_at_full_speed() {
    let args = [
        "tour",
        "--scale",
        "0.001",
        "--rate",
        "max",
        "--connections",
        "64",
    ];
    let report = kept(&args).await;
    assert_eq!(report.concerts.len(), 24);
    let (_, bought, listed) = sold(&report);
    // In so small a tour some concerts are sold out by chance before the customers are gone.
    let refused: u64 = report.concerts.iter().map(|one| one.refused).sum();
    assert_eq!((bought + refused, listed), (2_800, bought));
    assert!(report.generator.opened <= 64, "{}", report.generator.opened);
}

#[tests::every_engine]
async fn a_file_of_ones_own_is_a_scenario_like_the_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("mine.toml");
    let text = r#"
        about = "some buy and some look"
        [[concert]]
        key = "a"
        name = "A Night"
        venue = "Hall"
        capacity = 40
        in_days = 3
        count = 2
        [[phase]]
        name = "only"
        [[phase.crowd]]
        name = "mixed"
        clients = 10
        customers = 200
        rate = 200
        arrivals = "steady"
        mix = [
            { share = 3, steps = ["user", "buy"] },
            { share = 1, steps = ["concert", "plan"] },
        ]
    "#;
    std::fs::write(&file, text).expect("the folder is the test's own");
    let report = kept(&[file.to_str().expect("ASCII")]).await;
    assert_eq!(report.scenario, "mine");
    assert_eq!(sold(&report).1, 80);
    let (lookups, looks) = (report.of_kind(Kind::User), report.of_kind(Kind::Concert));
    assert_eq!(lookups.count(200) + looks.count(200), 200);
    assert!(
        (20..80).contains(&looks.count(200)),
        "{:?}",
        looks.by_status
    );
}
