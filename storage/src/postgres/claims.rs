//! Claims of jobs that wait.
//!
//! `present` is what a statement takes for the present: nothing where the server's clock says how
//! long claims last, see [`super::LeaseClock`].

use chrono::TimeDelta;
use domain::job::{Band, ClaimRequest, Claimed, ClaimedBatch, Kinds, Lane, WAIT_MAX};
use domain::ports::{BATCH_MAX, StoreResult};
use sqlx::PgConnection;

use super::batch::{int, micros};
use super::failure::failed;
use super::leases::length;
use super::rows;

/// Whether the queue is paused, which of its lanes are, and when its next scheduled job is due and
/// its last one; and what the present is, for a job's time is one by the clock that leases last by.
const LOOK: &str = "
    select coalesce($2, (extract(epoch from statement_timestamp()) * 1000000)::bigint),
           exists (
               select 1
                 from paused_queues
                where queue = $1),
           array(
               select lane
                 from paused_lanes
                where queue = $1),
           (select run_at
              from jobs
             where state = 'scheduled'
               and queue = $1
             order by run_at
             limit 1),
           (select run_at
              from jobs
             where state = 'scheduled'
               and queue = $1
             order by run_at desc
             limit 1)";

/// Those first whose time came first, and no more than a batch. Those that somebody else is just
/// promoting are left to him. A job that would wait for longer than any may has the time of a clock
/// that was wrong, and runs.
const PROMOTE: &str = "
    update jobs
       set state = 'available'
     where id = any((array(
               select id
                 from jobs
                where state = 'scheduled'
                  and queue = $1
                  and run_at <= $2
                order by run_at
                limit $4
                  for update skip locked) || array(
               select id
                 from jobs
                where state = 'scheduled'
                  and queue = $1
                  and run_at > $3
                order by run_at
                limit $4
                  for update skip locked))[:$4::integer])";

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
                      and ($11::text is null or job.kind = $11)
                      and job.kind <> all($12::text[])
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
 returning id, claim_token, kind, args, attempt, due_at, run_at, created_at, trace,
           losses, alone_since is not null";

/// Ids grow with time: the smallest is the oldest. As in [`CLAIM_JOBS`], not a row more is locked.
const CLAIM_OLDEST: &str = "
    with picked as materialized (
        select job.id
          from jobs as job
         where job.state = 'available'
           and job.queue = $1
           and (job.unique_key is null
                or (select other.id
                      from jobs as other
                     where other.state = 'running'
                       and other.unique_key = job.unique_key) is null)
           and ($7::text is null or job.kind = $7)
           and job.kind <> all($8::text[])
         order by job.id
         limit $2
           for update of job skip locked)
    update jobs
       set state = 'running',
           attempt = attempt + 1,
           claim_token = $3,
           claimed_by = $4,
           claimed_until =
               coalesce($5, (extract(epoch from clock_timestamp()) * 1000000)::bigint) + $6
     where id = any(array(
               select id
                 from picked))
 returning id, claim_token, kind, args, attempt, due_at, run_at, created_at, trace,
           losses, alone_since is not null";

pub(super) async fn claim_jobs(
    conn: &mut PgConnection,
    request: &ClaimRequest,
    present: Option<i64>,
) -> StoreResult<ClaimedBatch> {
    let (now, paused, lanes, mut next, last) = look(conn, request, present).await?;
    if paused {
        return Ok(ClaimedBatch::default());
    }
    let mut promoted = 0;
    let far = last.is_some_and(|last| last > now + wait_max());
    if far || next.is_some_and(|next| next <= now) {
        promoted = promote(conn, request, now).await?;
        next = None;
    }
    let mut jobs = Vec::new();
    let mut free = request.max;
    let oldest = request.oldest.min(free);
    if oldest > 0 && lanes.is_empty() {
        jobs = claim_oldest(conn, request, oldest, present).await?;
        free -= u32::try_from(jobs.len()).expect("no more than the limit");
    }
    let is_paused = |lane: Lane| lanes.iter().any(|paused| paused == lane.as_str());
    let bands = request.bands.iter().filter(|band| !is_paused(band.lane));
    let bands: Vec<_> = bands.copied().collect();
    if free > 0 && !bands.is_empty() {
        jobs.extend(claim_bands(conn, request, &bands, free, present).await?);
    }
    if jobs.is_empty() && next.is_none() {
        (_, _, _, next, _) = look(conn, request, present).await?;
    }
    let wait = next.filter(|_| jobs.is_empty()).map(|next| next - now);
    Ok(ClaimedBatch {
        jobs,
        // By the clock of whoever asks.
        next_run_at: wait.map(|wait| request.now + TimeDelta::microseconds(wait)),
        promoted,
        more_due: promoted as usize >= BATCH_MAX,
    })
}

