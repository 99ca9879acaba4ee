//! `bench growth`: purchases on a ledger with millions of tickets, against the empty one. Also how
//! soon a server on the full one sells, and what its longest list takes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use domain::seat::SeatNo;
use domain::{ConcertId, Context};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::plans::on_sale;
use super::prints::sell;
use super::purchase::{Orders, create_concerts, drive};
use super::{Measured, Outcome, median, ms, resources};
use crate::args::GrowthBenchArgs;
use crate::out;
use crate::progress::Progress;
use crate::service::{Service, Tweaks};

/// What memory may grow by while everything is listed.
const LIST_GROWTH_MAX: u64 = 64 * 1_024 * 1_024;
/// How long the first purchases of every concert may take after a start.
const FIRST_SALES_MAX: Duration = Duration::from_secs(10);

/// Rates at one size of the ledger, by the second.
struct Pace {
    sales: f64,
    noop: f64,
    p50_ms: f64,
    p99_ms: f64,
}

/// What a server on the full ledger takes.
struct Full {
    ready_ms: f64,
    first_sales_ms: f64,
    list_s: f64,
    list_bytes: u64,
    list_grown: u64,
}

/// Sells on the empty ledger, fills it, starts anew, and sells again.
pub(super) async fn run(args: &GrowthBenchArgs) -> anyhow::Result<Outcome> {
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let config = super::configure(&args.bench, folder.path()).await?;
    let tweaks = Tweaks {
        baseline: true,
        no_workers: true,
        ..Tweaks::default()
    };
    let service = Service::start(&config, tweaks.clone()).await?;
    let empty = pace(&service, args).await?;
    let filling = Instant::now();
    let concerts = fill(service.context(), args).await?;
    let filled_s = filling.elapsed().as_secs_f64();
    service.stop().await?;

    let starting = Instant::now();
    let service = Service::start(&config, tweaks).await?;
    let ready_ms = ms(starting.elapsed());
    let first_sales_ms = first_sales(&service, &concerts).await?;
    let loaded = pace(&service, args).await?;
    let before = resources::memory()?;
    let (list_bytes, list_s, most) = list_all(service.address()).await?;
    service.stop().await?;
    let full = Full {
        ready_ms,
        first_sales_ms,
        list_s,
        list_bytes,
        list_grown: most.saturating_sub(before),
    };
    Ok(outcome(args, &empty, &loaded, &full, filled_s))
}

fn outcome(
    args: &GrowthBenchArgs,
    empty: &Pace,
    loaded: &Pace,
    full: &Full,
    filled_s: f64,
) -> Outcome {
    let engine = args.bench.engine.name();
    // What the machine did at the time is divided out.
    let measured = Measured {
        value: loaded.sales / loaded.noop,
        unit: "of no-op",
        baseline: empty.sales / empty.noop,
        p50_ms: loaded.p50_ms,
        p99_ms: loaded.p99_ms,
    };
    let line = |ratio| {
        format!(
            "growth {engine}: ratio {ratio:.2} ({}/s purchases at {} tickets, {:.2} of no-op ÷ {}/s \
             on an empty ledger, {:.2} of no-op; p99 {:.1} ms ÷ {:.1} ms; after a start ready in \
             {:.0} ms, all {} concerts on sale in {:.0} ms; all tickets listed in {:.1} s, {} MiB, \
             memory +{} MiB)",
            out::rate(loaded.sales),
            args.tickets,
            measured.value,
            out::rate(empty.sales),
            measured.baseline,
            loaded.p99_ms,
            empty.p99_ms,
            full.ready_ms,
            args.concerts,
            full.first_sales_ms,
            full.list_s,
            full.list_bytes >> 20,
            full.list_grown >> 20,
        )
    };
    let ratio = measured.value / measured.baseline;
    Outcome::new("growth", engine, &measured, line)
        .claim(ratio >= 0.9, "purchases are slower on a full ledger")
        .claim(
            full.first_sales_ms <= ms(FIRST_SALES_MAX),
            "the first purchases after a start took too long",
        )
        .claim(
            full.list_grown <= LIST_GROWTH_MAX,
            "memory grew with the list of all tickets",
        )
        .with(json!({
            "tickets": args.tickets,
            "concerts": args.concerts,
            "filled_s": filled_s,
            "sales": loaded.sales,
            "sales_empty": empty.sales,
            "p99_empty_ms": empty.p99_ms,
            "ready_ms": full.ready_ms,
            "first_sales_ms": full.first_sales_ms,
            "list_s": full.list_s,
            "list_bytes": full.list_bytes,
            "list_memory_grown_bytes": full.list_grown,
        }))
}

