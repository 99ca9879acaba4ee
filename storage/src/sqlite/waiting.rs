//! Jobs that wait, by the time at which they are due.

use domain::job::Queue;
use domain::ports::{DueAfter, StoreResult, Waiting};
use domain::{JobId, Timestamp};
use sqlx::SqliteConnection;

use super::batch::Batch;
use super::failure::{failed, unexpected};
use super::rows;

/// `?4` and `?5` are the place after which to begin.
const LIST_WAITING: &str = "
    select id, due_at, kind, args
      from (select id, due_at, kind, args
              from jobs indexed by jobs_available
             where state = 'available'
               and queue = ?1
               and due_at >= ?2
               and due_at < ?3
               and (due_at, id) > (?4, ?5)
             order by due_at, id
             limit ?6)
     union all
    select id, due_at, kind, args
      from (select id, due_at, kind, args
              from jobs indexed by jobs_scheduled
             where state = 'scheduled'
               and queue = ?1
               and due_at >= ?2
               and due_at < ?3
               and (due_at, id) > (?4, ?5)
             order by due_at, id
             limit ?6)
     order by 2, 1
     limit ?6";

pub(super) async fn list_waiting(
    conn: &mut SqliteConnection,
    queue: Queue,
    due: (Timestamp, Timestamp),
    after: Option<DueAfter>,
    max: u32,
) -> StoreResult<Vec<Waiting>> {
    // No bytes at all come before every id.
    let (after_due, after_id) = match after {
        Some((due_at, id)) => (due_at, id.0.as_bytes().to_vec()),
        None => (due.0, Vec::new()),
    };
    let rows = sqlx::query(LIST_WAITING)
        .bind(queue.as_str())
        .bind(due.0.timestamp_micros())
        .bind(due.1.timestamp_micros())
        .bind(after_due.timestamp_micros())
        .bind(after_id)
        .bind(max)
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    let waiting = |row| {
        Ok(Waiting {
            id: JobId(rows::uuid(row, 0, "jobs.id")?),
            due_at: rows::time(row, 1, "jobs.due_at")?,
            kind: rows::get(row, 2, "jobs.kind")?,
            args: rows::get(row, 3, "jobs.args")?,
        })
    };
    rows.iter().map(waiting).collect()
}

const RETIME_JOBS: &str = "
    update jobs
       set due_at = ?2
     where id in (
               select unhex(value)
                 from json_each(?1))
       and state in ('available', 'scheduled')";

pub(super) async fn retime_jobs(
    conn: &mut SqliteConnection,
    jobs: &[JobId],
    due_at: Timestamp,
) -> StoreResult<u32> {
    let done = sqlx::query(RETIME_JOBS)
        .bind(Batch::of_ids(jobs.iter().map(|id| id.0)))
        .bind(due_at.timestamp_micros())
        .execute(conn)
        .await
        .map_err(failed)?;
    u32::try_from(done.rows_affected()).map_err(|_| unexpected("jobs.id", done.rows_affected()))
}
