//! Seats that a group of sales has in hand: taken from the counters, which learn here what became
//! of them. Counters that cannot be told do not matter much: such seats look held, and the
//! reconciler finds that nothing moves.

use std::collections::HashMap;

use futures::future::join_all;

use crate::context::Parts;
use crate::ids::ConcertId;
use crate::ports::Epoch;
use crate::seat::SeatNo;

/// A seat that was taken.
pub(crate) type InHand = (ConcertId, SeatNo, Epoch);

/// Gives seats back that were certainly not sold, those of a group at most. All at once, so that
/// counters which are slow to answer are waited for once.
pub(crate) async fn give_back(parts: &Parts, seats: impl IntoIterator<Item = InHand>) {
    let seats = seats.into_iter();
    let given = seats.map(|(concert, seat, epoch)| parts.counters.give_back(concert, seat, epoch));
    let failed: Vec<_> = join_all(given)
        .await
        .into_iter()
        .filter_map(Result::err)
        .collect();
    if let Some(error) = failed.first() {
        tracing::warn!(%error, seats = failed.len(), "seats could not be given back");
    }
}

/// Tells of so many sold seats of each concert.
pub(crate) async fn settle(parts: &Parts, sold: HashMap<(ConcertId, Epoch), u32>) {
    for ((concert, epoch), seats) in sold {
        if let Err(error) = parts.counters.settle_sold(concert, epoch, seats).await {
            tracing::warn!(%error, "sold seats could not be settled with the counters");
        }
    }
}
