//! P3: what was answered survives `kill -9`; what was begun is finished without help.

mod clocks;
mod drains;
mod full_disk;
mod kills;
mod shutdown;
mod startup;

use std::path::Path;

use tests::{Http, process};

/// The audit, as an operator runs it.
#[track_caller]
fn assert_audit(data_dir: &Path) {
    let report = process::run(data_dir, &["audit"]).success();
    assert!(report.contains("P1 oversold 0 ok"), "{report}");
    assert!(report.lines().all(|line| line.ends_with(" ok")), "{report}");
}

/// The number of tickets of a concert.
async fn count_tickets(http: &Http, concert: &str) -> usize {
    let list = http
        .get(&format!("/api/v1/tickets?concert_id={concert}"))
        .await
        .json();
    list.as_array().expect("an array").len()
}
