//! Concerts and what is sold of them.

use std::collections::BTreeMap;

use domain::concert::{Concert, Offer};
use domain::ports::{StoreError, StoreResult};
use domain::{ConcertId, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

use super::batch::{int, micros};
use super::failure::{failed, unexpected};
use super::rows;

/// What is sold: as counted, and by groups that are not counted yet, whose rows are gone through
/// for this one concert faster than [`LIST_OFFERS`] takes them apart. About `no > 0` see the
/// migration that made them.
const FIND_OFFER: &str = "
    select c.id, c.name, c.venue, c.date, c.capacity, c.status, c.version, c.created_at,
           (coalesce((select s.sold
                        from sales as s
                       where s.concert_id = c.id), 0)
            + coalesce((select sum(r.seats[array_position(r.concert_ids, c.id)])
                          from recent_sales as r
                         where r.no > 0), 0))::integer,
           c.layout_id
      from concerts as c
     where c.id = $1";

pub(super) async fn find_offer(
    conn: &mut PgConnection,
    id: ConcertId,
) -> StoreResult<Option<Offer>> {
    let row = sqlx::query(FIND_OFFER)
        .bind(id.0)
        .fetch_optional(conn)
        .await
        .map_err(failed)?;
    row.as_ref().map(rows::offer).transpose()
}

const LIST_OFFERS: &str = "
    with page as materialized (
        select *
          from concerts
         where id > $1
         order by id
         limit $2),
         recent as materialized (
        select sale.concert_id, sum(sale.seats) as sold
          from recent_sales as r
         cross join unnest(r.concert_ids, r.seats) as sale (concert_id, seats)
         where r.no > 0
           and sale.concert_id > $1
           and sale.concert_id <= (
                   select id
                     from page
                    order by id desc
                    limit 1)
         group by sale.concert_id)
    select c.id, c.name, c.venue, c.date, c.capacity, c.status, c.version, c.created_at,
           (coalesce((select s.sold
                        from sales as s
                       where s.concert_id = c.id), 0)
            + coalesce(r.sold, 0))::integer,
           c.layout_id
      from page as c
      left join recent as r
        on r.concert_id = c.id
     order by c.id";

pub(super) async fn list_offers(
    conn: &mut PgConnection,
    after: Option<ConcertId>,
    max: u32,
) -> StoreResult<Vec<Offer>> {
    // No id of ours is nil.
    let after = after.map_or(Uuid::nil(), |id| id.0);
    let rows = sqlx::query(LIST_OFFERS)
        .bind(after)
        .bind(i64::from(max))
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    rows.iter().map(rows::offer).collect()
}

const LIST_OFFERS_BEFORE: &str = "
    with page as materialized (
        select *
          from concerts
         where id < $1
         order by id desc
         limit $2),
         recent as materialized (
        select sale.concert_id, sum(sale.seats) as sold
          from recent_sales as r
         cross join unnest(r.concert_ids, r.seats) as sale (concert_id, seats)
         where r.no > 0
           and sale.concert_id < $1
           and sale.concert_id >= (
                   select id
                     from page
                    order by id
                    limit 1)
         group by sale.concert_id)
    select c.id, c.name, c.venue, c.date, c.capacity, c.status, c.version, c.created_at,
           (coalesce((select s.sold
                        from sales as s
                       where s.concert_id = c.id), 0)
            + coalesce(r.sold, 0))::integer,
           c.layout_id
      from page as c
      left join recent as r
        on r.concert_id = c.id
     order by c.id desc";

pub(super) async fn list_offers_before(
    conn: &mut PgConnection,
    before: Option<ConcertId>,
    max: u32,
) -> StoreResult<Vec<Offer>> {
    // Ids of ours have a version, which the greatest one has not.
    let before = before.map_or(Uuid::max(), |id| id.0);
    let rows = sqlx::query(LIST_OFFERS_BEFORE)
        .bind(before)
        .bind(i64::from(max))
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    rows.iter().map(rows::offer).collect()
}

const INSERT_CONCERT: &str = "
    insert into concerts
           (id, name, venue, date, capacity, status, version, created_at, layout_id)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

pub(super) async fn insert_concert(conn: &mut PgConnection, concert: &Concert) -> StoreResult<()> {
    let done = sqlx::query(INSERT_CONCERT)
        .bind(concert.id.0)
        .bind(concert.name.as_str())
        .bind(concert.venue.as_str())
        .bind(concert.date)
        .bind(int(concert.capacity))
        .bind(concert.status.as_str())
        .bind(int(concert.version))
        .bind(micros(concert.created_at))
        .bind(concert.layout_id.map(|id| id.0))
        .execute(conn)
        .await
        .map_err(failed)?;
    match done.rows_affected() {
        1 => Ok(()),
        rows => Err(unexpected("concerts.id", rows)),
    }
}

/// The last byte of an id is random; it chooses one of 256 gates, 814 being the number of ours
/// among all advisory locks of the database.
///
/// A change waits for the sales and prints under way: they share the gate that it takes alone.
/// Sharing the concert's row would do for correctness, and prints do that too, but PostgreSQL lets
/// newcomers share a row past those who wait to change it, so a concert that sells all the time
/// could never be changed; and each group of sales would write to the row. Advisory locks are
/// queued fairly.
const HOLD_GATE: &str = "
    select pg_advisory_xact_lock(814, get_byte(uuid_send($1), 15))";

const UPDATE_CONCERT: &str = "
    update concerts
       set name = $3,
           venue = $4,
           date = $5,
           status = $6,
           version = $7
     where id = $1
       and version = $2";

/// The capacity stays: it never changes.
pub(super) async fn update_concert(
    conn: &mut PgConnection,
    expected: u32,
    concert: &Concert,
) -> StoreResult<bool> {
    sqlx::query(HOLD_GATE)
        .bind(concert.id.0)
        .execute(&mut *conn)
        .await
        .map_err(failed)?;
    let done = sqlx::query(UPDATE_CONCERT)
        .bind(concert.id.0)
        .bind(int(expected))
        .bind(concert.name.as_str())
        .bind(concert.venue.as_str())
        .bind(concert.date)
        .bind(concert.status.as_str())
        .bind(int(concert.version))
        .execute(conn)
        .await
        .map_err(failed)?;
    match done.rows_affected() {
        0 => Ok(false),
        1 => Ok(true),
        rows => Err(unexpected("concerts.id", rows)),
    }
}

/// So many groups are counted together. Whoever asks what a concert has sold goes through as many.
const GROUPS_TOGETHER: i64 = 64;

/// Nothing is written if one of the concerts `$4` is not there.
const INSERT_GROUP: &str = "
    insert into recent_sales (concert_ids, seats, sold_at)
    select $1, $2, $3
     where cardinality($4::uuid[]) = (
               select count(*)
                 from concerts
                where id = any($4))
 returning no";

/// Another number than those of [`HOLD_GATE`].
const TRY_TO_HOLD_COUNTS: &str = "
    select pg_try_advisory_xact_lock(814, 256)";

const HOLD_COUNTS: &str = "
    select pg_advisory_xact_lock(814, 256)";

/// In any order: whoever writes to `sales` holds the counts. A mark stays as old as it is; `least`
/// passes over nulls.
const COUNT_GROUPS: &str = "
    with recent as (
        delete from recent_sales
         where no > 0
     returning concert_ids, seats, sold_at)
    insert into sales (concert_id, sold, marked_at)
    select sale.concert_id, sum(sale.seats), min(r.sold_at)
      from recent as r
     cross join unnest(r.concert_ids, r.seats) as sale (concert_id, seats)
     group by sale.concert_id
        on conflict (concert_id) do update
       set sold = sales.sold + excluded.sold,
           marked_at = least(sales.marked_at, excluded.marked_at)";

/// Counting in a concert that does not exist is refused as a whole. Concerts that this transaction
/// found to be there are not looked up again: `found`, in order.
///
/// Differs from sqlite: a row for each concert would be what most of the work of a group for very
/// many concerts is. So it leaves a note, and one of many groups counts them all; it does not wait
/// for somebody who does so already.
pub(super) async fn record_sales(
    conn: &mut PgConnection,
    found: &[Uuid],
    sales: &[(ConcertId, u32)],
    now: Timestamp,
) -> StoreResult<()> {
    let mut sum: BTreeMap<ConcertId, u32> = BTreeMap::new();
    for (concert, seats) in sales {
        *sum.entry(*concert).or_default() += seats;
    }
    if sum.is_empty() {
        return Ok(());
    }
    let concerts: Vec<Uuid> = sum.keys().map(|concert| concert.0).collect();
    let seats: Vec<i32> = sum.values().map(|seats| int(*seats)).collect();
    let is_other = |concert: &&Uuid| found.binary_search(concert).is_err();
    let others: Vec<Uuid> = concerts.iter().filter(is_other).copied().collect();
    let no: Option<i64> = sqlx::query_scalar(INSERT_GROUP)
        .bind(concerts)
        .bind(seats)
        .bind(micros(now))
        .bind(others)
        .fetch_optional(&mut *conn)
        .await
        .map_err(failed)?;
    let Some(no) = no else {
        return Err(StoreError::Conflict("sales.concert_id"));
    };
    if no % GROUPS_TOGETHER != 0 {
        return Ok(());
    }
    let held: bool = sqlx::query_scalar(TRY_TO_HOLD_COUNTS)
        .fetch_one(&mut *conn)
        .await
        .map_err(failed)?;
    if held {
        count_groups(conn).await?;
    }
    Ok(())
}

/// Counts what all groups have sold that have ended, once nobody else does; until this
/// transaction ends nobody else will.
pub(super) async fn count_sales(conn: &mut PgConnection) -> StoreResult<()> {
    let held = sqlx::query(HOLD_COUNTS).execute(&mut *conn).await;
    held.map_err(failed)?;
    count_groups(conn).await
}

async fn count_groups(conn: &mut PgConnection) -> StoreResult<()> {
    let done = sqlx::query(COUNT_GROUPS).execute(conn).await;
    done.map_err(failed)?;
    Ok(())
}
