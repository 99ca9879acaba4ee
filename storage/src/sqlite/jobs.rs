//! Jobs: added, found, counted, pruned. Claims and settlements have files of their own.

use std::collections::HashSet;

use chrono::TimeDelta;
use domain::clock::AHEAD_MAX;
use domain::job::{Job, Lane, NewJob, Queue, State};
use domain::jobs::{JobFilter, QueueDepth};
use domain::ports::StoreResult;
use domain::{JobId, Timestamp};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::batch::Batch;
use super::failure::{failed, unexpected};
use super::rows;

const FIND_JOB: &str = "
    select id, kind, queue, state, args, attempt, due_at, run_at, created_at,
           null as finished_at, claimed_by, errors, trace,
           cancel_requested_at is not null, suspect, progress
      from jobs
     where id = ?1
     union all
    select id, kind, queue, state, args, attempt, due_at, run_at, created_at,
           finished_at, null as claimed_by, errors, trace,
           false, false, null
      from finished_jobs
     where id = ?1";

pub(super) async fn find_job(conn: &mut SqliteConnection, id: JobId) -> StoreResult<Option<Job>> {
    let row = sqlx::query(FIND_JOB)
        .bind(id.0.as_bytes().as_slice())
        .fetch_optional(conn)
        .await
        .map_err(failed)?;
    row.as_ref().map(rows::job).transpose()
}

/// Ids grow with time, so the newest are the greatest; both halves are read in that order and
/// merged.
const LIST_JOBS: &str = "
    select id, kind, queue, state, args, attempt, due_at, run_at, created_at,
           null as finished_at, claimed_by, errors, trace,
           cancel_requested_at is not null, suspect, progress
      from jobs
     where (?1 is null or state = ?1)
       and (?2 is null or queue = ?2)
       and (?3 is null or kind = ?3)
       and (?5 is null or id < ?5)
     union all
    select id, kind, queue, state, args, attempt, due_at, run_at, created_at,
           finished_at, null as claimed_by, errors, trace,
           false, false, null
      from finished_jobs
     where (?1 is null or state = ?1)
       and (?2 is null or queue = ?2)
       and (?3 is null or kind = ?3)
       and (?5 is null or id < ?5)
     order by id desc
     limit ?4";

/// Dead letters are few among many finished jobs; their index finds them.
const LIST_DEAD: &str = "
    select id, kind, queue, state, args, attempt, due_at, run_at, created_at,
           finished_at, null as claimed_by, errors, trace,
           false, false, null
      from finished_jobs indexed by finished_jobs_dead
     where state = 'discarded'
       and ?1 = 'discarded'
       and (?2 is null or queue = ?2)
       and (?3 is null or kind = ?3)
       and (?5 is null or id < ?5)
     order by id desc
     limit ?4";

pub(super) async fn list_jobs(
    conn: &mut SqliteConnection,
    filter: &JobFilter,
) -> StoreResult<Vec<Job>> {
    let statement = match filter.state {
        Some(State::Discarded) => LIST_DEAD,
        _ => LIST_JOBS,
    };
    let before = filter.before.map(|id| id.0);
    let rows = sqlx::query(statement)
        .bind(filter.state.map(State::as_str))
        .bind(filter.queue.map(Queue::as_str))
        .bind(filter.kind.as_deref())
        .bind(filter.max)
        .bind(before.as_ref().map(|id| id.as_bytes().as_slice()))
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    rows.iter().map(rows::job).collect()
}

/// Each part reads one index from end to end and sorts nothing. `?1` and `?2` are where the first
/// and the second lane end.
const COUNT_JOBS: &str = "
    select queue, state,
           count(*) filter (where due_at < ?1),
           min(run_at) filter (where due_at < ?1),
           count(*) filter (where due_at >= ?1 and due_at < ?2),
           min(run_at) filter (where due_at >= ?1 and due_at < ?2),
           count(*) filter (where due_at >= ?2),
           min(run_at) filter (where due_at >= ?2)
      from jobs indexed by jobs_available
     where state = 'available'
     group by queue
     union all
    select queue, state,
           count(*) filter (where due_at < ?1),
           min(run_at) filter (where due_at < ?1),
           count(*) filter (where due_at >= ?1 and due_at < ?2),
           min(run_at) filter (where due_at >= ?1 and due_at < ?2),
           count(*) filter (where due_at >= ?2),
           min(run_at) filter (where due_at >= ?2)
      from jobs indexed by jobs_scheduled
     where state = 'scheduled'
     group by queue
     union all
    select queue, state,
           count(*) filter (where due_at < ?1),
           min(run_at) filter (where due_at < ?1),
           count(*) filter (where due_at >= ?1 and due_at < ?2),
           min(run_at) filter (where due_at >= ?1 and due_at < ?2),
           count(*) filter (where due_at >= ?2),
           min(run_at) filter (where due_at >= ?2)
      from jobs indexed by jobs_running
     where state = 'running'
     group by queue
     union all
    select queue, state,
           count(*) filter (where due_at < ?1),
           min(run_at) filter (where due_at < ?1),
           count(*) filter (where due_at >= ?1 and due_at < ?2),
           min(run_at) filter (where due_at >= ?1 and due_at < ?2),
           count(*) filter (where due_at >= ?2),
           min(run_at) filter (where due_at >= ?2)
      from finished_jobs indexed by finished_jobs_dead
     where state = 'discarded'
     group by queue";

