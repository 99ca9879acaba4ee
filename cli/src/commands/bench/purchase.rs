//! `bench purchase`: durable purchases against no-op JSON POSTs of the same server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use domain::concert::{Name, Status, parse_date};
use domain::concerts::{self, NewConcert};
use domain::tickets::{self, Order};
use domain::{Answered, ConcertId, Context, plans, size};
use futures::{StreamExt, stream};
use loadtest::{Report, Request, Script};
use serde_json::json;

use super::{Measured, Outcome, crowd, median, wrk};
use crate::args::PurchaseBenchArgs;
use crate::progress::Progress;
use crate::service::Tweaks;
use crate::{open_files, out};

/// Concerts whose sale is opened side by side.
const OPENED_AT_ONCE: usize = 16;
/// How long the plans of all concerts may take to be drawn.
const IDLE_WITHIN: Duration = Duration::from_mins(5);

/// Sells and does nothing by turns, and takes the median of the ratios.
pub(super) async fn run(args: &PurchaseBenchArgs) -> anyhow::Result<Outcome> {
    // The server and its clients are one process.
    if let Some(shortage) = open_files::shortage(2 * args.connections as usize) {
        bail!("--connections {}: {shortage}", args.connections);
    }
    let tweaks = Tweaks {
        baseline: true,
        ..Tweaks::default()
    };
    let (_folder, service) = super::start_as(&args.bench, tweaks, |config| {
        // Everybody is let in, however slow the disk is.
        config.admission.wait_max_ms = 60_000;
        config.admission.concert_share_percent = 100;
    })
    .await?;
    let mut pairs = Vec::new();
    let progress = Progress::start("measuring", u64::from(args.rounds) * 2);
    for round in 0..args.rounds {
        let ids = create_concerts(service.context(), args.concerts).await?;
        open_sales(service.context(), &ids).await?;
        until_idle(service.context()).await?;
        let mut orders = Orders::of(service.context(), &ids);
        if args.keyed {
            orders.keys = ids.first().map(ConcertId::to_string);
        }
        let orders = Arc::new(orders);
        let server = service.address();
        let noop = send(args, server, "/bench/noop", &orders).await?;
        progress.set(u64::from(round) * 2 + 1);
        let before = sold(service.context(), &ids).await?;
        let sales = send(args, server, "/api/v1/tickets", &orders).await?;
        let sold = sold(service.context(), &ids).await? - before;
        // An answer that was given before would be none that was paid for.
        ensure!(
            sold >= sales.answers,
            "{} answers were of {sold} tickets: some were given twice",
            sales.answers
        );
        progress.set(u64::from(round) * 2 + 2);
        pairs.push((sales, noop));
    }
    progress.done("done");
    service.stop().await?;
    Ok(outcome(args, &mut pairs))
}

/// What a generator measured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    /// Answers a second.
    pub(super) rate: f64,
    pub(super) answers: u64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
}

async fn send(
    args: &PurchaseBenchArgs,
    server: SocketAddr,
    path: &'static str,
    orders: &Arc<Orders>,
) -> anyhow::Result<Sent> {
    let length = Duration::from_secs(args.seconds);
    if args.wrk {
        return wrk::drive(server, path, orders, args.connections, length).await;
    }
    let report = drive(server, path, orders, args.connections, length).await?;
    if report.count(201) != report.by_status.values().sum::<u64>() {
        bail!(
            "not every POST {path} was answered with 201: {:?}",
            report.by_status
        );
    }
    Ok(Sent {
        rate: report.rate(),
        answers: report.count(201),
        p50_ms: report.latency_ms(0.5),
        p99_ms: report.latency_ms(0.99),
    })
}

/// The pair of the median ratio.
fn outcome(args: &PurchaseBenchArgs, pairs: &mut [(Sent, Sent)]) -> Outcome {
    pairs.sort_by(|a, b| {
        let ratio = |pair: &(Sent, Sent)| pair.0.rate / pair.1.rate;
        ratio(a).total_cmp(&ratio(b))
    });
    let (sales, noop) = pairs[pairs.len() / 2];
    let mut p99: Vec<_> = pairs.iter().map(|pair| pair.0.p99_ms).collect();
    let measured = Measured {
        value: sales.rate,
        unit: "purchases/s",
        baseline: noop.rate,
        p50_ms: sales.p50_ms,
        p99_ms: median(&mut p99),
    };
    let (engine, generator) = (
        args.bench.engine.name(),
        if args.wrk { "wrk" } else { "own" },
    );
    let keyed = if args.keyed { ", keyed" } else { "" };
    let line = |ratio| {
        format!(
            "purchase {engine}: ratio {ratio:.2} ({}/s durable ÷ {}/s no-op, p99 {:.1} ms; \
             concerts: {}, connections: {}, generator: {generator}{keyed})",
            out::rate(measured.value),
            out::rate(measured.baseline),
            measured.p99_ms,
            args.concerts,
            args.connections,
        )
    };
    Outcome::new("purchase", engine, &measured, line).with(json!({
        "concerts": args.concerts,
        "connections": args.connections,
        "generator": generator,
        "keyed": args.keyed,
    }))
}

