//! Creating, changing and finding concerts.

use std::sync::Arc;

use chrono::NaiveDate;

use crate::concert::{Change, Concert, Name, Offer, Status};
use crate::context::Context;
use crate::error::{Error, Refusal};
use crate::hours;
use crate::ids::{ConcertId, JobId, LayoutId};
use crate::job::{NewJob, Queue, RenderPlan};
use crate::keys::{self, Answered, KEPT_FOR, Keyed};
use crate::retime;
use crate::show::Showtime;

/// A concert to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConcert {
    /// What is played.
    pub name: Name,
    /// Where.
    pub venue: Name,
    /// The day.
    pub date: NaiveDate,
    /// Seats.
    pub capacity: u32,
    /// A layout with just so many seats.
    pub layout_id: Option<LayoutId>,
    /// Whether it is on sale.
    pub status: Status,
}

/// Times that a change is tried again when another one came in between.
pub(crate) const CHANGE_TRIES_MAX: u32 = 16;

/// Creates a concert and queues its first seating plan, durably.
pub async fn create(
    ctx: &Context,
    new: NewConcert,
    trace: Option<&str>,
    keyed: Option<Keyed<Offer>>,
) -> Result<Answered<Offer>, Error> {
    let now = ctx.clock.now();
    let concert = Concert {
        id: ConcertId(ctx.ids.next()),
        name: new.name,
        venue: new.venue,
        date: new.date,
        capacity: new.capacity,
        layout_id: new.layout_id,
        status: new.status,
        version: 1,
        created_at: now,
    };
    let offer = Offer { concert, sold: 0 };
    let mut tx = ctx.store.begin().await?;
    if let Some(keyed) = &keyed {
        let stored = keyed.stored(&offer, now);
        if tx.insert_keys(&[stored], now - KEPT_FOR).await? == [false] {
            drop(tx);
            return keys::replay(ctx, keyed).await;
        }
    }
    tx.insert_concert(&offer.concert).await?;
    tx.insert_jobs(&[plan_job(ctx, offer.concert.id).traced(trace)])
        .await?;
    tx.commit().await?;
    ctx.concerts().put(offer.concert.clone());
    ctx.wakeups.wake(Queue::Plans);
    Ok(Answered::Now(offer))
}

/// Changes a concert, if `expected` (when given) is its version. One row is written, whatever the
/// number of tickets: their prints are void because they show another version. Prints that wait get
/// their new due time from a job. A day that does not have the hours of the show, or has them twice,
/// is refused ([`Refusal::HoursThen`]).
pub async fn change(
    ctx: &Context,
    id: ConcertId,
    change: Change,
    expected: Option<u32>,
    trace: Option<&str>,
) -> Result<Offer, Error> {
    for _ in 0..CHANGE_TRIES_MAX {
        let mut tx = ctx.store.begin().await?;
        let offer = tx.find_offer(id).await?.ok_or(Error::NotFound("concert"))?;
        let current = offer.concert.version;
        if expected.is_some_and(|expected| expected != current) {
            return Err(Error::VersionMoved { current });
        }
        if change.is_empty() {
            return Ok(offer);
        }
        let changed = offer.concert.changed(change.clone());
        // A show that is said meanwhile makes another version, which is compared below.
        let show = tx.find_show(id).await?.unwrap_or_default();
        if changed.date != offer.concert.date {
            hours::check(&show, changed.date)
                .map_err(|wrong| Error::Refused(Refusal::HoursThen(wrong)))?;
        }
        if !tx.update_concert(current, &changed).await? {
            continue;
        }
        let [before, after] =
            [&offer.concert, &changed].map(|concert| Showtime::of(concert.date, &show));
        let mut jobs = retime::jobs_of(ctx, id, &before, &after);
        let retimes = !jobs.is_empty();
        jobs.push(plan_job(ctx, id).traced(trace));
        tx.insert_jobs(&jobs).await?;
        tx.commit().await?;
        ctx.concerts().put(changed.clone());
        ctx.wakeups.wake(Queue::Plans);
        if retimes {
            ctx.wakeups.wake(Queue::System);
        }
        metrics::counter!("ticketoverflow_concert_changes_total").increment(1);
        return Ok(Offer {
            concert: changed,
            sold: offer.sold,
        });
    }
    Err(Error::Busy)
}

/// The concert of that id with what is sold of it. A crowd that asks for it shares looks.
pub async fn find(ctx: &Context, id: ConcertId) -> Result<Offer, Error> {
    let look = || async { Ok(ctx.store.read().await?.find_offer(id).await?) };
    let found = ctx.offers.share(id, look).await?;
    found.ok_or(Error::NotFound("concert"))
}

/// Up to `max` concerts in the order of their creation; a page of fewer is the last one.
pub async fn list(ctx: &Context, after: Option<ConcertId>, max: u32) -> Result<Vec<Offer>, Error> {
    Ok(ctx.store.read().await?.list_offers(after, max).await?)
}

/// The newest concerts, `max` at most, the newest first.
pub async fn newest(ctx: &Context, max: u32) -> Result<Vec<Offer>, Error> {
    Ok(ctx
        .store
        .read()
        .await?
        .list_offers_before(None, max)
        .await?)
}

/// The concert as last seen by this process, which may be out of date.
pub(crate) async fn cached(ctx: &Context, id: ConcertId) -> Result<Arc<Concert>, Error> {
    if let Some(concert) = ctx.concerts().get(id) {
        return Ok(concert);
    }
    let offer = Box::pin(find(ctx, id)).await?;
    Ok(ctx.concerts().put(offer.concert))
}

/// Plans are wanted at once; their order is the order of asking.
pub(crate) fn plan_job(parts: &crate::context::Parts, concert_id: ConcertId) -> NewJob {
    let now = parts.clock.now();
    NewJob::of(
        &RenderPlan { concert_id },
        JobId(parts.ids.next()),
        now,
        now,
    )
}
