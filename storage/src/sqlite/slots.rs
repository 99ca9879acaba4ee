//! Slots: runs of 64 tickets that were written one after the other.
//!
//! Users buy in no order. In an index by user nearly every purchase dirties a page of its own, and
//! a group of purchases then writes as many pages as it has tickets. There is none: whoever lists a
//! user's tickets reads the slots that have some, which a filter in memory tells: 2 bytes a ticket.
//! A slot is two pages of the table, no more than an index would have to read.

use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::UserId;
use domain::ids::mix;
use domain::ports::{StoreError, StoreResult};
use sqlx::{Row, SqliteConnection};
use uuid::Uuid;

use super::failure::failed;
use super::rows;

/// Tickets in a slot: the slot of a ticket is its number `>> 6`, which the statements say too.
const SLOT_TICKETS: usize = 64;

/// A Bloom filter of the users of one slot: 16 bits a ticket and 6 of them for each user, so that
/// one slot in 1,000 is read for nothing.
type Filter = [u64; 16];

/// Slots whose users are read at a time while the filters are built.
const LOADED_AT_ONCE: i64 = 4_096;

const LAST_NO: &str = "
    select coalesce(max(no), -1)
      from tickets";

/// A row a slot, since the driver passes each row from thread to thread. Grouping would sort all
/// the tickets.
const LIST_USERS: &str = "
    with recursive slots (slot) as (
        select ?1
         union all
        select slot + 1
          from slots
         where slot + 1 < ?2
    )
    select slot,
           (select json_group_array(hex(user_id))
              from tickets
             where no >= slot << 6
               and no < (slot + 1) << 6)
      from slots";

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
    /// The number of the next ticket.
    next_no: usize,
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

    /// Numbers for a batch, from the one that is returned on. A batch that is rolled back leaves a
    /// gap.
    pub(super) async fn place(
        &self,
        conn: &mut SqliteConnection,
        users: impl Iterator<Item = UserId>,
    ) -> StoreResult<i64> {
        self.first(conn).await?;
        let mut state = self.state();
        let first_no = state.next_no;
        for user in users {
            let slot = state.next_no / SLOT_TICKETS;
            if state.filters.len() <= slot {
                state.filters.resize(slot + 1, [0; 16]);
            }
            for bit in bits(user) {
                state.filters[slot][bit / 64] |= 1 << (bit % 64);
            }
            state.next_no += 1;
        }
        Ok(number(first_no))
    }

    /// The slots that may hold tickets of a user with numbers after `after`, in order.
    pub(super) async fn of_user(
        &self,
        conn: &mut SqliteConnection,
        user: UserId,
        after: i64,
    ) -> StoreResult<Vec<i64>> {
        let from = (after + 1) / number(SLOT_TICKETS);
        if !self.is_owner {
            let last = last_no(conn).await? / number(SLOT_TICKETS);
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

    /// The first slot of this process: a fresh one, so that it knows all users of its own slots.
    async fn first(&self, conn: &mut SqliteConnection) -> StoreResult<usize> {
        let known = self.state().first;
        if let Some(first) = known {
            return Ok(first);
        }
        let tickets = last_no(conn).await? + 1;
        let tickets = usize::try_from(tickets).map_err(|error| corrupt(error.into()))?;
        let mut state = self.state();
        // Somebody may have been faster, and may have written since.
        if let Some(first) = state.first {
            return Ok(first);
        }
        let first = tickets.div_ceil(SLOT_TICKETS);
        state.first = Some(first);
        state.next_no = first * SLOT_TICKETS;
        Ok(first)
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
                let slot: i64 = rows::get(&row, 0, "tickets.no")?;
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

async fn last_no(conn: &mut SqliteConnection) -> StoreResult<i64> {
    let last = sqlx::query_scalar(LAST_NO).fetch_one(conn).await;
    last.map_err(failed)
}

/// The bits of a user in a filter.
fn bits(user: UserId) -> [usize; 6] {
    let (high, low) = user.0.as_u64_pair();
    let hash = mix(low ^ mix(high));
    [0, 10, 20, 30, 40, 50].map(|shift| usize::try_from(hash >> shift & 1_023).expect("ten bits"))
}

fn number(count: usize) -> i64 {
    i64::try_from(count).expect("fewer than bytes in memory")
}

fn corrupt(error: anyhow::Error) -> StoreError {
    StoreError::corrupt("tickets.no", error)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use domain::ids::SeededIds;
    use domain::ports::{Store, View};
    use domain::tickets::TicketFilter;

    use super::super::tests::{new_concert, open, sell, user};
    use super::super::{Options, SqliteStore};

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
        let first = open(&file).await;
        let concert = new_concert(&first, &ids, 1_000).await;
        sell(&first, &ids, concert, 0..50).await;
        sell(&first, &ids, concert, 50..300).await;
        assert_eq!(of_user(&first, 3).await, 30);
        first.close().await;

        let second = open(&file).await;
        sell(&second, &ids, concert, 300..310).await;
        for number in 0..10 {
            assert_eq!(of_user(&second, number).await, 31);
        }
        assert_eq!(of_user(&second, 10).await, 0);
        sell(&second, &ids, concert, 310..400).await;
        let onlooker = SqliteStore::open(&file, Options::inspect()).await.unwrap();
        sell(&second, &ids, concert, 400..410).await;
        assert_eq!(
            (of_user(&second, 3).await, of_user(&onlooker, 3).await),
            (41, 41)
        );

        let mut lease = second.readers.lend().await.unwrap();
        let rows: Vec<(i64, i64)> =
            sqlx::query_as("select no >> 6, count(*) from tickets group by no >> 6")
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
