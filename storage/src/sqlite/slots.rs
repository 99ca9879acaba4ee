//! Slots: runs of tickets that were written one after the other.
//!
//! Users buy in no order. In one large index by user nearly every purchase dirties a page of its
//! own, and a group of purchases then writes as many pages as it has tickets. `tickets_user` is
//! therefore ordered by slot first: a group's entries lie side by side. Whoever lists a user's
//! tickets looks into the slots that have some, which a filter in memory tells: 2 bytes a ticket.

use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::UserId;
use domain::ids::mix;
use domain::ports::{StoreError, StoreResult};
use sqlx::{Row, SqliteConnection};
use uuid::Uuid;

use super::failure::failed;
use super::rows;

/// Tickets in a slot; the statement that inserts has the number too.
pub(super) const SLOT_TICKETS: usize = 64;

/// A Bloom filter of the users of one slot: 16 bits a ticket and 3 of them for each user, so that
/// one slot in 200 is looked into for nothing.
type Filter = [u64; 16];

/// Slots whose users are read at a time while the filters are built.
const LOADED_AT_ONCE: i64 = 4_096;

const LAST_SLOT: &str = "
    select coalesce(max(slot), -1)
      from tickets";

/// A row a slot, since the driver passes each row from thread to thread.
const LIST_USERS: &str = "
    select slot, json_group_array(hex(user_id))
      from tickets indexed by tickets_user
     where slot >= ?1
       and slot < ?2
     group by slot";

/// Which slots there are, and which users may be in them.
#[derive(Debug)]
pub(super) struct Slots {
    /// Whether everything is written by way of this value, so that its filters miss nothing.
    is_owner: bool,
    state: Mutex<State>,
    /// Held while the filters of an earlier process's tickets are built.
    loading: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    /// The first slot of this process; the filters of those before it may not be built yet.
    first: Option<usize>,
    are_old_ones_known: bool,
    filters: Vec<Filter>,
    /// Tickets in the last slot.
    filled: usize,
}

/// Where a batch's tickets go: from `first` on, of which `filled` places are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) first: i64,
    pub(super) filled: i64,
}

impl Slots {
    /// Of a store that writes, or of one that looks on while another process writes.
    pub(super) fn new(is_owner: bool) -> Self {
        Self {
            is_owner,
            state: Mutex::default(),
            loading: tokio::sync::Mutex::default(),
        }
    }

    /// Places for a batch. A process begins with a fresh slot: nobody counted the last one's
    /// tickets. A batch that is rolled back leaves its slots a little emptier.
    pub(super) async fn place(
        &self,
        conn: &mut SqliteConnection,
        users: impl Iterator<Item = UserId>,
    ) -> StoreResult<Places> {
        let first = self.first(conn).await?;
        let mut state = self.state();
        if state.filters.len() <= first || state.filled == SLOT_TICKETS {
            state.begin_slot(first);
        }
        let places = Places {
            first: number(state.filters.len() - 1),
            filled: number(state.filled),
        };
        for user in users {
            if state.filled == SLOT_TICKETS {
                state.begin_slot(first);
            }
            let filter = state.filters.last_mut().expect("a slot was begun");
            for bit in bits(user) {
                filter[bit / 64] |= 1 << (bit % 64);
            }
            state.filled += 1;
        }
        Ok(places)
    }

    /// The slots from `from` on that may hold tickets of a user, in order.
    pub(super) async fn of_user(
        &self,
        conn: &mut SqliteConnection,
        user: UserId,
        from: i64,
    ) -> StoreResult<Vec<i64>> {
        if !self.is_owner {
            let last: i64 = last_slot(conn).await?;
            return Ok((from..=last).collect());
        }
        self.load(conn).await?;
        let bits = bits(user);
        let state = self.state();
        let may_hold = |filter: &Filter| {
            bits.iter()
                .all(|bit| filter[bit / 64] >> (bit % 64) & 1 == 1)
        };
        let slots = (0..).zip(&state.filters);
        let slots = slots.filter(|(slot, filter)| *slot >= from && may_hold(filter));
        Ok(slots.map(|(slot, _)| slot).collect())
    }

    /// The first slot of this process.
    async fn first(&self, conn: &mut SqliteConnection) -> StoreResult<usize> {
        let known = self.state().first;
        if let Some(first) = known {
            return Ok(first);
        }
        let next = last_slot(conn).await? + 1;
        let first = usize::try_from(next).map_err(|error| corrupt(error.into()))?;
        // Somebody may have been faster, and nobody writes meanwhile: it is the same number.
        Ok(*self.state().first.get_or_insert(first))
    }

