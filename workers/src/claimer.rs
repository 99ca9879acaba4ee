//! Claims jobs for a pool, and decides when.
//!
//! A claim is a transaction on the ledger's only writer, so it should bring many jobs; an urgent
//! job should not wait for that. So the pool claims
//! - at once, when nothing of the last claim runs any more,
//! - when half of its places are free, while there is a backlog,
//! - otherwise when a place is free and the last claim was [`PAUSE`] ago.
//!
//! A claim makes jobs available that have come due, a batch of them. While there are more, the pool
//! goes on with that also when no place is free: the most urgent one may be among the last.
//!
//! A pool without places claims nothing until somebody wakes it or a job is known to come due.

use std::sync::Arc;
use std::time::Duration;

use domain::job::{Claimed, Lane, Queue, Rota};
use domain::jobs::{self, Room};
use domain::ports::BATCH_MAX;
use domain::{Context, Outage, WorkerId};
use metrics::Histogram;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::kinds::{KindLimits, KindPlace};
use crate::leases::{Lease, Leases};
use crate::scaler::Scale;
use crate::slots::{Slot, Slots};

/// The least time between two claims of a pool that has work but no backlog.
const PAUSE: Duration = Duration::from_millis(10);

/// The rest that the ledger's writer gets between two batches of jobs that have come due.
const PROMOTE_PAUSE: Duration = Duration::from_millis(20);

/// When to look again after a claim that took everything there was. Only the claim that finds
/// nothing learns when the next job is due.
const LOOK_AFTER: Duration = Duration::from_millis(50);

/// A claimed job on its way, with everything that ends with it.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) job: Claimed,
    pub(crate) lease: Lease,
    pub(crate) _kind: Option<KindPlace>,
    pub(crate) _slot: Slot,
}

/// Claims for one pool.
pub(crate) struct Claimer {
    pub(crate) ctx: Arc<Context>,
    pub(crate) queue: Queue,
    pub(crate) worker: WorkerId,
    pub(crate) slots: Arc<Slots>,
    pub(crate) kinds: KindLimits,
    pub(crate) scale: Arc<Scale>,
    pub(crate) leases: Arc<Leases>,
    pub(crate) poll_interval: Duration,
    /// Has room for as many jobs as there are slots.
    pub(crate) out: mpsc::Sender<Held>,
    pub(crate) stop: CancellationToken,
}

/// What one run of a claimer remembers.
struct Memory {
    rota: Rota,
    outage: Outage,
    latency: [Histogram; 3],
    /// When to look for jobs although nothing happens.
    look_at: Instant,
    /// When the next job is due, as far as is known.
    due_at: Option<Instant>,
    found: Found,
    claimed_at: Option<Instant>,
    /// When to make more jobs available, while more are known to have come due.
    promote_at: Option<Instant>,
}

/// What the last claim found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    Nothing,
    /// Everything there was, as far as is known.
    Some,
    /// As much as was asked for.
    Plenty,
}

