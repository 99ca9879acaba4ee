//! Running jobs, as the ledger sees it: claim, renew, settle, rescue; and what operators do.

mod operators;
mod settlements;

use std::collections::BTreeSet;

use chrono::TimeDelta;
use futures::future::join_all;

use crate::again::{self, Broken};
use crate::clock::Timestamp;
use crate::context::Context;
use crate::error::Error;
use crate::ids::{ClaimToken, JobId, WorkerId};
use crate::job::{
    self, Claim, ClaimRequest, Claimed, ClaimedBatch, Kinds, Lane, Outcome, Places, Queue, Renewal,
    Rota, Standing, State,
};
use crate::ports::StoreError;
use crate::prints::Effect;

pub use self::operators::{
    Cancelled, Redriven, cancel, find, pauses, retry, retry_all, set_paused,
};
pub(crate) use self::settlements::{Settlement, write_settlements};

/// How long a claim stands unless it is renewed.
pub const LEASE: TimeDelta = TimeDelta::seconds(5);

/// A claim that ends after more than this is of a clock that was wrong, and nobody renews it. A
/// length more than claims have: a clock that is put back a little loses nobody's claims.
pub const LEASE_BELIEVED: TimeDelta = TimeDelta::seconds(10);

/// Lost jobs that the log names in one line.
const LOST_NAMED_MAX: usize = 5;

/// Which jobs to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Only in this state.
    pub state: Option<State>,
    /// Only of this queue.
    pub queue: Option<Queue>,
    /// Only of this kind.
    pub kind: Option<String>,
    /// Only those before this one, which means older ones.
    pub before: Option<JobId>,
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

/// What there is room for.
#[derive(Debug, Clone, Default)]
pub struct Room {
    /// Jobs altogether.
    pub places: u32,
    /// Kinds of which there is room for fewer. Of one that is not named there may be any number.
    pub kinds: Vec<KindRoom>,
}

/// How many jobs of a kind there is room for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindRoom {
    /// Its name.
    pub kind: String,
    /// Jobs.
    pub room: u32,
}

/// Claims up to `free` jobs of a queue, urgent lanes first.
pub async fn claim(
    ctx: &Context,
    queue: Queue,
    free: u32,
    rota: &mut Rota,
    worker: WorkerId,
) -> Result<ClaimedBatch, Error> {
    let room = Room {
        places: free,
        kinds: Vec::new(),
    };
    claim_within(ctx, queue, &room, rota, worker).await
}

/// As [`claim`], with no more of a kind than there is room for. Kinds of little room come first:
/// there are few of them.
pub async fn claim_within(
    ctx: &Context,
    queue: Queue,
    room: &Room,
    rota: &mut Rota,
    worker: WorkerId,
) -> Result<ClaimedBatch, Error> {
    let mut request = no_jobs(ctx, queue, worker);
    let now = request.now;
    let (mut tx, mut batch) = (ctx.store.begin().await?, ClaimedBatch::default());
    let mut free = room.places;
    for KindRoom { kind, room } in &room.kinds {
        request.max = free.min(*room);
        if request.max == 0 {
            continue;
        }
        request.kinds = Kinds::Only(kind.clone());
        let rota = rota.of(kind);
        Places {
            oldest: request.oldest,
            bands: request.bands,
        } = rota.places(request.max, now);
        let some = tx.claim_jobs(&request).await?;
        let taken = u32::try_from(some.jobs.len()).expect("no more than asked for");
        rota.took(taken);
        free -= taken;
        batch.add(some);
    }
    if free > 0 {
        let Places { oldest, bands } = rota.places(free, now);
        (request.oldest, request.bands, request.max) = (oldest, bands, free);
        if !room.kinds.is_empty() {
            let limited = room.kinds.iter().map(|limited| limited.kind.clone());
            request.kinds = Kinds::Except(limited.collect());
        }
        let rest = tx.claim_jobs(&request).await?;
        rota.took(u32::try_from(rest.jobs.len()).expect("no more than asked for"));
        let next_run_at = rest.next_run_at;
        batch.add(rest);
        batch.next_run_at = next_run_at.filter(|_| batch.jobs.is_empty());
    }
    if !batch.jobs.is_empty() || batch.promoted > 0 {
        tx.commit().await?;
    }
    Ok(batch)
}

