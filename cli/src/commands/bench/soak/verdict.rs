//! What is claimed of a soak, and what it says.

use std::time::Duration;

use domain::size::LedgerSize;
use serde_json::json;

use super::super::{Measured, Outcome};
use super::printer::Printed;
use super::samples::{Sample, course, trend};
use super::trend::Trend;
use crate::args::SoakBenchArgs;

/// From this length on, the second half of a run is steady: what fills up, such as the plans in
/// memory and the pages of the ledger, has filled up before. Of a shorter one only that can be
/// claimed which holds while things fill up.
const STEADY_FROM: Duration = Duration::from_mins(10);

/// Of a steady half: what may be more at its end than at its beginning.
const DRIFT_MAX: f64 = 0.10;
/// Of a steady half: the latency that may be more. A machine has other things to do, too.
const P99_GROWTH_MAX: f64 = 2.0;
const P99_SLACK_MS: f64 = 20.0;

/// Of a short run: memory that may come for each ticket that was sold meanwhile, in bytes, and what
/// fills up meanwhile. A ticket takes a few bytes in a steady half and some hundred in a minute's, as
/// pages of the ledger are kept in memory. A request of which nothing is freed is several thousand.
/// What fills up was seen to come in steps of up to 25 MiB within the first two minutes, and no
/// more after them.
const MEMORY_A_TICKET_MAX: f64 = 1_024.0;
const WARM_UP_MIB: f64 = 32.0;

/// Files and connections that may be open at the end beyond those at the beginning.
const OPEN_FILES_MAX: f64 = 8.0;
/// Of a short run: those of the engine's connections, which are opened when they are first needed
/// at the same time. PostgreSQL has 16 at most, the readers of an embedded ledger fewer files; a
/// line along a step in the middle of what is looked at rises half as much again.
const POOLS_FILES: f64 = 24.0;
/// Work that may wait, or be finished and not yet deleted, beyond that at the beginning: a few
/// seconds of it, and half of what came meanwhile, which tells a busy machine from rows that stay.
const WORK_SLACK: f64 = 30.0;
const WORK_SHARE: f64 = 0.5;
/// Bytes of the ledger for each ticket, with the work around it: several times what it takes; and
/// what tables have room for before there is anything in them.
const BYTES_A_TICKET_MAX: f64 = 1_024.0;
const LEDGER_SLACK: f64 = 4_194_304.0;
/// Bytes that may come at once: of seats that are merged, of a table that is made longer.
const MERGED_BYTES: f64 = 1_048_576.0;
/// The log of an embedded ledger: half as much again as what it is begun anew at.
const LOG_MIB_MAX: f64 = 192.0;
/// Files of plans: the published one of each concert, one that is being written, some that were
/// just replaced.
const PLANS_A_CONCERT_MAX: usize = 4;

/// Everything that was seen.
#[derive(Debug)]
pub(super) struct Soaked {
    /// The ledger before the first ticket.
    pub(super) empty: LedgerSize,
    pub(super) samples: Vec<Sample>,
    /// Purchases that were not answered with 201.
    pub(super) refused: u64,
    pub(super) printed: Printed,
    /// Plans that were shown.
    pub(super) polls: u64,
    pub(super) concerts: usize,
}

/// The trends.
#[derive(Debug)]
struct Trends {
    memory: Trend,
    open_files: Trend,
    p99: Trend,
    jobs: Trend,
    finished: Trend,
    log: Trend,
    bytes_a_ticket: Trend,
    tickets: Trend,
}

impl Soaked {
    pub(super) fn outcome(&self, args: &SoakBenchArgs) -> Outcome {
        let trends = self.trends();
        let engine = args.bench.engine.name();
        let measured = Measured {
            value: trends.memory.end,
            unit: "MiB",
            baseline: trends.memory.start,
            p50_ms: 0.0,
            p99_ms: trends.p99.end,
        };
        let line = |ratio| self.line(args, &trends, ratio);
        let outcome = Outcome::new("soak", engine, &measured, line);
        let outcome = self.claim(outcome, &trends, args);
        outcome.with(json!({
            "seconds": args.duration.as_secs(),
            "rate": args.rate,
            "samples": self.samples.len(),
            "tickets": trends.tickets,
            "open_files": trends.open_files,
            "p99": trends.p99,
            "jobs": trends.jobs,
            "finished_jobs": trends.finished,
            "ledger_mib": trend(&self.samples, Sample::tables_mib),
            "ledger_log_mib": trends.log,
            "ledger_bytes_a_ticket": trends.bytes_a_ticket,
            "rendered_mib": trend(&self.samples, Sample::rendered_mib),
            "rows": self.samples.last().map(|last| last.ledger.rows()),
            "prints": self.printed.ordered,
            "prints_downloaded": self.printed.downloaded,
            "plans": self.polls,
            "refused": self.refused,
        }))
    }

