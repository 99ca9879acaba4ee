//! `bench soak`: a steady load for a long time, and whether anything drifts: memory, open files,
//! the backlog of jobs, the time that purchases take.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use domain::Context;
use loadtest::Request;
use plotters::prelude::*;
use serde_json::json;

use super::open_loop::{self, Answers, Offer};
use super::plans::{on_sale, poll};
use super::purchase::bodies;
use super::{Measured, Outcome, prints, resources};
use crate::args::SoakBenchArgs;
use crate::progress::Progress;
use crate::service::{Service, Tweaks};

/// How often the process is looked at.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);
/// Those who look at the plan of the concert, each once a second.
const POLLERS: u32 = 10;
/// What may be more at the end of the second half than at its beginning, by the line through it.
const MEMORY_DRIFT_MAX: f64 = 0.10;
const FILES_DRIFT_MAX: f64 = 8.0;

/// A moment of the process.
#[derive(Debug, Clone, Copy)]
struct Sample {
    at_s: f64,
    memory_mib: f64,
    files: f64,
    backlog: f64,
}

/// Sells, prints and shows plans, and looks at the process meanwhile.
pub(super) async fn run(args: &SoakBenchArgs) -> anyhow::Result<Outcome> {
    let (_folder, service) = super::start(&args.bench, Tweaks::default()).await?;
    let (ctx, server) = (service.context(), service.address());
    let duration = Duration::from_secs(args.seconds);
    let seats = u32::try_from(u64::from(args.rate) * args.seconds + 1_000).unwrap_or(u32::MAX);
    let concert = on_sale(ctx, seats.min(domain::seat::CAPACITY_MAX)).await?;
    let host = server.to_string();
    let post = |body| Request::new("POST", "/api/v1/tickets", &host).json(body);
    let orders = Arc::new(bodies(ctx, &[concert]).into_iter().map(post).collect());
    let offer = Offer {
        rate: f64::from(args.rate),
        duration,
        connections: 256,
    };
    let second = Duration::from_secs(1);
    let (sales, plans, samples) = tokio::join!(
        open_loop::offer(server, &orders, offer),
        poll(server, concert, &[], POLLERS, duration, second),
        watch(&service, duration),
    );
    let (sales, plans, samples) = (sales?, plans?, samples?);
    service.stop().await?;
    let p99 = p99_by_second(&sales, duration);
    if let Some(path) = &args.plot {
        plot(path, &samples, &p99)?;
    }
    let others = sales.0.len() - sales.of(201, Duration::ZERO..Duration::MAX).count();
    let polls = plans.count(200);
    Ok(outcome(args, &samples, &p99, others, polls))
}

fn outcome(
    args: &SoakBenchArgs,
    samples: &[Sample],
    p99: &[(f64, f64)],
    others: usize,
    polls: u64,
) -> Outcome {
    let engine = args.bench.engine.name();
    let of = |what: fn(&Sample) -> f64| -> Vec<_> {
        samples.iter().map(|one| (one.at_s, what(one))).collect()
    };
    let memory = Line::of_second_half(&of(|one| one.memory_mib));
    let files = Line::of_second_half(&of(|one| one.files));
    let waits = Line::of_second_half(p99);
    let measured = Measured {
        value: memory.end,
        unit: "MiB",
        baseline: memory.start,
        p50_ms: 0.0,
        p99_ms: waits.end,
    };
    let line = |ratio| {
        format!(
            "soak {engine}: ratio {ratio:.2} (memory {:.0} MiB at the end of the second half ÷ {:.0} \
             MiB at its beginning; {:.0} open files ÷ {:.0}; p99 {:.1} ms ÷ {:.1} ms; {} s of {} \
             purchases/s, {polls} plans, {others} refused)",
            memory.end,
            memory.start,
            files.end,
            files.start,
            waits.end,
            waits.start,
            args.seconds,
            args.rate,
        )
    };
    Outcome::new("soak", engine, &measured, line)
        .claim(
            memory.end <= memory.start * (1.0 + MEMORY_DRIFT_MAX),
            "memory drifts",
        )
        .claim(
            files.end <= files.start + FILES_DRIFT_MAX,
            "open files drift",
        )
        .claim(others == 0, "purchases were refused at a steady load")
        .with(json!({
            "seconds": args.seconds,
            "rate": args.rate,
            "files": files.end,
            "files_before": files.start,
            "p99_before_ms": waits.start,
            "samples": samples.len(),
        }))
}

