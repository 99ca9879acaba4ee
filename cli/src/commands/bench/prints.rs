//! Tickets to print, for the benchmarks: sold and ordered by the use cases' own statements, many
//! in a transaction.

use anyhow::{Context as _, bail};
use chrono::TimeDelta;
use domain::concert::{Name, Status};
use domain::concerts::{self, NewConcert};
use domain::job::{NewJob, Queue, RenderTicket};
use domain::ports::BATCH_MAX;
use domain::seat::SeatNo;
use domain::show::Showtime;
use domain::tickets::NewTicket;
use domain::{Answered, ConcertId, Context, JobId, TicketId};

use crate::progress::Progress;

/// A concert in so many days, all of whose tickets are sold.
pub(super) struct SoldOut {
    days: i64,
    concert_id: ConcertId,
    /// Its tickets.
    pub(super) tickets: Vec<TicketId>,
}

impl SoldOut {
    /// Sells every ticket of a new concert.
    pub(super) async fn in_days(ctx: &Context, days: i64, capacity: u32) -> anyhow::Result<Self> {
        let new = NewConcert {
            name: Name::parse("Elsa on Ice").context("a name")?,
            venue: Name::parse("Hall").context("a venue")?,
            date: ctx.clock.now().date_naive() + TimeDelta::days(days),
            capacity,
            layout_id: None,
            status: Status::Active,
        };
        let Answered::Now(offer) = concerts::create(ctx, new, None, None).await? else {
            bail!("a request without a key has no earlier answer");
        };
        let seats: Vec<_> = (0..capacity).map(SeatNo).collect();
        let mut tickets = Vec::with_capacity(seats.len());
        for seats in seats.chunks(BATCH_MAX) {
            tickets.extend(sell(ctx, offer.concert.id, seats).await?);
        }
        Ok(Self {
            days,
            concert_id: offer.concert.id,
            tickets,
        })
    }

    /// The concert.
    pub(super) fn concert_id(&self) -> ConcertId {
        self.concert_id
    }

    /// Orders a print of each ticket.
    pub(super) async fn order_prints(&self, ctx: &Context) -> anyhow::Result<()> {
        let progress = Progress::start("ordering prints", self.tickets.len() as u64);
        let mut ordered = 0;
        for tickets in self.tickets.chunks(BATCH_MAX) {
            let now = ctx.clock.now();
            let due_at = Showtime::on(now.date_naive() + TimeDelta::days(self.days)).due_at(now);
            let job = |&ticket_id| {
                let id = JobId(ctx.ids.next());
                NewJob::of(
                    &RenderTicket::of(ticket_id, self.concert_id),
                    id,
                    due_at,
                    now,
                )
            };
            let jobs: Vec<_> = tickets.iter().map(job).collect();
            let mut tx = ctx.store.begin().await?;
            tx.request_prints(tickets).await?;
            tx.insert_jobs(&jobs).await?;
            tx.commit().await?;
            ctx.wakeups.wake(Queue::Prints);
            ordered += tickets.len() as u64;
            progress.set(ordered);
        }
        progress.done("all ordered");
        Ok(())
    }
}

/// Prints that wait or are being made.
pub(super) async fn unfinished(ctx: &Context) -> anyhow::Result<u64> {
    let depths = ctx.store.read().await?.count_jobs(ctx.clock.now()).await?;
    let live = depths
        .iter()
        .filter(|depth| depth.queue == Queue::Prints && !depth.state.is_finished());
    Ok(live.map(|depth| depth.jobs).sum())
}

pub(super) async fn sell(
    ctx: &Context,
    id: ConcertId,
    seats: &[SeatNo],
) -> anyhow::Result<Vec<TicketId>> {
    let (now, users) = (ctx.clock.now(), ctx.users.all());
    let new: Vec<_> = seats
        .iter()
        .map(|&seat| NewTicket {
            id: TicketId(ctx.ids.next()),
            concert_id: id,
            user_id: users[seat.0 as usize % users.len()].id,
            seat,
            bought_at: now,
        })
        .collect();
    let sold = u32::try_from(new.len()).context("a batch is small")?;
    let mut tx = ctx.store.begin().await?;
    tx.insert_tickets(&new).await?;
    tx.record_sales(&[(id, sold)], now).await?;
    tx.commit().await?;
    Ok(new.iter().map(|ticket| ticket.id).collect())
}
