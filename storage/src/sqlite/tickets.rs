//! Tickets: written under the unique index that decides, listed in the order of their seats.
//!
//! The large batches say `or rollback`. A row that breaks a check then ends the transaction
//! instead of the statement, which whoever gets the error does anyway; and SQLite need not copy
//! every page that the statement touches only to be able to undo the statement alone.

use std::collections::HashSet;
use std::io::Write;

use domain::ports::{BucketPlan, StoreError, StoreResult};
use domain::seat::SeatNo;
use domain::ticket::Ticket;
use domain::tickets::{Cursor, NewTicket, TicketFilter};
use domain::{ConcertId, TicketId, UserId};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::batch::Batch;
use super::failure::failed;
use super::rows;
use super::slots::{SLOT_TICKETS, Slots};

const FIND_TICKET: &str = "
    select t.id, t.concert_id, t.user_id, t.seat_no, t.bought_at, t.print, t.print_version,
           c.version
      from tickets as t
      join concerts as c
        on c.id = t.concert_id
     where t.id = ?1";

pub(super) async fn find_ticket(
    conn: &mut SqliteConnection,
    id: TicketId,
) -> StoreResult<Option<Ticket>> {
    let row = sqlx::query(FIND_TICKET)
        .bind(id.0.as_bytes().as_slice())
        .fetch_optional(conn)
        .await
        .map_err(failed)?;
    row.as_ref().map(rows::ticket).transpose()
}

const LIST_TICKETS: &str = "
    select t.id, t.concert_id, t.user_id, t.seat_no, t.bought_at, t.print, t.print_version,
           c.version
      from tickets as t
      join concerts as c
        on c.id = t.concert_id
     where (t.concert_id, t.seat_no) > (?1, ?2)
     order by t.concert_id, t.seat_no
     limit ?3";

const LIST_TICKETS_OF_CONCERT: &str = "
    select t.id, t.concert_id, t.user_id, t.seat_no, t.bought_at, t.print, t.print_version,
           c.version
      from tickets as t
      join concerts as c
        on c.id = t.concert_id
     where t.concert_id = ?1
       and t.seat_no > ?2
     order by t.seat_no
     limit ?3";

const FIND_SLOT: &str = "
    select slot
      from tickets
     where concert_id = ?1
       and seat_no = ?2";

/// There is no `order by`: the loops run through the slots as they are given, and in each through
/// the index, which is an order; sorting would read all of a user's tickets for every page. With
/// `?5` only those of that concert; `?6` are the slots, and `?7` is the one of the cursor.
const LIST_TICKETS_OF_USER: &str = "
    select t.id, t.concert_id, t.user_id, t.seat_no, t.bought_at, t.print, t.print_version,
           c.version
      from json_each(?6) as slots
     cross join tickets as t indexed by tickets_user
     cross join concerts as c
     where t.slot = slots.value
       and t.user_id = ?4
       and (?5 is null or t.concert_id = ?5)
       and (t.slot > ?7 or (t.concert_id, t.seat_no) > (?1, ?2))
       and c.id = t.concert_id
     limit ?3";

/// Slots that one statement looks into; a page that is not full then needs another one.
const SLOTS_AT_ONCE: usize = 1_000;

pub(super) async fn list_tickets(
    conn: &mut SqliteConnection,
    slots: &Slots,
    filter: TicketFilter,
    after: Option<Cursor>,
    max: u32,
) -> StoreResult<Vec<Ticket>> {
    if let Some(user) = filter.user_id {
        return list_tickets_of_user(conn, slots, (user, filter.concert_id), after, max).await;
    }
    let Some((concert, seat)) = begin_of_list(filter.concert_id, after) else {
        return Ok(Vec::new());
    };
    let statement = match filter.concert_id {
        None => LIST_TICKETS,
        Some(_) => LIST_TICKETS_OF_CONCERT,
    };
    let query = sqlx::query(statement).bind(concert).bind(seat).bind(max);
    let rows = query.fetch_all(conn).await.map_err(failed)?;
    rows.iter().map(rows::ticket).collect()
}

