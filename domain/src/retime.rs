//! Prints that wait when their concert gets another date: their due time moves with it.
//!
//! The change itself writes one row and queues a [`RetimePrints`]; a job walks what waits, a page in
//! a transaction. Waiting prints of a concert are due when its day begins, so only those that are
//! due at that moment are looked at, found by the index that claims use.

use chrono::TimeDelta;

use crate::clock::Timestamp;
use crate::concert::Concert;
use crate::context::{Context, Parts};
use crate::error::Error;
use crate::ids::{ConcertId, JobId};
use crate::job::{Kind, NewJob, Queue, RenderTicket, RetimePrints, deadline, due_times};
use crate::ports::{DueAfter, StoreResult, View, Waiting};

/// Jobs that are looked at in one transaction.
const PAGE_MAX: u32 = 500;

/// A print that was ordered by the old date may be written a moment after the change. It is found
/// by a second walk, after longer than any such transaction lasts.
const AGAIN_AFTER: TimeDelta = TimeDelta::seconds(15);

/// A walk through the prints that wait for a concert.
#[derive(Debug)]
pub struct Retiming {
    concert_id: ConcertId,
    /// Where waiting prints of it may be, each a half-open interval of due times.
    intervals: Vec<(Timestamp, Timestamp)>,
    after: Option<DueAfter>,
    /// Jobs moved so far.
    pub moved: u64,
}

impl Retiming {
    /// A walk for a concert that was on another day before.
    pub fn of(ctx: &Context, job: &RetimePrints) -> Self {
        Self {
            concert_id: job.concert_id,
            intervals: due_times(job.date_before, ctx.clock.now()),
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
        let due_at = deadline(offer.concert.date, ctx.clock.now());
        let page = tx
            .list_waiting(Queue::Prints, (from, before), self.after, PAGE_MAX)
            .await?;
        let mut moving = Vec::new();
        for job in &page {
            if job.due_at != due_at && is_of(&mut *tx, job, self.concert_id).await? {
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

/// What a change of a concert has to queue, if its date is another one.
pub(crate) fn jobs_of(parts: &Parts, before: &Concert, after: &Concert) -> Vec<NewJob> {
    if before.date == after.date {
        return Vec::new();
    }
    let now = parts.clock.now();
    let kind = RetimePrints {
        concert_id: before.id,
        date_before: before.date,
    };
    let job = |run_at| NewJob {
        run_at,
        ..NewJob::of(&kind, JobId(parts.ids.next()), now, now)
    };
    vec![job(now), job(now + AGAIN_AFTER)]
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
