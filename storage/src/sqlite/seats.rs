//! Seats: which ticket has which, under the keys that decide a race for one.
//!
//! A group of sales goes into the small tree of new seats, however many concerts it is about, and
//! dirties few pages there. The large tree takes them over when there are [`NEW_SEATS_MAX`]; each
//! of its pages is then written for many seats at once. A seat is in one of the two: only one
//! transaction writes at a time, and the statement that writes looks into both.

use domain::ConcertId;
use domain::ports::{BucketPlan, StoreError, StoreResult};
use domain::seat::SeatNo;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::failure::failed;
use super::rows;

/// More are not left in the small tree. With a thousand concerts a page of the large one then
/// takes eight at a time, and the small one still has fewer pages than a group has tickets.
const NEW_SEATS_MAX: i64 = 8_192;

/// `?1` holds tickets as [`super::tickets`] packs them; `?2` is the number of the first. `cross join`
/// keeps their order: of two tickets for a seat the first one wins.
///
/// Differs from postgres: nobody else writes meanwhile, so `not exists` and `on conflict` meet
/// committed rows and those of this batch only.
const INSERT_SEATS: &str = "
    with recursive packed (at) as (
        select 1
         union all
        select at + 78
          from packed
         where at + 78 < length(?1)
    )
    insert or rollback into new_seats (concert_no, seat_no, ticket_no)
    select c.no,
           cast(substr(?1, at + 48, 10) as integer) as seat_no,
           ?2 + at / 78
      from packed
     cross join concerts as c
     where c.id = substr(?1, at, 16)
       and c.status = 'ACTIVE'
       and cast(substr(?1, at + 48, 10) as integer) < c.capacity
       and not exists (
               select 1
                 from seats as s
                where s.concert_no = c.no
                  and s.seat_no = cast(substr(?1, at + 48, 10) as integer))
        on conflict do nothing";

/// Writes the seats of those tickets that may have them, and tells of how many.
pub(super) async fn insert_seats(
    conn: &mut SqliteConnection,
    packed: &[u8],
    first_no: i64,
) -> StoreResult<u64> {
    merge(conn).await?;
    let done = sqlx::query(INSERT_SEATS)
        .bind(packed)
        .bind(first_no)
        .execute(conn)
        .await
        .map_err(failed)?;
    Ok(done.rows_affected())
}

const COUNT_NEW: &str = "
    select count(*)
      from new_seats";

const MERGE: &str = "
    insert or rollback into seats (concert_no, seat_no, ticket_no)
    select concert_no, seat_no, ticket_no
      from new_seats
     order by concert_no, seat_no";

const DELETE_NEW: &str = "
    delete from new_seats";

/// Moves the new seats into the large tree when they are many.
async fn merge(conn: &mut SqliteConnection) -> StoreResult<()> {
    let count = sqlx::query_scalar(COUNT_NEW).fetch_one(&mut *conn).await;
    let count: i64 = count.map_err(failed)?;
    if count < NEW_SEATS_MAX {
        return Ok(());
    }
    for statement in [MERGE, DELETE_NEW] {
        let done = sqlx::query(statement).execute(&mut *conn).await;
        done.map_err(failed)?;
    }
    Ok(())
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
              from seats
             where concert_no = (select no from concerts where id = ?1)
               and seat_no >= first
               and seat_no < past)
           + (select count(*)
                from new_seats
               where concert_no = (select no from concerts where id = ?1)
                 and seat_no >= first
                 and seat_no < past) as sold,
           max(coalesce((select max(seat_no)
                           from seats
                          where concert_no = (select no from concerts where id = ?1)
                            and seat_no >= first
                            and seat_no < past), -1),
               coalesce((select max(seat_no)
                           from new_seats
                          where concert_no = (select no from concerts where id = ?1)
                            and seat_no >= first
                            and seat_no < past), -1)) as highest
      from buckets
     where highest >= 0
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
            SeatNo(rows::count(row, 2, "seats.seat_no")?),
        ))
    };
    rows.iter().map(bucket).collect()
}