async fn promote(conn: &mut PgConnection, request: &ClaimRequest, now: i64) -> StoreResult<u32> {
    let promoted = sqlx::query(PROMOTE)
        .bind(request.queue.as_str())
        .bind(now)
        .bind(now + wait_max())
        .bind(i64::try_from(BATCH_MAX).expect("a batch is small"))
        .execute(conn)
        .await
        .map_err(failed)?;
    Ok(u32::try_from(promoted.rows_affected()).expect("a batch is small"))
}

/// The longest that a job waits, in microseconds.
fn wait_max() -> i64 {
    WAIT_MAX.num_microseconds().expect("a minute")
}

/// The present, whether the queue is paused, which of its lanes are, and when its next job is to run
/// that waits for that, and its last one.
async fn look(
    conn: &mut PgConnection,
    request: &ClaimRequest,
    present: Option<i64>,
) -> StoreResult<(i64, bool, Vec<String>, Option<i64>, Option<i64>)> {
    sqlx::query_as(LOOK)
        .bind(request.queue.as_str())
        .bind(present)
        .fetch_one(conn)
        .await
        .map_err(failed)
}

async fn claim_oldest(
    conn: &mut PgConnection,
    request: &ClaimRequest,
    max: u32,
    present: Option<i64>,
) -> StoreResult<Vec<Claimed>> {
    let (only, except) = kinds(request);
    let rows = sqlx::query(CLAIM_OLDEST)
        .bind(request.queue.as_str())
        .bind(i64::from(max))
        .bind(request.token.0)
        .bind(request.worker.0)
        .bind(present)
        .bind(length(request.until - request.now)?)
        .bind(only)
        .bind(except)
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

async fn claim_bands(
    conn: &mut PgConnection,
    request: &ClaimRequest,
    bands: &[Band],
    max: u32,
    present: Option<i64>,
) -> StoreResult<Vec<Claimed>> {
    let taken = bands.iter().enumerate().map(|(at, band)| {
        let before = bands[..at].iter();
        let same = before.filter(|one| (one.from, one.before) == (band.from, band.before));
        same.fold(0_u32, |sum, one| sum.saturating_add(one.max))
    });
    let (only, except) = kinds(request);
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
        .bind(i64::from(max))
        .bind(request.token.0)
        .bind(request.worker.0)
        .bind(present)
        .bind(length(request.until - request.now)?)
        .bind(only)
        .bind(except)
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    let claimed = rows.iter().map(rows::claimed).collect::<StoreResult<_>>()?;
    Ok(in_order(claimed, bands))
}

/// The only kind to take, if there is one, and those that are not to be taken.
fn kinds(request: &ClaimRequest) -> (Option<&str>, &[String]) {
    match &request.kinds {
        Kinds::Any => (None, &[]),
        Kinds::Only(kind) => (Some(kind), &[]),
        Kinds::Except(kinds) => (None, kinds),
    }
}

/// `returning` has no order of its own. Going through the bands once more gives the order in
/// which they took.
fn in_order(mut claimed: Vec<Claimed>, bands: &[Band]) -> Vec<Claimed> {
    claimed.sort_unstable_by_key(|job| (job.due_at, job.claim.job_id));
    let mut ordered = Vec::with_capacity(claimed.len());
    for band in bands {
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