/// In the order of slots, and in a slot of concerts and seats.
async fn list_tickets_of_user(
    conn: &mut SqliteConnection,
    slots: &Slots,
    (user, only): (UserId, Option<ConcertId>),
    after: Option<Cursor>,
    max: u32,
) -> StoreResult<Vec<Ticket>> {
    let bytes = |concert: ConcertId| concert.0.as_bytes().to_vec();
    // Nothing at all comes before every concert.
    let (concert, seat) = after.map_or((Vec::new(), -1), |at| {
        (bytes(at.concert_id), i64::from(at.seat.0))
    });
    let mut from: i64 = 0;
    if after.is_some() {
        let slot = sqlx::query_scalar(FIND_SLOT).bind(&concert).bind(seat);
        from = slot
            .fetch_optional(&mut *conn)
            .await
            .map_err(failed)?
            .unwrap_or(0);
    }
    let mut listed = Vec::new();
    for slots in slots.of_user(conn, user, from).await?.chunks(SLOTS_AT_ONCE) {
        let missing = max - u32::try_from(listed.len()).expect("a page is small");
        let slots = serde_json::to_string(slots).expect("numbers are JSON");
        let rows = sqlx::query(LIST_TICKETS_OF_USER)
            .bind(&concert)
            .bind(seat)
            .bind(missing)
            .bind(user.0.as_bytes().as_slice())
            .bind(only.map(bytes))
            .bind(slots)
            .bind(from)
            .fetch_all(&mut *conn)
            .await
            .map_err(failed)?;
        for row in &rows {
            listed.push(rows::ticket(row)?);
        }
        if listed.len() >= max as usize {
            break;
        }
    }
    Ok(listed)
}

/// The concert and the seat after which a list begins. `None` when the cursor is behind all of
/// the one concert that is asked for.
fn begin_of_list(only: Option<ConcertId>, after: Option<Cursor>) -> Option<(Vec<u8>, i64)> {
    let bytes = |id: ConcertId| id.0.as_bytes().to_vec();
    match (only, after) {
        // No bytes at all come before every id.
        (None, None) => Some((Vec::new(), -1)),
        (None, Some(at)) => Some((bytes(at.concert_id), at.seat.0.into())),
        (Some(only), Some(at)) if at.concert_id == only => Some((bytes(only), at.seat.0.into())),
        (Some(only), Some(at)) if at.concert_id > only => None,
        (Some(only), Some(_) | None) => Some((bytes(only), -1)),
    }
}

/// The number of seats and the highest one are found bucket by bucket: grouping all rows at once
/// would sort them.
const COUNT_SOLD: &str = "
    with recursive buckets (no, first, past) as (
        select 0, 0, ?2
         union all
        select no + 1, past, past + ?2
          from buckets
         where no + 1 < ?3
    )
    select no,
           (select count(*)
              from tickets
             where concert_id = ?1
               and seat_no >= first
               and seat_no < past) as sold,
           (select max(seat_no)
              from tickets
             where concert_id = ?1
               and seat_no >= first
               and seat_no < past) as highest
      from buckets
     where highest is not null
     order by no";

pub(super) async fn count_sold(
    conn: &mut SqliteConnection,
    concert: ConcertId,
    plan: BucketPlan,
) -> StoreResult<Vec<(u32, u32, SeatNo)>> {
    let rows = sqlx::query(COUNT_SOLD)
        .bind(concert.0.as_bytes().as_slice())
        .bind(plan.width)
        .bind(plan.buckets())
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    let bucket = |row: &SqliteRow| {
        Ok((
            rows::count(row, 0, "count_sold.no")?,
            rows::count(row, 1, "count_sold.sold")?,
            SeatNo(rows::count(row, 2, "tickets.seat_no")?),
        ))
    };
    rows.iter().map(bucket).collect()
}

/// One row with all seats, since the driver passes each row from thread to thread.
const LIST_SOLD: &str = "
    select json_group_array(seat_no)
      from (select seat_no
              from tickets
             where concert_id = ?1
               and seat_no >= ?2
             order by seat_no
             limit ?3)";

