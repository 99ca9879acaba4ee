//! Claims of jobs, and leases, which are claims of a name.
//!
//! `present` is what a statement takes for the present: nothing where the server's clock says how
//! long claims last, see [`super::LeaseClock`].

use std::collections::HashSet;

use chrono::TimeDelta;
use domain::job::{Claim, ClaimRequest, Claimed, ClaimedBatch};
use domain::ports::{StoreError, StoreResult};
use domain::{ClaimToken, JobId, WorkerId};
use sqlx::PgConnection;

use super::batch::{int, micros, sorted_by_key};
use super::failure::{failed, unexpected};
use super::rows;

/// Also tells what the present is, for a job's time is one by the clock that leases last by.
const LOOK: &str = "
    select coalesce($2, (extract(epoch from statement_timestamp()) * 1000000)::bigint),
           exists (
               select 1
                 from paused_queues
                where queue = $1),
           (select run_at
              from jobs
             where state = 'scheduled'
               and queue = $1
             order by run_at
             limit 1)";

/// Those that somebody else is just promoting are left to him.
const PROMOTE: &str = "
    update jobs
       set state = 'available'
     where id = any(array(
               select id
                 from jobs
                where state = 'scheduled'
                  and queue = $1
                  and run_at <= $2
                order by run_at
                  for update skip locked))";

/// Band by band, as many as are wanted and not a row more is locked: a job that was locked and
/// not taken would be invisible to whoever claims at the same moment. `taken` are the jobs that
/// the bands before have taken of the same interval.
const CLAIM_JOBS: &str = "
    with picked as materialized (
        select waiting.id
          from unnest($2::bigint[], $3::bigint[], $4::integer[], $5::integer[])
               as band (due_from, due_before, most, taken)
         cross join lateral (
                   select job.id
                     from jobs as job
                    where job.state = 'available'
                      and job.queue = $1
                      and job.due_at >= band.due_from
                      and job.due_at < band.due_before
                      and (job.unique_key is null
                           or (select other.id
                                 from jobs as other
                                where other.state = 'running'
                                  and other.unique_key = job.unique_key) is null)
                    order by job.due_at, job.id
                    limit band.most
                   offset band.taken
                      for update of job skip locked) as waiting
         limit $6)
    update jobs
       set state = 'running',
           attempt = attempt + 1,
           claim_token = $7,
           claimed_by = $8,
           claimed_until =
               coalesce($9, (extract(epoch from clock_timestamp()) * 1000000)::bigint) + $10
     where id = any(array(
               select id
                 from picked))
 returning id, claim_token, kind, args, attempt, due_at, run_at, created_at, trace";

pub(super) async fn claim_jobs(
    conn: &mut PgConnection,
    request: &ClaimRequest,
    present: Option<i64>,
) -> StoreResult<ClaimedBatch> {
    let (now, paused, mut next) = look(conn, request, present).await?;
    if paused {
        return Ok(ClaimedBatch::default());
    }
    if next.is_some_and(|next| next <= now) {
        sqlx::query(PROMOTE)
            .bind(request.queue.as_str())
            .bind(now)
            .execute(&mut *conn)
            .await
            .map_err(failed)?;
        next = None;
    }
    let jobs = claim_bands(conn, request, present).await?;
    if jobs.is_empty() && next.is_none() {
        (_, _, next) = look(conn, request, present).await?;
    }
    let wait = next.filter(|_| jobs.is_empty()).map(|next| next - now);
    Ok(ClaimedBatch {
        jobs,
        // By the clock of whoever asks.
        next_run_at: wait.map(|wait| request.now + TimeDelta::microseconds(wait)),
    })
}

/// The present, whether the queue is paused, and when its next job is to run that waits for that.
async fn look(
    conn: &mut PgConnection,
    request: &ClaimRequest,
    present: Option<i64>,
) -> StoreResult<(i64, bool, Option<i64>)> {
    sqlx::query_as(LOOK)
        .bind(request.queue.as_str())
        .bind(present)
        .fetch_one(conn)
        .await
        .map_err(failed)
}

async fn claim_bands(
    conn: &mut PgConnection,
    request: &ClaimRequest,
    present: Option<i64>,
) -> StoreResult<Vec<Claimed>> {
    let bands = &request.bands;
    let taken = bands.iter().enumerate().map(|(at, band)| {
        let before = bands[..at].iter();
        let same = before.filter(|one| (one.from, one.before) == (band.from, band.before));
        same.fold(0_u32, |sum, one| sum.saturating_add(one.max))
    });
    let rows = sqlx::query(CLAIM_JOBS)
        .bind(request.queue.as_str())
        .bind(
            bands
                .iter()
                .map(|band| micros(band.from))
                .collect::<Vec<_>>(),
        )
        .bind(
            bands
                .iter()
                .map(|band| micros(band.before))
                .collect::<Vec<_>>(),
        )
        .bind(bands.iter().map(|band| int(band.max)).collect::<Vec<_>>())
        .bind(taken.map(int).collect::<Vec<_>>())
        .bind(i64::from(request.max))
        .bind(request.token.0)
        .bind(request.worker.0)
        .bind(present)
        .bind(length(request.until - request.now)?)
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    let claimed = rows.iter().map(rows::claimed).collect::<StoreResult<_>>()?;
    Ok(in_order(claimed, request))
}

