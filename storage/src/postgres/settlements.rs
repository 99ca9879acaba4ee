//! How running jobs leave their state: settled by whoever runs them.
//!
//! One statement locks the jobs whose claims stand, takes them out of `jobs`, and puts them where
//! they belong.

use std::collections::HashSet;

use domain::JobId;
use domain::clock::from_micros;
use domain::job::{Claim, ERRORS_KEPT, State, Transition};
use domain::ports::StoreResult;
use sqlx::PgConnection;
use uuid::Uuid;

use super::batch::{int, micros, place, sorted_by_key};
use super::failure::failed;
use super::session::LeaseClock;
use crate::twins::cancel_twin;

/// A job with the claim that it is under, if any, and what becomes of it.
pub(super) type Ending<'a> = (JobId, Option<Claim>, &'a Transition);

const PRESENT: &str = "
    select (extract(epoch from statement_timestamp()) * 1000000)::bigint";

/// `claim_token is not distinct` finds a job that nobody runs when there is no token to compare.
/// Answers the places of those whose claim does not stand: usually none.
const END_JOBS: &str = "
    with ended as materialized (
        select asked.place, asked.state, asked.attempt, asked.run_at, asked.finished_at, job.id,
               job.kind, job.queue, job.args, job.due_at, job.created_at, job.unique_key,
               job.trace,
               case
                   when asked.error is null then job.errors
                   else (job.errors || asked.error)[cardinality(job.errors) + 2 - $8:]
               end as errors
          from unnest($1::uuid[], $2::uuid[], $3::text[], $4::integer[], $5::bigint[],
                      $6::bigint[], $7::text[])
               with ordinality
               as asked (id, token, state, attempt, run_at, finished_at, error, place)
          left join lateral (
                   select id, kind, queue, args, due_at, created_at, unique_key, trace, errors
                     from jobs
                    where jobs.id = asked.id
                      and jobs.claim_token is not distinct from asked.token
                      for update) as job
            on true),
         gone as (
        delete from jobs
         where id = any(array(
                   select id
                     from ended
                    where id is not null))),
         moved as (
        insert into finished_jobs (id, kind, queue, state, args, attempt, due_at, run_at,
                                   created_at, finished_at, unique_key, trace, errors)
        select id, kind, queue, state, args, attempt, due_at, run_at, created_at, finished_at,
               unique_key, trace, errors
          from ended
         where id is not null)
    select place
      from ended
     where id is null";

/// As [`END_JOBS`], but back to `jobs`. A job of which another one of its key is queued, or just
/// being queued, is cancelled instead: the other one does its work. Keys are queued in the order
/// of their bytes, as everywhere. What was noted under the claim is gone with the old row.
const RELEASE_JOBS: &str = "
    with released as materialized (
        select asked.place, asked.state, asked.attempt, asked.run_at, asked.finished_at,
               asked.suspect, asked.losses, asked.twin_error, job.id, job.kind, job.queue, job.args,
               job.due_at, job.created_at, job.unique_key, job.trace,
               case
                   when asked.error is null then job.errors
                   else (job.errors || asked.error)[cardinality(job.errors) + 2 - $9:]
               end as errors
          from unnest($1::uuid[], $2::uuid[], $3::text[], $4::integer[], $5::bigint[],
                      $6::bigint[], $7::text[], $8::text[], $10::boolean[], $11::integer[])
               with ordinality
               as asked (id, token, state, attempt, run_at, finished_at, error, twin_error, suspect,
                         losses, place)
          left join lateral (
                   select id, kind, queue, args, due_at, created_at, unique_key, trace, errors
                     from jobs
                    where jobs.id = asked.id
                      and jobs.claim_token is not distinct from asked.token
                      for update) as job
            on true),
         gone as (
        delete from jobs
         where id = any(array(
                   select id
                     from released
                    where id is not null))
     returning id),
         queued as (
        insert into jobs (id, kind, queue, state, args, attempt, due_at, run_at, created_at,
                          unique_key, trace, errors, suspect, losses)
        select released.id, released.kind, released.queue, released.state, released.args,
               released.attempt, released.due_at, released.run_at, released.created_at,
               released.unique_key, released.trace, released.errors, released.suspect,
               released.losses
          from gone
          join released
            on released.id = gone.id
         order by convert_to(released.unique_key, 'UTF8')
            on conflict do nothing
     returning id),
         cancelled as (
        insert into finished_jobs (id, kind, queue, state, args, attempt, due_at, run_at,
                                   created_at, finished_at, unique_key, trace, errors)
        select id, kind, queue, 'cancelled', args, attempt, due_at, run_at, created_at,
               finished_at, unique_key, trace,
               (errors || twin_error)[cardinality(errors) + 2 - $9:]
          from released
         where id is not null
           and id not in (
                   select id
                     from queued))
    select place
      from released
     where id is null";

