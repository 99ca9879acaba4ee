//! `bench priority`: a crowd prints for tonight, on an idle system and then behind a backlog of
//! prints for later.

use std::time::{Duration, Instant};

use anyhow::bail;
use domain::ticket::PrintStatus;
use domain::{Context, TicketId, prints as use_case, tickets};
use futures::future::try_join_all;
use serde_json::json;

use super::prints::{self, SoldOut};
use super::{Measured, Outcome, ms, quantile};
use crate::args::PriorityBenchArgs;
use crate::progress::Progress;
use crate::service::Tweaks;

/// The most that the backlog may cost those who print for tonight.
const RATIO_MAX: f64 = 3.0;
/// In so many days is what the backlog is for.
const LATER: i64 = 90;
/// How long a crowd may wait before the benchmark gives up.
const TIMEOUT: Duration = Duration::from_mins(2);

/// Measures both and compares their 99th percentiles.
pub(super) async fn run(args: &PriorityBenchArgs) -> anyhow::Result<Outcome> {
    let (_folder, service) = super::start(&args.bench, Tweaks::default()).await?;
    let engine = args.bench.engine.name();
    let ctx = service.context();
    // The first crowd finds everything cold and is not counted.
    crowds(ctx, 1, args.urgent).await?;
    let mut idle = crowds(ctx, args.rounds, args.urgent).await?;

    let later = SoldOut::in_days(ctx, LATER, args.backlog).await?;
    later.order_prints(ctx).await?;
    let mut busy = crowds(ctx, args.rounds, args.urgent).await?;
    let left = prints::unfinished(ctx).await?;
    service.stop().await?;

    let measured = Measured {
        value: quantile(&mut busy, 0.99),
        unit: "ms",
        baseline: quantile(&mut idle, 0.99),
        p50_ms: quantile(&mut busy, 0.5),
        p99_ms: quantile(&mut busy, 0.99),
    };
    let outcome = Outcome::new("priority", engine, &measured, |ratio| {
        format!(
            "priority {engine}: ratio {ratio:.2} (p99 {:.0} ms until each of {} prints for tonight \
             is made behind {} for later ÷ {:.0} ms on an idle system; p50 {:.0} ÷ {:.0} ms; \
             {left} of the others still wait)",
            measured.value,
            args.urgent,
            args.backlog,
            measured.baseline,
            measured.p50_ms,
            quantile(&mut idle, 0.5),
        )
    });
    let ratio = outcome.ratio;
    Ok(outcome
        .claim(
            ratio <= RATIO_MAX,
            "the backlog keeps prints for tonight waiting",
        )
        .claim(
            left > 0,
            "the backlog was worked off meanwhile; try more --backlog",
        )
        .with(json!({
            "urgent": args.urgent,
            "backlog": args.backlog,
            "backlog_left": left,
            "rounds": args.rounds,
        })))
}

/// Crowds of so many tickets each, one after the other: milliseconds from each order to its print.
async fn crowds(ctx: &Context, rounds: u32, urgent: u32) -> anyhow::Result<Vec<f64>> {
    let progress = Progress::start("printing for tonight", u64::from(rounds));
    let mut waits = Vec::new();
    for round in 0..rounds {
        let tonight = SoldOut::in_days(ctx, 0, urgent).await?;
        let begun = Instant::now();
        let ordered = tonight.tickets.iter().map(async |&ticket| {
            use_case::request(ctx, ticket, None, None).await?;
            anyhow::Ok(ticket)
        });
        let ordered = try_join_all(ordered).await?;
        waits.extend(until_printed(ctx, begun, ordered).await?);
        progress.set(u64::from(round));
    }
    progress.done("all printed");
    Ok(waits)
}

async fn until_printed(
    ctx: &Context,
    begun: Instant,
    mut waiting: Vec<TicketId>,
) -> anyhow::Result<Vec<f64>> {
    let mut waits = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        if begun.elapsed() > TIMEOUT {
            bail!("{} prints for tonight were not made", waiting.len());
        }
        let mut still = Vec::with_capacity(waiting.len());
        for ticket in waiting {
            match tickets::find(ctx, ticket).await?.print_status() {
                PrintStatus::Printed => waits.push(ms(begun.elapsed())),
                PrintStatus::Pending => still.push(ticket),
                status => bail!("the print of ticket {ticket} reads {status:?}"),
            }
        }
        waiting = still;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(waits)
}
