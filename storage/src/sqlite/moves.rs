//! Jobs that nobody runs, moved by an operator: cancelled, called forward, sent round again.

use domain::JobId;
use domain::job::{State, Transition};
use domain::ports::StoreResult;
use sqlx::SqliteConnection;

use super::failure::{failed, unexpected};
use super::rows;
use super::settlements::{Ending, append_errors, delete_jobs, insert_finished, release_jobs};

const FIND_STATE: &str = "
    select state
      from jobs
     where id = ?1
     union all
    select state
      from finished_jobs
     where id = ?1";

const REVIVE_JOB: &str = "
    insert into jobs (id, kind, queue, state, args, attempt, due_at, run_at, created_at,
                      unique_key, trace, errors)
    select id, kind, queue, ?2, args, ?3, due_at, ?4, created_at, unique_key, trace, errors
      from finished_jobs
     where id = ?1
        on conflict do nothing";

const DELETE_FINISHED: &str = "
    delete from finished_jobs
     where id = ?1";

const REWRITE_FINISHED: &str = "
    update finished_jobs
       set state = ?2,
           attempt = ?3,
           run_at = ?4,
           finished_at = ?5
     where id = ?1";

/// A finished job of whose key another one is queued stays where it is: `false`.
///
/// Differs from postgres: nobody else writes between looking and moving.
pub(super) async fn move_job(
    conn: &mut SqliteConnection,
    id: JobId,
    to: &Transition,
) -> StoreResult<bool> {
    let row = sqlx::query(FIND_STATE)
        .bind(id.0.as_bytes().as_slice())
        .fetch_optional(&mut *conn)
        .await
        .map_err(failed)?;
    let Some(row) = row else {
        return Ok(false);
    };
    let from = rows::word(&row, 0, "jobs.state", State::parse)?;
    if from == to.state || from == State::Running {
        return Ok(false);
    }
    let job: [Ending<'_>; 1] = [(id, None, to)];
    match (from.is_finished(), to.state.is_finished()) {
        (false, true) => {
            append_errors(conn, &job).await?;
            let ended = insert_finished(conn, &job).await?;
            delete_jobs(conn, &[id], ended).await?;
        }
        (false, false) => {
            append_errors(conn, &job).await?;
            release_jobs(conn, &job).await?;
        }
        (true, false) => {
            if !revive(conn, id, to).await? {
                return Ok(false);
            }
            append_errors(conn, &job).await?;
        }
        (true, true) => rewrite_finished(conn, id, to).await?,
    }
    Ok(true)
}

async fn revive(conn: &mut SqliteConnection, id: JobId, to: &Transition) -> StoreResult<bool> {
    let id = id.0.as_bytes().as_slice();
    let revived = sqlx::query(REVIVE_JOB)
        .bind(id)
        .bind(to.state.as_str())
        .bind(to.attempt)
        .bind(to.run_at.timestamp_micros())
        .execute(&mut *conn)
        .await
        .map_err(failed)?;
    if revived.rows_affected() == 0 {
        return Ok(false);
    }
    let deleted = sqlx::query(DELETE_FINISHED)
        .bind(id)
        .execute(conn)
        .await
        .map_err(failed)?;
    match deleted.rows_affected() {
        1 => Ok(true),
        rows => Err(unexpected("finished_jobs.id", rows)),
    }
}

async fn rewrite_finished(
    conn: &mut SqliteConnection,
    id: JobId,
    to: &Transition,
) -> StoreResult<()> {
    let finished_at = to.finished_at.unwrap_or(to.run_at);
    let done = sqlx::query(REWRITE_FINISHED)
        .bind(id.0.as_bytes().as_slice())
        .bind(to.state.as_str())
        .bind(to.attempt)
        .bind(to.run_at.timestamp_micros())
        .bind(finished_at.timestamp_micros())
        .execute(conn)
        .await
        .map_err(failed)?;
    match done.rows_affected() {
        1 => Ok(()),
        rows => Err(unexpected("finished_jobs.id", rows)),
    }
}
