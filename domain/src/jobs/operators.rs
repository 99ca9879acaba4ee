//! What operators do to jobs and queues.

use crate::context::Parts;
use crate::error::{Error, Refusal};
use crate::ids::JobId;
use crate::job::{self, Job, Lane, Pauses, Queue, State, Transition};
use crate::jobs::JobFilter;
use crate::ports::Tx;
use crate::prints::Effect;

/// Dead letters that are sent round again in one transaction.
const REDRIVE_BATCH: u32 = 100;

/// What became of the wish to cancel a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// It waited and is cancelled.
    Now,
    /// It runs, and whoever runs it hears of the wish with the next renewal of its claim.
    Asked,
}

/// What became of many dead letters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Redriven {
    /// They go round again.
    pub again: u32,
    /// They stay: another job of their key is queued, or somebody else was faster.
    pub stayed: u32,
}

/// The job of that id.
pub async fn find(parts: &Parts, id: JobId) -> Result<Job, Error> {
    let found = parts.store.read().await?.find_job(id).await?;
    found.ok_or(Error::NotFound("job"))
}

/// Sends a finished job round again with all its attempts, as if it were new.
pub async fn retry(parts: &Parts, id: JobId) -> Result<(), Error> {
    let mut tx = parts.store.begin().await?;
    let job = tx.find_job(id).await?.ok_or(Error::NotFound("job"))?;
    if !job.state.is_finished() || !send_again(tx.as_mut(), parts, &job).await? {
        return Err(Error::Refused(Refusal::JobState));
    }
    tx.commit().await?;
    // One of another queue is another version's.
    if let Some(queue) = Queue::parse(&job.queue) {
        parts.wakeups.wake(queue);
    }
    Ok(())
}

/// Sends dead letters that match round again, the newest first and `filter.max` at most, a batch
/// in a transaction, so that buyers do not wait for it. Those that die meanwhile are left alone.
pub async fn retry_all(parts: &Parts, filter: &JobFilter) -> Result<Redriven, Error> {
    let mut redriven = Redriven::default();
    let mut left = filter.max;
    let mut page = JobFilter {
        state: Some(State::Discarded),
        ..filter.clone()
    };
    while left > 0 {
        page.max = left.min(REDRIVE_BATCH);
        let mut tx = parts.store.begin().await?;
        let dead = tx.list_jobs(&page).await?;
        let Some(last) = dead.last() else {
            break;
        };
        page.before = Some(last.id);
        left -= u32::try_from(dead.len()).expect("no more than asked for");
        let mut batch = Redriven::default();
        for job in &dead {
            if send_again(tx.as_mut(), parts, job).await? {
                batch.again += 1;
            } else {
                batch.stayed += 1;
            }
        }
        tx.commit().await?;
        redriven.again += batch.again;
        redriven.stayed += batch.stayed;
        for queue in Queue::ALL {
            if dead.iter().any(|job| job.queue == queue.as_str()) {
                parts.wakeups.wake(queue);
            }
        }
    }
    Ok(redriven)
}

/// `false` when the job stays where it is.
async fn send_again(tx: &mut dyn Tx, parts: &Parts, job: &Job) -> Result<bool, Error> {
    let now = parts.clock.now();
    let again = Transition {
        at: now,
        state: State::Available,
        attempt: 0,
        run_at: now,
        finished_at: None,
        losses: 0,
        error: None,
    };
    if !tx.move_job(job.id, &again).await? {
        return Ok(false);
    }
    if let Effect::FailPrint { ticket_id } = job::on_failure(&job.kind, &job.args) {
        // The print is wanted again; one that was made meanwhile stays.
        tx.request_prints(&[ticket_id]).await?;
    }
    Ok(true)
}

/// Cancels a job that waits, and asks one that runs to stop. Whoever waited for it is told that
/// it failed.
pub async fn cancel(parts: &Parts, id: JobId) -> Result<Cancelled, Error> {
    let now = parts.clock.now();
    let mut tx = parts.store.begin().await?;
    let job = tx.find_job(id).await?.ok_or(Error::NotFound("job"))?;
    let done = match job.state {
        State::Available | State::Scheduled => {
            let cancelled = Transition {
                at: now,
                state: State::Cancelled,
                attempt: job.attempt,
                run_at: job.run_at,
                finished_at: Some(now),
                losses: 0,
                error: Some(job::AttemptError {
                    attempt: job.attempt,
                    at: now,
                    error: job::CANCELLED.into(),
                }),
            };
            let moved = tx.move_job(id, &cancelled).await?;
            if let Effect::FailPrint { ticket_id } = job::on_failure(&job.kind, &job.args)
                && moved
            {
                tx.fail_prints(&[ticket_id]).await?;
            }
            moved.then_some(Cancelled::Now)
        }
        State::Running => tx
            .request_cancel(id, now)
            .await?
            .then_some(Cancelled::Asked),
        State::Completed | State::Cancelled | State::Discarded => None,
    };
    let Some(done) = done else {
        return Err(Error::Refused(Refusal::JobState));
    };
    tx.commit().await?;
    Ok(done)
}

/// Stops or restarts the claiming of a queue, or of one of its lanes, on every worker and across
/// restarts. A queue that goes on leaves alone those of its lanes that are paused by themselves.
/// Returns everything that is paused now.
pub async fn set_paused(
    parts: &Parts,
    queue: Queue,
    lane: Option<Lane>,
    paused: bool,
) -> Result<Pauses, Error> {
    let mut tx = parts.store.begin().await?;
    tx.set_paused(queue, lane, paused).await?;
    let pauses = tx.list_pauses().await?;
    tx.commit().await?;
    parts.wakeups.wake(queue);
    Ok(pauses)
}

/// Everything that is paused.
pub async fn pauses(parts: &Parts) -> Result<Pauses, Error> {
    Ok(parts.store.read().await?.list_pauses().await?)
}
