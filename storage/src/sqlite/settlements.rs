//! How running jobs leave their state: settled by whoever runs them.
//!
//! A job that ends is moved from `jobs` to `finished_jobs` within the transaction.

use std::collections::HashSet;

use domain::JobId;
use domain::job::{Claim, ERRORS_KEPT, Transition};
use domain::ports::StoreResult;
use sqlx::SqliteConnection;

use super::batch::Batch;
use super::failure::{failed, unexpected};
use super::leases::find_standing;
use super::rows;
use crate::twins::cancel_twin;

/// A job with the claim that it is under, if any, and what becomes of it.
pub(super) type Ending<'a> = (JobId, Option<Claim>, &'a Transition);

/// `claim_token is` finds a job that nobody runs when there is no token to compare.
const APPEND_ERRORS: &str = "
    update jobs
       set errors = json_insert(
               case
                   when json_array_length(errors) >= ?2 then json_remove(errors, '$[0]')
                   else coalesce(errors, '[]')
               end,
               '$[#]', json(attempted.error))
      from (select unhex(value ->> 0) as id, unhex(value ->> 1) as token, value ->> 2 as error
              from json_each(?1)) as attempted
     where jobs.id = attempted.id
       and jobs.claim_token is attempted.token";

/// `or rollback`: see [`super::tickets`].
const INSERT_FINISHED: &str = "
    insert or rollback into finished_jobs (id, kind, queue, state, args, attempt, due_at, run_at,
                                           created_at, finished_at, unique_key, trace, errors)
    select j.id, j.kind, j.queue, value ->> 2, j.args, value ->> 3, j.due_at, value ->> 4,
           j.created_at, value ->> 5, j.unique_key, j.trace, j.errors
      from json_each(?1)
     cross join jobs as j
     where j.id = unhex(value ->> 0)
       and j.claim_token is unhex(value ->> 1)";

const DELETE_JOBS: &str = "
    delete from jobs
     where id in (
               select unhex(value)
                 from json_each(?1))";

const RELEASE_JOBS: &str = "
    update jobs
       set state = released.state,
           attempt = released.attempt,
           run_at = released.run_at,
           suspect = released.suspect,
           losses = released.losses,
           claim_token = null,
           claimed_by = null,
           claimed_until = null,
           cancel_requested_at = null,
           alone_since = null,
           progress = null
      from (select unhex(value ->> 0) as id, value ->> 1 as state, value ->> 2 as attempt,
                   value ->> 3 as run_at, value ->> 4 as suspect, value ->> 5 as losses
              from json_each(?1)) as released
     where jobs.id = released.id";

const LIST_TWINS: &str = "
    select key
      from json_each(?1)
     cross join jobs as j
     where j.id = unhex(value)
       and j.unique_key is not null
       and exists (
               select 1
                 from jobs as twin
                where twin.unique_key = j.unique_key
                  and twin.state in ('available', 'scheduled'))";

pub(super) async fn settle_jobs(
    conn: &mut SqliteConnection,
    settled: &[(Claim, Transition)],
) -> StoreResult<Vec<bool>> {
    // A worker and the rescue may settle one job in one batch; the first of them does.
    let mut seen = HashSet::with_capacity(settled.len());
    let mut ending = Vec::with_capacity(settled.len());
    let mut waiting = Vec::new();
    for (at, (claim, transition)) in settled.iter().enumerate() {
        if !seen.insert(claim) {
            continue;
        }
        if transition.state.is_finished() {
            ending.push((at, (*claim, transition)));
        } else {
            waiting.push((at, (*claim, transition)));
        }
    }
    let mut stood = vec![false; settled.len()];
    if !ending.is_empty() {
        let (places, ending): (Vec<_>, Vec<_>) = ending.into_iter().unzip();
        for (at, ended) in places.into_iter().zip(end_claimed(conn, &ending).await?) {
            stood[at] = ended;
        }
    }
    if !waiting.is_empty() {
        let (places, waiting): (Vec<_>, Vec<_>) = waiting.into_iter().unzip();
        for (at, released) in places.into_iter().zip(release(conn, &waiting).await?) {
            stood[at] = released;
        }
    }
    Ok(stood)
}

/// Usually every claim stands, and the number of rows says so.
async fn end_claimed(
    conn: &mut SqliteConnection,
    ending: &[(Claim, &Transition)],
) -> StoreResult<Vec<bool>> {
    let all: Vec<Ending<'_>> = ending
        .iter()
        .map(|(claim, transition)| (claim.job_id, Some(*claim), *transition))
        .collect();
    append_errors(conn, &all).await?;
    let ended = insert_finished(conn, &all).await?;
    let mut stood = vec![true; ending.len()];
    if ended != ending.len() as u64 {
        let claims: Vec<_> = ending.iter().map(|(claim, _)| *claim).collect();
        stood = find_standing(conn, &claims).await?;
    }
    let ids = ending.iter().zip(&stood).filter(|(_, stood)| **stood);
    let ids: Vec<_> = ids.map(|((claim, _), _)| claim.job_id).collect();
    delete_jobs(conn, &ids, ended).await?;
    Ok(stood)
}

