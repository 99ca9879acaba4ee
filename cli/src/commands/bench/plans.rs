//! `bench plans`: a crowd that polls seating plans, against no-op POSTs of the same server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use domain::concert::{Name, Status, parse_date};
use domain::concerts::{self, NewConcert};
use domain::{Answered, ConcertId, Context, plans};
use loadtest::{Report, Request, Script};

use super::prints::SoldOut;
use super::purchase::{Orders, drive};
use super::{Measured, Outcome, crowd};
use crate::args::PlansBenchArgs;
use crate::out;
use crate::progress::Progress;
use crate::service::Tweaks;

/// Seats of the plans.
const SEATS: [u32; 2] = [3_000, 80_000];

/// What a poller says of itself, by a name, and what it is answered.
type Poll = (&'static str, &'static [(&'static str, &'static str)], u16);

const POLLS: [Poll; 3] = [
    ("known", &[("If-None-Match", "*")], 304),
    (
        "zstd",
        &[("Accept-Encoding", "gzip, deflate, br, zstd")],
        200,
    ),
    ("gzip", &[("Accept-Encoding", "gzip")], 200),
];

/// Polls plans of both sizes, by pollers who have the plan already and by those who want it.
pub(super) async fn run(args: &PlansBenchArgs) -> anyhow::Result<Vec<Outcome>> {
    let tweaks = Tweaks {
        baseline: true,
        ..Tweaks::default()
    };
    let (_folder, service) = super::start(&args.bench, tweaks).await?;
    let (ctx, server) = (service.context(), service.address());
    let engine = args.bench.engine.name();
    let length = Duration::from_secs(args.seconds);
    let progress = Progress::start("measuring", (SEATS.len() * POLLS.len()) as u64);
    let mut outcomes = Vec::new();
    for seats in SEATS {
        let concert = SoldOut::in_days(ctx, 30, seats).await?.concert_id();
        until_drawn(ctx, concert).await?;
        let orders = Arc::new(Orders::of(ctx, &[concert]));
        for (what, headers, status) in POLLS {
            let noop = drive(server, "/bench/noop", &orders, args.pollers, length).await?;
            let polls = poll(
                server,
                concert,
                headers,
                args.pollers,
                length,
                Duration::ZERO,
            )
            .await?;
            let all: u64 = polls.by_status.values().sum();
            if polls.count(status) != all {
                bail!(
                    "not every poll was answered {status}: {:?}",
                    polls.by_status
                );
            }
            outcomes.push(outcome(engine, seats, what, &polls, noop.rate()));
            progress.set(outcomes.len() as u64);
        }
    }
    progress.done("done");
    service.stop().await?;
    Ok(outcomes)
}

fn outcome(
    engine: &'static str,
    seats: u32,
    what: &str,
    polls: &Report<Poller>,
    noop: f64,
) -> Outcome {
    let measured = Measured {
        value: polls.rate(),
        unit: "plans/s",
        baseline: noop,
        p50_ms: polls.latency_ms(0.5),
        p99_ms: polls.latency_ms(0.99),
    };
    let bytes = polls.scripts.iter().map(|poller| poller.bytes).max();
    Outcome::new("plans", engine, &measured, |ratio| {
        format!(
            "plans {engine}: ratio {ratio:.2} ({}/s plans of {seats} seats, {what}, {} bytes ÷ {}/s \
             no-op, p99 {:.1} ms)",
            out::rate(measured.value),
            bytes.unwrap_or(0),
            out::rate(measured.baseline),
            measured.p99_ms
        )
    })
}

/// A concert on sale.
pub(super) async fn on_sale(ctx: &Context, capacity: u32) -> anyhow::Result<ConcertId> {
    let new = NewConcert {
        name: Name::parse("Elsa on Ice").context("a name")?,
        venue: Name::parse("Hall").context("a venue")?,
        date: parse_date("2031-05-17").context("a day")?,
        capacity,
        layout_id: None,
        status: Status::Active,
    };
    match concerts::create(ctx, new, None, None).await? {
        Answered::Now(offer) => Ok(offer.concert.id),
        Answered::Before(_) => bail!("a request without a key has no earlier answer"),
    }
}

/// Waits for a plan with everything that was sold.
pub(super) async fn until_drawn(ctx: &Context, concert: ConcertId) -> anyhow::Result<()> {
    for _ in 0..600 {
        let offer = concerts::find(ctx, concert).await?;
        let plan = plans::current(ctx, concert).await?;
        if plan.is_some_and(|plan| plan.sold == offer.sold) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("the seating plan was not drawn within a minute")
}

/// Polls a plan from many connections.
pub(super) async fn poll(
    server: SocketAddr,
    concert: ConcertId,
    headers: &[(&str, &str)],
    pollers: u32,
    duration: Duration,
    every: Duration,
) -> anyhow::Result<Report<Poller>> {
    let path = format!("/api/v1/concerts/{concert}/seats");
    let mut request = Request::new("GET", &path, &server.to_string());
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let poller = Poller {
        request,
        every,
        bytes: 0,
    };
    let pollers = vec![poller; pollers as usize];
    crowd::run(server, pollers, duration).await
}

/// Somebody who looks at a plan again and again.
#[derive(Debug, Clone)]
pub(super) struct Poller {
    request: Request,
    every: Duration,
    /// Of the last plan.
    bytes: usize,
}

impl Script for Poller {
    fn next(&mut self, request: &mut Vec<u8>) -> bool {
        self.request.write_to(request);
        true
    }

    fn answered(&mut self, _status: u16, body: &[u8]) -> Duration {
        self.bytes = body.len();
        self.every
    }
}
