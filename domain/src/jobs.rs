//! Running jobs, as the ledger sees it: claim, renew, settle, rescue; and what operators do.

use std::sync::Arc;

use chrono::TimeDelta;
use futures::future::join_all;

use crate::again::{self, Broken, Earlier};
use crate::clock::Timestamp;
use crate::context::{Context, Parts};
use crate::error::{Error, Refusal};
use crate::ids::{ClaimToken, JobId, WorkerId};
use crate::job::{
    self, Claim, ClaimRequest, Claimed, ClaimedBatch, Job, Lane, Outcome, Policy, Queue, Rota,
    State, Transition,
};
use crate::ports::{StoreResult, Tx};
use crate::prints::{Effect, Published};

/// How long a claim stands unless it is renewed.
pub const LEASE: TimeDelta = TimeDelta::seconds(5);

/// Which jobs to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Only in this state.
    pub state: Option<State>,
    /// Only of this queue.
    pub queue: Option<Queue>,
    /// Only of this kind.
    pub kind: Option<String>,
    /// At most this many.
    pub max: u32,
}

/// Jobs that share queue, state and lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueDepth {
    /// The queue.
    pub queue: Queue,
    /// The state.
    pub state: State,
    /// The lane, by the due time.
    pub lane: Lane,
    /// How many.
    pub jobs: u64,
    /// The earliest moment from which one of them could run.
    pub oldest_run_at: Timestamp,
}

/// What became of a settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It is written, effect and all.
    Done,
    /// Nothing is written: the concert moved on and the job is still the caller's, to run again.
    VersionMoved,
    /// Nothing is written: the job is somebody else's by now.
    ClaimLost,
}

/// Claims up to `free` jobs of a queue, urgent lanes first.
pub async fn claim(
    ctx: &Context,
    queue: Queue,
    free: u32,
    rota: &mut Rota,
    worker: WorkerId,
) -> Result<ClaimedBatch, Error> {
    let now = ctx.clock.now();
    let request = ClaimRequest {
        queue,
        bands: rota.bands(free, now),
        max: free,
        worker,
        token: ClaimToken(ctx.ids.next()),
        now,
        until: now + LEASE,
    };
    let mut tx = ctx.store.begin().await?;
    let batch = tx.claim_jobs(&request).await?;
    if !batch.jobs.is_empty() {
        tx.commit().await?;
    }
    rota.took(u32::try_from(batch.jobs.len()).expect("no more than asked for"));
    Ok(batch)
}

/// Renews claims for another [`LEASE`]; tells for each whether it still stands.
pub async fn renew(ctx: &Context, claims: &[Claim]) -> Result<Vec<bool>, Error> {
    let mut tx = ctx.store.begin().await?;
    let now = ctx.clock.now();
    let stand = tx.extend_claims(claims, now, now + LEASE).await?;
    tx.commit().await?;
    Ok(stand)
}

/// Writes down how an attempt ended, together with the effect of its success.
pub async fn settle(
    ctx: &Context,
    job: &Claimed,
    outcome: Outcome,
    effect: Effect,
) -> Result<Settled, Error> {
    let settlement = Settlement::of(job, &outcome, effect, ctx.clock.now());
    let state = settlement.transition.state;
    let settled = ctx.settlements.submit(settlement).await?;
    if settled == Settled::Done {
        count_settled(&job.kind, &outcome, state);
    }
    Ok(settled)
}

/// Takes up to `max` jobs from workers that were not heard of. Returns how many.
pub async fn rescue(ctx: &Context, max: u32) -> Result<u32, Error> {
    let now = ctx.clock.now();
    let lost = ctx.store.read().await?.list_expired(now, max).await?;
    for job in &lost {
        tracing::warn!(
            job.id = %job.claim.job_id, job.kind = job.kind, job.attempt = job.attempt,
            "a worker was lost, its job is rescued"
        );
    }
    // All at once, so that they share a transaction.
    let rescues = lost
        .iter()
        .map(|job| settle(ctx, job, Outcome::Lost, Effect::None));
    let mut rescued = 0;
    for settled in join_all(rescues).await {
        if settled? == Settled::Done {
            rescued += 1;
        }
    }
    if rescued > 0 {
        // A claimed job does not say of which queue it is.
        for queue in Queue::ALL {
            ctx.wakeups.wake(queue);
        }
    }
    Ok(rescued)
}