/// A job of which another one of its key is queued is cancelled instead: the other one does its
/// work. It ends at the moment of its error, or else when it would have run.
async fn release(
    conn: &mut SqliteConnection,
    waiting: &[(Claim, &Transition)],
) -> StoreResult<Vec<bool>> {
    let claims: Vec<_> = waiting.iter().map(|(claim, _)| *claim).collect();
    let stood = find_standing(conn, &claims).await?;
    let standing = waiting.iter().zip(&stood).filter(|(_, stood)| **stood);
    let standing: Vec<_> = standing
        .map(|((claim, transition), _)| (claim.job_id, Some(*claim), *transition))
        .collect();
    if standing.is_empty() {
        return Ok(stood);
    }
    append_errors(conn, &standing).await?;
    let twins = find_twins(conn, &standing).await?;
    let (cancelled, released): (Vec<_>, Vec<_>) = standing
        .into_iter()
        .zip(twins)
        .partition(|(_, is_twin)| *is_twin);
    let released: Vec<_> = released.into_iter().map(|(job, _)| job).collect();
    release_jobs(conn, &released).await?;
    let cancelled: Vec<_> = cancelled
        .into_iter()
        .map(|((id, claim, transition), _)| (id, claim, cancel_twin(transition)))
        .collect();
    let cancelled: Vec<Ending<'_>> = cancelled
        .iter()
        .map(|(id, claim, transition)| (*id, *claim, transition))
        .collect();
    append_errors(conn, &cancelled).await?;
    let ended = insert_finished(conn, &cancelled).await?;
    let ids: Vec<_> = cancelled.iter().map(|(id, ..)| *id).collect();
    delete_jobs(conn, &ids, ended).await?;
    Ok(stood)
}

pub(super) async fn append_errors(
    conn: &mut SqliteConnection,
    jobs: &[Ending<'_>],
) -> StoreResult<()> {
    let mut batch = Batch::of(jobs.len(), 250);
    let mut errors = false;
    for (id, claim, transition) in jobs {
        let Some(error) = &transition.error else {
            continue;
        };
        errors = true;
        let error = serde_json::to_string(error).expect("a struct of texts is valid JSON");
        batch.item(|item| {
            item.id(&id.0)
                .id_or_null(claim.map(|claim| claim.token.0))
                .text(&error);
        });
    }
    if !errors {
        return Ok(());
    }
    // Claims that do not stand have no row; whoever calls counts those that do.
    sqlx::query(APPEND_ERRORS)
        .bind(batch.finish())
        .bind(i64::try_from(ERRORS_KEPT).expect("a few"))
        .execute(conn)
        .await
        .map_err(failed)?;
    Ok(())
}

pub(super) async fn insert_finished(
    conn: &mut SqliteConnection,
    jobs: &[Ending<'_>],
) -> StoreResult<u64> {
    if jobs.is_empty() {
        return Ok(0);
    }
    let mut batch = Batch::of(jobs.len(), 150);
    for (id, claim, transition) in jobs {
        let finished_at = transition.finished_at.unwrap_or(transition.run_at);
        batch.item(|item| {
            item.id(&id.0)
                .id_or_null(claim.map(|claim| claim.token.0))
                .text(transition.state.as_str())
                .number(transition.attempt)
                .number(transition.run_at.timestamp_micros())
                .number(finished_at.timestamp_micros());
        });
    }
    let done = sqlx::query(INSERT_FINISHED)
        .bind(batch.finish())
        .execute(conn)
        .await
        .map_err(failed)?;
    Ok(done.rows_affected())
}

pub(super) async fn delete_jobs(
    conn: &mut SqliteConnection,
    ids: &[JobId],
    expected: u64,
) -> StoreResult<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let done = sqlx::query(DELETE_JOBS)
        .bind(Batch::of_ids(ids.iter().map(|id| id.0)))
        .execute(conn)
        .await
        .map_err(failed)?;
    match done.rows_affected() {
        rows if rows == expected => Ok(()),
        rows => Err(unexpected("jobs.id", rows)),
    }
}

/// Only for jobs that were just found standing, or waiting.
pub(super) async fn release_jobs(
    conn: &mut SqliteConnection,
    jobs: &[Ending<'_>],
) -> StoreResult<()> {
    if jobs.is_empty() {
        return Ok(());
    }
    let mut batch = Batch::of(jobs.len(), 100);
    for (id, _, transition) in jobs {
        batch.item(|item| {
            item.id(&id.0)
                .text(transition.state.as_str())
                .number(transition.attempt)
                .number(transition.run_at.timestamp_micros())
                .number(u8::from(transition.is_suspect()))
                .number(transition.losses);
        });
    }
    let done = sqlx::query(RELEASE_JOBS)
        .bind(batch.finish())
        .execute(conn)
        .await
        .map_err(failed)?;
    match done.rows_affected() {
        rows if rows == jobs.len() as u64 => Ok(()),
        rows => Err(unexpected("jobs.id", rows)),
    }
}

async fn find_twins(conn: &mut SqliteConnection, jobs: &[Ending<'_>]) -> StoreResult<Vec<bool>> {
    let rows = sqlx::query(LIST_TWINS)
        .bind(Batch::of_ids(jobs.iter().map(|(id, ..)| id.0)))
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    let mut twins = vec![false; jobs.len()];
    for row in &rows {
        twins[rows::count(row, 0, "twins.key")? as usize] = true;
    }
    Ok(twins)
}
