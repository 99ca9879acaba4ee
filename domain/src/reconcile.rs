//! Rebuilds seat counters from the ledger: when a concert is first sold here, when a counter was
//! caught out, and when a count does not add up.
//!
//! The invariant is `sold + held + free = capacity`.

use std::collections::HashMap;
use std::sync::Arc;

use crate::concert::Concert;
use crate::context::{Context, Parts};
use crate::error::Error;
use crate::ids::ConcertId;
use crate::ports::{Counted, Epoch, Stock, StoreResult, View};
use crate::seat::SeatNo;

/// Seats read at a time while looking for holes.
const PAGE: u32 = 10_000;

/// Concerts that one round looks at, beside those that are to be looked at again: in Redis a count
/// asks every bucket.
const LOOKS_MAX: usize = 64;

/// Concerts with which a round may fail. With so many it is the ledger or Redis that is away.
const FAILURES_MAX: usize = 3;

/// Seats sold by the ledger, and what the counters had counted.
type Suspect = (u32, Counted);

/// What a look at a concert's counters found.
enum Found {
    Right,
    /// Something was sold since the last look, or this was the first. What is held may be on its
    /// way, and what is wrong shows when the sale stops, so nothing was counted.
    Sells,
    Suspect(Suspect),
    Rebuilt,
}

/// What a reconciler remembers from one round to the next.
#[derive(Debug, Default)]
pub struct Reconciler {
    /// What the ledger had sold of each concert at the last look at it.
    sold: HashMap<ConcertId, u32>,
    /// Those to look at again. Nothing is known of one that was selling.
    again: HashMap<ConcertId, Option<Suspect>>,
    /// The concert that was looked at last; the next round goes on behind it.
    last: Option<ConcertId>,
}

impl Reconciler {
    /// Compares the counters of concerts sold here with the ledger, [`LOOKS_MAX`] at a time and in
    /// turn, and rebuilds those that were wrong in the same way twice running: a sale in flight
    /// looks wrong only once. Concerts that sell are not counted but looked at once more.
    /// Seats that stay held while nothing at all moves are wrong too: the process that took them
    /// is gone. Returns how many were rebuilt.
    ///
    /// A concert with which this fails is left for another round. After [`FAILURES_MAX`] of them
    /// the round ends, and the next one goes on behind it; the last error is returned.
    pub async fn round(&mut self, ctx: &Context) -> Result<u32, Error> {
        let mut again = HashMap::new();
        let (mut rebuilt, mut failures) = (0, Vec::new());
        for concert in self.choose(ctx.concerts().all()) {
            let before = self.again.remove(&concert.id);
            match self.look_at(ctx, &concert, before.flatten()).await {
                Ok(Found::Right) => {}
                Ok(Found::Sells) => {
                    if before.is_none() {
                        again.insert(concert.id, None);
                    }
                }
                Ok(Found::Suspect(suspect)) => {
                    again.insert(concert.id, Some(suspect));
                }
                Ok(Found::Rebuilt) => rebuilt += 1,
                Err(error) => {
                    tracing::debug!(%error, concert.id = %concert.id, "its counters are not checked");
                    failures.push(error);
                    if failures.len() == FAILURES_MAX {
                        self.last = Some(concert.id);
                        break;
                    }
                }
            }
        }
        // A round that ended early leaves the others.
        self.again.extend(again);
        failures.pop().map_or(Ok(rebuilt), Err)
    }

