//! Buying and finding tickets.
//!
//! A purchase takes a seat from the counters, where the crowd is, and then writes a row under the
//! unique index on (concert, seat), which decides. Stale counters cost a retry, never a seat.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;

use crate::admission::Hall;
use crate::again::{self, Broken, Earlier};
use crate::clock::Timestamp;
use crate::concert::{Concert, Status};
use crate::context::{Context, Parts};
use crate::error::{Error, Refusal};
use crate::ids::{ConcertId, TicketId, UserId};
use crate::in_hand::{self, InHand};
use crate::keys::{self, Answered, KEPT_FOR, Keyed, StoredKey};
use crate::ports::{Epoch, StoreError, StoreResult, Taken, Tx};
use crate::rebuilds::{Rebuilds, Why};
use crate::seat::SeatNo;
use crate::ticket::{Print, Ticket};
use crate::{concerts, reconcile};

/// A wish to buy one ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// For this concert.
    pub concert_id: ConcertId,
    /// By this user.
    pub user_id: UserId,
}

/// A ticket to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewTicket {
    /// Its id.
    pub id: TicketId,
    /// The concert.
    pub concert_id: ConcertId,
    /// The holder.
    pub user_id: UserId,
    /// The seat.
    pub seat: SeatNo,
    /// When it was bought.
    pub bought_at: Timestamp,
}

/// Which tickets to list; both conditions must hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TicketFilter {
    /// Only of this concert.
    pub concert_id: Option<ConcertId>,
    /// Only of this user.
    pub user_id: Option<UserId>,
}

/// The place of a ticket in a list: lists are ordered by concert and seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The ticket's concert.
    pub concert_id: ConcertId,
    /// The ticket's seat.
    pub seat: SeatNo,
}

/// Seats that one purchase tries before it gives up; each failure means that the counters were
/// wrong about a seat, and rebuilds them.
const SEATS_TRIED_MAX: u32 = 32;

/// Rounds of at most 75 ms that a purchase waits for seats held by others: 3.4 s at most, and a
/// second at least, in which a process gives back what it took ahead.
const HELD_ROUNDS_MAX: u32 = 48;
/// A round whose wait ended early is followed by the next one at once only so often: where others
/// settle a seat every few milliseconds, the rounds would be over in no time.
const HELD_ROUNDS_AT_ONCE: u32 = 8;
const HELD_PAUSE: Duration = Duration::from_millis(25);

/// Buys one ticket. The ticket is durable when this returns it.
///
/// A crowd waits in this future, thousands at a time: what is seldom needed is boxed, so that the
/// memory of what is always needed stays in the processor's caches.
///
/// [`Error::NotFound`] for an unknown concert or user, [`Error::Refused`] when the concert is not
/// on sale or sold out, [`Error::Held`] when every seat left stays in other purchases.
pub async fn buy(
    ctx: &Context,
    order: Order,
    keyed: Option<Keyed<Ticket>>,
) -> Result<Answered<Ticket>, Error> {
    ctx.users
        .find(order.user_id)
        .ok_or(Error::NotFound("user"))?;
    let hall = hall(ctx, order.concert_id).await?;
    let _place = ctx.admission().take_place(&hall)?;
    for _ in 0..SEATS_TRIED_MAX {
        let concert = on_sale(ctx, order.concert_id).await?;
        let id = TicketId(ctx.ids.next());
        let (seat, epoch) = take_seat(ctx, &hall, &concert, id).await?;
        let ticket = Ticket {
            id,
            concert_id: concert.id,
            user_id: order.user_id,
            seat,
            bought_at: ctx.clock.now(),
            print: Print::Never,
            concert_version: concert.version,
        };
        let key = keyed
            .as_ref()
            .map(|keyed| keyed.stored(&ticket, ticket.bought_at));
        match ctx
            .sales
            .submit(Sale {
                ticket: NewTicket::of(&ticket),
                epoch,
                key,
            })
            .await
        {
            Ok(SaleAck::Sold) => return Ok(Answered::Now(ticket)),
            Ok(SaleAck::KeyTaken) => {
                let keyed = keyed.as_ref().expect("only a sale with a key loses one");
                return Box::pin(keys::replay(ctx, keyed)).await;
            }
            Ok(SaleAck::SeatTaken | SaleAck::NotOnSale) => {
                // The counters were wrong, and are being rebuilt, or the concert left the sale
                // since it was looked at.
                metrics::counter!("ticketoverflow_seats_lost_total").increment(1);
                ctx.concerts().forget(concert.id);
            }
            Err(Error::Busy) => {
                ctx.counters.give_back(concert.id, seat, epoch).await?;
                return Err(Error::Busy);
            }
            Err(error) => return Err(error),
        }
    }
    Err(Error::Busy)
}

