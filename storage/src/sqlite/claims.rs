//! Claims of jobs that wait.

use std::sync::LazyLock;

use domain::job::{Band, ClaimRequest, Claimed, ClaimedBatch, Kinds, Lane, WAIT_MAX};
use domain::ports::{BATCH_MAX, StoreResult};
use sqlx::SqliteConnection;
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments};

use super::failure::failed;
use super::rows;

type SqliteQuery<'q> = Query<'q, Sqlite, SqliteArguments>;

/// Whether the queue is paused, which of its lanes are, and whether a scheduled job is due, or
/// would wait for longer than any may.
const LOOK: &str = "
    select exists (
               select 1
                 from paused_queues
                where queue = ?1),
           (select group_concat(lane)
              from paused_lanes
             where queue = ?1),
           exists (
               select 1
                 from jobs indexed by jobs_scheduled
                where state = 'scheduled'
                  and queue = ?1
                  and run_at <= ?2)
           or exists (
               select 1
                 from jobs indexed by jobs_scheduled
                where state = 'scheduled'
                  and queue = ?1
                  and run_at > ?3)";

/// Those first whose time came first, and no more than a batch: a queue that was paused, or had no
/// worker, for long must not hold every sale up when it goes on. A job that would wait for longer
/// than any may has the time of a clock that was wrong, and runs.
const PROMOTE: &str = "
    update jobs
       set state = 'available'
     where id in (
               select id
                 from (select id
                         from jobs indexed by jobs_scheduled
                        where state = 'scheduled'
                          and queue = ?1
                          and run_at <= ?2
                        order by run_at
                        limit ?4)
                union all
               select id
                 from (select id
                         from jobs indexed by jobs_scheduled
                        where state = 'scheduled'
                          and queue = ?1
                          and run_at > ?3
                        order by run_at
                        limit ?4)
                limit ?4)";

/// Differs from postgres: one writer at a time, so no row can be locked by another claim, and
/// `skip locked` is neither there nor needed.
/// `or rollback`: see [`super::tickets`].
const CLAIM_BAND: &str = "
    update or rollback jobs
       set state = 'running',
           attempt = attempt + 1,
           claim_token = ?5,
           claimed_by = ?6,
           claimed_until = ?7
     where id in (
               select waiting.id
                 from jobs as waiting indexed by jobs_available
                where waiting.state = 'available'
                  and waiting.queue = ?1
                  and waiting.due_at >= ?2
                  and waiting.due_at < ?3
                  and (waiting.unique_key is null
                       or not exists (
                              select 1
                                from jobs as other
                               where other.state = 'running'
                                 and other.unique_key = waiting.unique_key))
                order by waiting.due_at, waiting.id
                limit ?4)
 returning id, claim_token, kind, args, attempt, due_at, run_at, created_at, trace,
           losses, alone_since is not null";

/// Ids grow with time: the smallest is the oldest.
const CLAIM_OLDEST: &str = "
    update or rollback jobs
       set state = 'running',
           attempt = attempt + 1,
           claim_token = ?3,
           claimed_by = ?4,
           claimed_until = ?5
     where id in (
               select waiting.id
                 from jobs as waiting indexed by jobs_waiting
                where waiting.state = 'available'
                  and waiting.queue = ?1
                  and (waiting.unique_key is null
                       or not exists (
                              select 1
                                from jobs as other
                               where other.state = 'running'
                                 and other.unique_key = waiting.unique_key))
                order by waiting.id
                limit ?2)
 returning id, claim_token, kind, args, attempt, due_at, run_at, created_at, trace,
           losses, alone_since is not null";

const NEXT_RUN_AT: &str = "
    select min(run_at)
      from jobs indexed by jobs_scheduled
     where state = 'scheduled'
       and queue = ?1";

pub(super) async fn claim_jobs(
    conn: &mut SqliteConnection,
    request: &ClaimRequest,
) -> StoreResult<ClaimedBatch> {
    let (paused, lanes, due): (bool, Option<String>, bool) = sqlx::query_as(LOOK)
        .bind(request.queue.as_str())
        .bind(request.now.timestamp_micros())
        .bind((request.now + WAIT_MAX).timestamp_micros())
        .fetch_one(&mut *conn)
        .await
        .map_err(failed)?;
    if paused {
        return Ok(ClaimedBatch::default());
    }
    let promoted = if due {
        promote(conn, request).await?
    } else {
        0
    };
    let lanes = lanes.unwrap_or_default();
    let is_paused = |lane: Lane| lanes.split(',').any(|paused| paused == lane.as_str());
    let mut jobs = Vec::new();
    let mut free = request.max;
    let oldest = request.oldest.min(free);
    if oldest > 0 && lanes.is_empty() {
        jobs = claim_oldest(conn, request, oldest).await?;
        free -= u32::try_from(jobs.len()).expect("no more than the limit");
    }
    for band in &request.bands {
        let max = band.max.min(free);
        if max == 0 || is_paused(band.lane) {
            continue;
        }
        let claimed = claim_band(conn, request, *band, max).await?;
        free -= u32::try_from(claimed.len()).expect("no more than the limit");
        jobs.extend(claimed);
    }
    let mut next_run_at = None;
    if jobs.is_empty() {
        let next: Option<i64> = sqlx::query_scalar(NEXT_RUN_AT)
            .bind(request.queue.as_str())
            .fetch_one(conn)
            .await
            .map_err(failed)?;
        next_run_at = next.map(domain::clock::from_micros);
    }
    Ok(ClaimedBatch {
        jobs,
        next_run_at,
        promoted,
        more_due: promoted as usize >= BATCH_MAX,
    })
}

