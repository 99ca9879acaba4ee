//! The claims that this process holds: one task renews them all, a few statements for thousands,
//! and tells a job when its claim was lost.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::Context;
use domain::job::Claim;
use domain::jobs::{self, LEASE};
use domain::ports::BATCH_MAX;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::outage::{Outage, words};

/// The claims held, of all pools.
#[derive(Debug, Default)]
pub(crate) struct Leases(Mutex<HashMap<Claim, Held>>);

#[derive(Debug)]
struct Held {
    since: Instant,
    told: Arc<Told>,
}

/// A claim that is renewed for as long as this value lives.
#[derive(Debug)]
pub(crate) struct Lease {
    claim: Claim,
    told: Arc<Told>,
    leases: Arc<Leases>,
}

/// Why a job has to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interruption {
    /// The job is somebody else's by now.
    Lost,
    /// The process stops: the job is to be handed back.
    Stopping,
}

#[derive(Debug, Default)]
struct Told {
    what: AtomicU8,
    changed: Notify,
}

impl Leases {
    /// Begins to renew a claim that was made at a moment.
    pub(crate) fn hold(self: &Arc<Self>, claim: Claim, since: Instant) -> Lease {
        let told = Arc::new(Told::default());
        let held = Held {
            since,
            told: Arc::clone(&told),
        };
        self.all().insert(claim, held);
        Lease {
            claim,
            told,
            leases: Arc::clone(self),
        }
    }

    pub(crate) fn interrupt_all(&self, why: Interruption) {
        for held in self.all().values() {
            held.told.tell(why);
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
                Err(error) => outage.failed(&words(&error)).min(third / 2),
            };
        }
    }

    /// Renews the claims that are older than `age`. Most jobs are done before that.
    async fn renew(&self, ctx: &Context, age: Duration) -> Result<(), domain::Error> {
        let old: Vec<_> = self
            .all()
            .iter()
            .filter(|(_, held)| held.since.elapsed() >= age)
            .map(|(&claim, _)| claim)
            .collect();
        for claims in old.chunks(BATCH_MAX) {
            let asked_at = Instant::now();
            let stand = jobs::renew(ctx, claims).await?;
            let mut all = self.all();
            for (claim, stands) in claims.iter().zip(stand) {
                // A job that ended meanwhile is not there any more.
                match all.get_mut(claim) {
                    Some(held) if stands => held.since = asked_at,
                    Some(held) => held.told.tell(Interruption::Lost),
                    None => {}
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
    /// Waits until the job has to stop.
    pub(crate) async fn interrupted(&self) -> Interruption {
        loop {
            if let Some(why) = self.told.told() {
                return why;
            }
            // A notice that came since the question was asked is kept.
            self.told.changed.notified().await;
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.leases.all().remove(&self.claim);
    }
}

impl Told {
    /// Only the first reason counts.
    fn tell(&self, why: Interruption) {
        let _ = self
            .what
            .compare_exchange(0, why as u8 + 1, Ordering::AcqRel, Ordering::Acquire);
        self.changed.notify_one();
    }

    fn told(&self) -> Option<Interruption> {
        match self.what.load(Ordering::Acquire) {
            0 => None,
            1 => Some(Interruption::Lost),
            _ => Some(Interruption::Stopping),
        }
    }
}