/// Makes scheduled jobs available whose time has come, a batch of them, without claiming any.
/// Returns whether there may be more. A claim does so, too; this is for whoever has no place to
/// claim one for: the most urgent job may be behind a thousand others.
pub async fn promote(ctx: &Context, queue: Queue, worker: WorkerId) -> Result<bool, Error> {
    let mut tx = ctx.store.begin().await?;
    let batch = tx.claim_jobs(&no_jobs(ctx, queue, worker)).await?;
    if batch.promoted > 0 {
        tx.commit().await?;
        // Others may have places.
        ctx.wakeups.wake(queue);
    }
    Ok(batch.more_due)
}

/// A request for no jobs of any kind.
fn no_jobs(ctx: &Context, queue: Queue, worker: WorkerId) -> ClaimRequest {
    let now = ctx.clock.now();
    ClaimRequest {
        queue,
        oldest: 0,
        bands: Vec::new(),
        max: 0,
        kinds: Kinds::Any,
        worker,
        token: ClaimToken(ctx.ids.next()),
        now,
        until: now + LEASE,
    }
}

/// Renews claims for another [`LEASE`]; tells for each how it stands.
pub async fn renew(ctx: &Context, renewals: &[Renewal]) -> Result<Vec<Standing>, Error> {
    // Written twice it only lasts longer.
    let renewed = again::write(|_| async {
        let mut tx = ctx.store.begin().await?;
        let now = ctx.clock.now();
        let stand = tx.extend_claims(renewals, now, now + LEASE).await?;
        tx.commit().await.map_err(Broken::Committing)?;
        Ok(stand)
    });
    Ok(renewed.await.map_err(StoreError::from)?)
}

/// Notes that a suspect begins to run and that nothing else runs beside it, so that the death of
/// its worker is its own doing. `false` when the claim was lost.
pub async fn begin_alone(ctx: &Context, claim: &Claim) -> Result<bool, Error> {
    let mut tx = ctx.store.begin().await?;
    let stands = tx.begin_alone(claim, ctx.clock.now()).await?;
    tx.commit().await?;
    Ok(stands)
}

/// Writes down how an attempt ended, together with the effect of its success.
pub async fn settle(
    ctx: &Context,
    job: &Claimed,
    outcome: Outcome,
    effect: Effect,
) -> Result<Settled, Error> {
    let settlement = Settlement::of(job, &outcome, effect, ctx.clock.now());
    let state = settlement.state();
    let settled = ctx.settlements.submit(settlement).await?;
    if settled == Settled::Done {
        count_settled(&job.kind, &outcome, state);
    }
    Ok(settled)
}

/// Takes up to `max` jobs from workers that were not heard of. Returns how many.
pub async fn rescue(ctx: &Context, max: u32) -> Result<u32, Error> {
    let now = ctx.clock.now();
    let mut view = ctx.store.read().await?;
    let lost = view.list_expired(now, LEASE_BELIEVED, max).await?;
    drop(view);
    if !lost.is_empty() {
        tell_of_lost(&lost);
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

/// One line, however many jobs a worker held. Those that ran alone come first: it was their doing.
fn tell_of_lost(lost: &[Claimed]) {
    let (alone, others): (Vec<_>, Vec<_>) = lost.iter().partition(|job| job.alone);
    let first: Vec<_> = alone
        .iter()
        .chain(&others)
        .take(LOST_NAMED_MAX)
        .map(|job| job.claim.job_id.to_string())
        .collect();
    let suspects: BTreeSet<_> = alone.iter().map(|job| job.kind.as_str()).collect();
    tracing::warn!(
        jobs = lost.len(),
        alone = alone.len(),
        alone.kinds = ?suspects,
        jobs.first = first.join(" "),
        "workers were lost, their jobs are rescued"
    );
}

/// Deletes up to `max` finished jobs, but no dead letters, that ended longer ago than `kept`.
pub async fn prune(ctx: &Context, kept: TimeDelta, max: u32) -> Result<u32, Error> {
    let mut tx = ctx.store.begin().await?;
    let pruned = tx.prune_jobs(ctx.clock.now(), kept, max).await?;
    tx.commit().await?;
    Ok(pruned)
}

/// Reads what others have learned about how long jobs take.
pub async fn learn_from_others(ctx: &Context) -> Result<(), Error> {
    let learned = ctx.store.read().await?.list_service_times().await?;
    ctx.service_times().believe(&learned);
    Ok(())
}

/// Writes down what this process has learned about how long jobs take since it did so last, for
/// others and for its next start.
pub async fn tell_others(ctx: &Context) -> Result<(), Error> {
    let news = ctx.service_times().news();
    if news.is_empty() {
        return Ok(());
    }
    let mut tx = ctx.store.begin().await?;
    tx.put_service_times(&news, ctx.clock.now()).await?;
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
