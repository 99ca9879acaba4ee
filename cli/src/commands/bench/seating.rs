//! `bench seating`: how long purchases take while staff look at the plan of the very concert,
//! against how long they take while nobody looks.

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use loadtest::Request;
use serde_json::json;

use super::open_loop::{self, Answers, Offer};
use super::plans::{on_sale, poll, until_drawn};
use super::purchase::Orders;
use super::{Measured, Outcome, median};
use crate::args::SeatingBenchArgs;
use crate::progress::Progress;
use crate::service::{Service, Tweaks};

/// What browsers take.
const HEADERS: &[(&str, &str)] = &[("Accept-Encoding", "gzip, deflate, br, zstd")];
/// Until the first groups and plans were made.
const WARM: Duration = Duration::from_secs(1);

/// One measurement.
struct Round {
    alone_ms: f64,
    watched_ms: f64,
    watched_p50_ms: f64,
    polls: u64,
    poll_p99_ms: f64,
}

/// Sells with and without pollers by turns, and takes the median of the ratios.
pub(super) async fn run(args: &SeatingBenchArgs) -> anyhow::Result<Outcome> {
    let (_folder, service) = super::start(&args.bench, Tweaks::default()).await?;
    let progress = Progress::start("measuring", u64::from(args.rounds));
    let mut rounds = Vec::new();
    for number in 1..=args.rounds {
        rounds.push(round(&service, args).await?);
        progress.set(number.into());
    }
    progress.done("done");
    service.stop().await?;
    rounds.sort_by(|a, b| a.ratio().total_cmp(&b.ratio()));
    let middle = &rounds[rounds.len() / 2];
    let mut poll_p99: Vec<_> = rounds.iter().map(|round| round.poll_p99_ms).collect();
    let poll_p99_ms = median(&mut poll_p99);
    let engine = args.bench.engine.name();
    let measured = Measured {
        value: middle.watched_ms,
        unit: "ms",
        baseline: middle.alone_ms,
        p50_ms: middle.watched_p50_ms,
        p99_ms: middle.watched_ms,
    };
    let (pollers, seats, rate) = (args.pollers, args.seats, args.rate);
    Ok(Outcome::new("seating", engine, &measured, |ratio| {
        format!(
            "seating {engine}: ratio {ratio:.2} (p99 of {rate} purchases/s {:.1} ms with {pollers} \
             pollers of the plan of {seats} seats ÷ {:.1} ms without; {} plans, p99 {poll_p99_ms:.1} \
             ms)",
            measured.value, measured.baseline, middle.polls
        )
    })
    .with(json!({"pollers": pollers, "seats": seats, "rate": rate, "plan_p99_ms": poll_p99_ms})))
}

async fn round(service: &Service, args: &SeatingBenchArgs) -> anyhow::Result<Round> {
    let (ctx, server) = (service.context(), service.address());
    let duration = WARM + Duration::from_secs(args.seconds);
    let offer = Offer {
        rate: f64::from(args.rate),
        duration,
        connections: args.connections,
    };
    let mut p99 = [0.0; 2];
    let (mut p50_ms, mut polls, mut poll_p99_ms) = (0.0, 0, 0.0);
    for (at, pollers) in [0, args.pollers].into_iter().enumerate() {
        // One of its own each time: the one plan is as full as the other.
        let concert = on_sale(ctx, args.seats).await?;
        until_drawn(ctx, concert).await?;
        let host = server.to_string();
        let post = |body| Request::new("POST", "/api/v1/tickets", &host).json(body);
        let orders = Orders::of(ctx, &[concert]);
        let orders = Arc::new(orders.bodies.into_iter().map(post).collect());
        let every = Duration::from_millis(args.every_ms);
        let (sales, seen) = tokio::join!(
            open_loop::offer(server, &orders, offer),
            poll(server, concert, HEADERS, pollers, duration, every),
        );
        let (sales, seen) = (sales?, seen?);
        p99[at] = latency_ms(&sales, duration, 0.99)?;
        p50_ms = latency_ms(&sales, duration, 0.5)?;
        (polls, poll_p99_ms) = (seen.count(200), seen.latency_ms(0.99));
    }
    Ok(Round {
        alone_ms: p99[0],
        watched_ms: p99[1],
        watched_p50_ms: p50_ms,
        polls,
        poll_p99_ms,
    })
}

fn latency_ms(sales: &Answers, duration: Duration, share: f64) -> anyhow::Result<f64> {
    let sold = sales.of(201, Duration::ZERO..Duration::MAX).count();
    if sold != sales.0.len() {
        bail!(
            "{} of {} purchases were not answered 201",
            sales.0.len() - sold,
            sales.0.len()
        );
    }
    Ok(sales.latency_ms(201, WARM..duration, share))
}

impl Round {
    fn ratio(&self) -> f64 {
        self.watched_ms / self.alone_ms
    }
}
