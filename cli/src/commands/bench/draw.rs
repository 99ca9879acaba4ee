//! `bench render` and `bench plan`: drawing, against hashing a megabyte, which costs about the
//! same on machines that are about as fast.

use std::time::{Duration, Instant};

use renderers::{PlanDocument, RenderError, SoldSeats};
use sha2::{Digest, Sha256};

use super::{Measured, Outcome, median, ms, quantile};
use crate::commands::render::{example_plan, example_ticket};

/// How long each drawing is repeated.
const LENGTH: Duration = Duration::from_secs(1);
/// Times that each drawing is made at least.
const TIMES_MIN: usize = 5;

type Draw<'a> = (
    &'static str,
    Box<dyn Fn() -> Result<Vec<u8>, RenderError> + 'a>,
);

pub(super) fn tickets() -> anyhow::Result<Vec<Outcome>> {
    let ticket = example_ticket();
    measure(vec![
        ("ticket svg", Box::new(|| renderers::ticket_svg(&ticket))),
        ("ticket pdf", Box::new(|| renderers::ticket_pdf(&ticket))),
        (
            "ticket png 150 dpi",
            Box::new(|| renderers::ticket_png(&ticket, 150)),
        ),
    ])
}

pub(super) fn plans() -> anyhow::Result<Vec<Outcome>> {
    let (small, large) = (plan(10_000), plan(80_000));
    measure(vec![
        (
            "plan svg 10,000 seats",
            Box::new(|| renderers::plan_svg(&small)),
        ),
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
    ])
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

fn measure(drawings: Vec<Draw<'_>>) -> anyhow::Result<Vec<Outcome>> {
    let megabyte = vec![7_u8; 1_000_000];
    let mut outcomes = Vec::new();
    for (what, draw) in drawings {
        let bytes = draw()?.len();
        let (mut drawn, mut hashed) = (Vec::new(), Vec::new());
        let begun = Instant::now();
        while begun.elapsed() < LENGTH || drawn.len() < TIMES_MIN {
            let one = Instant::now();
            std::hint::black_box(draw()?);
            drawn.push(ms(one.elapsed()));
            let one = Instant::now();
            std::hint::black_box(Sha256::digest(std::hint::black_box(&megabyte)));
            hashed.push(ms(one.elapsed()));
        }
        let measured = Measured {
            value: median(&mut drawn),
            unit: "ms",
            baseline: median(&mut hashed),
            p50_ms: quantile(&mut drawn, 0.5),
            p99_ms: quantile(&mut drawn, 0.99),
        };
        outcomes.push(Outcome::new("render", "none", &measured, |ratio| {
            format!(
                "render {what}: ratio {ratio:.2} ({:.3} ms ÷ {:.3} ms to hash a megabyte; {bytes} bytes)",
                measured.value, measured.baseline
            )
        }));
    }
    Ok(outcomes)
}