/// `returning` has no order of its own. Going through the bands once more gives the order in
/// which they took.
fn in_order(mut claimed: Vec<Claimed>, request: &ClaimRequest) -> Vec<Claimed> {
    claimed.sort_unstable_by_key(|job| (job.due_at, job.claim.job_id));
    let mut ordered = Vec::with_capacity(claimed.len());
    for band in &request.bands {
        let mut free = band.max;
        let (taken, left) = claimed.into_iter().partition::<Vec<_>, _>(|job| {
            let takes = free > 0 && band.from <= job.due_at && job.due_at < band.before;
            free -= u32::from(takes);
            takes
        });
        ordered.extend(taken);
        claimed = left;
    }
    ordered.extend(claimed);
    ordered
}

fn length(lease: TimeDelta) -> StoreResult<i64> {
    let micros = lease.num_microseconds();
    micros.ok_or_else(|| StoreError::unavailable(anyhow::anyhow!("a lease of {lease}")))
}

const LIST_EXPIRED: &str = "
    select id, claim_token, kind, args, attempt, due_at, run_at, created_at, trace
      from jobs
     where state = 'running'
       and claimed_until <=
               coalesce($1, (extract(epoch from statement_timestamp()) * 1000000)::bigint)
     order by claimed_until, id
     limit $2";

pub(super) async fn list_expired(
    conn: &mut PgConnection,
    present: Option<i64>,
    max: u32,
) -> StoreResult<Vec<Claimed>> {
    let rows = sqlx::query(LIST_EXPIRED)
        .bind(present)
        .bind(i64::from(max))
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    rows.iter().map(rows::claimed).collect()
}

const EXTEND_CLAIMS: &str = "
    with standing as materialized (
        select job.id
          from unnest($1::uuid[], $2::uuid[]) as claim (id, token)
         cross join lateral (
                   select id
                     from jobs
                    where jobs.id = claim.id
                      and jobs.claim_token = claim.token
                      for no key update) as job)
    update jobs
       set claimed_until =
               coalesce($3, (extract(epoch from clock_timestamp()) * 1000000)::bigint) + $4
     where id = any(array(
               select id
                 from standing))
 returning id, claim_token";

pub(super) async fn extend_claims(
    conn: &mut PgConnection,
    claims: &[Claim],
    present: Option<i64>,
    lease: TimeDelta,
) -> StoreResult<Vec<bool>> {
    let order = sorted_by_key(claims, |claim| claim.job_id);
    let sorted = || order.iter().map(|&at| &claims[at]);
    let rows = sqlx::query(EXTEND_CLAIMS)
        .bind(sorted().map(|claim| claim.job_id.0).collect::<Vec<_>>())
        .bind(sorted().map(|claim| claim.token.0).collect::<Vec<_>>())
        .bind(present)
        .bind(length(lease)?)
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    let mut stand = HashSet::with_capacity(rows.len());
    for row in &rows {
        stand.insert(Claim {
            job_id: JobId(rows::get(row, 0, "jobs.id")?),
            token: ClaimToken(rows::get(row, 1, "jobs.claim_token")?),
        });
    }
    Ok(claims.iter().map(|claim| stand.contains(claim)).collect())
}

const TAKE_LEASE: &str = "
    insert into leases (name, holder, until)
    values ($1, $2, coalesce($3, (extract(epoch from clock_timestamp()) * 1000000)::bigint) + $4)
        on conflict (name) do update
       set holder = excluded.holder,
           until = excluded.until
     where leases.holder = excluded.holder
        or leases.until <= excluded.until - $4";

pub(super) async fn take_lease(
    conn: &mut PgConnection,
    name: &str,
    holder: WorkerId,
    present: Option<i64>,
    lease: TimeDelta,
) -> StoreResult<bool> {
    let done = sqlx::query(TAKE_LEASE)
        .bind(name)
        .bind(holder.0)
        .bind(present)
        .bind(length(lease)?)
        .execute(conn)
        .await
        .map_err(failed)?;
    match done.rows_affected() {
        0 => Ok(false),
        1 => Ok(true),
        rows => Err(unexpected("leases.name", rows)),
    }
}