pub(super) async fn settle_jobs(
    conn: &mut PgConnection,
    settled: &[(Claim, Transition)],
    clock: LeaseClock,
) -> StoreResult<Vec<bool>> {
    // A worker and the rescue may settle one job in one batch; the first of them does.
    let mut seen = HashSet::with_capacity(settled.len());
    let mut ending = Vec::with_capacity(settled.len());
    let mut waiting = Vec::new();
    for (at, (claim, transition)) in settled.iter().enumerate() {
        if !seen.insert(claim) {
            continue;
        }
        let job = (at, (claim.job_id, Some(*claim), transition));
        if transition.state.is_finished() {
            ending.push(job);
        } else {
            waiting.push(job);
        }
    }
    let mut stood = vec![false; settled.len()];
    if !ending.is_empty() {
        let (places, ending): (Vec<_>, Vec<_>) = ending.into_iter().unzip();
        for (at, ended) in places.into_iter().zip(end_jobs(conn, &ending).await?) {
            stood[at] = ended;
        }
    }
    if !waiting.is_empty() {
        let set = by_the_servers_clock(conn, &waiting, clock).await?;
        let (places, waiting): (Vec<_>, Vec<_>) = waiting
            .iter()
            .zip(&set)
            .map(|((at, (id, claim, _)), to)| (*at, (*id, *claim, to)))
            .unzip();
        for (at, released) in places.into_iter().zip(release_jobs(conn, &waiting).await?) {
            stood[at] = released;
        }
    }
    Ok(stood)
}

/// The transitions of jobs that wait, each to run as long after the server's present as it was to
/// run after that of whoever decided. Most wait for nothing, and then nobody is asked.
async fn by_the_servers_clock(
    conn: &mut PgConnection,
    waiting: &[(usize, Ending<'_>)],
    clock: LeaseClock,
) -> StoreResult<Vec<Transition>> {
    let mut set: Vec<_> = waiting
        .iter()
        .map(|(_, (.., to))| Transition::clone(to))
        .collect();
    let later = set.iter().any(|to| to.state == State::Scheduled);
    if clock == LeaseClock::Server && later {
        let present: i64 = sqlx::query_scalar(PRESENT)
            .fetch_one(conn)
            .await
            .map_err(failed)?;
        for to in set.iter_mut().filter(|to| to.state == State::Scheduled) {
            to.run_at = from_micros(present) + (to.run_at - to.at);
        }
    }
    Ok(set)
}

/// Tells for each job whether its claim stood, or, without one, whether nobody runs it.
pub(super) async fn end_jobs(
    conn: &mut PgConnection,
    jobs: &[Ending<'_>],
) -> StoreResult<Vec<bool>> {
    let order = sorted_by_key(jobs, |(id, ..)| *id);
    let columns = Columns::of(&order, jobs);
    let lost: Vec<i64> = sqlx::query_scalar(END_JOBS)
        .bind(columns.ids)
        .bind(columns.tokens)
        .bind(columns.states)
        .bind(columns.attempts)
        .bind(columns.run_at)
        .bind(columns.finished_at)
        .bind(columns.errors)
        .bind(errors_kept())
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    Ok(stood(&order, &lost))
}

/// As [`end_jobs`], for jobs that wait again. One that is cancelled because of its twin ends at
/// the moment of its error, or else when it would have run.
pub(super) async fn release_jobs(
    conn: &mut PgConnection,
    jobs: &[Ending<'_>],
) -> StoreResult<Vec<bool>> {
    let order = sorted_by_key(jobs, |(id, ..)| *id);
    let columns = Columns::of(&order, jobs);
    let twins = order.iter().map(|&at| cancel_twin(jobs[at].2));
    let (ended_at, twin_errors): (Vec<_>, Vec<_>) = twins
        .map(|twin| {
            (
                micros(twin.finished_at.unwrap_or(twin.run_at)),
                error(&twin),
            )
        })
        .unzip();
    let lost: Vec<i64> = sqlx::query_scalar(RELEASE_JOBS)
        .bind(columns.ids)
        .bind(columns.tokens)
        .bind(columns.states)
        .bind(columns.attempts)
        .bind(columns.run_at)
        .bind(ended_at)
        .bind(columns.errors)
        .bind(twin_errors)
        .bind(errors_kept())
        .bind(columns.suspects)
        .bind(columns.losses)
        .fetch_all(conn)
        .await
        .map_err(failed)?;
    Ok(stood(&order, &lost))
}

/// The columns of a batch, sorted.
struct Columns {
    ids: Vec<Uuid>,
    tokens: Vec<Option<Uuid>>,
    states: Vec<&'static str>,
    attempts: Vec<i32>,
    run_at: Vec<i64>,
    finished_at: Vec<i64>,
    errors: Vec<Option<String>>,
    suspects: Vec<bool>,
    losses: Vec<i32>,
}

impl Columns {
    fn of(order: &[usize], jobs: &[Ending<'_>]) -> Self {
        let sorted = || order.iter().map(|&at| &jobs[at]);
        let transitions = || sorted().map(|(.., transition)| *transition);
        Self {
            ids: sorted().map(|(id, ..)| id.0).collect(),
            tokens: sorted()
                .map(|(_, claim, _)| claim.map(|claim| claim.token.0))
                .collect(),
            states: transitions().map(|to| to.state.as_str()).collect(),
            attempts: transitions().map(|to| int(to.attempt)).collect(),
            run_at: transitions().map(|to| micros(to.run_at)).collect(),
            finished_at: transitions()
                .map(|to| micros(to.finished_at.unwrap_or(to.run_at)))
                .collect(),
            errors: transitions().map(error).collect(),
            suspects: transitions().map(Transition::is_suspect).collect(),
            losses: transitions().map(|to| int(to.losses)).collect(),
        }
    }
}

pub(super) fn error(transition: &Transition) -> Option<String> {
    let error = transition.error.as_ref()?;
    Some(serde_json::to_string(error).expect("a struct of texts is valid JSON"))
}

pub(super) fn errors_kept() -> i32 {
    i32::try_from(ERRORS_KEPT).expect("a few")
}

fn stood(order: &[usize], lost: &[i64]) -> Vec<bool> {
    let mut stood = vec![true; order.len()];
    for &lost in lost {
        stood[order[place(lost)]] = false;
    }
    stood
}
