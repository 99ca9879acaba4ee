//! The page of a result, in a real browser: on a phone, and for who does not tell colours apart.

use loadtest::LoadReport;
use serde_json::json;
use tempfile::TempDir;

use super::honesty::result;
use crate::browser::tab::Tab;

/// The width of a small phone, in pixels.
const PHONE: u32 = 360;

/// A result with figures in every plot, and a promise with a limit.
fn report() -> LoadReport {
    let mut json = result(1, 60, 100);
    let second = |bought: u32| {
        json!({
            "arrived": 9, "here": 7, "by_status": {"201": bought, "503": 1}, "bought": bought,
            "plan_stale_s": 1.5, "sample": {
                "prints_waiting": 3.0, "running": 2.0, "places": 4.0, "plan_stale_s": 1.0,
            },
        })
    };
    json["timeline"]["steps"] = json!({"0": second(40), "1": second(20)});
    json["verdicts"] = json!([
        {"name": "P8 plan-staleness", "value": 12.0, "unit": "s", "limit": 180.0, "details": [],
         "ok": true},
        {"name": "P5 printed-without-print", "value": 2.0, "unit": "", "limit": 0.0,
         "details": ["ticket 00000000-0000-7000-8000-000000000001 is PRINTED and its print is 404"],
         "ok": false},
    ]);
    serde_json::from_value(json).expect("a result")
}

fn opened() -> (TempDir, Tab) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("report.html");
    std::fs::write(&file, loadtest::page(&report())).expect("the folder is the test's own");
    let mut tab = Tab::open(&format!("file://{}", file.display()));
    tab.until("document.readyState === 'complete'");
    (folder, tab)
}

#[test]
fn a_phone_shows_every_verdict_and_plots_that_can_be_read() {
    let (_folder, mut tab) = opened();
    tab.narrow(PHONE);
    assert_eq!(tab.value("innerWidth"), PHONE);
    // What is wider than the screen scrolls within its card, not the page with all of it.
    assert_eq!(tab.value("document.documentElement.scrollWidth"), PHONE);
    let verdicts = "[...document.querySelectorAll('td.ok, td.not')]";
    assert_eq!(tab.value(&format!("{verdicts}.length")), 2);
    let right = format!("Math.max(...{verdicts}.map(it => it.getBoundingClientRect().right))");
    let right = tab.value(&right).as_f64().expect("a number");
    assert!(right <= f64::from(PHONE), "a verdict ends at {right}");
    let lowest = "Math.min(...[...document.querySelectorAll('.tick')]\
                  .map(it => it.getBoundingClientRect().height))";
    let lowest = tab.value(lowest).as_f64().expect("a number");
    assert!(
        lowest >= 11.0,
        "a number of an axis is {lowest} pixels high"
    );
}

#[test]
fn lines_of_a_plot_differ_without_their_colours() {
    let (_folder, mut tab) = opened();
    // Dots are no lines; lines differ by their dashes.
    let looks = "[...document.querySelectorAll('.legend')].map(legend => \
                 [...legend.querySelectorAll('.key > *')].map(key => \
                 key.tagName + getComputedStyle(key).strokeDasharray).sort())";
    let plots: Vec<Vec<String>> = serde_json::from_value(tab.value(looks)).expect("texts");
    assert_eq!(plots.len(), 5, "{plots:?}");
    for looks in &plots {
        assert!(looks.windows(2).all(|two| two[0] != two[1]), "{plots:?}");
    }
    // So do kept and broken promises, by their signs.
    let verdicts = "[...document.querySelectorAll('td.ok, td.not')].map(it => it.textContent)";
    assert_eq!(tab.value(verdicts), json!(["✓ kept", "✗ broken"]));
}

#[test]
fn a_promised_figure_stands_beside_what_was_found() {
    let page = loadtest::page(&report());
    assert!(page.contains("<td>12.0 s of 180 s</td>"), "{page}");
    assert!(page.contains("is PRINTED and its print is 404"), "{page}");
    assert!(
        page.contains("Generator: 1 thread, 1 connection opened of 1"),
        "{page}"
    );
}