/// Deletes up to `max` finished jobs, but no dead letters, that ended before a moment.
pub async fn prune(ctx: &Context, before: Timestamp, max: u32) -> Result<u32, Error> {
    let mut tx = ctx.store.begin().await?;
    let pruned = tx.prune_jobs(before, max).await?;
    tx.commit().await?;
    Ok(pruned)
}

/// The job of that id.
pub async fn find(parts: &Parts, id: JobId) -> Result<Job, Error> {
    let found = parts.store.read().await?.find_job(id).await?;
    found.ok_or(Error::NotFound("job"))
}

/// Sends a finished job round again with all its attempts, as if it were new.
pub async fn retry(parts: &Parts, id: JobId) -> Result<(), Error> {
    let now = parts.clock.now();
    let mut tx = parts.store.begin().await?;
    let job = tx.find_job(id).await?.ok_or(Error::NotFound("job"))?;
    if !job.state.is_finished() {
        return Err(Error::Refused(Refusal::JobState));
    }
    if let Effect::FailPrint { ticket_id } = job::on_failure(&job.kind, &job.args) {
        // The print is wanted again; one that was made meanwhile stays.
        tx.request_prints(&[ticket_id]).await?;
    }
    let again = Transition {
        at: now,
        state: State::Available,
        attempt: 0,
        run_at: now,
        finished_at: None,
        error: None,
    };
    move_job(tx, id, &again, Effect::None).await?;
    parts.wakeups.wake(job.queue);
    Ok(())
}

/// Cancels a waiting job. Whoever waited for it is told that it failed.
pub async fn cancel(parts: &Parts, id: JobId) -> Result<(), Error> {
    let now = parts.clock.now();
    let mut tx = parts.store.begin().await?;
    let job = tx.find_job(id).await?.ok_or(Error::NotFound("job"))?;
    match job.state {
        State::Available | State::Scheduled => {}
        State::Running => return Err(Error::Refused(Refusal::JobRunning)),
        State::Completed | State::Cancelled | State::Discarded => {
            return Err(Error::Refused(Refusal::JobState));
        }
    }
    let cancelled = Transition {
        at: now,
        state: State::Cancelled,
        attempt: job.attempt,
        run_at: job.run_at,
        finished_at: Some(now),
        error: Some(job::AttemptError {
            attempt: job.attempt,
            at: now,
            error: "cancelled by an operator".into(),
        }),
    };
    move_job(tx, id, &cancelled, job::on_failure(&job.kind, &job.args)).await
}

/// Stops or restarts the claiming of a queue, on every worker and across restarts.
pub async fn set_paused(parts: &Parts, queue: Queue, paused: bool) -> Result<(), Error> {
    let mut tx = parts.store.begin().await?;
    tx.set_paused(queue, paused).await?;
    tx.commit().await?;
    parts.wakeups.wake(queue);
    Ok(())
}

async fn move_job(
    mut tx: Box<dyn Tx>,
    id: JobId,
    to: &Transition,
    effect: Effect,
) -> Result<(), Error> {
    if !tx.move_job(id, to).await? {
        return Err(Error::Refused(Refusal::JobState));
    }
    if let Effect::FailPrint { ticket_id } = effect {
        tx.fail_prints(&[ticket_id]).await?;
    }
    Ok(tx.commit().await?)
}

fn count_settled(kind: &str, outcome: &Outcome, state: State) {
    let kind = job::info(kind).map_or("unknown", |kind| kind.name);
    metrics::counter!("ticketoverflow_jobs_settled_total", "kind" => kind, "state" => state.as_str())
        .increment(1);
    match (state, outcome) {
        (State::Discarded, _) => {
            metrics::counter!("ticketoverflow_jobs_dead_letters_total", "kind" => kind)
                .increment(1);
        }
        (_, Outcome::Retry(..) | Outcome::Lost) => {
            metrics::counter!("ticketoverflow_jobs_retries_total", "kind" => kind).increment(1);
        }
        _ => {}
    }
}