impl Claimer {
    /// Claims until the pool stops. A claim once begun is finished: its jobs are handed on.
    pub(crate) async fn run(&self) {
        let mut memory = Memory::of(self.queue);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.ready(&mut memory) => {}
            }
            if let Err(wait) = self.claim(&mut memory).await {
                tokio::select! {
                    () = self.stop.cancelled() => return,
                    () = tokio::time::sleep(wait) => {}
                }
            }
        }
    }

    /// Waits until there may be a job and it is time to claim.
    async fn ready(&self, memory: &mut Memory) {
        if memory.found != Found::Plenty && memory.promote_at.is_none() {
            self.work_is_likely(memory).await;
        }
        self.scale.wake();
        let pause_ends = memory.claimed_at.map(|at| at + PAUSE);
        while !self.is_time(memory.found, pause_ends) {
            let pause_ends = pause_ends.filter(|_| self.slots.free() > 0);
            tokio::select! {
                () = self.slots.changed() => {}
                () = at(pause_ends) => {}
                () = at(memory.promote_at) => self.promote(memory).await,
            }
        }
    }

    async fn promote(&self, memory: &mut Memory) {
        let promoted = jobs::promote(&self.ctx, self.queue, self.worker).await;
        let wait = match promoted {
            Ok(more_due) => {
                memory.outage.worked();
                more_due.then_some(PROMOTE_PAUSE)
            }
            Err(error) => Some(memory.outage.failed(&error)),
        };
        memory.promote_at = wait.map(|wait| Instant::now() + wait);
    }

    async fn work_is_likely(&self, memory: &Memory) {
        while !self.slots.take_nudge() {
            let has_places = self.slots.all() > 0;
            let look_at = memory.due_at.into_iter();
            let look_at = look_at.chain(has_places.then_some(memory.look_at)).min();
            tokio::select! {
                // Perhaps a nudge, or places.
                () = self.slots.changed() => {}
                () = self.ctx.wakeups.woken(self.queue) => return,
                () = at(look_at) => return,
            }
        }
    }

    fn is_time(&self, found: Found, pause_ends: Option<Instant>) -> bool {
        let enough_free = match found {
            Found::Nothing => false,
            Found::Some => self.slots.are_idle(),
            Found::Plenty => self.slots.are_half_free(),
        };
        let paused = || pause_ends.is_some_and(|end| Instant::now() < end);
        enough_free || (self.slots.free() > 0 && !paused())
    }

    /// Claims as many jobs as there are free places. After an error: how long to wait.
    async fn claim(&self, memory: &mut Memory) -> Result<(), Duration> {
        let free = self.slots.free().min(BATCH_MAX);
        if free == 0 {
            // The pool has just shrunk.
            return Ok(());
        }
        let max = u32::try_from(free).expect("a batch is small");
        let (asked_at, now) = (Instant::now(), self.ctx.clock.now());
        let room = Room {
            places: max,
            kinds: self.kinds.rooms(),
        };
        let claimed =
            jobs::claim_within(&self.ctx, self.queue, &room, &mut memory.rota, self.worker).await;
        memory.claimed_at = Some(Instant::now());
        let batch = match claimed {
            Ok(batch) => batch,
            Err(error) => return Err(memory.outage.failed(&error)),
        };
        memory.outage.worked();
        memory.found = match batch.jobs.len() {
            0 => Found::Nothing,
            jobs if jobs < free => Found::Some,
            _ => Found::Plenty,
        };
        memory.promote_at = batch.more_due.then(|| Instant::now() + PROMOTE_PAUSE);
        self.scale.claimed(memory.found == Found::Plenty);
        // What was due but not to be had is paused or waits for its like: time does not help.
        let next_run_at = batch.next_run_at.filter(|&next| next > now);
        let wait = next_run_at.map(|next| (next - now).to_std().unwrap_or_default());
        memory.due_at = wait.map(|wait| asked_at + wait);
        let look_after = if batch.jobs.is_empty() {
            self.poll_interval
        } else {
            LOOK_AFTER.min(self.poll_interval)
        };
        memory.look_at = Instant::now() + look_after;
        self.hand_on(batch.jobs, asked_at, &memory.latency);
        Ok(())
    }

    fn hand_on(&self, jobs: Vec<Claimed>, asked_at: Instant, latency: &[Histogram; 3]) {
        let now = self.ctx.clock.now();
        for job in jobs {
            let waited = (now - job.run_at).as_seconds_f64().max(0.0);
            latency[Lane::of(job.due_at, now) as usize].record(waited);
            let held = Held {
                lease: self.leases.hold(job.claim, asked_at),
                _kind: self.kinds.hold(&job.kind, &self.slots),
                _slot: self.slots.take(),
                job,
            };
            // There is room. The receiver goes last; without one the lease runs out.
            let _ = self.out.try_send(held);
        }
    }
}

impl Memory {
    fn of(queue: Queue) -> Self {
        let latency = Lane::ALL.map(|lane| {
            metrics::histogram!(
                "ticketoverflow_job_claim_latency_seconds",
                "queue" => queue.as_str(), "lane" => lane.as_str()
            )
        });
        Self {
            rota: Rota::default(),
            outage: Outage::of("claiming jobs"),
            latency,
            look_at: Instant::now(),
            due_at: None,
            found: Found::Nothing,
            claimed_at: None,
            promote_at: None,
        }
    }
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
