//! Benchmarks whose claims can fail, at a short setting.

use serde_json::Value;
use tests::process;
use tests::process::Ended;

use super::{folder, text};

#[test]
fn a_pool_without_places_grows_under_a_burst_and_goes_back_without_flapping() {
    let folder = folder();
    let plot = folder.path().join("scale.svg");
    let args = [
        "bench",
        "scale",
        "--prints",
        "2000",
        "--max-per-thread",
        "2",
    ];
    let mut command = process::command();
    command
        .args(args)
        .args(["--json", "-", "--plot", text(&plot)]);
    let said = Ended::within(process::LONG_RUN, &mut command).success();
    let said: Value = serde_json::from_str(&said).expect("it prints JSON");
    assert_eq!(
        (&said[0]["flaps"], &said[0]["value"]),
        (&0.into(), &4.0.into())
    );
    let picture = std::fs::read_to_string(&plot).expect("it is drawn");
    let picture = roxmltree::Document::parse(&picture).expect("it is XML");
    let lines = picture
        .descendants()
        .filter(|node| node.has_tag_name("polyline"));
    assert!(lines.count() >= 3, "queue, places and need");
}

#[test]
fn a_storm_needs_a_cluster() {
    let said = Ended::of(process::command().args(["bench", "kills"])).failure();
    assert!(said.contains("--postgres-url"), "{said}");
}

const BY_WRK: [&str; 7] = [
    "bench",
    "purchase",
    "--wrk",
    "--seconds",
    "5",
    "--rounds",
    "1",
];

#[test]
fn purchases_are_measured_by_another_generator_too() {
    let few = ["--connections", "16", "--concerts", "2"];
    let mut command = process::command();
    command.args(BY_WRK).args(few).args(["--json", "-"]);
    let said = Ended::of(&mut command).success();
    let said: Value = serde_json::from_str(&said).expect("it prints JSON");
    let (sales, noop) = (said[0]["value"].as_f64(), said[0]["baseline"].as_f64());
    assert!(sales > Some(1.0) && noop > Some(1.0), "{said}");
    assert_eq!(said[0]["generator"], "wrk");
}

#[test]
fn purchases_with_keys_are_each_sold_a_ticket_of_their_own() {
    for generator in [&["--wrk"][..], &[]] {
        let few = ["--seconds=1", "--rounds=1", "--connections=16", "--keyed"];
        let mut command = process::command();
        command
            .args(["bench", "purchase"])
            .args(few)
            .args(generator);
        let said = Ended::of(&mut command).success();
        assert!(said.contains(", keyed)"), "{said}");
    }
}

#[test]
fn a_generator_that_is_not_there_is_named() {
    let mut command = process::command();
    command.args(BY_WRK).env("PATH", "");
    let said = Ended::of(&mut command).failure();
    assert!(said.contains("wrk cannot be started"), "{said}");
}

#[test]
fn a_crowd_that_downloads_is_measured_with_the_memory_that_it_takes() {
    let args = ["bench", "downloads", "--tickets", "50", "--seconds", "1"];
    let mut command = process::command();
    command.args(args).args(["--json", "-"]);
    let said = Ended::within(process::LONG_RUN, &mut command).success();
    let said: Value = serde_json::from_str(&said).expect("it prints JSON");
    let said = &said[0];
    assert!(said["value"].as_f64() > Some(1.0), "{said}");
    assert!(said["print_bytes"].as_u64() > Some(10_000), "{said}");
    let of_memory = |name: &str| said[name].as_u64();
    assert!(of_memory("memory_before_bytes") > Some(1 << 20), "{said}");
    assert!(of_memory("memory_grown_bytes").is_some(), "{said}");
}
