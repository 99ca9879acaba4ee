//! Concerts and what is sold of them.

use std::io::Write;

use domain::concert::{Concert, Offer};
use domain::ports::StoreResult;
use domain::{ConcertId, Timestamp};
use sqlx::SqliteConnection;

use super::failure::{failed, unexpected};
use super::rows;

const FIND_OFFER: &str = "
    select c.id, c.name, c.venue, c.date, c.capacity, c.status, c.version, c.created_at, s.sold,
           c.layout_id
      from concerts as c
      join sales as s
        on s.concert_no = c.no
     where c.id = ?1";

pub(super) async fn find_offer(
    conn: &mut SqliteConnection,
    id: ConcertId,
) -> StoreResult<Option<Offer>> {
    let row = sqlx::query(FIND_OFFER)
        .bind(id.0.as_bytes().as_slice())
        .fetch_optional(conn)
        .await
        .map_err(failed)?;
    row.as_ref().map(rows::offer).transpose()
}

const LIST_OFFERS: &str = "
    select c.id, c.name, c.venue, c.date, c.capacity, c.status, c.version, c.created_at, s.sold,
           c.layout_id
      from concerts as c
      join sales as s
        on s.concert_no = c.no
     where c.id > ?1
     order by c.id
     limit ?2";

pub(super) async fn list_offers(
    conn: &mut SqliteConnection,
    after: Option<ConcertId>,
    max: u32,
) -> StoreResult<Vec<Offer>> {
    // No bytes at all come before every id.
    let after = after.map_or_else(Vec::new, |id| id.0.as_bytes().to_vec());
    let rows = sqlx::query(LIST_OFFERS)
        .bind(after)
        .bind(max)
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    rows.iter().map(rows::offer).collect()
}

const LIST_OFFERS_BEFORE: &str = "
    select c.id, c.name, c.venue, c.date, c.capacity, c.status, c.version, c.created_at, s.sold,
           c.layout_id
      from concerts as c
      join sales as s
        on s.concert_no = c.no
     where c.id < ?1
     order by c.id desc
     limit ?2";

pub(super) async fn list_offers_before(
    conn: &mut SqliteConnection,
    before: Option<ConcertId>,
    max: u32,
) -> StoreResult<Vec<Offer>> {
    // One byte more than an id has comes after every id.
    let before = before.map_or_else(|| vec![0xff; 17], |id| id.0.as_bytes().to_vec());
    let rows = sqlx::query(LIST_OFFERS_BEFORE)
        .bind(before)
        .bind(max)
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    rows.iter().map(rows::offer).collect()
}

const INSERT_CONCERT: &str = "
    insert into concerts (id, name, venue, date, capacity, status, version, created_at, layout_id)
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

const INSERT_SALES: &str = "
    insert into sales (concert_no, sold, marked_at)
    select no, 0, null
      from concerts
     where id = ?1";

pub(super) async fn insert_concert(
    conn: &mut SqliteConnection,
    concert: &Concert,
) -> StoreResult<()> {
    let id = concert.id.0.as_bytes().as_slice();
    sqlx::query(INSERT_CONCERT)
        .bind(id)
        .bind(concert.name.as_str())
        .bind(concert.venue.as_str())
        .bind(concert.date.to_string())
        .bind(concert.capacity)
        .bind(concert.status.as_str())
        .bind(concert.version)
        .bind(concert.created_at.timestamp_micros())
        .bind(concert.layout_id.map(|id| id.0.as_bytes().to_vec()))
        .execute(&mut *conn)
        .await
        .map_err(failed)?;
    sqlx::query(INSERT_SALES)
        .bind(id)
        .execute(conn)
        .await
        .map_err(failed)?;
    Ok(())
}

const UPDATE_CONCERT: &str = "
    update concerts
       set name = ?3,
           venue = ?4,
           date = ?5,
           status = ?6,
           version = ?7
     where id = ?1
       and version = ?2";

/// The capacity stays: it never changes.
pub(super) async fn update_concert(
    conn: &mut SqliteConnection,
    expected: u32,
    concert: &Concert,
) -> StoreResult<bool> {
    let done = sqlx::query(UPDATE_CONCERT)
        .bind(concert.id.0.as_bytes().as_slice())
        .bind(expected)
        .bind(concert.name.as_str())
        .bind(concert.venue.as_str())
        .bind(concert.date.to_string())
        .bind(concert.status.as_str())
        .bind(concert.version)
        .execute(conn)
        .await
        .map_err(failed)?;
    match done.rows_affected() {
        0 => Ok(false),
        1 => Ok(true),
        rows => Err(unexpected("concerts.id", rows)),
    }
}

/// `?1` holds sales in [`PACKED_BYTES`] each. `or rollback`: see [`super::tickets`].
const RECORD_SALES: &str = "
    with recursive packed (at) as (
        select 1
         union all
        select at + 26
          from packed
         where at + 26 < length(?1)
    )
    insert or rollback into sales (concert_no, sold, marked_at)
    select coalesce((select no from concerts where id = substr(?1, at, 16)), -1),
           cast(substr(?1, at + 16, 10) as integer),
           ?2
      from packed
     where true
        on conflict (concert_no) do update
       set sold = sold + excluded.sold,
           marked_at = coalesce(min(marked_at, excluded.marked_at), excluded.marked_at)";

/// A concert in 16 bytes, and the seats sold in 10 digits.
const PACKED_BYTES: usize = 26;

/// The statement has the number.
const _: () = assert!(PACKED_BYTES == 26);

/// Counting in a concert that does not exist is refused: none has the number -1, and its row would
/// refer to nothing.
pub(super) async fn record_sales(
    conn: &mut SqliteConnection,
    sales: &[(ConcertId, u32)],
    now: Timestamp,
) -> StoreResult<()> {
    if sales.is_empty() {
        return Ok(());
    }
    let mut sorted = sales.to_vec();
    sorted.sort_unstable();
    let mut packed = Vec::with_capacity(sales.len() * PACKED_BYTES);
    for (concert, seats) in sorted {
        packed.extend_from_slice(concert.0.as_bytes());
        write!(packed, "{seats:010}").expect("writing to memory cannot fail");
    }
    sqlx::query(RECORD_SALES)
        .bind(packed)
        .bind(now.timestamp_micros())
        .execute(conn)
        .await
        .map_err(failed)?;
    Ok(())
}
