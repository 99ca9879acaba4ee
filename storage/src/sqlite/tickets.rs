//! Tickets: appended once their seats are theirs, and listed.
//!
//! The large batches say `or rollback`. A row that breaks a check then ends the transaction
//! instead of the statement, which whoever gets the error does anyway; and SQLite need not copy
//! every page that the statement touches only to be able to undo the statement alone.

use std::collections::HashSet;
use std::io::Write;

use domain::ports::{StoreError, StoreResult};
use domain::ticket::Ticket;
use domain::tickets::{Cursor, NewTicket, TicketFilter};
use domain::{ConcertId, TicketId, UserId};
use sqlx::SqliteConnection;
use uuid::Uuid;

use super::batch::Batch;
use super::failure::{failed, unexpected};
use super::slots::Slots;
use super::{rows, seats};

/// `distinct`, since an id may be asked for twice.
const FIND_TICKETS: &str = "
    select t.id, c.id, t.user_id, t.seat_no, t.bought_at, t.print, t.print_version,
           c.version
      from (select distinct unhex(value) as id
              from json_each(?1)) as wanted
     cross join tickets as t
     cross join concerts as c
     where t.id = wanted.id
       and c.no = t.concert_no";

pub(super) async fn find_tickets(
    conn: &mut SqliteConnection,
    ids: &[TicketId],
) -> StoreResult<Vec<Ticket>> {
    let rows = sqlx::query(FIND_TICKETS)
        .bind(Batch::of_ids(ids.iter().map(|id| id.0)))
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    rows.iter().map(rows::ticket).collect()
}

const LIST_TICKETS: &str = "
    select t.id, c.id, t.user_id, t.seat_no, t.bought_at, t.print, t.print_version,
           c.version
      from tickets as t
     cross join concerts as c
     where t.no > ?1
       and c.no = t.concert_no
     order by t.no
     limit ?2";

const LIST_TICKETS_OF_CONCERT: &str = "
    select t.id, c.id, t.user_id, t.seat_no, t.bought_at, t.print, t.print_version,
           c.version
      from (select seat_no, ticket_no
              from sold_seats
             where concert_no = (select no from concerts where id = ?1)
               and seat_no > ?2
             order by seat_no
             limit ?3) as s
     cross join tickets as t
     cross join concerts as c
     where t.no = s.ticket_no
       and c.no = t.concert_no
     order by s.seat_no";

const FIND_NO: &str = "
    select ticket_no
      from sold_seats
     where concert_no = (select no from concerts where id = ?1)
       and seat_no = ?2";

/// There is no `order by`: the loops run through the slots as they are given, and through the
/// tickets of each, which is an order; sorting would read all of a user's tickets for every page.
/// With `?4` only those of that concert; `?5` are the slots.
const LIST_TICKETS_OF_USER: &str = "
    select t.id, c.id, t.user_id, t.seat_no, t.bought_at, t.print, t.print_version,
           c.version
      from json_each(?5) as slots
     cross join tickets as t
     cross join concerts as c
     where t.no > max(?1, (slots.value << 6) - 1)
       and t.no < (slots.value + 1) << 6
       and t.user_id = ?3
       and (?4 is null or c.id = ?4)
       and c.no = t.concert_no
     limit ?2";

/// Slots that one statement looks into; a page that is not full then needs another one.
const SLOTS_AT_ONCE: usize = 1_000;

/// In the order of their writing, but those of a concert in the order of their seats.
pub(super) async fn list_tickets(
    conn: &mut SqliteConnection,
    slots: &Slots,
    filter: TicketFilter,
    after: Option<Cursor>,
    max: u32,
) -> StoreResult<Vec<Ticket>> {
    let rows = match (filter.concert_id, filter.user_id) {
        (only, Some(user)) => {
            let after = number_of(conn, after).await?;
            return list_tickets_of_user(conn, slots, (user, only), after, max).await;
        }
        (None, None) => {
            let after = number_of(conn, after).await?;
            let query = sqlx::query(LIST_TICKETS).bind(after).bind(max);
            query.fetch_all(conn).await
        }
        (Some(concert), None) => {
            let Some(seat) = seat_before(concert, after) else {
                return Ok(Vec::new());
            };
            let query = sqlx::query(LIST_TICKETS_OF_CONCERT)
                .bind(concert.0.as_bytes().as_slice())
                .bind(seat)
                .bind(max);
            query.fetch_all(conn).await
        }
    };
    rows.map_err(failed)?.iter().map(rows::ticket).collect()
}

/// The number of the ticket that a cursor names; tickets are never deleted. Before the first one
/// is -1.
async fn number_of(conn: &mut SqliteConnection, after: Option<Cursor>) -> StoreResult<i64> {
    let Some(after) = after else {
        return Ok(-1);
    };
    let no: Option<i64> = sqlx::query_scalar(FIND_NO)
        .bind(after.concert_id.0.as_bytes().as_slice())
        .bind(after.seat.0)
        .fetch_optional(conn)
        .await
        .map_err(failed)?;
    let missing = || anyhow::anyhow!("{after:?} is the place of no ticket");
    no.ok_or_else(|| StoreError::corrupt("seats.ticket_no", missing()))
}