/// Medians of some rounds of purchases and of doing nothing.
async fn pace(service: &Service, args: &GrowthBenchArgs) -> anyhow::Result<Pace> {
    let (server, length) = (service.address(), Duration::from_secs(args.seconds));
    let mut rounds = [const { Vec::new() }; 4];
    for _ in 0..args.rounds {
        let concerts = create_concerts(service.context(), 1).await?;
        let orders = Arc::new(Orders::of(service.context(), &concerts));
        let noop = drive(server, "/bench/noop", &orders, args.connections, length).await?;
        let sales = drive(server, "/api/v1/tickets", &orders, args.connections, length).await?;
        let seen = [
            sales.rate(),
            noop.rate(),
            sales.latency_ms(0.5),
            sales.latency_ms(0.99),
        ];
        for (values, value) in rounds.iter_mut().zip(seen) {
            values.push(value);
        }
    }
    let [sales, noop, p50_ms, p99_ms] = rounds.map(|mut values| median(&mut values));
    Ok(Pace {
        sales,
        noop,
        p50_ms,
        p99_ms,
    })
}

/// Sells nearly all of some concerts by the statements of a sale, many in a transaction.
async fn fill(ctx: &Context, args: &GrowthBenchArgs) -> anyhow::Result<Vec<ConcertId>> {
    let each = args.tickets.div_ceil(args.concerts);
    let progress = Progress::start("selling", args.tickets.into());
    let (mut concerts, mut sold) = (Vec::new(), 0);
    for _ in 0..args.concerts {
        let concert = on_sale(ctx, each + 1_000).await?;
        let seats: Vec<_> = (0..each).map(SeatNo).collect();
        for seats in seats.chunks(domain::ports::BATCH_MAX) {
            sold += sell(ctx, concert, seats).await?.len() as u64;
            progress.set(sold);
        }
        concerts.push(concert);
    }
    progress.done("sold");
    Ok(concerts)
}

/// A crowd buys from every concert at once; how long until all have their tickets, in
/// milliseconds.
async fn first_sales(service: &Service, concerts: &[ConcertId]) -> anyhow::Result<f64> {
    let ctx = service.context();
    let users = ctx.users.all();
    let begun = Instant::now();
    let buyers = (0..concerts.len() * 20).map(|buyer| {
        let order = domain::tickets::Order {
            concert_id: concerts[buyer % concerts.len()],
            user_id: users[buyer % users.len()].id,
        };
        let ctx = Arc::clone(ctx);
        tokio::spawn(async move { domain::tickets::buy(&ctx, order, None).await })
    });
    for bought in futures::future::join_all(buyers.collect::<Vec<_>>()).await {
        bought??;
    }
    Ok(ms(begun.elapsed()))
}

/// Reads the list of all tickets and forgets it; its bytes, how long it took in seconds, and the
/// most memory that the process had meanwhile.
async fn list_all(server: SocketAddr) -> anyhow::Result<(u64, f64, u64)> {
    const END: &[u8] = b"]\r\n0\r\n\r\n";
    let begun = Instant::now();
    let mut stream = TcpStream::connect(server).await?;
    let request =
        format!("GET /api/v1/tickets HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let (mut bytes, mut most, mut reads) = (0, 0, 0_u32);
    let mut piece = vec![0; 256 * 1_024];
    let mut tail = Vec::new();
    loop {
        let read = stream.read(&mut piece).await?;
        if read == 0 {
            break;
        }
        bytes += read as u64;
        tail.extend_from_slice(&piece[read.saturating_sub(END.len())..read]);
        tail.drain(..tail.len().saturating_sub(END.len()));
        if reads.is_multiple_of(256) {
            most = resources::memory()?.max(most);
        }
        reads += 1;
    }
    if tail != END {
        bail!("the list of all tickets broke off");
    }
    Ok((bytes, begun.elapsed().as_secs_f64(), most))
}