pub(super) async fn create_concerts(ctx: &Context, count: u32) -> anyhow::Result<Vec<ConcertId>> {
    let mut ids = Vec::new();
    for _ in 0..count {
        let new = NewConcert {
            name: Name::parse("Benchmark").context("a name")?,
            venue: Name::parse("Hall").context("a venue")?,
            date: parse_date("2031-05-17").context("a day")?,
            capacity: seats(count),
            layout_id: None,
            status: Status::Active,
        };
        if let Answered::Now(offer) = concerts::create(ctx, new, None, None).await? {
            ids.push(offer.concert.id);
        }
    }
    Ok(ids)
}

/// Seats of each concert: all together as many as the largest one may have, but enough for the
/// measurement. Nobody puts a thousand halls with a million seats each on sale, and their plans
/// would be what is measured.
fn seats(concerts: u32) -> u32 {
    const SEATS_MIN: u32 = 5_000;
    (domain::seat::CAPACITY_MAX / concerts).max(SEATS_MIN)
}

/// Sells the first ticket of each concert, so that the sale is measured and not its opening.
async fn open_sales(ctx: &Context, concerts: &[ConcertId]) -> anyhow::Result<()> {
    let user_id = ctx.users.all().first().context("no user")?.id;
    let orders = concerts.iter().map(|&concert_id| Order {
        concert_id,
        user_id,
    });
    let mut bought = stream::iter(orders)
        .map(|order| tickets::buy(ctx, order, None))
        .buffer_unordered(OPENED_AT_ONCE);
    while let Some(ticket) = bought.next().await {
        ticket?;
    }
    Ok(())
}

async fn sold(ctx: &Context, ids: &[ConcertId]) -> anyhow::Result<u64> {
    let mut sold = 0;
    for &id in ids {
        sold += u64::from(concerts::find(ctx, id).await?.sold);
    }
    Ok(sold)
}

/// Waits until no job is left that the opening of sales or the round before has queued: plans that
/// are drawn beside the no-op would slow it down.
async fn until_idle(ctx: &Context) -> anyhow::Result<()> {
    let begun = Instant::now();
    // The marks first: they become jobs, and nothing becomes a mark.
    while plans::oldest_mark(ctx).await?.is_some()
        || size::measure(ctx.store.as_ref()).await?.jobs > 0
    {
        if begun.elapsed() > IDLE_WITHIN {
            bail!("jobs were still waiting after {IDLE_WITHIN:?}");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// What a crowd posts, in turn.
#[derive(Debug)]
pub(super) struct Orders {
    pub(super) bodies: Vec<String>,
    /// What the idempotency keys begin with, if there are any; no two are equal.
    pub(super) keys: Option<String>,
}

impl Orders {
    /// Orders that go round the concerts and the users.
    pub(super) fn of(ctx: &Context, concerts: &[ConcertId]) -> Self {
        let users = ctx.users.all();
        let bodies = (0..users.len().max(concerts.len()))
            .map(|at| {
                let (concert, user) = (concerts[at % concerts.len()], users[at % users.len()].id);
                format!(r#"{{"concert_id":"{concert}","user_id":"{user}"}}"#)
            })
            .collect();
        Self { bodies, keys: None }
    }
}

/// Posts the orders from many connections.
pub(super) async fn drive(
    server: SocketAddr,
    path: &'static str,
    orders: &Arc<Orders>,
    connections: u32,
    duration: Duration,
) -> anyhow::Result<Report<Buyer>> {
    let host = server.to_string();
    let buyers = (0..connections as usize)
        .map(|at| Buyer {
            path,
            host: host.clone(),
            orders: Arc::clone(orders),
            number: at,
            sent: 0,
        })
        .collect();
    crowd::run(server, buyers, duration).await
}

#[derive(Debug)]
pub(super) struct Buyer {
    path: &'static str,
    host: String,
    orders: Arc<Orders>,
    number: usize,
    sent: usize,
}

impl Script for Buyer {
    fn next(&mut self, request: &mut Vec<u8>) -> bool {
        let Orders { bodies, keys } = &*self.orders;
        let body = &bodies[(self.number * 7_919 + self.sent) % bodies.len()];
        let mut post = Request::new("POST", self.path, &self.host);
        if let Some(keys) = keys {
            let key = format!("{keys}-{}-{}", self.number, self.sent);
            post = post.header("Idempotency-Key", &key);
        }
        post.json(body.as_str()).write_to(request);
        self.sent += 1;
        true
    }

    fn answered(&mut self, _status: u16, _body: &[u8]) -> Duration {
        Duration::ZERO
    }
}
