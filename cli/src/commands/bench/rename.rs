//! `bench rename`: a concert with many printed tickets against one with a single ticket.

use std::time::Instant;

use anyhow::{Context as _, bail};
use chrono::TimeDelta;
use domain::concert::{Change, Name, Status, parse_date};
use domain::concerts::{self, NewConcert};
use domain::job::{NewJob, Outcome as JobOutcome, Queue, RenderTicket, Rota};
use domain::jobs;
use domain::ports::BATCH_MAX;
use domain::prints::Effect;
use domain::seat::SeatNo;
use domain::ticket::PrintStatus;
use domain::tickets::{self, NewTicket, TicketFilter};
use domain::{Answered, ConcertId, Context, JobId, TicketId, WorkerId};

use super::{Measured, Outcome, median, ms, quantile};
use crate::args::RenameBenchArgs;
use crate::progress::Progress;
use crate::service::Tweaks;

/// Renamings measured of each concert.
const RENAMINGS: usize = 100;

/// Prints tickets (without drawing them), then renames both concerts in turn.
pub(super) async fn run(args: &RenameBenchArgs) -> anyhow::Result<Outcome> {
    let (_folder, service) = super::start(
        &args.bench,
        Tweaks {
            no_workers: true,
            ..Tweaks::default()
        },
    )
    .await?;
    let engine = args.bench.engine.name();
    let ctx = service.context();
    let small = concert_with_prints(ctx, 1).await?;
    let large = concert_with_prints(ctx, args.tickets).await?;

    let (mut of_small, mut of_large) = (Vec::new(), Vec::new());
    for round in 0..RENAMINGS {
        of_small.push(rename(ctx, small, round).await?);
        of_large.push(rename(ctx, large, round).await?);
        if round == 0 {
            expect_prints(ctx, large, PrintStatus::NotPrinted, args.tickets).await?;
        }
    }
    let measured = Measured {
        value: median(&mut of_large),
        unit: "ms",
        baseline: median(&mut of_small),
        p50_ms: quantile(&mut of_large, 0.5),
        p99_ms: quantile(&mut of_large, 0.99),
    };
    service.stop().await?;
    Ok(Outcome::new("rename", engine, &measured, |ratio| {
        format!(
            "rename {engine}: ratio {ratio:.2} ({:.3} ms with {} printed tickets ÷ {:.3} ms with 1; \
             all read NOT_PRINTED at once)",
            measured.value, args.tickets, measured.baseline
        )
    }))
}

async fn rename(ctx: &Context, id: ConcertId, round: usize) -> anyhow::Result<f64> {
    let name = Name::parse(&format!("Bob on Ice {round}")).context("a name")?;
    let change = Change {
        name: Some(name),
        ..Change::default()
    };
    let begun = Instant::now();
    concerts::change(ctx, id, change, None, None).await?;
    Ok(ms(begun.elapsed()))
}

async fn concert_with_prints(ctx: &Context, count: u32) -> anyhow::Result<ConcertId> {
    let now = ctx.clock.now();
    let new = NewConcert {
        name: Name::parse("Elsa on Ice").context("a name")?,
        venue: Name::parse("Hall").context("a venue")?,
        date: parse_date("2031-05-17").context("a day")?,
        capacity: count,
        layout_id: None,
        status: Status::Active,
    };
    let Answered::Now(offer) = concerts::create(ctx, new, None, None).await? else {
        bail!("a request without a key has no earlier answer");
    };
    let id = offer.concert.id;
    let progress = Progress::start("printing tickets", u64::from(count));
    let seats: Vec<_> = (0..count).map(SeatNo).collect();
    for seats in seats.chunks(BATCH_MAX) {
        let tickets: Vec<_> = seats
            .iter()
            .map(|&seat| NewTicket {
                id: TicketId(ctx.ids.next()),
                concert_id: id,
                user_id: ctx.users.all()[seat.0 as usize % ctx.users.all().len()].id,
                seat,
                bought_at: now,
            })
            .collect();
        print(ctx, &tickets).await?;
        progress.set(u64::from(seats[0].0));
    }
    expect_prints(ctx, id, PrintStatus::Printed, count).await?;
    progress.done("all printed");
    Ok(id)
}

/// Sells and publishes tickets by the same statements as a sale and a worker, without files.
async fn print(ctx: &Context, new: &[NewTicket]) -> anyhow::Result<()> {
    let now = ctx.clock.now();
    let ids: Vec<_> = new.iter().map(|ticket| ticket.id).collect();
    let jobs_of: Vec<_> = ids
        .iter()
        .map(|&ticket_id| {
            NewJob::of(
                &RenderTicket::of(ticket_id, None),
                JobId(ctx.ids.next()),
                now + TimeDelta::days(99),
                now,
            )
        })
        .collect();
    let mut tx = ctx.store.begin().await?;
    tx.insert_tickets(new).await?;
    let sold = u32::try_from(new.len()).context("a batch is small")?;
    tx.record_sales(&[(new[0].concert_id, sold)], now).await?;
    tx.request_prints(&ids).await?;
    tx.insert_jobs(&jobs_of).await?;
    tx.commit().await?;

    let worker = WorkerId(ctx.ids.next());
    let batch = jobs::claim(ctx, Queue::Prints, sold, &mut Rota::default(), worker).await?;
    let settled = batch.jobs.iter().map(|job| async move {
        let ticket_id = domain::job::decode::<RenderTicket>(job)?.ticket_id;
        let effect = Effect::PublishPrint {
            ticket_id,
            version: 1,
        };
        jobs::settle(ctx, job, JobOutcome::Done, effect).await?;
        anyhow::Ok(())
    });
    futures::future::try_join_all(settled).await?;
    Ok(())
}

async fn expect_prints(
    ctx: &Context,
    concert: ConcertId,
    status: PrintStatus,
    count: u32,
) -> anyhow::Result<()> {
    let filter = TicketFilter {
        concert_id: Some(concert),
        user_id: None,
    };
    let (mut after, mut found) = (None, 0);
    loop {
        let page = tickets::list(ctx, filter, after, 1_000).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.cursor());
        if let Some(other) = page.iter().find(|ticket| ticket.print_status() != status) {
            bail!(
                "ticket {} reads {:?}, not {status:?}",
                other.id,
                other.print_status()
            );
        }
        found += page.len();
    }
    if found != count as usize {
        bail!("{found} tickets were found, not {count}");
    }
    Ok(())
}
