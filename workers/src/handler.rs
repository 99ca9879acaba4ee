//! Runs a claimed job and writes down how that ended.
//!
//! Time-outs and panics are caught here, inside the service that apalis calls: to apalis every
//! job succeeds, and the ledger alone knows what became of it.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use domain::job::{CANCELLED, Claimed, Outcome, Policy};
use domain::jobs::{self, LEASE, Settled};
use domain::prints::Effect;
use domain::{Context, Error};
use futures::FutureExt;
use futures::future::BoxFuture;
use tracing::{Instrument, Span};

use crate::claimer::Held;
use crate::company::{Admission, Company};
use crate::current::Current;
use crate::job::{JobContext, JobError};
use crate::leases::{Interruption, Lease};
use crate::registry::{Entry, Registry, Run};
use crate::slots::Slots;
use crate::strangers::Strangers;

/// How often in a row a job runs anew because its concert changed.
const RUNS_MAX: u32 = 8;

/// How long a job rests whose concert changes all the time.
const REST: TimeDelta = TimeDelta::milliseconds(500);

/// Waits between tries to write an outcome down.
const SETTLE_WAIT_FIRST: Duration = Duration::from_millis(10);
const SETTLE_WAIT_LONGEST: Duration = Duration::from_millis(500);

/// Runs the jobs of one pool.
#[derive(Debug)]
pub(crate) struct Handler {
    pub(crate) ctx: Arc<Context>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) slots: Arc<Slots>,
    pub(crate) company: Company,
    pub(crate) strangers: Strangers,
}

/// How a run ended.
struct Verdict {
    outcome: Outcome,
    effect: Effect,
    afterwards: Option<BoxFuture<'static, ()>>,
}

impl Handler {
    /// Runs a job and writes its outcome down. The job's place and claim end with this.
    pub(crate) async fn handle(self: Arc<Self>, held: Held) {
        let entry = self.registry.find(&held.job.kind);
        let span = entry.map_or_else(Span::none, |entry| (entry.span)(&held.job));
        self.run_and_settle(entry, &held).instrument(span).await;
    }

    /// Hands a job back that was not begun.
    pub(crate) async fn hand_back(&self, held: Held) {
        self.settle(&held.job, &Outcome::Release, &Effect::None)
            .await;
    }

    async fn run_and_settle(&self, entry: Option<&Entry>, held: &Held) {
        let job = &held.job;
        let Some(entry) = entry else {
            let why = format!("this program knows no job of kind {:?}", job.kind);
            self.strangers.met(&job.kind);
            self.settle(job, &Outcome::Unknown(why), &Effect::None)
                .await;
            // It has a new time: nobody else tells the claimer.
            return self.slots.nudge();
        };
        let run = match (entry.decode)(job) {
            Ok(run) => run,
            Err(error) => {
                return self
                    .give_up(job, format!("the payload cannot be read: {error}"))
                    .await;
            }
        };
        let _admission = match self.admit(held).await {
            Ok(admission) => admission,
            Err(Some(outcome)) => {
                self.settle(job, &outcome, &Effect::None).await;
                return;
            }
            Err(None) => return lost(job),
        };
        let ctx = JobContext::new(Arc::clone(&self.ctx), job.claim, held.lease.line());
        for _ in 0..RUNS_MAX {
            let (began, current) = (Instant::now(), Current::due(job.due_at));
            let running = current.scope(attempt(entry, run.as_ref(), &ctx, &held.lease));
            let Some(verdict) = running.await else {
                return lost(job);
            };
            log(job, &verdict.outcome);
            let settled = self.settle(job, &verdict.outcome, &verdict.effect).await;
            if verdict.outcome == Outcome::Done {
                let took = began.elapsed().saturating_sub(current.idle());
                entry.learn(self.ctx.service_times(), took);
            }
            if let Some(afterwards) = verdict.afterwards {
                afterwards.await;
            }
            if settled != Some(Settled::VersionMoved) {
                if run.is_unique() || verdict.outcome != Outcome::Done {
                    // Its like may run now, or it has a new time: nobody else tells the claimer.
                    self.slots.nudge();
                }
                return;
            }
        }
        self.settle(job, &Outcome::Snooze(REST), &Effect::None)
            .await;
        self.slots.nudge();
    }

    /// Waits until the job may run; or tells how it ends without a run, if that can be written.
    async fn admit(&self, held: &Held) -> Result<Admission, Option<Outcome>> {
        let job = &held.job;
        let admission = tokio::select! {
            biased;
            admission = self.company.admit(job.is_suspect()) => admission,
            why = held.lease.interrupted() => return Err(why.outcome()),
        };
        if job.is_suspect() {
            tracing::warn!(
                job.id = %job.claim.job_id, job.kind = job.kind,
                "a job runs alone because workers died while they held it"
            );
            match jobs::begin_alone(&self.ctx, &job.claim).await {
                Ok(true) => {}
                Ok(false) => return Err(None),
                Err(error) => {
                    tracing::debug!(error = error.chain(), "a job that must run alone waits");
                    return Err(Some(Outcome::Release));
                }
            }
        }
        Ok(admission)
    }

