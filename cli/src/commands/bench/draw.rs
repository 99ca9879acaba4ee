//! `bench render` and `bench plan`: drawing, against hashing a megabyte, which costs about the
//! same on machines that are about as fast, and PDF also against printpdf.
//!
//! Counted is the time that the thread had a processor, so that a busy machine does not count.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use renderers::{PdfBackend, PlanDocument, RenderError, SeatingPlan, SoldSeats};
use sha2::{Digest, Sha256};

use super::{Measured, Outcome, ms, quantile};
use crate::commands::render::{example_plan, example_ticket};

/// How long each drawing is repeated.
const LENGTH: Duration = Duration::from_secs(1);
/// Drawings between two looks at the clock: it ticks a few times in a hundred milliseconds.
const ROUND: Duration = Duration::from_millis(200);

type Draw<'a> = (
    &'static str,
    Box<dyn Fn() -> Result<Vec<u8>, RenderError> + 'a>,
);

pub(super) fn tickets() -> anyhow::Result<Vec<Outcome>> {
    let ticket = example_ticket();
    let printpdf = || renderers::ticket_pdf_by(&ticket, PdfBackend::Printpdf);
    let mut outcomes = measure(
        vec![
            ("ticket svg", Box::new(|| renderers::ticket_svg(&ticket))),
            ("ticket pdf", Box::new(|| renderers::ticket_pdf(&ticket))),
            (
                "ticket png 150 dpi",
                Box::new(|| renderers::ticket_png(&ticket, 150)),
            ),
        ],
        &hash_a_megabyte,
        "to hash a megabyte",
    )?;
    outcomes.extend(measure(
        vec![("ticket pdf", Box::new(|| renderers::ticket_pdf(&ticket)))],
        &|| {
            std::hint::black_box(printpdf().is_ok());
        },
        "through printpdf",
    )?);
    Ok(outcomes)
}

pub(super) fn plans() -> anyhow::Result<Vec<Outcome>> {
    let (small, large) = (plan(10_000), plan(80_000));
    let kept = RefCell::new((SeatingPlan::new(small.clone())?, small.sold.clone(), 0));
    // Every time one more seat is sold.
    let update = || {
        let (plan, sold, next) = &mut *kept.borrow_mut();
        *next = (*next + 3) % 10_000;
        sold.insert(*next);
        plan.update(sold.clone(), SoldSeats::new())?;
        Ok(plan.svg())
    };
    measure(
        vec![
            (
                "plan svg 10,000 seats",
                Box::new(|| renderers::plan_svg(&small)),
            ),
            ("plan svg 10,000 seats after a sale", Box::new(update)),
            (
                "plan svg 80,000 seats",
                Box::new(|| renderers::plan_svg(&large)),
            ),
            (
                "plan png 10,000 seats",
                Box::new(|| renderers::plan_png(&small, 1600)),
            ),
            (
                "plan png 80,000 seats",
                Box::new(|| renderers::plan_png(&large, 1600)),
            ),
        ],
        &hash_a_megabyte,
        "to hash a megabyte",
    )
}

fn plan(capacity: u32) -> PlanDocument {
    let sold = (0..capacity)
        .filter(|seat| seat % 3 != 0)
        .collect::<SoldSeats>();
    PlanDocument {
        capacity,
        sold,
        ..example_plan()
    }
}

fn hash_a_megabyte() {
    static MEGABYTE: [u8; 1_000_000] = [7; 1_000_000];
    std::hint::black_box(Sha256::digest(std::hint::black_box(&MEGABYTE)));
}

fn measure(
    drawings: Vec<Draw<'_>>,
    other: &dyn Fn(),
    what_other: &str,
) -> anyhow::Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    for (what, draw) in drawings {
        let bytes = draw()?.len();
        let (mut drawn, mut others) = (Vec::new(), Vec::new());
        let begun = Instant::now();
        while begun.elapsed() < LENGTH || drawn.is_empty() {
            drawn.push(round(&|| {
                std::hint::black_box(draw().is_ok());
            }));
            others.push(round(other));
        }
        let measured = Measured {
            value: quantile(&mut drawn, 0.5),
            unit: "ms",
            baseline: quantile(&mut others, 0.5),
            p50_ms: quantile(&mut drawn, 0.5),
            p99_ms: quantile(&mut drawn, 0.99),
        };
        outcomes.push(Outcome::new("render", "none", &measured, |ratio| {
            format!(
                "render {what}: ratio {ratio:.3} ({:.3} ms ÷ {:.3} ms {what_other}; {bytes} bytes)",
                measured.value, measured.baseline
            )
        }));
    }
    Ok(outcomes)
}

/// The mean of a round, in milliseconds.
fn round(work: &dyn Fn()) -> f64 {
    let (begun, at) = (Instant::now(), processor_ms());
    let mut times = 0.0;
    while begun.elapsed() < ROUND {
        work();
        times += 1.0;
    }
    let spent = match (at, processor_ms()) {
        (Some(before), Some(after)) => after - before,
        _ => ms(begun.elapsed()),
    };
    spent / times
}

/// How long this thread has had a processor; none where the system does not say.
fn processor_ms() -> Option<f64> {
    let said = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds: f64 = said.split(' ').next()?.parse().ok()?;
    Some(nanoseconds / 1e6)
}
