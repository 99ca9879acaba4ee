//! Jobs that nobody runs, moved by an operator: cancelled, called forward, sent round again.

use domain::JobId;
use domain::job::{State, Transition};
use domain::ports::StoreResult;
use sqlx::PgConnection;

use super::batch::{int, micros};
use super::failure::{failed, unexpected};
use super::rows;
use super::settlements::{Ending, end_jobs, error, errors_kept, release_jobs};

const FIND_WAITING: &str = "
    select state
      from jobs
     where id = $1
       for update";

const FIND_FINISHED: &str = "
    select state
      from finished_jobs
     where id = $1
       for update";

const REVIVE_JOB: &str = "
    with revived as (
        insert into jobs (id, kind, queue, state, args, attempt, due_at, run_at, created_at,
                          unique_key, trace, errors)
        select id, kind, queue, $2, args, $3, due_at, $4, created_at, unique_key, trace,
               case
                   when $5::text is null then errors
                   else (errors || $5)[cardinality(errors) + 2 - $6:]
               end
          from finished_jobs
         where id = $1
            on conflict do nothing
     returning id)
    delete from finished_jobs
     where id = any(array(
               select id
                 from revived))";

const REWRITE_FINISHED: &str = "
    update finished_jobs
       set state = $2,
           attempt = $3,
           run_at = $4,
           finished_at = $5
     where id = $1";

/// A finished job of whose key another one is queued stays where it is: `false`.
///
/// Differs from sqlite: the job is locked, so that nobody moves it between looking and moving.
pub(super) async fn move_job(
    conn: &mut PgConnection,
    id: JobId,
    to: &Transition,
) -> StoreResult<bool> {
    let mut found = None;
    for statement in [FIND_WAITING, FIND_FINISHED] {
        if found.is_none() {
            found = sqlx::query(statement)
                .bind(id.0)
                .fetch_optional(&mut *conn)
                .await
                .map_err(failed)?;
        }
    }
    let Some(row) = found else {
        return Ok(false);
    };
    let from = rows::word(&row, 0, "jobs.state", State::parse)?;
    if from == to.state || from == State::Running {
        return Ok(false);
    }
    let job: [Ending<'_>; 1] = [(id, None, to)];
    let moved = match (from.is_finished(), to.state.is_finished()) {
        (false, true) => end_jobs(conn, &job).await? == [true],
        (false, false) => release_jobs(conn, &job).await? == [true],
        (true, false) => revive(conn, id, to).await?,
        (true, true) => {
            rewrite_finished(conn, id, to).await?;
            true
        }
    };
    Ok(moved)
}

async fn revive(conn: &mut PgConnection, id: JobId, to: &Transition) -> StoreResult<bool> {
    let revived = sqlx::query(REVIVE_JOB)
        .bind(id.0)
        .bind(to.state.as_str())
        .bind(int(to.attempt))
        .bind(micros(to.run_at))
        .bind(error(to))
        .bind(errors_kept())
        .execute(conn)
        .await
        .map_err(failed)?;
    match revived.rows_affected() {
        0 => Ok(false),
        1 => Ok(true),
        rows => Err(unexpected("finished_jobs.id", rows)),
    }
}

async fn rewrite_finished(conn: &mut PgConnection, id: JobId, to: &Transition) -> StoreResult<()> {
    let done = sqlx::query(REWRITE_FINISHED)
        .bind(id.0)
        .bind(to.state.as_str())
        .bind(int(to.attempt))
        .bind(micros(to.run_at))
        .bind(micros(to.finished_at.unwrap_or(to.run_at)))
        .execute(conn)
        .await
        .map_err(failed)?;
    match done.rows_affected() {
        1 => Ok(()),
        rows => Err(unexpected("finished_jobs.id", rows)),
    }
}
