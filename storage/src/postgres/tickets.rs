//! Tickets: written under the unique index that decides, listed in the order of their seats.

use std::collections::{BTreeMap, HashSet};

use domain::ports::{BucketPlan, StoreError, StoreResult};
use domain::seat::SeatNo;
use domain::ticket::Ticket;
use domain::tickets::{Cursor, NewTicket, TicketFilter};
use domain::{ConcertId, TicketId};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use super::batch::{int, micros, sorted_by_key};
use super::failure::{failed, is_taken};
use super::rows;

const FIND_TICKETS: &str = "
    select t.id, t.concert_id, t.user_id, t.seat_no, t.bought_at, t.print, t.print_version,
           c.version
      from tickets as t
      join concerts as c
        on c.id = t.concert_id
     where t.id = any ($1)";

pub(super) async fn find_tickets(
    conn: &mut PgConnection,
    ids: &[TicketId],
) -> StoreResult<Vec<Ticket>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query(FIND_TICKETS)
        .bind(ids)
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    rows.iter().map(rows::ticket).collect()
}

const LIST_TICKETS: &str = "
    select t.id, t.concert_id, t.user_id, t.seat_no, t.bought_at, t.print, t.print_version,
           c.version
      from tickets as t
      join concerts as c
        on c.id = t.concert_id
     where (t.concert_id, t.seat_no) > ($1, $2)
     order by t.concert_id, t.seat_no
     limit $3";

const LIST_TICKETS_OF_CONCERT: &str = "
    select t.id, t.concert_id, t.user_id, t.seat_no, t.bought_at, t.print, t.print_version,
           c.version
      from tickets as t
      join concerts as c
        on c.id = t.concert_id
     where t.concert_id = $1
       and t.seat_no > $2
     order by t.seat_no
     limit $3";

const LIST_TICKETS_OF_USER: &str = "
    select t.id, t.concert_id, t.user_id, t.seat_no, t.bought_at, t.print, t.print_version,
           c.version
      from tickets as t
      join concerts as c
        on c.id = t.concert_id
     where t.user_id = $4
       and (t.concert_id, t.seat_no) > ($1, $2)
     order by t.concert_id, t.seat_no
     limit $3";

const LIST_TICKETS_OF_BOTH: &str = "
    select t.id, t.concert_id, t.user_id, t.seat_no, t.bought_at, t.print, t.print_version,
           c.version
      from tickets as t
      join concerts as c
        on c.id = t.concert_id
     where t.user_id = $4
       and t.concert_id = $1
       and t.seat_no > $2
     order by t.seat_no
     limit $3";

pub(super) async fn list_tickets(
    conn: &mut PgConnection,
    filter: TicketFilter,
    after: Option<Cursor>,
    max: u32,
) -> StoreResult<Vec<Ticket>> {
    let Some((concert, seat)) = begin_of_list(filter.concert_id, after) else {
        return Ok(Vec::new());
    };
    let statement = match (filter.concert_id, filter.user_id) {
        (None, None) => LIST_TICKETS,
        (Some(_), None) => LIST_TICKETS_OF_CONCERT,
        (None, Some(_)) => LIST_TICKETS_OF_USER,
        (Some(_), Some(_)) => LIST_TICKETS_OF_BOTH,
    };
    let mut query = sqlx::query(statement)
        .bind(concert)
        .bind(seat)
        .bind(i64::from(max));
    if let Some(user) = filter.user_id {
        query = query.bind(user.0);
    }
    let rows = query.fetch_all(conn).await.map_err(failed)?;
    rows.iter().map(rows::ticket).collect()
}

/// The concert and the seat after which a list begins. `None` when the cursor is behind all of
/// the one concert that is asked for.
fn begin_of_list(only: Option<ConcertId>, after: Option<Cursor>) -> Option<(Uuid, i32)> {
    match (only, after) {
        // No id of ours is nil.
        (None, None) => Some((Uuid::nil(), -1)),
        (None, Some(at)) => Some((at.concert_id.0, int(at.seat.0))),
        (Some(only), Some(at)) if at.concert_id == only => Some((only.0, int(at.seat.0))),
        (Some(only), Some(at)) if at.concert_id > only => None,
        (Some(only), Some(_) | None) => Some((only.0, -1)),
    }
}

