//! Seating plans and the marks of those that are out of date.

use domain::job::Claim;
use domain::plans::Plan;
use domain::ports::StoreResult;
use domain::prints::Published;
use domain::{ConcertId, Timestamp};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::batch::{int, micros};
use super::concerts::count_sales;
use super::failure::failed;
use super::rows;

const FIND_PLAN: &str = "
    select concert_id, version, sold, file, read_at
      from plans
     where concert_id = $1";

pub(super) async fn find_plan(conn: &mut PgConnection, id: ConcertId) -> StoreResult<Option<Plan>> {
    let row = sqlx::query(FIND_PLAN)
        .bind(id.0)
        .fetch_optional(conn)
        .await
        .map_err(failed)?;
    let Some(row) = row else {
        return Ok(None);
    };
    Ok(Some(Plan {
        concert_id: ConcertId(rows::get(&row, 0, "plans.concert_id")?),
        version: rows::count(&row, 1, "plans.version")?,
        sold: rows::count(&row, 2, "plans.sold")?,
        file: rows::get(&row, 3, "plans.file")?,
        read_at: rows::time(&row, 4, "plans.read_at")?,
    }))
}

/// A group that is not counted yet has marked its concerts, too.
const LIST_MARKED: &str = "
    select mark.concert_id, min(mark.marked_at)
      from ((select concert_id, marked_at
               from sales
              where marked_at is not null
              order by marked_at, concert_id
              limit $1)
             union all
            select sale.concert_id, r.sold_at
              from recent_sales as r
             cross join unnest(r.concert_ids) as sale (concert_id)
             where r.no > 0) as mark
     group by mark.concert_id
     order by 2, 1
     limit $1";

pub(super) async fn list_marked(
    conn: &mut PgConnection,
    max: u32,
) -> StoreResult<Vec<(ConcertId, Timestamp)>> {
    let rows = sqlx::query(LIST_MARKED)
        .bind(i64::from(max))
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    let marked = |row: &PgRow| {
        Ok((
            ConcertId(rows::get(row, 0, "sales.concert_id")?),
            rows::time(row, 1, "sales.marked_at")?,
        ))
    };
    rows.iter().map(marked).collect()
}

const CLEAR_MARKS: &str = "
    update sales
       set marked_at = null
     where concert_id = any($1)
       and marked_at is not null";

/// Any number of rows is right: a concert without a mark is as it should be. Sales are counted
/// first, since those that are not yet have marked their concerts, too; who counts is alone in
/// writing to these rows.
pub(super) async fn clear_marks(
    conn: &mut PgConnection,
    concerts: &[ConcertId],
) -> StoreResult<()> {
    count_sales(conn).await?;
    let concerts: Vec<Uuid> = concerts.iter().map(|id| id.0).collect();
    sqlx::query(CLEAR_MARKS)
        .bind(concerts)
        .execute(conn)
        .await
        .map_err(failed)?;
    Ok(())
}

/// The fence: claim, version and sales are compared in the statement that publishes, and stay as
/// they were compared until the transaction ends. About the gate see [`super::concerts`].
const PUBLISH_PLAN: &str = "
    insert into plans (concert_id, version, sold, file, read_at)
    select c.id, c.version, $5, $6, $7
      from (select id
              from jobs
             where id = $1
               and claim_token = $2
               for update) as j
     cross join lateral (
               select id, version
                 from concerts
                where id = $3
                  and pg_advisory_xact_lock_shared(814, get_byte(uuid_send(id), 15)) is not null
                  and version = $4
                  for share) as c
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
                where id = $1
                  and claim_token = $2),
           exists (
               select 1
                 from concerts
                where id = $3
                  and version <> $4)";

pub(super) async fn publish_plan(
    conn: &mut PgConnection,
    claim: &Claim,
    plan: &Plan,
) -> StoreResult<Published> {
    let (job, token) = (claim.job_id.0, claim.token.0);
    let concert = plan.concert_id.0;
    let done = sqlx::query(PUBLISH_PLAN)
        .bind(job)
        .bind(token)
        .bind(concert)
        .bind(int(plan.version))
        .bind(int(plan.sold))
        .bind(plan.file.as_str())
        .bind(micros(plan.read_at))
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
        .bind(int(plan.version))
        .fetch_one(conn)
        .await
        .map_err(failed)?;
    Ok(match (stands, moved) {
        (false, _) => Published::ClaimLost,
        (true, true) => Published::VersionMoved,
        (true, false) => Published::NotWanted,
    })
}
