//! Seating plans and the marks of those that are out of date.

use domain::job::Claim;
use domain::plans::Plan;
use domain::ports::StoreResult;
use domain::prints::Published;
use domain::{ConcertId, Timestamp};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::batch::Batch;
use super::failure::failed;
use super::rows;

const FIND_PLAN: &str = "
    select concert_id, version, sold, file, read_at
      from plans
     where concert_id = ?1";

pub(super) async fn find_plan(
    conn: &mut SqliteConnection,
    id: ConcertId,
) -> StoreResult<Option<Plan>> {
    let row = sqlx::query(FIND_PLAN)
        .bind(id.0.as_bytes().as_slice())
        .fetch_optional(conn)
        .await
        .map_err(failed)?;
    let Some(row) = row else {
        return Ok(None);
    };
    Ok(Some(Plan {
        concert_id: ConcertId(rows::uuid(&row, 0, "plans.concert_id")?),
        version: rows::count(&row, 1, "plans.version")?,
        sold: rows::count(&row, 2, "plans.sold")?,
        file: rows::get(&row, 3, "plans.file")?,
        read_at: rows::time(&row, 4, "plans.read_at")?,
    }))
}

const LIST_MARKED: &str = "
    select c.id, s.marked_at
      from sales as s
     cross join concerts as c
     where s.marked_at is not null
       and c.no = s.concert_no
     order by s.marked_at, s.concert_no
     limit ?1";

pub(super) async fn list_marked(
    conn: &mut SqliteConnection,
    max: u32,
) -> StoreResult<Vec<(ConcertId, Timestamp)>> {
    let rows = sqlx::query(LIST_MARKED)
        .bind(max)
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    let marked = |row: &SqliteRow| {
        Ok((
            ConcertId(rows::uuid(row, 0, "concerts.id")?),
            rows::time(row, 1, "sales.marked_at")?,
        ))
    };
    rows.iter().map(marked).collect()
}

const CLEAR_MARKS: &str = "
    update sales
       set marked_at = null
     where marked_at is not null
       and concert_no in (
               select c.no
                 from json_each(?1)
                cross join concerts as c
                where c.id = unhex(value))";

/// Any number of rows is right: a concert without a mark is as it should be.
pub(super) async fn clear_marks(
    conn: &mut SqliteConnection,
    concerts: &[ConcertId],
) -> StoreResult<()> {
    sqlx::query(CLEAR_MARKS)
        .bind(Batch::of_ids(concerts.iter().map(|id| id.0)))
        .execute(conn)
        .await
        .map_err(failed)?;
    Ok(())
}

/// The fence: claim, version and sales are compared in the statement that publishes.
const PUBLISH_PLAN: &str = "
    insert into plans (concert_id, version, sold, file, read_at)
    select c.id, ?4, ?5, ?6, ?7
      from concerts as c
     where c.id = ?3
       and c.version = ?4
       and exists (
               select 1
                 from jobs
                where id = ?1
                  and state = 'running'
                  and claim_token = ?2)
        on conflict (concert_id) do update
       set version = excluded.version,
           sold = excluded.sold,
           file = excluded.file,
           read_at = excluded.read_at
     where excluded.sold >= plans.sold";

const EXPLAIN_PLAN: &str = "
    select exists (
               select 1
                 from jobs
                where id = ?1
                  and state = 'running'
                  and claim_token = ?2),
           exists (
               select 1
                 from concerts
                where id = ?3
                  and version <> ?4)";

pub(super) async fn publish_plan(
    conn: &mut SqliteConnection,
    claim: &Claim,
    plan: &Plan,
) -> StoreResult<Published> {
    let (job, token) = (
        claim.job_id.0.as_bytes().as_slice(),
        claim.token.0.as_bytes().as_slice(),
    );
    let concert = plan.concert_id.0.as_bytes().as_slice();
    let done = sqlx::query(PUBLISH_PLAN)
        .bind(job)
        .bind(token)
        .bind(concert)
        .bind(plan.version)
        .bind(plan.sold)
        .bind(plan.file.as_str())
        .bind(plan.read_at.timestamp_micros())
        .execute(&mut *conn)
        .await
        .map_err(failed)?;
    if done.rows_affected() == 1 {
        return Ok(Published::Yes);
    }
    let (stands, moved): (bool, bool) = sqlx::query_as(EXPLAIN_PLAN)
        .bind(job)
        .bind(token)
        .bind(concert)
        .bind(plan.version)
        .fetch_one(conn)
        .await
        .map_err(failed)?;
    Ok(match (stands, moved) {
        (false, _) => Published::ClaimLost,
        (true, true) => Published::VersionMoved,
        (true, false) => Published::NotWanted,
    })
}