/// The number of seats and the highest one are found bucket by bucket: grouping all rows at once
/// would sort them.
const COUNT_SOLD: &str = "
    select bucket.no::integer, sold.seats::integer, sold.highest
      from generate_series(0::bigint, $3 - 1) as bucket (no)
     cross join lateral (
               select count(*) as seats, max(seat_no) as highest
                 from tickets
                where concert_id = $1
                  and seat_no >= bucket.no * $2
                  and seat_no < (bucket.no + 1) * $2) as sold
     where sold.seats > 0
     order by bucket.no";

pub(super) async fn count_sold(
    conn: &mut PgConnection,
    concert: ConcertId,
    plan: BucketPlan,
) -> StoreResult<Vec<(u32, u32, SeatNo)>> {
    let rows = sqlx::query(COUNT_SOLD)
        .bind(concert.0)
        .bind(i64::from(plan.width))
        .bind(i64::from(plan.buckets()))
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    let bucket = |row: &PgRow| {
        Ok((
            rows::count(row, 0, "count_sold.no")?,
            rows::count(row, 1, "count_sold.sold")?,
            SeatNo(rows::count(row, 2, "tickets.seat_no")?),
        ))
    };
    rows.iter().map(bucket).collect()
}

/// One row with all seats.
const LIST_SOLD: &str = "
    select array(
               select seat_no
                 from tickets
                where concert_id = $1
                  and seat_no >= $2
                order by seat_no
                limit $3)";

pub(super) async fn list_sold(
    conn: &mut PgConnection,
    concert: ConcertId,
    from: SeatNo,
    max: u32,
) -> StoreResult<Vec<SeatNo>> {
    let seats: Vec<i32> = sqlx::query_scalar(LIST_SOLD)
        .bind(concert.0)
        .bind(int(from.0))
        .bind(i64::from(max))
        .fetch_one(conn)
        .await
        .map_err(failed)?;
    let seat = |seat: i32| {
        let seat = u32::try_from(seat);
        seat.map(SeatNo)
            .map_err(|error| StoreError::corrupt("tickets.seat_no", error))
    };
    seats.into_iter().map(seat).collect()
}

/// In the order of seats. Writes all of them or none: none if one of the concerts is not on sale,
/// or has no seat as high as the highest one that is asked for. Fails if a seat is taken, which is
/// rare: the counters said that all are free.
const INSERT_ALL: &str = "
    insert into tickets (concert_id, seat_no, id, user_id, bought_at)
    select sale.concert_id, sale.seat_no, sale.id, sale.user_id, sale.bought_at
      from unnest($3::uuid[], $4::integer[], $5::uuid[], $6::uuid[], $7::bigint[])
           as sale (concert_id, seat_no, id, user_id, bought_at)
     where cardinality($1::uuid[]) = (
               select count(*)
                 from unnest($1::uuid[], $2::integer[]) as asked (id, highest)
                 join concerts as c
                   on c.id = asked.id
                where c.status = 'ACTIVE'
                  and asked.highest < c.capacity)";

/// As [`INSERT_ALL`], but passes over seats that are taken or not on sale: of two tickets for a
/// seat the first one of the batch wins. To look at each seat costs as much as half of the rest.
///
/// Differs from sqlite: others write meanwhile. Of two transactions for one seat the second waits
/// until the first has ended.
const INSERT_IF_FREE: &str = "
    insert into tickets (concert_id, seat_no, id, user_id, bought_at)
    select c.id, sale.seat_no, sale.id, sale.user_id, sale.bought_at
      from unnest($1::uuid[], $2::integer[], $3::uuid[], $4::uuid[], $5::bigint[])
           with ordinality
           as sale (concert_id, seat_no, id, user_id, bought_at, place)
      join concerts as c
        on c.id = sale.concert_id
     where c.status = 'ACTIVE'
       and sale.seat_no < c.capacity
     order by sale.place
        on conflict do nothing
 returning id";

const BACK_TO_SEATS: &str = "rollback to savepoint seats";