/// The hall of a concert that there is.
async fn hall(ctx: &Context, id: ConcertId) -> Result<Arc<Hall>, Error> {
    let halls = ctx.admission().halls();
    if let Some(hall) = halls.find(id) {
        return Ok(hall);
    }
    concerts::cached(ctx, id).await?;
    Ok(halls.open(id))
}

/// The concert, if it is on sale as far as this process knows: the insert asks the ledger. That
/// it is not on sale is always asked of the ledger, since another process may have opened the sale.
async fn on_sale(ctx: &Context, id: ConcertId) -> Result<Arc<Concert>, Error> {
    let cached = concerts::cached(ctx, id).await?;
    if cached.status == Status::Active {
        return Ok(cached);
    }
    let offer = Box::pin(concerts::find(ctx, id)).await?;
    let concert = ctx.concerts().put(offer.concert);
    match concert.status {
        Status::Active => Ok(concert),
        Status::SoldOut => Err(Error::Refused(Refusal::SoldOut)),
        Status::Cancelled => Err(Error::Refused(Refusal::Cancelled)),
    }
}

/// The ticket of that id. A crowd's tickets are read by one statement.
pub async fn find(ctx: &Context, id: TicketId) -> Result<Ticket, Error> {
    let found = ctx.lookups.submit(id).await??;
    found.ok_or(Error::NotFound("ticket"))
}

/// Up to `max` tickets after a place; a page of fewer is the last one.
pub async fn list(
    ctx: &Context,
    filter: TicketFilter,
    after: Option<Cursor>,
    max: u32,
) -> Result<Vec<Ticket>, Error> {
    Ok(ctx
        .store
        .read()
        .await?
        .list_tickets(filter, after, max)
        .await?)
}

/// A seat from the counters, unless it was proven a moment ago that there is none.
async fn take_seat(
    ctx: &Context,
    hall: &Hall,
    concert: &Concert,
    ticket: TicketId,
) -> Result<(SeatNo, Epoch), Error> {
    if hall.is_sold_out() {
        return Err(Error::Refused(Refusal::SoldOut));
    }
    // The id's last bits are random; they choose the bucket.
    let random = ticket.0.as_u64_pair().1;
    for round in 0..HELD_ROUNDS_MAX {
        match ctx.counters.take(concert.id, random).await? {
            Taken::Seat(seat, epoch) => {
                hall.not_sold_out();
                return Ok((seat, epoch));
            }
            Taken::SoldOut => {
                hall.sold_out();
                return Err(Error::Refused(Refusal::SoldOut));
            }
            Taken::Unknown => {
                // One reads them from the ledger, not each of the crowd.
                let _turn = hall.loading().await?;
                Box::pin(reconcile::reload(ctx, concert.id, None)).await?;
            }
            Taken::Held(_) => {
                hall.not_sold_out();
                ctx.counters.settled(concert.id).await;
                if round >= HELD_ROUNDS_AT_ONCE {
                    Box::pin(tokio::time::sleep(HELD_PAUSE)).await;
                }
            }
        }
    }
    Err(Error::Held)
}

/// A purchase that has its seat and waits to be written.
#[derive(Debug)]
pub(crate) struct Sale {
    ticket: NewTicket,
    epoch: Epoch,
    key: Option<StoredKey>,
}

/// What became of a [`Sale`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SaleAck {
    Sold,
    /// Another purchase has the seat.
    SeatTaken,
    /// The concert is not on sale any more.
    NotOnSale,
    KeyTaken,
}

