//! Jobs: added, found, counted, pruned. Claims and settlements have files of their own.

use std::collections::HashSet;

use chrono::TimeDelta;
use domain::clock::AHEAD_MAX;
use domain::job::{Job, Lane, NewJob, Queue, State};
use domain::jobs::{JobFilter, QueueDepth};
use domain::ports::{StoreError, StoreResult};
use domain::{JobId, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

use super::batch::{micros, sorted_by_key};
use super::failure::{failed, unexpected};
use super::leases::length;
use super::rows;
use super::session::LeaseClock;

const FIND_JOB: &str = "
    select id, kind, queue, state, args, attempt, due_at, run_at, created_at,
           null::bigint as finished_at, claimed_by, errors, trace,
           cancel_requested_at is not null, suspect, progress
      from jobs
     where id = $1
     union all
    select id, kind, queue, state, args, attempt, due_at, run_at, created_at,
           finished_at, null::uuid as claimed_by, errors, trace,
           false, false, null::text
      from finished_jobs
     where id = $1";

pub(super) async fn find_job(conn: &mut PgConnection, id: JobId) -> StoreResult<Option<Job>> {
    let row = sqlx::query(FIND_JOB)
        .bind(id.0)
        .fetch_optional(conn)
        .await
        .map_err(failed)?;
    row.as_ref().map(rows::job).transpose()
}

/// Ids grow with time, so the newest are the greatest; both halves are read in that order and
/// merged. No id is as great as the one that stands for the end: it is of no version.
const LIST_JOBS: &str = "
    (select id, kind, queue, state, args, attempt, due_at, run_at, created_at,
            null::bigint as finished_at, claimed_by, errors, trace,
            cancel_requested_at is not null, suspect, progress
       from jobs
      where ($1::text is null or state = $1)
        and ($2::text is null or queue = $2)
        and ($3::text is null or kind = $3)
        and id < coalesce($5::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
      order by id desc
      limit $4)
     union all
    (select id, kind, queue, state, args, attempt, due_at, run_at, created_at,
            finished_at, null::uuid as claimed_by, errors, trace,
            false, false, null::text
       from finished_jobs
      where ($1::text is null or state = $1)
        and ($2::text is null or queue = $2)
        and ($3::text is null or kind = $3)
        and id < coalesce($5::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
      order by id desc
      limit $4)
     order by id desc
     limit $4";

/// Dead letters are few among many finished jobs; their index finds them.
const LIST_DEAD: &str = "
    select id, kind, queue, state, args, attempt, due_at, run_at, created_at,
           finished_at, null::uuid as claimed_by, errors, trace,
           false, false, null::text
      from finished_jobs
     where state = 'discarded'
       and $1::text = 'discarded'
       and ($2::text is null or queue = $2)
       and ($3::text is null or kind = $3)
       and id < coalesce($5::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
     order by id desc
     limit $4";

pub(super) async fn list_jobs(
    conn: &mut PgConnection,
    filter: &JobFilter,
) -> StoreResult<Vec<Job>> {
    let statement = match filter.state {
        Some(State::Discarded) => LIST_DEAD,
        _ => LIST_JOBS,
    };
    let rows = sqlx::query(statement)
        .bind(filter.state.map(State::as_str))
        .bind(filter.queue.map(Queue::as_str))
        .bind(filter.kind.as_deref())
        .bind(i64::from(filter.max))
        .bind(filter.before.map(|id| id.0))
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    rows.iter().map(rows::job).collect()
}

/// Each part reads the index of its state. `$1` and `$2` are where the first and the second lane
/// end.
const COUNT_JOBS: &str = "
    select queue, state,
           count(*) filter (where due_at < $1),
           min(run_at) filter (where due_at < $1),
           count(*) filter (where due_at >= $1 and due_at < $2),
           min(run_at) filter (where due_at >= $1 and due_at < $2),
           count(*) filter (where due_at >= $2),
           min(run_at) filter (where due_at >= $2)
      from (select queue, state, due_at, run_at
              from jobs
             where state = 'available'
             union all
            select queue, state, due_at, run_at
              from jobs
             where state = 'scheduled'
             union all
            select queue, state, due_at, run_at
              from jobs
             where state = 'running'
             union all
            select queue, state, due_at, run_at
              from finished_jobs
             where state = 'discarded') as job
     group by queue, state";

pub(super) async fn count_jobs(
    conn: &mut PgConnection,
    now: Timestamp,
) -> StoreResult<Vec<QueueDepth>> {
    let end = |lane: Lane| micros(lane.band(now, 0).before);
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
            let jobs: i64 = rows::get(row, at, "count_jobs.count")?;
            if jobs > 0 {
                depths.push(QueueDepth {
                    queue,
                    state,
                    lane,
                    jobs: u64::try_from(jobs)
                        .map_err(|error| StoreError::corrupt("count_jobs.count", error))?,
                    oldest_run_at: rows::time(row, at + 1, "jobs.run_at")?,
                });
            }
        }
    }
    Ok(depths)
}

/// A key that somebody else is just queueing, or claiming, is waited for. A job that waits does so
/// by the server's clock, if that is asked for.
const INSERT_JOBS: &str = "
    insert into jobs (id, kind, queue, state, args, due_at, run_at, created_at, unique_key, trace)
    select new.id, new.kind, new.queue,
           case when new.run_at > new.created_at then 'scheduled' else 'available' end,
           new.args, new.due_at,
           case
               when $10::boolean and new.run_at > new.created_at
               then (extract(epoch from statement_timestamp()) * 1000000)::bigint
                    + (new.run_at - new.created_at)
               else new.run_at
           end,
           new.created_at, new.unique_key, new.trace
      from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[],
                  $7::bigint[], $8::text[], $9::text[])
           as new (id, kind, queue, args, due_at, run_at, created_at, unique_key, trace)
        on conflict do nothing";

const LIST_ADDED: &str = "
    select id
      from jobs
     where id = any($1)";

/// Usually every job is added, and the number of rows says so. Only otherwise is it looked up
/// which were: ids are never used twice.
pub(super) async fn insert_jobs(
    conn: &mut PgConnection,
    jobs: &[NewJob],
    clock: LeaseClock,
) -> StoreResult<Vec<bool>> {
    // Stable, so that of two jobs with one key the first is added.
    let order = sorted_by_key(jobs, |job| job.unique_key.clone());
    let sorted = || order.iter().map(|&at| &jobs[at]);
    let ids: Vec<Uuid> = sorted().map(|job| job.id.0).collect();
    let done = sqlx::query(INSERT_JOBS)
        .bind(&ids)
        .bind(sorted().map(|job| job.kind).collect::<Vec<_>>())
        .bind(sorted().map(|job| job.queue.as_str()).collect::<Vec<_>>())
        .bind(sorted().map(|job| job.args.get()).collect::<Vec<_>>())
        .bind(sorted().map(|job| micros(job.due_at)).collect::<Vec<_>>())
        .bind(sorted().map(|job| micros(job.run_at)).collect::<Vec<_>>())
        .bind(
            sorted()
                .map(|job| micros(job.created_at))
                .collect::<Vec<_>>(),
        )
        .bind(
            sorted()
                .map(|job| job.unique_key.as_deref())
                .collect::<Vec<_>>(),
        )
        .bind(sorted().map(|job| job.trace.as_deref()).collect::<Vec<_>>())
        .bind(clock == LeaseClock::Server)
        .execute(&mut *conn)
        .await
        .map_err(failed)?;
    if done.rows_affected() == jobs.len() as u64 {
        return Ok(vec![true; jobs.len()]);
    }
    let added: Vec<Uuid> = sqlx::query_scalar(LIST_ADDED)
        .bind(ids)
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    let mut added = HashSet::<Uuid>::from_iter(added);
    Ok(jobs.iter().map(|job| added.remove(&job.id.0)).collect())
}

/// One that ended in the future, by a clock that was wrong, has ended now.
const CLAMP_JOBS: &str = "
    update finished_jobs
       set finished_at = coalesce($1, (extract(epoch from statement_timestamp()) * 1000000)::bigint)
     where id = any(array(
               select id
                 from finished_jobs
                where state in ('completed', 'cancelled')
                  and finished_at > $2
                      + coalesce($1, (extract(epoch from statement_timestamp()) * 1000000)::bigint)
                order by finished_at
                limit $3
                  for update skip locked))";

const PRUNE_JOBS: &str = "
    delete from finished_jobs
     where id = any(array(
               select id
                 from finished_jobs
                where state in ('completed', 'cancelled')
                  and finished_at
                      < coalesce($1, (extract(epoch from statement_timestamp()) * 1000000)::bigint)
                        - $2
                order by finished_at
                limit $3
                  for update skip locked))";

pub(super) async fn prune_jobs(
    conn: &mut PgConnection,
    present: Option<i64>,
    kept: TimeDelta,
    max: u32,
) -> StoreResult<u32> {
    let mut pruned = 0;
    for (statement, away) in [(CLAMP_JOBS, AHEAD_MAX), (PRUNE_JOBS, kept)] {
        let done = sqlx::query(statement)
            .bind(present)
            .bind(length(away)?)
            .bind(i64::from(max))
            .execute(&mut *conn)
            .await
            .map_err(failed)?;
        pruned = done.rows_affected();
    }
    u32::try_from(pruned).map_err(|_| unexpected("finished_jobs.finished_at", pruned))
}
