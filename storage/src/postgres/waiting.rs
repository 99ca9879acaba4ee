//! Jobs that wait, by the time at which they are due.

use domain::job::Queue;
use domain::ports::{DueAfter, StoreResult, Waiting};
use domain::{JobId, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

use super::batch::micros;
use super::failure::{failed, unexpected};
use super::rows;

/// `$4` and `$5` are the place after which to begin.
const LIST_WAITING: &str = "
    (select id, due_at, kind, args
       from jobs
      where state = 'available'
        and queue = $1
        and due_at >= $2
        and due_at < $3
        and (due_at, id) > ($4, $5)
      order by due_at, id
      limit $6)
     union all
    (select id, due_at, kind, args
       from jobs
      where state = 'scheduled'
        and queue = $1
        and due_at >= $2
        and due_at < $3
        and (due_at, id) > ($4, $5)
      order by due_at, id
      limit $6)
     order by due_at, id
     limit $6";

pub(super) async fn list_waiting(
    conn: &mut PgConnection,
    queue: Queue,
    due: (Timestamp, Timestamp),
    after: Option<DueAfter>,
    max: u32,
) -> StoreResult<Vec<Waiting>> {
    // No id of ours is nil.
    let (after_due, after_id) = after.map_or((due.0, Uuid::nil()), |(due_at, id)| (due_at, id.0));
    let rows = sqlx::query(LIST_WAITING)
        .bind(queue.as_str())
        .bind(micros(due.0))
        .bind(micros(due.1))
        .bind(micros(after_due))
        .bind(after_id)
        .bind(i64::from(max))
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    let waiting = |row| {
        Ok(Waiting {
            id: JobId(rows::get(row, 0, "jobs.id")?),
            due_at: rows::time(row, 1, "jobs.due_at")?,
            kind: rows::get(row, 2, "jobs.kind")?,
            args: rows::get(row, 3, "jobs.args")?,
        })
    };
    rows.iter().map(waiting).collect()
}

/// Differs from sqlite: what somebody else holds is being claimed, or moved by its operator.
const RETIME_JOBS: &str = "
    update jobs
       set due_at = $2
     where id = any(array(
               select id
                 from jobs
                where id = any($1)
                  and state <> 'running'
                order by id
                  for update skip locked))";

pub(super) async fn retime_jobs(
    conn: &mut PgConnection,
    jobs: &[JobId],
    due_at: Timestamp,
) -> StoreResult<u32> {
    let done = sqlx::query(RETIME_JOBS)
        .bind(jobs.iter().map(|id| id.0).collect::<Vec<_>>())
        .bind(micros(due_at))
        .execute(conn)
        .await
        .map_err(failed)?;
    u32::try_from(done.rows_affected()).map_err(|_| unexpected("jobs.id", done.rows_affected()))
}
