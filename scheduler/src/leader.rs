//! One scheduler at a time: whoever holds the lease in the ledger.
//!
//! Nothing breaks when two act at once for a moment, every tick bears that. The lease saves work.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use chrono::TimeDelta;
use domain::health::LEADER;
use domain::{Context, Error, WorkerId};
use tokio::sync::watch;
use tokio::time::Instant;

/// A scheduler that waits notices within this time that the lease was given back.
const TRY_LONGEST: Duration = Duration::from_secs(1);

/// This scheduler's claim to lead.
#[derive(Debug)]
pub(crate) struct Leader {
    holder: WorkerId,
    lease: TimeDelta,
    /// By this process's own clock, counted from before the lease was asked for.
    until: Mutex<Option<Instant>>,
    /// Whether the lease was asked for, had or not.
    asked: watch::Sender<bool>,
}

impl Leader {
    pub(crate) fn new(holder: WorkerId, lease: TimeDelta) -> Self {
        Self {
            holder,
            lease,
            until: Mutex::new(None),
            asked: watch::Sender::new(false),
        }
    }

    /// How often to take the lease again, or to try.
    pub(crate) fn period(&self) -> Duration {
        (self.lease_std() / 3).min(TRY_LONGEST)
    }

    /// Takes the lease or renews it.
    pub(crate) async fn take(&self, ctx: &Context) -> Result<(), Error> {
        let taken = self.ask(ctx).await;
        self.asked.send_replace(true);
        taken
    }

    /// Waits until it is known for the first time who leads, as far as that can be known now.
    pub(crate) async fn asked(&self) {
        let mut asked = self.asked.subscribe();
        let known = asked.wait_for(|asked| *asked).await;
        known.expect("the sender is here");
    }

    async fn ask(&self, ctx: &Context) -> Result<(), Error> {
        let asked_at = Instant::now();
        let now = ctx.clock.now();
        let mut tx = ctx.store.begin().await?;
        let ours = tx
            .take_lease(LEADER, self.holder, now, now + self.lease)
            .await?;
        tx.commit().await?;
        let was = self.set(ours.then(|| asked_at + self.lease_std()));
        if was != ours {
            tracing::info!(leads = ours, "the scheduler's lease changed hands");
        }
        Ok(())
    }

    /// Lets the lease end now, so that another scheduler need not wait.
    pub(crate) async fn release(&self, ctx: &Context) -> Result<(), Error> {
        if !self.leads() {
            return Ok(());
        }
        self.set(None);
        let now = ctx.clock.now();
        let mut tx = ctx.store.begin().await?;
        tx.take_lease(LEADER, self.holder, now, now).await?;
        Ok(tx.commit().await?)
    }

    /// Whether the lease is held now.
    pub(crate) fn leads(&self) -> bool {
        self.lock().is_some_and(|until| Instant::now() < until)
    }

    /// Returns whether the lease was held until now.
    fn set(&self, until: Option<Instant>) -> bool {
        std::mem::replace(&mut *self.lock(), until).is_some()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lease_std(&self) -> Duration {
        self.lease.to_std().expect("a lease is positive")
    }
}