pub(super) async fn count_jobs(
    conn: &mut SqliteConnection,
    now: Timestamp,
) -> StoreResult<Vec<QueueDepth>> {
    let end = |lane: Lane| lane.band(now, 0).before.timestamp_micros();
    let rows = sqlx::query(COUNT_JOBS)
        .bind(end(Lane::Imminent))
        .bind(end(Lane::Soon))
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    let mut depths = Vec::new();
    for row in &rows {
        // Of another version of this program, which counts it.
        let Some(queue) = Queue::parse(rows::get(row, 0, "jobs.queue")?) else {
            continue;
        };
        let state = rows::word(row, 1, "jobs.state", State::parse)?;
        for (at, lane) in (2..).step_by(2).zip(Lane::ALL) {
            let jobs = rows::count(row, at, "count_jobs.count")?;
            if jobs > 0 {
                depths.push(QueueDepth {
                    queue,
                    state,
                    lane,
                    jobs: jobs.into(),
                    oldest_run_at: rows::time(row, at + 1, "jobs.run_at")?,
                });
            }
        }
    }
    Ok(depths)
}

/// In the order of the batch, so that of two jobs with one key the first is added.
/// `or rollback`: see [`super::tickets`].
const INSERT_JOBS: &str = "
    insert or rollback into jobs (id, kind, queue, state, args, due_at, run_at, created_at,
                                  unique_key, trace)
    select unhex(value ->> 0), value ->> 1, value ->> 2,
           iif(value ->> 5 > value ->> 6, 'scheduled', 'available'),
           value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8
      from json_each(?1)
     where true
        on conflict do nothing";

const LIST_ADDED: &str = "
    select j.id
      from json_each(?1)
     cross join jobs as j
     where j.id = unhex(value)";

/// Usually every job is added, and the number of rows says so. Only otherwise is it looked up
/// which were: ids are never used twice.
pub(super) async fn insert_jobs(
    conn: &mut SqliteConnection,
    jobs: &[NewJob],
) -> StoreResult<Vec<bool>> {
    let mut batch = Batch::of(jobs.len(), 250);
    for job in jobs {
        batch.item(|item| {
            item.id(&job.id.0)
                .text(job.kind)
                .text(job.queue.as_str())
                .text(job.args.get())
                .number(job.due_at.timestamp_micros())
                .number(job.run_at.timestamp_micros())
                .number(job.created_at.timestamp_micros())
                .text_or_null(job.unique_key.as_deref())
                .text_or_null(job.trace.as_deref());
        });
    }
    let done = sqlx::query(INSERT_JOBS)
        .bind(batch.finish())
        .execute(&mut *conn)
        .await
        .map_err(failed)?;
    if done.rows_affected() == jobs.len() as u64 {
        return Ok(vec![true; jobs.len()]);
    }
    let rows = sqlx::query(LIST_ADDED)
        .bind(Batch::of_ids(jobs.iter().map(|job| job.id.0)))
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    let mut added = ids(&rows)?;
    Ok(jobs.iter().map(|job| added.remove(&job.id.0)).collect())
}

/// One that ended in the future, by a clock that was wrong, has ended now.
const CLAMP_JOBS: &str = "
    update finished_jobs
       set finished_at = ?1
     where id in (
               select id
                 from finished_jobs indexed by finished_jobs_prunable
                where state in ('completed', 'cancelled')
                  and finished_at > ?1 + ?2
                order by finished_at
                limit ?3)";

const PRUNE_JOBS: &str = "
    delete from finished_jobs
     where id in (
               select id
                 from finished_jobs indexed by finished_jobs_prunable
                where state in ('completed', 'cancelled')
                  and finished_at < ?1 - ?2
                order by finished_at
                limit ?3)";

pub(super) async fn prune_jobs(
    conn: &mut SqliteConnection,
    now: Timestamp,
    kept: TimeDelta,
    max: u32,
) -> StoreResult<u32> {
    let mut pruned = 0;
    for (statement, away) in [(CLAMP_JOBS, AHEAD_MAX), (PRUNE_JOBS, kept)] {
        let done = sqlx::query(statement)
            .bind(now.timestamp_micros())
            .bind(away.num_microseconds().unwrap_or(i64::MAX / 2))
            .bind(max)
            .execute(&mut *conn)
            .await
            .map_err(failed)?;
        pruned = done.rows_affected();
    }
    u32::try_from(pruned).map_err(|_| unexpected("finished_jobs.finished_at", pruned))
}

/// The ids in the first column.
pub(super) fn ids(rows: &[SqliteRow]) -> StoreResult<HashSet<Uuid>> {
    rows.iter()
        .map(|row| rows::uuid(row, 0, "jobs.id"))
        .collect()
}
