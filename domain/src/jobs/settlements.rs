//! How attempts end: outcomes are written in groups, each with its effect.

use std::iter;
use std::sync::Arc;

use super::Settled;
use crate::again::{self, Broken, Earlier};
use crate::clock::Timestamp;
use crate::context::Parts;
use crate::job::{self, Claim, Claimed, Outcome, Policy, Standing, State, Transition};
use crate::ports::{StoreResult, Tx};
use crate::prints::{Effect, Published};

/// An outcome that waits to be written.
#[derive(Debug)]
pub(crate) struct Settlement {
    claim: Claim,
    end: End,
    /// What is written instead if the job would wait for another attempt that an operator does
    /// not want any more.
    if_cancelled: Option<Box<End>>,
}

/// What is written of an attempt.
#[derive(Debug)]
struct End {
    transition: Transition,
    effect: Effect,
}

impl Settlement {
    pub(super) fn of(job: &Claimed, outcome: &Outcome, on_success: Effect, now: Timestamp) -> Self {
        let policy = job::info(&job.kind).map_or(Policy::DEFAULT, |kind| kind.policy);
        let transition = job::next(job, outcome, &policy, now);
        let on_failure = || job::on_failure(&job.kind, &job.args);
        let effect = match transition.state {
            State::Completed => on_success,
            State::Cancelled | State::Discarded => on_failure(),
            State::Available | State::Scheduled | State::Running => Effect::None,
        };
        let if_cancelled = (!transition.state.is_finished()).then(|| {
            let cancel = Outcome::Cancel(job::CANCELLED.into());
            Box::new(End {
                transition: job::next(job, &cancel, &policy, now),
                effect: on_failure(),
            })
        });
        Self {
            claim: job.claim,
            end: End { transition, effect },
            if_cancelled,
        }
    }

    fn publishes(&self) -> bool {
        matches!(
            self.end.effect,
            Effect::PublishPrint { .. } | Effect::PublishPlan(_)
        )
    }

    pub(super) fn state(&self) -> State {
        self.end.transition.state
    }
}

/// Writes a group of outcomes in one transaction, each with its effect. An effect that came too
/// late keeps its job from being settled.
pub(crate) async fn write_settlements(
    parts: Arc<Parts>,
    group: Vec<Settlement>,
) -> StoreResult<Vec<Settled>> {
    Ok(again::write(|earlier| insert_settlements(&parts, &group, earlier)).await?)
}

async fn insert_settlements(
    parts: &Parts,
    group: &[Settlement],
    earlier: Earlier,
) -> Result<Vec<Settled>, Broken> {
    let mut tx = parts.store.begin().await?;
    let ends = heed_operators(tx.as_mut(), group).await?;
    let mut acks = publish(tx.as_mut(), group).await?;
    let places: Vec<_> = (0..group.len())
        .filter(|&at| acks[at] == Settled::Done)
        .collect();
    let settled: Vec<_> = places
        .iter()
        .map(|&at| (group[at].claim, ends[at].transition.clone()))
        .collect();
    let stood = tx.settle_jobs(&settled).await?;
    let mut failed = Vec::new();
    for (&at, stood) in places.iter().zip(stood) {
        if !stood {
            acks[at] = Settled::ClaimLost;
        } else if let Effect::FailPrint { ticket_id } = ends[at].effect {
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
/// the claim was not lost but ended. An operator's wish that the earlier try heeded is gone with
/// the claim, so either end will do.
async fn was_settled(tx: &mut dyn Tx, settlement: &Settlement) -> StoreResult<bool> {
    let Some(job) = tx.find_job(settlement.claim.job_id).await? else {
        return Ok(false);
    };
    let mut ends = iter::once(&settlement.end).chain(settlement.if_cancelled.as_deref());
    Ok(ends.any(|End { transition: to, .. }| {
        (job.state, job.attempt, job.run_at) == (to.state, to.attempt, to.run_at)
    }))
}

/// What is to be written of each: a job that would be tried again although an operator asked it
/// to stop ends instead.
///
/// Renewals lock jobs in the order of their ids, and so does a group whose jobs merely end. One that
/// touches jobs in several steps, by their tickets first, say, locks all of them here, in that
/// order, lest the two wait for each other.
async fn heed_operators<'a>(tx: &mut dyn Tx, group: &'a [Settlement]) -> StoreResult<Vec<&'a End>> {
    let mut ends: Vec<_> = group.iter().map(|settlement| &settlement.end).collect();
    let waiting: Vec<_> = (0..group.len())
        .filter(|&at| group[at].if_cancelled.is_some())
        .collect();
    let in_steps = group.len() > 1 && group.iter().any(Settlement::publishes);
    if waiting.is_empty() && !in_steps {
        return Ok(ends);
    }
    let claims: Vec<_> = group.iter().map(|settlement| settlement.claim).collect();
    let stand = tx.check_claims(&claims).await?;
    for at in waiting {
        if stand[at] == Standing::Cancelled
            && let Some(cancelled) = &group[at].if_cancelled
        {
            ends[at] = cancelled;
        }
    }
    Ok(ends)
}

async fn publish(tx: &mut dyn Tx, group: &[Settlement]) -> StoreResult<Vec<Settled>> {
    let mut acks = vec![Settled::Done; group.len()];
    let mut prints = Vec::new();
    let mut places = Vec::new();
    for (at, settlement) in group.iter().enumerate() {
        match &settlement.end.effect {
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
