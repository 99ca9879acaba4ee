//! Prints that wait when their concert gets another date, hour or zone: their due time moves with it.
//!
//! The change itself writes one row and queues a [`RetimePrints`]; a job walks what waits, a page in
//! a transaction. Waiting prints of a concert are due when its show begins, so only those that are
//! due at that moment are looked at, found by the index that claims use.

use chrono::TimeDelta;

use crate::clock::Timestamp;
use crate::context::{Context, Parts};
use crate::error::Error;
use crate::ids::{ConcertId, JobId};
use crate::job::{Kind, NewJob, Queue, RenderTicket, RetimePrints};
use crate::ports::{DueAfter, StoreResult, View, Waiting};
use crate::show::{DueTimes, Showtime};

/// Jobs that are looked at in one transaction.
const PAGE_MAX: u32 = 500;

/// A print that was ordered by the old date may be written a moment after the change. It is found
/// by a second walk, after longer than any such transaction lasts.
const AGAIN_AFTER: TimeDelta = TimeDelta::seconds(15);

/// A walk through the prints that wait for a concert.
#[derive(Debug)]
pub struct Retiming {
    concert_id: ConcertId,
    /// Where waiting prints of it may be.
    intervals: DueTimes,
    after: Option<DueAfter>,
    /// Jobs moved so far.
    pub moved: u64,
}

impl Retiming {
    /// A walk for a concert whose show was to be at another time before.
    pub fn of(job: &RetimePrints) -> Self {
        Self {
            concert_id: job.concert_id,
            intervals: job.before().due_times(),
            after: None,
            moved: 0,
        }
    }

    /// Goes one page further; `false` when nothing is left.
    pub async fn step(&mut self, ctx: &Context) -> Result<bool, Error> {
        let Some(&(from, before)) = self.intervals.last() else {
            return Ok(false);
        };
        let mut tx = ctx.store.begin().await?;
        let Some(offer) = tx.find_offer(self.concert_id).await? else {
            return Ok(false);
        };
        // As it is now: it may have changed once more.
        let said = tx.find_show(self.concert_id).await?.unwrap_or_default();
        let show = Showtime::of(offer.concert.date, &said);
        let due_at = show.due_at(ctx.clock.now());
        let page = tx
            .list_waiting(Queue::Prints, (from, before), self.after, PAGE_MAX)
            .await?;
        let mut moving = Vec::new();
        for job in &page {
            if job.due_at != due_at
                && !is_late(&show, job.due_at, due_at)
                && is_of(&mut *tx, job, self.concert_id).await?
            {
                moving.push(job.id);
            }
        }
        if !moving.is_empty() {
            let moved = tx.retime_jobs(&moving, due_at).await?;
            tx.commit().await?;
            self.moved += u64::from(moved);
            // Perhaps they are more urgent than what is waited for.
            ctx.wakeups.wake(Queue::Prints);
        }
        self.after = page.last().map(|last| (last.due_at, last.id));
        if page.len() < PAGE_MAX as usize {
            self.intervals.pop();
            self.after = None;
        }
        Ok(!self.intervals.is_empty())
    }
}

/// What a change of a concert has to queue, if its show is to be at another time.
pub(crate) fn jobs_of(
    parts: &Parts,
    id: ConcertId,
    before: &Showtime,
    after: &Showtime,
) -> Vec<NewJob> {
    if before == after {
        return Vec::new();
    }
    let now = parts.clock.now();
    let kind = RetimePrints::of(id, before);
    let job = |run_at| NewJob {
        run_at,
        ..NewJob::of(&kind, JobId(parts.ids.next()), now, now)
    };
    vec![job(now), job(now + AGAIN_AFTER)]
}

/// Whether a print for a show that is over is due late already: how late does not matter.
fn is_late(show: &Showtime, due_at: Timestamp, wanted_at: Timestamp) -> bool {
    show.is_late(wanted_at) && show.is_late(due_at)
}

/// Whether a waiting job prints a ticket of a concert. Jobs of an earlier version do not say so
/// themselves.
async fn is_of(view: &mut (impl View + ?Sized), job: &Waiting, id: ConcertId) -> StoreResult<bool> {
    if job.kind != RenderTicket::NAME {
        return Ok(false);
    }
    let Ok(print) = serde_json::from_str::<RenderTicket>(&job.args) else {
        return Ok(false);
    };
    if let Some(concert_id) = print.concert_id {
        return Ok(concert_id == id);
    }
    let ticket = view.find_ticket(print.ticket_id).await?;
    Ok(ticket.is_some_and(|ticket| ticket.concert_id == id))
}
