//! Slots: runs of tickets that were written one after the other.
//!
//! `tickets_user` is ordered by slot first, so that a group of purchases dirties the pages of one
//! small part of it, whatever the number of tickets. A list of a user's tickets looks into every
//! slot, a few microseconds each: at [`SLOT_TICKETS`] a slot, 2.8 million tickets are 350 looks.

use std::sync::{Mutex, PoisonError};

use domain::ports::StoreResult;
use sqlx::SqliteConnection;

use super::failure::failed;

/// Tickets in a slot, about: the index entries of so many fill some 90 pages.
const SLOT_TICKETS: usize = 512;

const LAST_SLOT: &str = "
    select coalesce(max(slot), -1)
      from tickets";

/// The slot that is being filled. One for a store, since one connection writes.
#[derive(Debug, Default)]
pub(super) struct Slots(Mutex<Option<Filling>>);

#[derive(Debug, Clone, Copy)]
struct Filling {
    slot: i64,
    tickets: usize,
}

impl Slots {
    /// The slot for a batch. A process begins with a fresh one: nobody counted the last one's
    /// tickets. A batch that is rolled back leaves its slot a little emptier.
    pub(super) async fn place(
        &self,
        conn: &mut SqliteConnection,
        tickets: usize,
    ) -> StoreResult<i64> {
        let filling = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut filling = match filling {
            Some(filling) if filling.tickets < SLOT_TICKETS => filling,
            Some(full) => Filling {
                slot: full.slot + 1,
                tickets: 0,
            },
            None => {
                let last = sqlx::query_scalar(LAST_SLOT).fetch_one(conn).await;
                let last: i64 = last.map_err(failed)?;
                Filling {
                    slot: last + 1,
                    tickets: 0,
                }
            }
        };
        filling.tickets += tickets;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(filling);
        Ok(filling.slot)
    }
}
