//! `bench soak`: a steady load for a long time, and whether anything drifts: memory, open files,
//! the tables of the ledger and its bytes on disk, the time that purchases take.
//!
//! What is finished is kept for no time here, instead of a day, so that the tables which hold it
//! stay as small as the work under way, too, and a row that is never deleted shows.

mod plot;
mod printer;
mod samples;
mod trend;
mod verdict;

use std::sync::Arc;
use std::time::Duration;

use domain::{ConcertId, Context, size};
use loadtest::Request;

use self::samples::{Ear, watch};
use self::verdict::Soaked;
use super::Outcome;
use super::open_loop::{self, Offer};
use super::plans::{on_sale, poll};
use super::purchase::Orders;
use crate::args::SoakBenchArgs;
use crate::config::Config;
use crate::service::Tweaks;

/// Connections that buy.
const CONNECTIONS_MAX: u32 = 256;
/// How long before the end the last look is: connections are closed by those who have nothing
/// left to buy.
const CLOSING: Duration = Duration::from_secs(2);
/// Those who look at the plan of the concert, each once a second.
const POLLERS: u32 = 10;

/// Sells, prints and shows plans, and looks at the process meanwhile.
pub(super) async fn run(args: &SoakBenchArgs) -> anyhow::Result<Outcome> {
    let (folder, service) = super::start_as(&args.bench, Tweaks::default(), |config| {
        settings(config);
    })
    .await?;
    let (ctx, server) = (service.context(), service.address());
    let concerts = on_sale_for(ctx, args).await?;
    let host = server.to_string();
    let orders = Orders::of(ctx, &concerts);
    let post = |body: &String| Request::new("POST", "/api/v1/tickets", &host).json(body.as_str());
    let requests = Arc::new(orders.bodies.iter().map(post).collect());
    let offer = Offer {
        rate: f64::from(args.rate),
        duration: args.duration,
        // Each takes its next purchase up to a second before that is due.
        connections: args.rate.min(CONNECTIONS_MAX),
    };
    let (ear, second) = (Ear::default(), Duration::from_secs(1));
    let note = {
        let ear = ear.clone();
        move |answer| ear.note(answer)
    };
    let empty = size::measure(ctx.store.as_ref()).await?;
    let files = folder.path().join("files");
    let ((), plans, printed, samples) = tokio::try_join!(
        open_loop::offer_and_note(server, &requests, offer, note),
        poll(server, concerts[0], &[], POLLERS, args.duration, second),
        printer::visit(server, orders.bodies, args.prints, args.duration),
        watch(
            &service,
            &files,
            &ear,
            args.duration.saturating_sub(CLOSING)
        ),
    )?;
    service.stop().await?;
    if let Some(path) = &args.plot {
        plot::plot(path, &samples, &empty)?;
    }
    let soaked = Soaked {
        empty,
        samples,
        refused: ear.refused(),
        printed,
        polls: plans.count(200),
        concerts: concerts.len(),
    };
    Ok(soaked.outcome(args))
}

fn settings(config: &mut Config) {
    config.scheduler.finished_jobs_kept_hours = 0;
    config.scheduler.prune_interval_ms = 1_000;
    // A machine that is busy with other things is no drift: what Redis takes longer shows in p99.
    config.engine.redis_timeout_ms = 10_000;
}

/// As many concerts as have seats enough for everybody.
async fn on_sale_for(ctx: &Context, args: &SoakBenchArgs) -> anyhow::Result<Vec<ConcertId>> {
    /// More than are asked for, because buyers go round the concerts but not evenly.
    const SPARE: u64 = 1_000;
    let seats = u64::from(args.rate + args.prints) * (args.duration.as_secs() + 1) + SPARE;
    let concerts = seats.div_ceil(u64::from(domain::seat::CAPACITY_MAX) - SPARE);
    let each = seats / concerts + SPARE;
    let each = u32::try_from(each).unwrap_or(domain::seat::CAPACITY_MAX);
    let mut ids = Vec::new();
    for _ in 0..concerts {
        ids.push(on_sale(ctx, each.min(domain::seat::CAPACITY_MAX)).await?);
    }
    Ok(ids)
}
