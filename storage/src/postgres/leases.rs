//! Claims while they are held: renewed, lost, cancelled; and leases, which are claims of a name.
//!
//! `present` is what a statement takes for the present: nothing where the server's clock says how
//! long claims last, see [`super::LeaseClock`].

use std::collections::HashMap;

use chrono::TimeDelta;
use domain::job::{Claim, Claimed, Queue, Renewal, Standing};
use domain::ports::{StoreError, StoreResult};
use domain::{ClaimToken, JobId, Timestamp, WorkerId};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;

use super::batch::{micros, sorted_by_key};
use super::failure::{failed, unexpected};
use super::rows;

const LIST_EXPIRED: &str = "
    (select id, claim_token, kind, args, attempt, due_at, run_at, created_at, trace,
            losses, alone_since is not null, claimed_until
       from jobs
      where state = 'running'
        and claimed_until <=
                coalesce($1, (extract(epoch from statement_timestamp()) * 1000000)::bigint)
      order by claimed_until, id
      limit $3)
     union all
    (select id, claim_token, kind, args, attempt, due_at, run_at, created_at, trace,
            losses, alone_since is not null, claimed_until
       from jobs
      where state = 'running'
        and claimed_until >
                coalesce($1, (extract(epoch from statement_timestamp()) * 1000000)::bigint) + $2
      order by claimed_until, id
      limit $3)
     order by claimed_until, id
     limit $3";

pub(super) async fn list_expired(
    conn: &mut PgConnection,
    present: Option<i64>,
    longest: TimeDelta,
    max: u32,
) -> StoreResult<Vec<Claimed>> {
    let rows = sqlx::query(LIST_EXPIRED)
        .bind(present)
        .bind(length(longest)?)
        .bind(i64::from(max))
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    rows.iter().map(rows::claimed).collect()
}

const COUNT_WORKERS: &str = "
    select queue, count(distinct claimed_by)
      from jobs
     where state = 'running'
     group by queue";

pub(super) async fn count_workers(conn: &mut PgConnection) -> StoreResult<Vec<(Queue, u32)>> {
    let rows = sqlx::query(COUNT_WORKERS)
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    let mut counted = Vec::with_capacity(rows.len());
    for row in &rows {
        let workers: i64 = rows::get(row, 1, "count_workers.count")?;
        let workers = u32::try_from(workers)
            .map_err(|error| StoreError::corrupt("count_workers.count", error))?;
        if let Some(queue) = Queue::parse(rows::get(row, 0, "jobs.queue")?) {
            counted.push((queue, workers));
        }
    }
    Ok(counted)
}

/// A job that is renewed is locked first, so that its wish to stop is not overlooked.
const EXTEND_CLAIMS: &str = "
    with standing as materialized (
        select job.id, claim.progress
          from unnest($1::uuid[], $2::uuid[], $3::text[]) as claim (id, token, progress)
         cross join lateral (
                   select id
                     from jobs
                    where jobs.id = claim.id
                      and jobs.claim_token = claim.token
                      for no key update) as job)
    update jobs
       set claimed_until =
               coalesce($4, (extract(epoch from clock_timestamp()) * 1000000)::bigint) + $5,
           progress = coalesce(standing.progress, jobs.progress)
      from standing
     where jobs.id = standing.id
 returning jobs.id, jobs.claim_token, jobs.cancel_requested_at is not null";

pub(super) async fn extend_claims(
    conn: &mut PgConnection,
    renewals: &[Renewal],
    present: Option<i64>,
    lease: TimeDelta,
) -> StoreResult<Vec<Standing>> {
    let order = sorted_by_key(renewals, |renewal| renewal.claim.job_id);
    let sorted = || order.iter().map(|&at| &renewals[at]);
    let progress = sorted().map(|renewal| {
        let progress = renewal.progress.as_ref();
        progress.map(|progress| {
            serde_json::to_string(progress).expect("a struct of texts is valid JSON")
        })
    });
    let rows = sqlx::query(EXTEND_CLAIMS)
        .bind(
            sorted()
                .map(|renewal| renewal.claim.job_id.0)
                .collect::<Vec<_>>(),
        )
        .bind(
            sorted()
                .map(|renewal| renewal.claim.token.0)
                .collect::<Vec<_>>(),
        )
        .bind(progress.collect::<Vec<_>>())
        .bind(present)
        .bind(length(lease)?)
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    let claims: Vec<_> = renewals.iter().map(|renewal| renewal.claim).collect();
    standings(&rows, &claims)
}

const LIST_STANDING: &str = "
    select job.id, job.claim_token, job.cancel_requested_at is not null
      from unnest($1::uuid[], $2::uuid[]) as claim (id, token)
     cross join lateral (
               select id, claim_token, cancel_requested_at
                 from jobs
                where jobs.id = claim.id
                  and jobs.claim_token = claim.token
               offset 0) as job";

