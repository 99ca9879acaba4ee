//! `bench downloads`: a crowd that downloads its tickets, against no-op POSTs of the same server,
//! and what memory that takes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use domain::{Context, TicketId};
use loadtest::{Report, Request, Script};
use serde_json::json;

use super::prints::{SoldOut, unfinished};
use super::purchase::{Orders, drive};
use super::{Measured, Outcome, crowd, resources};
use crate::args::DownloadsBenchArgs;
use crate::out;
use crate::progress::Progress;
use crate::service::Tweaks;

/// What memory may grow by besides the tickets that are under way: those who send them and those
/// who receive them, both in this process, have one in hand for each connection.
const GROWTH_MAX: u64 = 128 << 20;
/// How long the tickets may take to be drawn.
const DRAWN_WITHIN: Duration = Duration::from_mins(10);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Has tickets printed, and downloads them over and over.
pub(super) async fn run(args: &DownloadsBenchArgs) -> anyhow::Result<Outcome> {
    let tweaks = Tweaks {
        baseline: true,
        ..Tweaks::default()
    };
    let (_folder, service) = super::start(&args.bench, tweaks).await?;
    let (ctx, server) = (service.context(), service.address());
    let concert = SoldOut::in_days(ctx, 30, args.tickets).await?;
    concert.order_prints(ctx).await?;
    until_drawn(ctx, args.tickets).await?;

    let length = Duration::from_secs(args.seconds);
    let progress = Progress::start("measuring", 2);
    let orders = Arc::new(Orders::of(ctx, &[concert.concert_id()]));
    // It also opens as many connections, whose memory is not that of downloads.
    let noop = drive(server, "/bench/noop", &orders, args.connections, length).await?;
    progress.set(1);
    let before = resources::memory()?;
    let prints = Arc::new(concert.tickets);
    let buyers = (0..args.connections as usize)
        .map(|at| Downloader {
            prints: Arc::clone(&prints),
            host: server.to_string(),
            next: at * 7_919,
            bytes: 0,
        })
        .collect();
    let mut downloading = std::pin::pin!(crowd::run(server, buyers, length));
    let mut most = before;
    let downloads = loop {
        most = most.max(resources::memory()?);
        tokio::select! {
            downloads = &mut downloading => break downloads?,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    };
    most = most.max(resources::memory()?);
    progress.done("done");
    service.stop().await?;

    let all: u64 = downloads.by_status.values().sum();
    if downloads.count(200) != all {
        bail!("not every ticket was downloaded: {:?}", downloads.by_status);
    }
    let grown = most.saturating_sub(before);
    Ok(outcome(args, &downloads, noop.rate(), before, grown))
}

fn outcome(
    args: &DownloadsBenchArgs,
    downloads: &Report<Downloader>,
    noop: f64,
    before: u64,
    grown: u64,
) -> Outcome {
    let engine = args.bench.engine.name();
    let measured = Measured {
        value: downloads.rate(),
        unit: "downloads/s",
        baseline: noop,
        p50_ms: downloads.latency_ms(0.5),
        p99_ms: downloads.latency_ms(0.99),
    };
    let bytes = downloads.scripts.iter().map(|one| one.bytes).max();
    let bytes = bytes.unwrap_or(0) as u64;
    let under_way = 2 * u64::from(args.connections) * bytes;
    let line = |ratio| {
        format!(
            "downloads {engine}: ratio {ratio:.2} ({}/s tickets of {} KiB over {} connections ÷ \
             {}/s no-op, p99 {:.1} ms; memory +{} MiB, {} before)",
            out::rate(measured.value),
            bytes >> 10,
            args.connections,
            out::rate(measured.baseline),
            measured.p99_ms,
            grown >> 20,
            before >> 20,
        )
    };
    Outcome::new("downloads", engine, &measured, line)
        .claim(
            grown <= GROWTH_MAX + under_way,
            "memory grew with the crowd that downloads",
        )
        .with(json!({
            "connections": args.connections,
            "tickets": args.tickets,
            "print_bytes": bytes,
            "memory_before_bytes": before,
            "memory_grown_bytes": grown,
        }))
}

async fn until_drawn(ctx: &Context, tickets: u32) -> anyhow::Result<()> {
    let (progress, begun) = (
        Progress::start("drawing tickets", tickets.into()),
        Instant::now(),
    );
    loop {
        let left = unfinished(ctx).await?;
        progress.set(u64::from(tickets).saturating_sub(left));
        if left == 0 {
            progress.done("all drawn");
            return Ok(());
        }
        if begun.elapsed() > DRAWN_WITHIN {
            bail!("{left} tickets were not drawn within {DRAWN_WITHIN:?}; try fewer --tickets");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// A connection that downloads one ticket after the other.
#[derive(Debug)]
struct Downloader {
    prints: Arc<Vec<TicketId>>,
    host: String,
    next: usize,
    /// Of the last ticket.
    bytes: usize,
}

impl Script for Downloader {
    fn next(&mut self, request: &mut Vec<u8>) -> bool {
        let ticket = self.prints[self.next % self.prints.len()];
        self.next += 1;
        let path = format!("/api/v1/tickets/{ticket}/print");
        Request::new("GET", &path, &self.host).write_to(request);
        true
    }

    fn answered(&mut self, _status: u16, body: &[u8]) -> Duration {
        self.bytes = body.len();
        Duration::ZERO
    }
}