    async fn look_at(
        &mut self,
        ctx: &Context,
        concert: &Concert,
        before: Option<Suspect>,
    ) -> Result<Found, Error> {
        let Some(offer) = ctx.store.read().await?.find_offer(concert.id).await? else {
            return Ok(Found::Right);
        };
        if self.sold.insert(concert.id, offer.sold) != Some(offer.sold) {
            return Ok(Found::Sells);
        }
        let Some(counted) = ctx.counters.count(concert.id).await? else {
            return Ok(Found::Right);
        };
        let adds_up = offer.sold + counted.held + counted.free == concert.capacity;
        if adds_up && counted.held == 0 {
            return Ok(Found::Right);
        }
        let suspect = (offer.sold, counted);
        if before != Some(suspect) {
            return Ok(Found::Suspect(suspect));
        }
        tracing::warn!(
            concert.id = %concert.id, sold = offer.sold, held = counted.held,
            free = counted.free, capacity = concert.capacity,
            "seat counters do not add up, or nobody settles what is held; they are rebuilt"
        );
        reload(ctx, concert.id, Some(counted.epoch)).await?;
        Ok(Found::Rebuilt)
    }

    /// Those to look at again, and those whose turn it is. The others are forgotten.
    fn choose(&mut self, mut concerts: Vec<Arc<Concert>>) -> Vec<Arc<Concert>> {
        concerts.sort_unstable_by_key(|concert| concert.id);
        let place = |id| concerts.binary_search_by_key(&id, |concert| concert.id);
        self.sold.retain(|&id, _| place(id).is_ok());
        self.again.retain(|&id, _| place(id).is_ok());
        let behind = |last| place(last).map_or_else(|at| at, |at| at + 1);
        let first = self.last.map_or(0, behind);
        concerts.rotate_left(first);
        let looks = concerts.len().min(LOOKS_MAX);
        self.last = concerts[..looks].last().map(|last| last.id);
        let turns = concerts.iter().enumerate();
        let chosen =
            turns.filter(|(at, concert)| *at < looks || self.again.contains_key(&concert.id));
        chosen.map(|(_, concert)| Arc::clone(concert)).collect()
    }
}

/// Rebuilds a concert's counters unless somebody did since `replaces`.
pub(crate) async fn reload(
    parts: &Parts,
    concert: ConcertId,
    replaces: Option<Epoch>,
) -> Result<(), Error> {
    let current = parts
        .counters
        .count(concert)
        .await?
        .map(|counted| counted.epoch);
    if current != replaces {
        return Ok(());
    }
    let mut view = parts.store.read().await?;
    let offer = view
        .find_offer(concert)
        .await?
        .ok_or(Error::NotFound("concert"))?;
    let stock = read_stock(view.as_mut(), concert, offer.concert.capacity).await?;
    metrics::counter!("ticketoverflow_counters_rebuilt_total").increment(1);
    Ok(parts.counters.load(concert, stock, replaces).await?)
}

/// The free seats by the ledger: an aggregate per bucket, and seat by seat only where a bucket
/// has holes.
async fn read_stock(view: &mut dyn View, concert: ConcertId, capacity: u32) -> StoreResult<Stock> {
    let mut stock = Stock::full(capacity);
    let plan = stock.plan;
    for (bucket, sold, highest) in view.count_sold(concert, plan).await? {
        let Some(next) = stock.next.get_mut(bucket as usize) else {
            continue;
        };
        let start = plan.range(bucket).start;
        *next = SeatNo(highest.0 + 1);
        if next.0 - start > sold {
            stock
                .returned
                .extend(find_holes(view, concert, start..next.0).await?);
        }
    }
    Ok(stock)
}

async fn find_holes(
    view: &mut dyn View,
    concert: ConcertId,
    seats: std::ops::Range<u32>,
) -> StoreResult<Vec<SeatNo>> {
    let mut holes = Vec::new();
    let mut expected = seats.start;
    while expected < seats.end {
        let page = view.list_sold(concert, SeatNo(expected), PAGE).await?;
        for sold in page
            .iter()
            .map(|seat| seat.0)
            .take_while(|&seat| seat < seats.end)
        {
            holes.extend((expected..sold).map(SeatNo));
            expected = sold + 1;
        }
        if page.len() < PAGE as usize {
            holes.extend((expected..seats.end).map(SeatNo));
            break;
        }
        if page.last().is_some_and(|last| last.0 >= seats.end) {
            holes.extend((expected..seats.end).map(SeatNo));
            break;
        }
    }
    Ok(holes)
}
