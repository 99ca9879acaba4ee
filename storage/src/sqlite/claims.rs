//! Claims of jobs, and leases, which are claims of a name.

use domain::job::{Band, Claim, ClaimRequest, Claimed, ClaimedBatch};
use domain::ports::StoreResult;
use domain::{Timestamp, WorkerId};
use sqlx::SqliteConnection;

use super::batch::Batch;
use super::failure::{failed, unexpected};
use super::rows;

const LOOK: &str = "
    select exists (
               select 1
                 from paused_queues
                where queue = ?1),
           exists (
               select 1
                 from jobs indexed by jobs_scheduled
                where state = 'scheduled'
                  and queue = ?1
                  and run_at <= ?2)";

const PROMOTE: &str = "
    update jobs
       set state = 'available'
     where id in (
               select id
                 from jobs indexed by jobs_scheduled
                where state = 'scheduled'
                  and queue = ?1
                  and run_at <= ?2)";

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
 returning id, claim_token, kind, args, attempt, due_at, run_at, created_at, trace";

const NEXT_RUN_AT: &str = "
    select min(run_at)
      from jobs indexed by jobs_scheduled
     where state = 'scheduled'
       and queue = ?1";

pub(super) async fn claim_jobs(
    conn: &mut SqliteConnection,
    request: &ClaimRequest,
) -> StoreResult<ClaimedBatch> {
    let (paused, due): (bool, bool) = sqlx::query_as(LOOK)
        .bind(request.queue.as_str())
        .bind(request.now.timestamp_micros())
        .fetch_one(&mut *conn)
        .await
        .map_err(failed)?;
    if paused {
        return Ok(ClaimedBatch::default());
    }
    if due {
        sqlx::query(PROMOTE)
            .bind(request.queue.as_str())
            .bind(request.now.timestamp_micros())
            .execute(&mut *conn)
            .await
            .map_err(failed)?;
    }
    let mut jobs = Vec::new();
    let mut free = request.max;
    for band in &request.bands {
        let max = band.max.min(free);
        if max == 0 {
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
    Ok(ClaimedBatch { jobs, next_run_at })
}

async fn claim_band(
    conn: &mut SqliteConnection,
    request: &ClaimRequest,
    band: Band,
    max: u32,
) -> StoreResult<Vec<Claimed>> {
    let rows = sqlx::query(CLAIM_BAND)
        .bind(request.queue.as_str())
        .bind(band.from.timestamp_micros())
        .bind(band.before.timestamp_micros())
        .bind(max)
        .bind(request.token.0.as_bytes().as_slice())
        .bind(request.worker.0.as_bytes().as_slice())
        .bind(request.until.timestamp_micros())
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

const LIST_EXPIRED: &str = "
    select id, claim_token, kind, args, attempt, due_at, run_at, created_at, trace
      from jobs indexed by jobs_running
     where state = 'running'
       and claimed_until <= ?1
     order by claimed_until, id
     limit ?2";

pub(super) async fn list_expired(
    conn: &mut SqliteConnection,
    now: Timestamp,
    max: u32,
) -> StoreResult<Vec<Claimed>> {
    let rows = sqlx::query(LIST_EXPIRED)
        .bind(now.timestamp_micros())
        .bind(max)
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    rows.iter().map(rows::claimed).collect()
}

const EXTEND_CLAIMS: &str = "
    update jobs
       set claimed_until = ?2
     where id in (
               select j.id
                 from json_each(?1)
                cross join jobs as j
                where j.id = unhex(value ->> 0)
                  and j.claim_token = unhex(value ->> 1))";

const LIST_STANDING: &str = "
    select key
      from json_each(?1)
     cross join jobs as j
     where j.id = unhex(value ->> 0)
       and j.claim_token = unhex(value ->> 1)";

pub(super) async fn extend_claims(
    conn: &mut SqliteConnection,
    claims: &[Claim],
    until: Timestamp,
) -> StoreResult<Vec<bool>> {
    let done = sqlx::query(EXTEND_CLAIMS)
        .bind(batch_of(claims))
        .bind(until.timestamp_micros())
        .execute(&mut *conn)
        .await
        .map_err(failed)?;
    if done.rows_affected() == claims.len() as u64 {
        return Ok(vec![true; claims.len()]);
    }
    find_standing(conn, claims).await
}

/// Tells for each claim whether it stands.
pub(super) async fn find_standing(
    conn: &mut SqliteConnection,
    claims: &[Claim],
) -> StoreResult<Vec<bool>> {
    let rows = sqlx::query(LIST_STANDING)
        .bind(batch_of(claims))
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    let mut stand = vec![false; claims.len()];
    for row in &rows {
        stand[rows::count(row, 0, "claims.key")? as usize] = true;
    }
    Ok(stand)
}

fn batch_of(claims: &[Claim]) -> String {
    let mut batch = Batch::of(claims.len(), 75);
    for claim in claims {
        batch.item(|item| {
            item.id(&claim.job_id.0).id(&claim.token.0);
        });
    }
    batch.finish()
}

const TAKE_LEASE: &str = "
    insert into leases (name, holder, until)
    values (?1, ?2, ?4)
        on conflict (name) do update
       set holder = excluded.holder,
           until = excluded.until
     where leases.holder = excluded.holder
        or leases.until <= ?3";

pub(super) async fn take_lease(
    conn: &mut SqliteConnection,
    name: &str,
    holder: WorkerId,
    now: Timestamp,
    until: Timestamp,
) -> StoreResult<bool> {
    let done = sqlx::query(TAKE_LEASE)
        .bind(name)
        .bind(holder.0.as_bytes().as_slice())
        .bind(now.timestamp_micros())
        .bind(until.timestamp_micros())
        .execute(conn)
        .await
        .map_err(failed)?;
    match done.rows_affected() {
        0 => Ok(false),
        1 => Ok(true),
        rows => Err(unexpected("leases.name", rows)),
    }
}