/// Where to come back to when a seat is taken; and before that, the gates of the concerts in their
/// order, so that nobody waits in a circle for them. About gates see [`super::concerts`].
///
/// The statement that sells comes after this one, not with it: it sees the concerts as they are
/// once the gates are held, and so they stay until the transaction ends. A change that has been
/// answered is seen by every sale that commits after it.
fn hold_gates(concerts: &[Uuid]) -> String {
    let mut gates: Vec<_> = concerts.iter().map(|id| id.as_bytes()[15]).collect();
    gates.sort_unstable();
    gates.dedup();
    let gates: Vec<_> = gates.iter().map(u8::to_string).collect();
    format!(
        "select pg_advisory_xact_lock_shared(814, gate)
           from unnest('{{{}}}'::integer[]) as gate;
         savepoint seats",
        gates.join(",")
    )
}

/// Tells which were written by this statement, not which are there: who writes a group again
/// because its outcome was unknown must not count them twice. Leaves the concerts that were found
/// to be on sale, in order.
pub(super) async fn insert_tickets(
    conn: &mut PgConnection,
    found: &mut Vec<Uuid>,
    tickets: &[NewTicket],
) -> StoreResult<Vec<bool>> {
    let sales = Sales::of(tickets);
    let hold = AssertSqlSafe(hold_gates(&sales.concerts));
    let held = sqlx::raw_sql(hold).execute(&mut *conn).await;
    held.map_err(failed)?;
    match sales.write_all(conn).await {
        Ok(true) => {
            *found = sales.concerts;
            return Ok(vec![true; tickets.len()]);
        }
        Ok(false) => {}
        Err(error) if is_taken(&error) => {
            let back = sqlx::raw_sql(BACK_TO_SEATS).execute(&mut *conn).await;
            back.map_err(failed)?;
        }
        Err(error) => return Err(failed(error)),
    }
    let mut written = sales.write_free(conn).await.map_err(failed)?;
    let written = tickets.iter().map(|ticket| written.remove(&ticket.id.0));
    Ok(written.collect())
}

/// Tickets as the statements want them: column by column, in the order of seats.
struct Sales {
    /// Every concert once.
    concerts: Vec<Uuid>,
    /// Of each of them the highest seat.
    highest: Vec<i32>,
    concert_ids: Vec<Uuid>,
    seats: Vec<i32>,
    ids: Vec<Uuid>,
    users: Vec<Uuid>,
    bought: Vec<i64>,
}

impl Sales {
    fn of(tickets: &[NewTicket]) -> Self {
        let order = sorted_by_key(tickets, |ticket| (ticket.concert_id, ticket.seat));
        let sorted = || order.iter().map(|&at| &tickets[at]);
        // The last seat of a concert is its highest one.
        let highest: BTreeMap<Uuid, i32> = sorted()
            .map(|ticket| (ticket.concert_id.0, int(ticket.seat.0)))
            .collect();
        Self {
            concert_ids: sorted().map(|ticket| ticket.concert_id.0).collect(),
            seats: sorted().map(|ticket| int(ticket.seat.0)).collect(),
            ids: sorted().map(|ticket| ticket.id.0).collect(),
            users: sorted().map(|ticket| ticket.user_id.0).collect(),
            bought: sorted().map(|ticket| micros(ticket.bought_at)).collect(),
            concerts: highest.keys().copied().collect(),
            highest: highest.into_values().collect(),
        }
    }

    /// Whether all are written; none is otherwise.
    async fn write_all(&self, conn: &mut PgConnection) -> Result<bool, sqlx::Error> {
        let done = sqlx::query(INSERT_ALL)
            .bind(&self.concerts)
            .bind(&self.highest)
            .bind(&self.concert_ids)
            .bind(&self.seats)
            .bind(&self.ids)
            .bind(&self.users)
            .bind(&self.bought)
            .execute(conn)
            .await?;
        Ok(done.rows_affected() == self.ids.len() as u64)
    }

    /// Writes those that can be written, and tells which.
    async fn write_free(&self, conn: &mut PgConnection) -> Result<HashSet<Uuid>, sqlx::Error> {
        let written: Vec<Uuid> = sqlx::query_scalar(INSERT_IF_FREE)
            .bind(&self.concert_ids)
            .bind(&self.seats)
            .bind(&self.ids)
            .bind(&self.users)
            .bind(&self.bought)
            .fetch_all(conn)
            .await?;
        Ok(written.into_iter().collect())
    }
}