async fn watch(service: &Service, duration: Duration) -> anyhow::Result<Vec<Sample>> {
    let (begun, mut samples) = (Instant::now(), Vec::new());
    let progress = Progress::start("soaking", duration.as_secs());
    while begun.elapsed() < duration {
        samples.push(sample(service.context(), begun).await?);
        progress.set(begun.elapsed().as_secs());
        tokio::time::sleep(SAMPLE_EVERY).await;
    }
    progress.done("done");
    Ok(samples)
}

async fn sample(ctx: &Context, begun: Instant) -> anyhow::Result<Sample> {
    #[expect(clippy::cast_precision_loss, reason = "figures for people and plots")]
    Ok(Sample {
        at_s: begun.elapsed().as_secs_f64(),
        memory_mib: resources::memory()? as f64 / 1_048_576.0,
        files: resources::open_files()? as f64,
        backlog: prints::unfinished(ctx).await? as f64,
    })
}

/// The 99th percentile of the purchases of each second, in milliseconds.
fn p99_by_second(sales: &Answers, duration: Duration) -> Vec<(f64, f64)> {
    let second = Duration::from_secs(1);
    let seconds = (0..duration.as_secs()).map(Duration::from_secs);
    seconds
        .map(|from| {
            let p99 = sales.latency_ms(201, from..from + second, 0.99);
            (from.as_secs_f64(), p99)
        })
        .collect()
}

/// The line of least squares through some values, by its two ends.
#[derive(Debug, PartialEq)]
struct Line {
    start: f64,
    end: f64,
}

impl Line {
    fn of_second_half(points: &[(f64, f64)]) -> Self {
        let half = &points[points.len() / 2..];
        #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
        let count = half.len().max(1) as f64;
        let (at, value) = half.iter().fold((0.0, 0.0), |(x, y), point| {
            (x + point.0 / count, y + point.1 / count)
        });
        let (mut up, mut along) = (0.0, 0.0);
        for point in half {
            up += (point.0 - at) * (point.1 - value);
            along += (point.0 - at).powi(2);
        }
        let slope = if along > 0.0 { up / along } else { 0.0 };
        let on_line = |x: f64| value + slope * (x - at);
        Self {
            start: half.first().map_or(0.0, |point| on_line(point.0)),
            end: half.last().map_or(0.0, |point| on_line(point.0)),
        }
    }
}

fn plot(path: &Path, samples: &[Sample], p99: &[(f64, f64)]) -> anyhow::Result<()> {
    let of = |what: fn(&Sample) -> f64| -> Vec<_> {
        samples.iter().map(|one| (one.at_s, what(one))).collect()
    };
    let panels = [
        ("memory, MiB", of(|one| one.memory_mib)),
        ("open files", of(|one| one.files)),
        ("prints that wait or are made", of(|one| one.backlog)),
        ("p99 of purchases, ms", p99.to_vec()),
    ];
    let mut svg = String::new();
    draw(&mut svg, &panels).map_err(|error| anyhow!("the plot cannot be drawn: {error}"))?;
    std::fs::write(path, svg).with_context(|| format!("{} cannot be written", path.display()))
}

fn draw(
    svg: &mut String,
    panels: &[(&str, Vec<(f64, f64)>)],
) -> Result<(), DrawingAreaErrorKind<impl std::error::Error + Send + Sync + use<>>> {
    let area = SVGBackend::with_string(svg, (960, 760)).into_drawing_area();
    area.fill(&WHITE)?;
    for ((what, points), area) in panels.iter().zip(area.split_evenly((panels.len(), 1))) {
        let end_s = points.last().map_or(1.0, |last| last.0.max(1.0));
        let top = points.iter().map(|point| point.1).fold(1.0, f64::max) * 1.1;
        let mut chart = ChartBuilder::on(&area)
            .caption(what, ("sans-serif", 16))
            .margin(8)
            .x_label_area_size(24)
            .y_label_area_size(56)
            .build_cartesian_2d(0.0..end_s, 0.0..top)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .draw()?;
        chart.draw_series(LineSeries::new(
            points.iter().copied(),
            BLUE.stroke_width(2),
        ))?;
    }
    area.present()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_through_the_second_half_only() {
        let steady: Vec<_> = (0..10)
            .map(|at| (f64::from(at), if at < 5 { 99.0 } else { 7.0 }))
            .collect();
        let line = Line::of_second_half(&steady);
        assert!((line.start - 7.0).abs() < 1e-9 && (line.end - 7.0).abs() < 1e-9);
        let rising: Vec<_> = (0..10).map(|at| (f64::from(at), f64::from(at))).collect();
        let line = Line::of_second_half(&rising);
        assert!((line.start - 5.0).abs() < 1e-9 && (line.end - 9.0).abs() < 1e-9);
        assert_eq!(
            Line::of_second_half(&[]),
            Line {
                start: 0.0,
                end: 0.0
            }
        );
    }
}