async fn promote(conn: &mut SqliteConnection, request: &ClaimRequest) -> StoreResult<u32> {
    let promoted = sqlx::query(PROMOTE)
        .bind(request.queue.as_str())
        .bind(request.now.timestamp_micros())
        .bind((request.now + WAIT_MAX).timestamp_micros())
        .bind(i64::try_from(BATCH_MAX).expect("a batch is small"))
        .execute(conn)
        .await
        .map_err(failed)?;
    Ok(u32::try_from(promoted.rows_affected()).expect("a batch is small"))
}

/// A claim that tells kinds apart, by its last two parameters. One that does not need not look at
/// the rows: the index has all it asks for.
fn of_kinds(claim: &str, parameter: u32) -> String {
    let order = "\n                order by";
    let next = parameter + 1;
    let kinds = format!(
        "
                  and (?{parameter} is null or waiting.kind = ?{parameter})
                  and waiting.kind not in (
                          select value
                            from json_each(?{next}))"
    );
    claim.replacen(order, &format!("{kinds}{order}"), 1)
}

/// Asks for the only kind to take, if there is one, and for none of those that are not to be taken.
fn bind_kinds<'q>(query: SqliteQuery<'q>, kinds: &Kinds) -> SqliteQuery<'q> {
    let except =
        |kinds: &[String]| serde_json::to_string(kinds).expect("a list of texts is valid JSON");
    match kinds {
        Kinds::Any => query,
        Kinds::Only(kind) => query.bind(Some(kind.clone())).bind(except(&[])),
        Kinds::Except(kinds) => query.bind(None::<String>).bind(except(kinds)),
    }
}

async fn claim_oldest(
    conn: &mut SqliteConnection,
    request: &ClaimRequest,
    max: u32,
) -> StoreResult<Vec<Claimed>> {
    static OF_KINDS: LazyLock<String> = LazyLock::new(|| of_kinds(CLAIM_OLDEST, 6));
    let statement = match request.kinds {
        Kinds::Any => CLAIM_OLDEST,
        Kinds::Only(_) | Kinds::Except(_) => OF_KINDS.as_str(),
    };
    let query = sqlx::query(statement)
        .bind(request.queue.as_str())
        .bind(max)
        .bind(request.token.0.as_bytes().as_slice())
        .bind(request.worker.0.as_bytes().as_slice())
        .bind(request.until.timestamp_micros());
    let rows = bind_kinds(query, &request.kinds)
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    let mut claimed = rows
        .iter()
        .map(rows::claimed)
        .collect::<StoreResult<Vec<_>>>()?;
    claimed.sort_unstable_by_key(|job| job.claim.job_id);
    Ok(claimed)
}

async fn claim_band(
    conn: &mut SqliteConnection,
    request: &ClaimRequest,
    band: Band,
    max: u32,
) -> StoreResult<Vec<Claimed>> {
    static OF_KINDS: LazyLock<String> = LazyLock::new(|| of_kinds(CLAIM_BAND, 8));
    let statement = match request.kinds {
        Kinds::Any => CLAIM_BAND,
        Kinds::Only(_) | Kinds::Except(_) => OF_KINDS.as_str(),
    };
    let query = sqlx::query(statement)
        .bind(request.queue.as_str())
        .bind(band.from.timestamp_micros())
        .bind(band.before.timestamp_micros())
        .bind(max)
        .bind(request.token.0.as_bytes().as_slice())
        .bind(request.worker.0.as_bytes().as_slice())
        .bind(request.until.timestamp_micros());
    let rows = bind_kinds(query, &request.kinds)
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    let mut claimed = rows
        .iter()
        .map(rows::claimed)
        .collect::<StoreResult<Vec<_>>>()?;
    // `returning` has no order of its own.
    claimed.sort_unstable_by_key(|job| (job.due_at, job.claim.job_id));
    Ok(claimed)
}