/// In the order of their writing.
async fn list_tickets_of_user(
    conn: &mut SqliteConnection,
    slots: &Slots,
    (user, only): (UserId, Option<ConcertId>),
    after: i64,
    max: u32,
) -> StoreResult<Vec<Ticket>> {
    let mut listed = Vec::new();
    for slots in slots
        .of_user(conn, user, after)
        .await?
        .chunks(SLOTS_AT_ONCE)
    {
        let missing = max - u32::try_from(listed.len()).expect("a page is small");
        let slots = serde_json::to_string(slots).expect("numbers are JSON");
        let rows = sqlx::query(LIST_TICKETS_OF_USER)
            .bind(after)
            .bind(missing)
            .bind(user.0.as_bytes().as_slice())
            .bind(only.map(|concert| concert.0.as_bytes().to_vec()))
            .bind(slots)
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

/// The seat after which a concert's list goes on, -1 before the first. `None` when the cursor is
/// behind all of the concert.
fn seat_before(concert: ConcertId, after: Option<Cursor>) -> Option<i64> {
    match after {
        Some(at) if at.concert_id == concert => Some(at.seat.0.into()),
        Some(at) if at.concert_id > concert => None,
        Some(_) | None => Some(-1),
    }
}

/// `?1` holds the tickets one after the other, each in [`PACKED_BYTES`], and the first of them gets
/// the number `?2`: bytes are cut out much faster than JSON is read, and this is the statement
/// that carries the crowd. `?3` says whether all of them have their seats; otherwise it is looked
/// up which have.
const INSERT_TICKETS: &str = "
    with recursive packed (at) as (
        select 1
         union all
        select at + 78
          from packed
         where at + 78 < length(?1)
    )
    insert or rollback into tickets (no, concert_no, id, user_id, seat_no, bought_at)
    select ?2 + at / 78,
           c.no,
           substr(?1, at + 16, 16),
           substr(?1, at + 32, 16),
           cast(substr(?1, at + 48, 10) as integer),
           cast(substr(?1, at + 58, 20) as integer)
      from packed
     cross join concerts as c
     where c.id = substr(?1, at, 16)
       and (?3
            or exists (
                   select 1
                     from new_seats as s
                    where s.concert_no = c.no
                      and s.seat_no = cast(substr(?1, at + 48, 10) as integer)
                      and s.ticket_no = ?2 + at / 78))";

/// Concert, ticket and user in 16 bytes each, the seat in 10 digits, the moment in a sign's place
/// and 19 digits.
const PACKED_BYTES: usize = 78;

/// The statements have the number.
const _: () = assert!(PACKED_BYTES == 78);

const LIST_WRITTEN: &str = "
    select t.id
      from json_each(?1)
     cross join tickets as t
     where t.id = unhex(value)
       and t.no >= ?2";

/// In the order of concerts and seats, so that neighbours are written one after the other.
///
/// Usually every ticket is written, and the number of rows says so. Only otherwise is it looked up
/// which have got one of this batch's numbers: who writes a group again must not count those that
/// were there already.
pub(super) async fn insert_tickets(
    conn: &mut SqliteConnection,
    slots: &Slots,
    tickets: &[NewTicket],
) -> StoreResult<Vec<bool>> {
    if tickets.is_empty() {
        return Ok(Vec::new());
    }
    let mut sorted: Vec<&NewTicket> = tickets.iter().collect();
    // Stable: of two tickets for a seat the first one wins.
    sorted.sort_by_key(|ticket| (ticket.concert_id, ticket.seat));
    let mut packed = Vec::with_capacity(tickets.len() * PACKED_BYTES);
    for ticket in &sorted {
        pack(&mut packed, ticket);
    }
    let users = sorted.iter().map(|ticket| ticket.user_id);
    let first_no = slots.place(conn, users).await?;
    let seated = seats::insert_seats(conn, &packed, first_no).await?;
    let all = seated == tickets.len() as u64;
    let done = sqlx::query(INSERT_TICKETS)
        .bind(packed)
        .bind(first_no)
        .bind(all)
        .execute(&mut *conn)
        .await
        .map_err(failed)?;
    if done.rows_affected() != seated {
        return Err(unexpected("tickets.no", done.rows_affected()));
    }
    if all {
        return Ok(vec![true; tickets.len()]);
    }
    let ids = tickets.iter().map(|ticket| ticket.id.0);
    let rows = sqlx::query(LIST_WRITTEN)
        .bind(Batch::of_ids(ids))
        .bind(first_no)
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
