//! Claims while they are held: renewed, lost, cancelled; and leases, which are claims of a name.

use std::collections::HashMap;

use chrono::TimeDelta;
use domain::job::{Claim, Claimed, Queue, Renewal, Standing};
use domain::ports::{StoreError, StoreResult};
use domain::{ClaimToken, JobId, Timestamp, WorkerId};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::batch::Batch;
use super::failure::{failed, unexpected};
use super::rows;

const LIST_EXPIRED: &str = "
    select *
      from (select id, claim_token, kind, args, attempt, due_at, run_at, created_at, trace,
                   losses, alone_since is not null, claimed_until
              from jobs indexed by jobs_running
             where state = 'running'
               and claimed_until <= ?1
             order by claimed_until, id
             limit ?3)
     union all
    select *
      from (select id, claim_token, kind, args, attempt, due_at, run_at, created_at, trace,
                   losses, alone_since is not null, claimed_until
              from jobs indexed by jobs_running
             where state = 'running'
               and claimed_until > ?2
             order by claimed_until, id
             limit ?3)
     order by 12, 1
     limit ?3";

pub(super) async fn list_expired(
    conn: &mut SqliteConnection,
    now: Timestamp,
    longest: TimeDelta,
    max: u32,
) -> StoreResult<Vec<Claimed>> {
    let rows = sqlx::query(LIST_EXPIRED)
        .bind(now.timestamp_micros())
        .bind((now + longest).timestamp_micros())
        .bind(max)
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    rows.iter().map(rows::claimed).collect()
}

const COUNT_WORKERS: &str = "
    select queue, count(distinct claimed_by)
      from jobs indexed by jobs_running
     where state = 'running'
     group by queue";

pub(super) async fn count_workers(conn: &mut SqliteConnection) -> StoreResult<Vec<(Queue, u32)>> {
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

/// `returning` tells which claims stand, so that nothing need be asked afterwards.
const EXTEND_CLAIMS: &str = "
    update jobs
       set claimed_until = ?2,
           progress = coalesce(renewed.progress, jobs.progress)
      from (select unhex(value ->> 0) as id, unhex(value ->> 1) as token, value ->> 2 as progress
              from json_each(?1)) as renewed
     where jobs.id = renewed.id
       and jobs.claim_token = renewed.token
 returning id, claim_token, cancel_requested_at is not null";

pub(super) async fn extend_claims(
    conn: &mut SqliteConnection,
    renewals: &[Renewal],
    until: Timestamp,
) -> StoreResult<Vec<Standing>> {
    let mut batch = Batch::of(renewals.len(), 80);
    for Renewal { claim, progress } in renewals {
        let progress = progress.as_ref().map(|progress| {
            serde_json::to_string(progress).expect("a struct of texts is valid JSON")
        });
        batch.item(|item| {
            item.id(&claim.job_id.0)
                .id(&claim.token.0)
                .text_or_null(progress.as_deref());
        });
    }
    let rows = sqlx::query(EXTEND_CLAIMS)
        .bind(batch.finish())
        .bind(until.timestamp_micros())
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    let claims: Vec<_> = renewals.iter().map(|renewal| renewal.claim).collect();
    standings(&rows, &claims)
}

const LIST_STANDING: &str = "
    select j.id, j.claim_token, j.cancel_requested_at is not null
      from json_each(?1)
     cross join jobs as j
     where j.id = unhex(value ->> 0)
       and j.claim_token = unhex(value ->> 1)";

pub(super) async fn check_claims(
    conn: &mut SqliteConnection,
    claims: &[Claim],
) -> StoreResult<Vec<Standing>> {
    let mut batch = Batch::of(claims.len(), 75);
    for claim in claims {
        batch.item(|item| {
            item.id(&claim.job_id.0).id(&claim.token.0);
        });
    }
    let rows = sqlx::query(LIST_STANDING)
        .bind(batch.finish())
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    standings(&rows, claims)
}

/// Tells for each claim whether it stands.
pub(super) async fn find_standing(
    conn: &mut SqliteConnection,
    claims: &[Claim],
) -> StoreResult<Vec<bool>> {
    let stand = check_claims(conn, claims).await?;
    Ok(stand.iter().map(|one| *one != Standing::Lost).collect())
}

/// Rows of those claims that stand: id, token, whether the job is asked to stop.
fn standings(rows: &[SqliteRow], claims: &[Claim]) -> StoreResult<Vec<Standing>> {
    let mut found = HashMap::with_capacity(rows.len());
    for row in rows {
        let claim = Claim {
            job_id: JobId(rows::uuid(row, 0, "jobs.id")?),
            token: ClaimToken(rows::uuid(row, 1, "jobs.claim_token")?),
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
       set alone_since = ?3
     where id = ?1
       and claim_token = ?2";

pub(super) async fn begin_alone(
    conn: &mut SqliteConnection,
    claim: &Claim,
    now: Timestamp,
) -> StoreResult<bool> {
    let done = sqlx::query(BEGIN_ALONE)
        .bind(claim.job_id.0.as_bytes().as_slice())
        .bind(claim.token.0.as_bytes().as_slice())
        .bind(now.timestamp_micros())
        .execute(conn)
        .await
        .map_err(failed)?;
    one_or_none("jobs.id", done.rows_affected())
}

/// The first wish stays.
const REQUEST_CANCEL: &str = "
    update jobs
       set cancel_requested_at = coalesce(cancel_requested_at, ?2)
     where id = ?1
       and state = 'running'";

pub(super) async fn request_cancel(
    conn: &mut SqliteConnection,
    id: JobId,
    now: Timestamp,
) -> StoreResult<bool> {
    let done = sqlx::query(REQUEST_CANCEL)
        .bind(id.0.as_bytes().as_slice())
        .bind(now.timestamp_micros())
        .execute(conn)
        .await
        .map_err(failed)?;
    one_or_none("jobs.id", done.rows_affected())
}

/// One that began in the future is not believed.
const TAKE_LEASE: &str = "
    insert into leases (name, holder, until, lasts)
    values (?1, ?2, ?4, ?4 - ?3)
        on conflict (name) do update
       set holder = excluded.holder,
           until = excluded.until,
           lasts = excluded.lasts
     where leases.holder = excluded.holder
        or leases.until <= ?3
        or leases.until - leases.lasts > ?3";

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
    one_or_none("leases.name", done.rows_affected())
}

const LEASE_AGE: &str = "
    select ?2 - until
      from leases
     where name = ?1";

pub(super) async fn lease_age(
    conn: &mut SqliteConnection,
    name: &str,
    now: Timestamp,
) -> StoreResult<Option<TimeDelta>> {
    let age: Option<i64> = sqlx::query_scalar(LEASE_AGE)
        .bind(name)
        .bind(now.timestamp_micros())
        .fetch_optional(conn)
        .await
        .map_err(failed)?;
    Ok(age.map(TimeDelta::microseconds))
}

const END_LEASES: &str = "
    delete from leases";

const END_CLAIMS: &str = "
    update jobs indexed by jobs_running
       set claimed_until = 0
     where state = 'running'";

/// Ends the leases and claims of processes that are gone, whatever clock they went by; their jobs
/// are there to be rescued.
pub(super) async fn end_all(conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    for statement in [END_LEASES, END_CLAIMS] {
        sqlx::query(statement).execute(&mut *conn).await?;
    }
    Ok(())
}

fn one_or_none(place: &'static str, rows: u64) -> StoreResult<bool> {
    match rows {
        0 => Ok(false),
        1 => Ok(true),
        rows => Err(unexpected(place, rows)),
    }
}