    /// Builds the filters of what was written before this process.
    async fn load(&self, conn: &mut SqliteConnection) -> StoreResult<()> {
        let _alone = self.loading.lock().await;
        if self.state().are_old_ones_known {
            return Ok(());
        }
        let first = self.first(conn).await?;
        let mut old: Vec<Filter> = vec![[0; 16]; first];
        for from in (0..number(first)).step_by(usize::try_from(LOADED_AT_ONCE).expect("small")) {
            let rows = sqlx::query(LIST_USERS)
                .bind(from)
                .bind((from + LOADED_AT_ONCE).min(number(first)))
                .fetch_all(&mut *conn)
                .await
                .map_err(failed)?;
            for row in rows {
                let slot: i64 = rows::get(&row, 0, "tickets.slot")?;
                let users: &str = row.try_get(1).map_err(|error| corrupt(error.into()))?;
                let users: Vec<Uuid> =
                    serde_json::from_str(users).map_err(|error| corrupt(error.into()))?;
                let filter = usize::try_from(slot)
                    .ok()
                    .and_then(|slot| old.get_mut(slot));
                let filter = filter.ok_or_else(|| corrupt(anyhow::anyhow!("slot {slot}")))?;
                for bit in users.into_iter().flat_map(|user| bits(UserId(user))) {
                    filter[bit / 64] |= 1 << (bit % 64);
                }
            }
        }
        let mut state = self.state();
        if state.filters.len() < first {
            state.filters = old;
        } else {
            state.filters[..first].copy_from_slice(&old);
        }
        state.are_old_ones_known = true;
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Begins the next slot, not before this process's first one.
    fn begin_slot(&mut self, first: usize) {
        let next = self.filters.len().max(first);
        self.filters.resize(next + 1, [0; 16]);
        self.filled = 0;
    }
}

async fn last_slot(conn: &mut SqliteConnection) -> StoreResult<i64> {
    let last = sqlx::query_scalar(LAST_SLOT).fetch_one(conn).await;
    last.map_err(failed)
}

/// The bits of a user in a filter.
fn bits(user: UserId) -> [usize; 3] {
    let (high, low) = user.0.as_u64_pair();
    let hash = mix(low ^ mix(high));
    [0, 16, 32].map(|shift| usize::try_from(hash >> shift & 1_023).expect("ten bits"))
}

fn number(slots: usize) -> i64 {
    i64::try_from(slots).expect("fewer slots than tickets")
}

fn corrupt(error: anyhow::Error) -> StoreError {
    StoreError::corrupt("tickets.slot", error)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::path::Path;

    use domain::clock::from_micros;
    use domain::concert::{Concert, Name, Status, parse_date};
    use domain::ids::{IdSource, SeededIds};
    use domain::ports::{Store, View};
    use domain::seat::SeatNo;
    use domain::tickets::{NewTicket, TicketFilter};
    use domain::{ConcertId, TicketId};

    use super::super::{Options, SqliteStore};
    use super::*;

    async fn open(file: &Path) -> SqliteStore {
        SqliteStore::open(file, Options::serve()).await.unwrap()
    }

    /// Sells the next seats, each to one of ten users.
    async fn sell(
        store: &SqliteStore,
        ids: &SeededIds,
        concert: ConcertId,
        seats: std::ops::Range<u32>,
    ) {
        let tickets: Vec<_> = seats
            .map(|seat| NewTicket {
                id: TicketId(ids.next()),
                concert_id: concert,
                user_id: user(seat % 10),
                seat: SeatNo(seat),
                bought_at: from_micros(7),
            })
            .collect();
        let mut tx = store.begin().await.unwrap();
        assert!(
            tx.insert_tickets(&tickets)
                .await
                .unwrap()
                .into_iter()
                .all(|sold| sold)
        );
        tx.commit().await.unwrap();
    }

    fn user(number: u32) -> UserId {
        UserId(Uuid::from_u128(u128::from(number) + 1))
    }

    async fn of_user(store: &dyn Store, number: u32) -> usize {
        let filter = TicketFilter {
            user_id: Some(user(number)),
            concert_id: None,
        };
        let mut view: Box<dyn View> = store.read().await.unwrap();
        view.list_tickets(filter, None, 1_000).await.unwrap().len()
    }

    #[tokio::test]
    async fn tickets_of_earlier_processes_are_found_and_slots_are_filled_exactly() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ledger.db");
        let ids = SeededIds::new(5);
        let concert = Concert {
            id: ConcertId(ids.next()),
            name: Name::parse("n").unwrap(),
            venue: Name::parse("v").unwrap(),
            date: parse_date("2031-05-17").unwrap(),
            capacity: 1_000,
            layout_id: None,
            status: Status::Active,
            version: 1,
            created_at: from_micros(1),
        };
        let first = open(&file).await;
        let mut tx = first.begin().await.unwrap();
        tx.insert_concert(&concert).await.unwrap();
        tx.commit().await.unwrap();
        sell(&first, &ids, concert.id, 0..50).await;
        sell(&first, &ids, concert.id, 50..300).await;
        assert_eq!(of_user(&first, 3).await, 30);
        first.close().await;

        let second = open(&file).await;
        sell(&second, &ids, concert.id, 300..310).await;
        for number in 0..10 {
            assert_eq!(of_user(&second, number).await, 31);
        }
        assert_eq!(of_user(&second, 10).await, 0);
        sell(&second, &ids, concert.id, 310..400).await;
        let onlooker = SqliteStore::open(&file, Options::inspect()).await.unwrap();
        sell(&second, &ids, concert.id, 400..410).await;
        assert_eq!(
            (of_user(&second, 3).await, of_user(&onlooker, 3).await),
            (41, 41)
        );

        let mut lease = second.readers.lend().await.unwrap();
        let rows: Vec<(i64, i64)> =
            sqlx::query_as("select slot, count(*) from tickets group by slot")
                .fetch_all(&mut *lease)
                .await
                .unwrap();
        let slots: HashMap<i64, i64> = rows.into_iter().collect();
        let expected = [
            (0, 64),
            (1, 64),
            (2, 64),
            (3, 64),
            (4, 44),
            (5, 64),
            (6, 46),
        ];
        assert_eq!(slots, expected.into());
    }
}