/// One row with all seats, since the driver passes each row from thread to thread.
const LIST_SOLD: &str = "
    select json_group_array(seat_no)
      from (select seat_no
              from sold_seats
             where concert_no = (select no from concerts where id = ?1)
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
    let mut seats: Vec<u32> =
        serde_json::from_str(&json).map_err(|error| StoreError::corrupt("seats.seat_no", error))?;
    // SQLite keeps the order of the inner select, but does not promise to.
    seats.sort_unstable();
    Ok(seats.into_iter().map(SeatNo).collect())
}

#[cfg(test)]
mod tests {
    use domain::audit::Invariant;
    use domain::ids::SeededIds;
    use domain::ports::Store;
    use sqlx::AssertSqlSafe;
    use tempfile::TempDir;

    use super::super::SqliteStore;
    use super::super::tests::{new_concert, open, sell};
    use super::*;

    async fn count(store: &SqliteStore, table: &str) -> u32 {
        let mut lease = store.readers.lend().await.unwrap();
        let count = AssertSqlSafe(format!("select count(*) from {table}"));
        let count = sqlx::query_scalar(count).fetch_one(&mut *lease).await;
        count.unwrap()
    }

    #[tokio::test]
    async fn new_seats_are_merged_before_they_are_many_and_stay_sold() {
        let folder = TempDir::new().unwrap();
        let store = open(&folder.path().join("ledger.db")).await;
        let ids = SeededIds::new(5);
        let concert = new_concert(&store, &ids, 20_000).await;
        for at in 0..10 {
            let group = at * 1_000..(at + 1) * 1_000;
            assert!(
                sell(&store, &ids, concert, group)
                    .await
                    .iter()
                    .all(|&sold| sold)
            );
        }
        assert_eq!(
            (
                count(&store, "seats").await,
                count(&store, "new_seats").await
            ),
            (9_000, 1_000)
        );
        // Some of either table, and one that is free.
        let again = sell(&store, &ids, concert, 8_999..9_001).await;
        assert_eq!(again, [false, false]);
        assert_eq!(
            sell(&store, &ids, concert, 9_999..10_001).await,
            [false, true]
        );
        let mut view = store.read().await.unwrap();
        let plan = BucketPlan {
            capacity: 20_000,
            width: 9_500,
        };
        assert_eq!(
            view.count_sold(concert, plan).await.unwrap(),
            [(0, 9_500, SeatNo(9_499)), (1, 501, SeatNo(10_000))]
        );
        let sold = view.list_sold(concert, SeatNo(8_500), 1_000).await.unwrap();
        assert!(sold.into_iter().eq((8_500..9_500).map(SeatNo)));
    }

    #[tokio::test]
    async fn tickets_and_seats_that_do_not_belong_together_are_found() {
        for (damage, found) in [
            (
                "delete from new_seats where seat_no = 1",
                "3 tickets have 2 seats",
            ),
            (
                "update new_seats set ticket_no = 0 where seat_no = 1",
                "not to ticket number 0",
            ),
            (
                "update tickets set seat_no = 2 where seat_no = 1",
                "seat 1 of concert",
            ),
            (
                "update new_seats set concert_no = 777 where seat_no = 1",
                "concert number 777 has 1 tickets for no seats",
            ),
            (
                "update new_seats set concert_no = 777 where seat_no = 1",
                "seat 1 of concert number 777",
            ),
        ] {
            let folder = TempDir::new().unwrap();
            let store = open(&folder.path().join("ledger.db")).await;
            let ids = SeededIds::new(5);
            let concert = new_concert(&store, &ids, 3).await;
            sell(&store, &ids, concert, 0..3).await;
            let mut lease = store.writer.lend().await.unwrap();
            sqlx::query(damage).execute(&mut *lease).await.unwrap();
            let violations = store
                .read()
                .await
                .unwrap()
                .find_violations(9)
                .await
                .unwrap();
            let mut details = violations
                .iter()
                .filter(|violation| violation.invariant == Invariant::Oversold)
                .map(|violation| violation.detail.as_str());
            assert!(
                details.any(|detail| detail.contains(found)),
                "{violations:?}"
            );
        }
    }
}