/// An outcome that waits to be written.
#[derive(Debug)]
pub(crate) struct Settlement {
    claim: Claim,
    transition: Transition,
    effect: Effect,
}

impl Settlement {
    fn of(job: &Claimed, outcome: &Outcome, on_success: Effect, now: Timestamp) -> Self {
        let policy = job::info(&job.kind).map_or(Policy::DEFAULT, |kind| kind.policy);
        let transition = job::next(job, outcome, &policy, now);
        let effect = match transition.state {
            State::Completed => on_success,
            State::Cancelled | State::Discarded => job::on_failure(&job.kind, &job.args),
            State::Available | State::Scheduled | State::Running => Effect::None,
        };
        Self {
            claim: job.claim,
            transition,
            effect,
        }
    }
}

/// Writes a group of outcomes in one transaction, each with its effect. An effect that came too
/// late keeps its job from being settled.
pub(crate) async fn write_settlements(
    parts: Arc<Parts>,
    group: Vec<Settlement>,
) -> StoreResult<Vec<Settled>> {
    again::write(|earlier| insert_settlements(&parts, &group, earlier)).await
}

async fn insert_settlements(
    parts: &Parts,
    group: &[Settlement],
    earlier: Earlier,
) -> Result<Vec<Settled>, Broken> {
    let mut tx = parts.store.begin().await?;
    let mut acks = publish(tx.as_mut(), group).await?;
    let places: Vec<_> = (0..group.len())
        .filter(|&at| acks[at] == Settled::Done)
        .collect();
    let settled: Vec<_> = places
        .iter()
        .map(|&at| (group[at].claim, group[at].transition.clone()))
        .collect();
    let stood = tx.settle_jobs(&settled).await?;
    let mut failed = Vec::new();
    for (&at, stood) in places.iter().zip(stood) {
        if !stood {
            acks[at] = Settled::ClaimLost;
        } else if let Effect::FailPrint { ticket_id } = group[at].effect {
            failed.push(ticket_id);
        }
    }
    if !failed.is_empty() {
        tx.fail_prints(&failed).await?;
    }
    if earlier == Earlier::Unknown {
        for (settlement, ack) in group.iter().zip(&mut acks) {
            if *ack == Settled::ClaimLost && was_settled(tx.as_mut(), settlement).await? {
                *ack = Settled::Done;
            }
        }
    }
    tx.commit().await.map_err(Broken::Committing)?;
    Ok(acks)
}

/// Whether a job stands where its settlement puts it: an earlier try was written after all, and
/// the claim was not lost but ended.
async fn was_settled(tx: &mut dyn Tx, settlement: &Settlement) -> StoreResult<bool> {
    let to = &settlement.transition;
    let found = tx.find_job(settlement.claim.job_id).await?;
    Ok(found.is_some_and(|job| {
        (job.state, job.attempt, job.run_at) == (to.state, to.attempt, to.run_at)
    }))
}

async fn publish(tx: &mut dyn Tx, group: &[Settlement]) -> StoreResult<Vec<Settled>> {
    let mut acks = vec![Settled::Done; group.len()];
    let mut prints = Vec::new();
    let mut places = Vec::new();
    for (at, settlement) in group.iter().enumerate() {
        match &settlement.effect {
            Effect::PublishPrint { ticket_id, version } => {
                prints.push((settlement.claim, *ticket_id, *version));
                places.push(at);
            }
            Effect::PublishPlan(plan) => {
                acks[at] = ack(tx.publish_plan(&settlement.claim, plan).await?);
            }
            Effect::FailPrint { .. } | Effect::None => {}
        }
    }
    if !prints.is_empty() {
        let published = tx.publish_prints(&prints).await?;
        for (at, published) in places.into_iter().zip(published) {
            acks[at] = ack(published);
        }
    }
    Ok(acks)
}

fn ack(published: Published) -> Settled {
    match published {
        // What nobody wants any more is done.
        Published::Yes | Published::NotWanted => Settled::Done,
        Published::VersionMoved => Settled::VersionMoved,
        Published::ClaimLost => Settled::ClaimLost,
    }
}
