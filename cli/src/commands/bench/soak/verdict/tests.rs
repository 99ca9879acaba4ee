use clap::Parser;

use super::super::samples::Rendered;
use super::*;
use crate::args::{Args, BenchCommand, Command};

const MIB: f64 = 1_048_576.0;

fn args(duration: &str) -> SoakBenchArgs {
    let line = "ticketoverflow bench soak --rate 200 --prints 4 --duration";
    let words = line.split(' ').chain([duration]);
    match Args::parse_from(words).command {
        Some(Command::Bench(BenchCommand::Soak(args))) => args,
        other => panic!("{other:?}"),
    }
}

/// A sample of a run in which nothing drifts: every second 200 tickets of 250 bytes.
fn steady(second: u32) -> Sample {
    let tickets = u64::from(second) * 200;
    Sample {
        at_s: f64::from(second),
        memory_mib: 100.0,
        open_files: 400.0,
        p99_ms: 10.0,
        ledger: LedgerSize {
            bytes: 100_000 + tickets * 250,
            log_bytes: 64 << 20,
            tickets,
            jobs: 3,
            finished_jobs: 4,
            ..LedgerSize::default()
        },
        rendered: Rendered {
            bytes: 1 << 20,
            plans: 2,
        },
    }
}

/// What is broken in a run in which something else drifts, by the seconds that have passed.
fn broken(duration: &str, drift: impl Fn(&mut Sample, f64)) -> Vec<&'static str> {
    let args = args(duration);
    let seconds = u32::try_from(args.duration.as_secs()).expect("a short run");
    let drifting = |second| {
        let mut sample = steady(second);
        drift(&mut sample, f64::from(second));
        sample
    };
    let soaked = Soaked {
        empty: LedgerSize {
            bytes: 100_000,
            ..LedgerSize::default()
        },
        samples: (0..seconds).map(drifting).collect(),
        refused: 0,
        printed: Printed::default(),
        polls: 600,
        concerts: 1,
    };
    soaked.outcome(&args).broken
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small and never negative"
)]
fn whole(number: f64) -> u64 {
    number as u64
}

#[test]
fn nothing_is_broken_while_nothing_drifts() {
    for duration in ["1m", "30m"] {
        assert_eq!(broken(duration, |_, _| {}), Vec::<&str>::new());
    }
}

#[test]
fn in_a_minute_memory_may_warm_up_but_not_leak_with_every_ticket() {
    let leak =
        |bytes: f64| move |one: &mut Sample, s: f64| one.memory_mib += s * 200.0 * bytes / MIB;
    assert_eq!(broken("1m", leak(1_500.0)), Vec::<&str>::new());
    assert_eq!(broken("1m", leak(8_000.0)), ["memory drifts"]);
    // A tenth of it, over a quarter of an hour, is a leak all the more.
    assert_eq!(broken("30m", leak(150.0)), ["memory drifts"]);
    assert_eq!(broken("30m", leak(20.0)), Vec::<&str>::new());
}

#[test]
fn a_handle_that_is_not_closed_is_found() {
    let leak = |each: f64| move |one: &mut Sample, s: f64| one.open_files += s * each;
    assert_eq!(broken("1m", leak(1.5)), ["open files drift"]);
    assert_eq!(broken("30m", leak(0.015)), ["open files drift"]);
    // The engine's connections may be opened late, once.
    let opened = |one: &mut Sample, s: f64| one.open_files += if s > 44.0 { 16.0 } else { 0.0 };
    assert_eq!(broken("1m", opened), Vec::<&str>::new());
}

#[test]
fn p99_is_judged_of_long_runs_only() {
    let drift = |one: &mut Sample, s: f64| one.p99_ms = if s > 44.0 { 500.0 } else { 10.0 };
    assert_eq!(broken("1m", drift), Vec::<&str>::new());
    let drift = |one: &mut Sample, s: f64| one.p99_ms = if s > 1_350.0 { 50.0 } else { 10.0 };
    assert_eq!(broken("30m", drift), ["p99 drifts"]);
    let noise = |one: &mut Sample, s: f64| one.p99_ms = if s > 1_350.0 { 35.0 } else { 10.0 };
    assert_eq!(broken("30m", noise), Vec::<&str>::new());
}

#[test]
fn jobs_that_stay_are_found_and_a_busy_moment_is_none() {
    // Four prints a second are ordered.
    let stay = |one: &mut Sample, s: f64| one.ledger.jobs += whole(s * 4.0);
    let stay_finished = |one: &mut Sample, s: f64| one.ledger.finished_jobs += whole(s * 4.0);
    let busy = |one: &mut Sample, s: f64| one.ledger.jobs += whole((s - 40.0).max(0.0) * 2.0);
    assert_eq!(broken("1m", stay), ["jobs pile up"]);
    let finished = ["finished jobs stay although they are to be deleted"];
    assert_eq!(broken("1m", stay_finished), finished);
    assert_eq!(broken("1m", busy), Vec::<&str>::new());
}

#[test]
fn a_ledger_that_grows_faster_than_its_tickets_is_found() {
    let drift = |by: f64| move |one: &mut Sample, s: f64| one.ledger.bytes += whole(s * s * by);
    let bytes = ["the ledger's bytes for each ticket drift"];
    assert_eq!(broken("1m", drift(1_500.0)), bytes);
    assert_eq!(broken("30m", drift(20.0)), bytes);
    // As much for each ticket, but more than a ticket and its share of the work can take.
    let waste = |one: &mut Sample, s: f64| one.ledger.bytes += whole(s * 500_000.0);
    let room = ["the ledger takes more room than what it holds"];
    assert_eq!(broken("1m", waste), room);
    assert_eq!(broken("30m", waste), room);
    let log = |one: &mut Sample, s: f64| one.ledger.log_bytes += whole(s * MIB);
    assert_eq!(broken("30m", log), ["the ledger's log grows without end"]);
}

#[test]
fn files_of_old_plans_are_found() {
    let stay = |one: &mut Sample, s: f64| one.rendered.plans += whole(s);
    assert_eq!(broken("1m", stay), ["files of old plans stay"]);
}