    async fn give_up(&self, job: &Claimed, why: String) {
        let outcome = Outcome::Fail(why);
        log(job, &outcome);
        self.settle(job, &outcome, &Effect::None).await;
    }

    /// Writes an outcome down, trying again for as long as a lease lasts. `None` when that did
    /// not help: the lease will run out and the job will be rescued.
    async fn settle(&self, job: &Claimed, outcome: &Outcome, effect: &Effect) -> Option<Settled> {
        let began = Instant::now();
        let patience = LEASE.to_std().expect("a lease is positive");
        let mut wait = SETTLE_WAIT_FIRST;
        loop {
            match jobs::settle(&self.ctx, job, outcome.clone(), effect.clone()).await {
                Ok(settled) => {
                    if settled == Settled::ClaimLost {
                        tracing::info!(
                            job.id = %job.claim.job_id, job.kind = job.kind,
                            "the claim was lost, the job's result is dropped"
                        );
                    }
                    return Some(settled);
                }
                Err(error) if began.elapsed() > patience => {
                    tracing::error!(
                        error = error.chain(), job.id = %job.claim.job_id, job.kind = job.kind,
                        "a job's outcome could not be written, it will be rescued"
                    );
                    return None;
                }
                // Too many outcomes wait, or the ledger is away; its claimer says so.
                Err(Error::Busy) => tokio::time::sleep(SETTLE_WAIT_FIRST).await,
                Err(_) => {
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(SETTLE_WAIT_LONGEST);
                }
            }
        }
    }
}

/// Runs a job once. `None` when its claim was lost.
async fn attempt(entry: &Entry, run: &dyn Run, ctx: &JobContext, lease: &Lease) -> Option<Verdict> {
    let began = Instant::now();
    let verdict = tokio::select! {
        biased;
        verdict = guarded(&entry.policy, run, ctx) => match lease.interruption() {
            // What it did is done; but a failure is the interruption's.
            Some(why) if verdict.outcome != Outcome::Done => {
                Verdict::without_effect(why.outcome()?)
            }
            _ => verdict,
        },
        why = lease.interrupted() => Verdict::without_effect(why.outcome()?),
    };
    entry.seconds.record(began.elapsed());
    Some(verdict)
}

async fn guarded(policy: &Policy, run: &dyn Run, ctx: &JobContext) -> Verdict {
    // A job is made anew for every run; what a panic leaves half done is dropped with it.
    let guarded = AssertUnwindSafe(async { run.run(ctx).await }).catch_unwind();
    match tokio::time::timeout(policy.timeout, guarded).await {
        Ok(Ok(Ok(success))) => Verdict {
            outcome: Outcome::Done,
            effect: success.effect,
            afterwards: success.afterwards,
        },
        Ok(Ok(Err(JobError(outcome)))) => Verdict::without_effect(outcome),
        Ok(Err(panic)) => {
            let why = format!("the job panicked: {}", panic_words(panic.as_ref()));
            Verdict::without_effect(Outcome::Retry(why, None))
        }
        Err(_) => {
            let why = format!("the job ran for longer than {:?}", policy.timeout);
            Verdict::without_effect(Outcome::Retry(why, None))
        }
    }
}

fn lost(job: &Claimed) {
    tracing::info!(job.id = %job.claim.job_id, "the claim was lost, the job stops");
}

impl Interruption {
    /// What becomes of a job that was interrupted. `None`: that is for others to say.
    fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Lost => None,
            Self::Stopping => Some(Outcome::Release),
            Self::Cancelled => Some(Outcome::Cancel(CANCELLED.into())),
        }
    }
}

impl Verdict {
    fn without_effect(outcome: Outcome) -> Self {
        Self {
            outcome,
            effect: Effect::None,
            afterwards: None,
        }
    }
}

fn log(job: &Claimed, outcome: &Outcome) {
    let (id, kind, attempt) = (job.claim.job_id, &job.kind, job.attempt);
    match outcome {
        Outcome::Fail(error) => {
            tracing::error!(job.id = %id, job.kind = kind, job.attempt = attempt, error, "a job failed");
        }
        Outcome::Retry(error, _) => {
            tracing::warn!(
                job.id = %id, job.kind = kind, job.attempt = attempt, error,
                "an attempt failed"
            );
        }
        Outcome::Cancel(reason) => {
            tracing::info!(job.id = %id, job.kind = kind, reason, "a job is not wanted any more");
        }
        Outcome::Done
        | Outcome::Snooze(_)
        | Outcome::Unknown(_)
        | Outcome::Release
        | Outcome::Lost => {}
    }
}

/// What a panic said, if it said it in words.
pub(crate) fn panic_words(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}