    fn trends(&self) -> Trends {
        let of = |what: fn(&Sample) -> f64| trend(&self.samples, what);
        Trends {
            memory: of(|one| one.memory_mib),
            open_files: of(|one| one.open_files),
            p99: Trend::of_medians(&course(&self.samples, |one| one.p99_ms)),
            jobs: of(Sample::jobs),
            finished: of(Sample::finished_jobs),
            log: of(Sample::log_mib),
            bytes_a_ticket: trend(&self.samples, |one| one.bytes_a_ticket(&self.empty)),
            tickets: of(Sample::tickets),
        }
    }

    fn claim(&self, outcome: Outcome, trends: &Trends, args: &SoakBenchArgs) -> Outcome {
        let is_steady = args.duration >= STEADY_FROM;
        let no_drift_but = |slack, of: Trend| of.end <= of.start * (1.0 + DRIFT_MAX) + slack;
        let sold = trends.tickets.end.max(1.0);
        let memory = if is_steady {
            no_drift_but(0.0, trends.memory)
        } else {
            let meanwhile = trends.tickets.grown();
            trends.memory.grown() <= WARM_UP_MIB + meanwhile * MEMORY_A_TICKET_MAX / 1_048_576.0
        };
        let p99 = trends.p99.end <= trends.p99.start * P99_GROWTH_MAX + P99_SLACK_MS;
        let ordered = f64::from(args.prints) * args.duration.as_secs_f64() / 2.0;
        let work = |of: Trend| of.grown() <= WORK_SLACK + ordered * WORK_SHARE;
        let open_files_max = OPEN_FILES_MAX + if is_steady { 0.0 } else { POOLS_FILES };
        let plans = self.samples.last().map_or(0, |last| last.rendered.plans);
        let plans_max = (self.concerts * PLANS_A_CONCERT_MAX) as u64;
        outcome
            .claim(memory, "memory drifts")
            .claim(
                trends.open_files.grown() <= open_files_max,
                "open files drift",
            )
            .claim(p99 || !is_steady, "p99 drifts")
            .claim(work(trends.jobs), "jobs pile up")
            .claim(
                work(trends.finished),
                "finished jobs stay although they are to be deleted",
            )
            .claim(
                no_drift_but(MERGED_BYTES / sold, trends.bytes_a_ticket),
                "the ledger's bytes for each ticket drift",
            )
            .claim(
                trends.bytes_a_ticket.end <= BYTES_A_TICKET_MAX + LEDGER_SLACK / sold,
                "the ledger takes more room than what it holds",
            )
            .claim(
                trends.log.end <= LOG_MIB_MAX,
                "the ledger's log grows without end",
            )
            .claim(plans <= plans_max, "files of old plans stay")
            .claim(self.refused == 0, "purchases were refused at a steady load")
    }

    fn line(&self, args: &SoakBenchArgs, trends: &Trends, ratio: f64) -> String {
        let Trends { memory, p99, .. } = trends;
        format!(
            "soak {}: ratio {ratio:.2} (memory {:.0} MiB at the end of the second half ÷ {:.0} MiB \
             at its beginning; {:.0} open files ÷ {:.0}; p99 {:.1} ms ÷ {:.1} ms; ledger {:.0} bytes \
             a ticket ÷ {:.0}; {:.0} jobs wait or run ÷ {:.0}, {:.0} are finished ÷ {:.0}; {} s of \
             {} purchases/s, {} prints, {} plans, {} refused)",
            args.bench.engine.name(),
            memory.end,
            memory.start,
            trends.open_files.end,
            trends.open_files.start,
            p99.end,
            p99.start,
            trends.bytes_a_ticket.end,
            trends.bytes_a_ticket.start,
            trends.jobs.end,
            trends.jobs.start,
            trends.finished.end,
            trends.finished.start,
            args.duration.as_secs(),
            args.rate,
            self.printed.ordered,
            self.polls,
            self.refused,
        )
    }
}

#[cfg(test)]
mod tests;