/// Writes a group of purchases in one transaction, and tells the counters what became of their
/// seats. The callers may have hung up by now, so this is where a seat is given back.
pub(crate) async fn write_sales(
    parts: Arc<Parts>,
    rebuilds: Arc<Rebuilds>,
    group: Vec<Sale>,
) -> StoreResult<Vec<SaleAck>> {
    let writing = again::write(|earlier| insert_sales(&parts, &group, earlier));
    // The log has the panic. What it left written is as unknown as after a failed commit.
    let written = AssertUnwindSafe(writing).catch_unwind().await;
    let written = written.unwrap_or_else(|_| {
        let error = anyhow::anyhow!("the code that writes sales panicked");
        Err(Broken::Committing(StoreError::unavailable(error)))
    });
    let acks = match written {
        Ok(acks) => acks,
        Err(Broken::Before(error)) => {
            // The ledger need not be asked, and it is in trouble already.
            in_hand::give_back(&parts, group.iter().map(Sale::in_hand)).await;
            return Err(error);
        }
        Err(Broken::Committing(error)) => {
            // Which seats were sold is read from the ledger.
            let counters = group
                .iter()
                .map(|sale| (sale.ticket.concert_id, sale.epoch));
            for (concert, epoch) in counters.collect::<HashSet<_>>() {
                rebuilds.order((concert, epoch, Why::OutcomeUnknown));
            }
            return Err(error);
        }
    };
    let tickets = acks.iter().filter(|&&ack| ack == SaleAck::Sold).count();
    metrics::counter!("ticketoverflow_sales_total").increment(tickets as u64);
    let mut sold: HashMap<(ConcertId, Epoch), u32> = HashMap::new();
    let (mut unsold, mut wrong) = (Vec::new(), HashSet::new());
    for (sale, ack) in group.iter().zip(&acks) {
        let counters = (sale.ticket.concert_id, sale.epoch);
        if matches!(ack, SaleAck::SeatTaken | SaleAck::NotOnSale) {
            wrong.insert(counters);
        }
        match ack {
            SaleAck::Sold | SaleAck::SeatTaken => *sold.entry(counters).or_default() += 1,
            SaleAck::NotOnSale | SaleAck::KeyTaken => unsold.push(sale.in_hand()),
        }
    }
    in_hand::give_back(&parts, unsold).await;
    in_hand::settle(&parts, sold).await;
    // Counters that handed out a seat which was not to be had are wrong about others too.
    for (concert, epoch) in wrong {
        rebuilds.order((concert, epoch, Why::SeatLost));
    }
    Ok(acks)
}

async fn insert_sales(
    parts: &Parts,
    group: &[Sale],
    earlier: Earlier,
) -> Result<Vec<SaleAck>, Broken> {
    let now = parts.clock.now();
    let mut acks = vec![SaleAck::Sold; group.len()];
    let mut tx = parts.store.begin().await?;

    let keys: Vec<_> = group.iter().filter_map(|sale| sale.key.clone()).collect();
    if !keys.is_empty() {
        let mut fresh = tx.insert_keys(&keys, now - KEPT_FOR).await?.into_iter();
        for (sale, ack) in group.iter().zip(&mut acks) {
            if sale.key.is_some()
                && fresh.next() == Some(false)
                && !was_sold(tx.as_mut(), sale, earlier).await?
            {
                *ack = SaleAck::KeyTaken;
            }
        }
    }

    let places: Vec<_> = (0..group.len())
        .filter(|&at| acks[at] == SaleAck::Sold)
        .collect();
    let tickets: Vec<_> = places.iter().map(|&at| group[at].ticket).collect();
    let inserted = tx.insert_tickets(&tickets).await?;
    let mut sold: HashMap<ConcertId, u32> = HashMap::new();
    let mut keys_lost = Vec::new();
    for (&at, inserted) in places.iter().zip(inserted) {
        if inserted {
            *sold.entry(group[at].ticket.concert_id).or_default() += 1;
        } else if !was_sold(tx.as_mut(), &group[at], earlier).await? {
            acks[at] = lost(tx.as_mut(), &group[at].ticket).await?;
            keys_lost.extend(group[at].key.as_ref().map(|key| key.key.as_str()));
        }
    }
    // A purchase that lost its seat tries another one and needs its key again.
    if !keys_lost.is_empty() {
        tx.delete_keys(&keys_lost).await?;
    }
    let sold: Vec<_> = sold.into_iter().collect();
    if !sold.is_empty() {
        tx.record_sales(&sold, now).await?;
    }
    tx.commit().await.map_err(Broken::Committing)?;
    Ok(acks)
}

/// Why a ticket was not written.
async fn lost(tx: &mut dyn Tx, ticket: &NewTicket) -> StoreResult<SaleAck> {
    let next = tx.list_sold(ticket.concert_id, ticket.seat, 1).await?;
    Ok(if next.first() == Some(&ticket.seat) {
        SaleAck::SeatTaken
    } else {
        SaleAck::NotOnSale
    })
}

/// Whether a sale that was not written now was written by an earlier try whose outcome is
/// unknown, key, count and all. Ids are never used twice, so a ticket of its id is its ticket.
async fn was_sold(tx: &mut dyn Tx, sale: &Sale, earlier: Earlier) -> StoreResult<bool> {
    Ok(earlier == Earlier::Unknown && tx.find_ticket(sale.ticket.id).await?.is_some())
}

impl Sale {
    fn in_hand(&self) -> InHand {
        (self.ticket.concert_id, self.ticket.seat, self.epoch)
    }
}

impl NewTicket {
    fn of(ticket: &Ticket) -> Self {
        Self {
            id: ticket.id,
            concert_id: ticket.concert_id,
            user_id: ticket.user_id,
            seat: ticket.seat,
            bought_at: ticket.bought_at,
        }
    }
}

impl Ticket {
    /// Where it stands in lists.
    pub fn cursor(&self) -> Cursor {
        Cursor {
            concert_id: self.concert_id,
            seat: self.seat,
        }
    }
}