pub(super) async fn list_sold(
    conn: &mut SqliteConnection,
    concert: ConcertId,
    from: SeatNo,
    max: u32,
) -> StoreResult<Vec<SeatNo>> {
    let json: String = sqlx::query_scalar(LIST_SOLD)
        .bind(concert.0.as_bytes().as_slice())
        .bind(from.0)
        .bind(max)
        .fetch_one(conn)
        .await
        .map_err(failed)?;
    let mut seats: Vec<u32> = serde_json::from_str(&json)
        .map_err(|error| StoreError::corrupt("tickets.seat_no", error))?;
    // SQLite keeps the order of the inner select, but does not promise to.
    seats.sort_unstable();
    Ok(seats.into_iter().map(SeatNo).collect())
}

/// `?1` holds the tickets one after the other, each in [`PACKED_BYTES`]; `?2` is the slot of the
/// first, of which `?3` places are taken: bytes are cut out much
/// faster than JSON is read, and this is the statement that carries the crowd. `cross join` keeps
/// their order: of two tickets for a seat the first one wins.
///
/// Differs from postgres: nobody else writes meanwhile, so `on conflict` meets committed rows
/// and those of this batch only.
const INSERT_TICKETS: &str = "
    with recursive packed (at) as (
        select 1
         union all
        select at + 78
          from packed
         where at + 78 < length(?1)
    )
    insert or rollback into tickets (concert_id, id, user_id, seat_no, bought_at, slot)
    select c.id,
           substr(?1, at + 16, 16),
           substr(?1, at + 32, 16),
           cast(substr(?1, at + 48, 10) as integer) as seat_no,
           cast(substr(?1, at + 58, 20) as integer),
           ?2 + (?3 + at / 78) / 64
      from packed
     cross join concerts as c
     where c.id = substr(?1, at, 16)
       and c.status = 'ACTIVE'
       and cast(substr(?1, at + 48, 10) as integer) < c.capacity
        on conflict do nothing";

/// Concert, ticket and user in 16 bytes each, the seat in 10 digits, the moment in a sign's place
/// and 19 digits.
const PACKED_BYTES: usize = 78;

/// The statement has both numbers.
const _: () = assert!(PACKED_BYTES == 78 && SLOT_TICKETS == 64);

const LIST_WRITTEN: &str = "
    select t.id
      from json_each(?1)
     cross join tickets as t
     where t.id = unhex(value)";

/// Usually every ticket is written, and the number of rows says so. Only otherwise is it looked
/// up which were: ids are never used twice, so a row of a ticket's id is that ticket.
pub(super) async fn insert_tickets(
    conn: &mut SqliteConnection,
    slots: &Slots,
    tickets: &[NewTicket],
) -> StoreResult<Vec<bool>> {
    let mut packed = Vec::with_capacity(tickets.len() * PACKED_BYTES);
    for ticket in tickets {
        pack(&mut packed, ticket);
    }
    let users = tickets.iter().map(|ticket| ticket.user_id);
    let places = slots.place(conn, users).await?;
    let done = sqlx::query(INSERT_TICKETS)
        .bind(packed)
        .bind(places.first)
        .bind(places.filled)
        .execute(&mut *conn)
        .await
        .map_err(failed)?;
    if done.rows_affected() == tickets.len() as u64 {
        return Ok(vec![true; tickets.len()]);
    }
    let ids = tickets.iter().map(|ticket| ticket.id.0);
    let rows = sqlx::query(LIST_WRITTEN)
        .bind(Batch::of_ids(ids))
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    let mut written: HashSet<Uuid> = HashSet::with_capacity(rows.len());
    for row in &rows {
        written.insert(rows::uuid(row, 0, "tickets.id")?);
    }
    let written = tickets.iter().map(|ticket| written.remove(&ticket.id.0));
    Ok(written.collect())
}

fn pack(packed: &mut Vec<u8>, ticket: &NewTicket) {
    for id in [ticket.concert_id.0, ticket.id.0, ticket.user_id.0] {
        packed.extend_from_slice(id.as_bytes());
    }
    let (seat, bought_at) = (ticket.seat.0, ticket.bought_at.timestamp_micros());
    write!(packed, "{seat:010}{bought_at:020}").expect("writing to memory cannot fail");
}
