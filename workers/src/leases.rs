//! The claims that this process holds: one task renews them all, a few statements for thousands,
//! writes down what their jobs report, and tells a job when it has to stop.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use domain::job::{Claim, Progress, Renewal, Standing};
use domain::jobs::{self, LEASE};
use domain::ports::BATCH_MAX;
use domain::{Context, Outage};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The claims held, of all pools.
#[derive(Debug, Default)]
pub(crate) struct Leases(Mutex<HashMap<Claim, Held>>);

#[derive(Debug)]
struct Held {
    since: Instant,
    line: Arc<Line>,
}

/// A claim that is renewed for as long as this value lives.
#[derive(Debug)]
pub(crate) struct Lease {
    claim: Claim,
    line: Arc<Line>,
    leases: Arc<Leases>,
}

/// Why a job has to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interruption {
    /// The job is somebody else's by now.
    Lost,
    /// The process stops: the job is to be handed back.
    Stopping,
    /// An operator does not want the job any more.
    Cancelled,
}

/// What a running job and the renewal of its claim tell each other.
#[derive(Debug, Default)]
pub(crate) struct Line {
    why: OnceLock<Interruption>,
    stop: CancellationToken,
    /// What the job said last.
    progress: Mutex<Option<Progress>>,
}

impl Leases {
    /// Begins to renew a claim that was made at a moment.
    pub(crate) fn hold(self: &Arc<Self>, claim: Claim, since: Instant) -> Lease {
        let line = Arc::new(Line::default());
        let held = Held {
            since,
            line: Arc::clone(&line),
        };
        self.all().insert(claim, held);
        Lease {
            claim,
            line,
            leases: Arc::clone(self),
        }
    }

    pub(crate) fn interrupt_all(&self, why: Interruption) {
        for held in self.all().values() {
            held.line.interrupt(why);
        }
    }

    /// Renews until it is told to stop.
    pub(crate) async fn keep(&self, ctx: &Context, stop: &CancellationToken) {
        let third = LEASE.to_std().expect("a lease is positive") / 3;
        let mut outage = Outage::of("renewing job claims");
        let mut wait = third;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
            wait = match self.renew(ctx, third / 2).await {
                Ok(()) => {
                    outage.worked();
                    third
                }
                Err(error) => outage.failed(&error).min(third / 2),
            };
        }
    }

    /// Renews the claims that are older than `age`. Most jobs are done before that.
    async fn renew(&self, ctx: &Context, age: Duration) -> Result<(), domain::Error> {
        let old: Vec<_> = self
            .all()
            .iter()
            .filter(|(_, held)| held.since.elapsed() >= age)
            .map(|(&claim, held)| Renewal {
                claim,
                progress: held.line.progress(),
            })
            .collect();
        for renewals in old.chunks(BATCH_MAX) {
            let asked_at = Instant::now();
            let stand = jobs::renew(ctx, renewals).await?;
            let mut all = self.all();
            for (renewal, standing) in renewals.iter().zip(stand) {
                // A job that ended meanwhile is not there any more.
                let Some(held) = all.get_mut(&renewal.claim) else {
                    continue;
                };
                match standing {
                    Standing::Stands => held.since = asked_at,
                    Standing::Cancelled => {
                        // It still has to be settled.
                        held.since = asked_at;
                        held.line.interrupt(Interruption::Cancelled);
                    }
                    Standing::Lost => held.line.interrupt(Interruption::Lost),
                }
            }
        }
        Ok(())
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Claim, Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    /// What the job is given of this.
    pub(crate) fn line(&self) -> Arc<Line> {
        Arc::clone(&self.line)
    }

    /// Why the job has to stop, if it has to.
    pub(crate) fn interruption(&self) -> Option<Interruption> {
        self.line.why.get().copied()
    }

    /// Waits until the job has to stop.
    pub(crate) async fn interrupted(&self) -> Interruption {
        self.line.stop.cancelled().await;
        self.interruption()
            .expect("the reason is there before the signal")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.leases.all().remove(&self.claim);
    }
}

impl Line {
    /// Cancelled when the job has to stop.
    pub(crate) fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Notes how far the job is, for the next renewal.
    pub(crate) fn report(&self, progress: Progress) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress);
    }

    /// Written again with every renewal: one that failed loses nothing.
    fn progress(&self) -> Option<Progress> {
        self.progress
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Only the first reason counts.
    fn interrupt(&self, why: Interruption) {
        let _ = self.why.set(why);
        self.stop.cancel();
    }
}