/// As [`LIST_STANDING`], and nobody asks those jobs to stop until the transaction ends.
const LOCK_STANDING: &str = "
    select job.id, job.claim_token, job.cancel_requested_at is not null
      from unnest($1::uuid[], $2::uuid[]) as claim (id, token)
     cross join lateral (
               select id, claim_token, cancel_requested_at
                 from jobs
                where jobs.id = claim.id
                  and jobs.claim_token = claim.token
                  for update) as job";

/// Differs from sqlite: whoever is going to write has to lock what he looks at.
pub(super) async fn check_claims(
    conn: &mut PgConnection,
    claims: &[Claim],
    locks: bool,
) -> StoreResult<Vec<Standing>> {
    let statement = if locks { LOCK_STANDING } else { LIST_STANDING };
    let order = sorted_by_key(claims, |claim| claim.job_id);
    let sorted = || order.iter().map(|&at| &claims[at]);
    let rows = sqlx::query(statement)
        .bind(sorted().map(|claim| claim.job_id.0).collect::<Vec<_>>())
        .bind(sorted().map(|claim| claim.token.0).collect::<Vec<_>>())
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    standings(&rows, claims)
}

/// Rows of those claims that stand: id, token, whether the job is asked to stop.
fn standings(rows: &[PgRow], claims: &[Claim]) -> StoreResult<Vec<Standing>> {
    let mut found = HashMap::with_capacity(rows.len());
    for row in rows {
        let claim = Claim {
            job_id: JobId(rows::get(row, 0, "jobs.id")?),
            token: ClaimToken(rows::get(row, 1, "jobs.claim_token")?),
        };
        let cancelled: bool = rows::get(row, 2, "jobs.cancel_requested_at")?;
        let standing = if cancelled {
            Standing::Cancelled
        } else {
            Standing::Stands
        };
        found.insert(claim, standing);
    }
    let standing = |claim| found.get(claim).copied().unwrap_or(Standing::Lost);
    Ok(claims.iter().map(standing).collect())
}

const BEGIN_ALONE: &str = "
    update jobs
       set alone_since = $3
     where id = $1
       and claim_token = $2";

pub(super) async fn begin_alone(
    conn: &mut PgConnection,
    claim: &Claim,
    now: Timestamp,
) -> StoreResult<bool> {
    let done = sqlx::query(BEGIN_ALONE)
        .bind(claim.job_id.0)
        .bind(claim.token.0)
        .bind(micros(now))
        .execute(conn)
        .await
        .map_err(failed)?;
    one_or_none("jobs.id", done.rows_affected())
}

/// The first wish stays. Whoever runs a job has a token; asked for by its state, the job would be
/// looked for among all that run instead of by its id.
const REQUEST_CANCEL: &str = "
    update jobs
       set cancel_requested_at = coalesce(cancel_requested_at, $2)
     where id = $1
       and claim_token is not null";

pub(super) async fn request_cancel(
    conn: &mut PgConnection,
    id: JobId,
    now: Timestamp,
) -> StoreResult<bool> {
    let done = sqlx::query(REQUEST_CANCEL)
        .bind(id.0)
        .bind(micros(now))
        .execute(conn)
        .await
        .map_err(failed)?;
    one_or_none("jobs.id", done.rows_affected())
}

/// One that began in the future is not believed: the server's clock was wrong.
const TAKE_LEASE: &str = "
    insert into leases (name, holder, until, lasts)
    values ($1, $2, coalesce($3, (extract(epoch from clock_timestamp()) * 1000000)::bigint) + $4,
            $4)
        on conflict (name) do update
       set holder = excluded.holder,
           until = excluded.until,
           lasts = excluded.lasts
     where leases.holder = excluded.holder
        or leases.until <= excluded.until - excluded.lasts
        or leases.until - leases.lasts > excluded.until - excluded.lasts";

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
    one_or_none("leases.name", done.rows_affected())
}

const LEASE_AGE: &str = "
    select coalesce($2, (extract(epoch from clock_timestamp()) * 1000000)::bigint) - until
      from leases
     where name = $1";

pub(super) async fn lease_age(
    conn: &mut PgConnection,
    name: &str,
    present: Option<i64>,
) -> StoreResult<Option<TimeDelta>> {
    let age: Option<i64> = sqlx::query_scalar(LEASE_AGE)
        .bind(name)
        .bind(present)
        .fetch_optional(conn)
        .await
        .map_err(failed)?;
    Ok(age.map(TimeDelta::microseconds))
}

/// How long a claim or a lease lasts, in microseconds.
pub(super) fn length(lease: TimeDelta) -> StoreResult<i64> {
    let micros = lease.num_microseconds();
    micros.ok_or_else(|| StoreError::unavailable(anyhow::anyhow!("a lease of {lease}")))
}

fn one_or_none(place: &'static str, rows: u64) -> StoreResult<bool> {
    match rows {
        0 => Ok(false),
        1 => Ok(true),
        rows => Err(unexpected(place, rows)),
    }
}
