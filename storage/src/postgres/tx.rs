//! One lent connection, as the ports see it: a transaction, a snapshot or a plain view.

mod ports;

use std::future::Future;
use std::time::Duration;

use anyhow::anyhow;
use async_trait::async_trait;
use domain::ports::{StoreError, StoreResult, Tx, View};
use uuid::Uuid;

use super::connections::{Durable, Lease};
use super::failure::is_lost;
use super::session::LeaseClock;

/// A lent connection.
#[derive(Debug)]
pub(super) struct PgTx {
    lease: Lease,
    kind: Kind,
    /// Whether a statement failed. The server takes a commit after that for a rollback, and says
    /// so only in passing.
    failed: bool,
    /// What was asked, and what of it only said for how long jobs are claimed.
    asked: u32,
    claimed: u32,
    lease_clock: LeaseClock,
    /// Concerts that are known to be there: of the tickets written last, in order.
    found: Vec<Uuid>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Writing { patience: Duration },
    Reading { patience: Duration },
    Snapshot,
}

impl PgTx {
    pub(super) fn writing(lease: Lease, patience: Duration, lease_clock: LeaseClock) -> Self {
        Self::of(lease, Kind::Writing { patience }, lease_clock)
    }

    pub(super) fn reading(lease: Lease, patience: Duration, lease_clock: LeaseClock) -> Self {
        Self::of(lease, Kind::Reading { patience }, lease_clock)
    }

    pub(super) fn snapshot(lease: Lease, lease_clock: LeaseClock) -> Self {
        Self::of(lease, Kind::Snapshot, lease_clock)
    }

    fn of(lease: Lease, kind: Kind, lease_clock: LeaseClock) -> Self {
        Self {
            lease,
            kind,
            failed: false,
            asked: 0,
            claimed: 0,
            lease_clock,
            found: Vec::new(),
        }
    }

    /// Whatever broke a connection, another one may be free of it.
    fn seen<T>(&mut self, answer: StoreResult<T>) -> StoreResult<T> {
        match &answer {
            Ok(_) => {}
            Err(StoreError::Interrupted(source)) => {
                self.failed = true;
                // After a deadlock the connection is as good as before.
                if source.downcast_ref().is_none_or(is_lost) {
                    self.lease.lost();
                }
            }
            Err(_) => self.failed = true,
        }
        answer
    }

    /// Whether to ask again on another connection: a view has no state, and this one was lost
    /// while nobody used it.
    fn may_ask_again<T>(&self, answer: &StoreResult<T>) -> bool {
        matches!(self.kind, Kind::Reading { .. })
            && self.lease.is_used()
            && matches!(answer, Err(StoreError::Interrupted(_)))
    }

    /// Waits for an answer, but not for longer than a server that is there can take.
    async fn within<T>(kind: Kind, answer: impl Future<Output = StoreResult<T>>) -> StoreResult<T> {
        let (Kind::Writing { patience } | Kind::Reading { patience }) = kind else {
            return answer.await;
        };
        let answer = tokio::time::timeout(patience, answer).await;
        answer.unwrap_or_else(|_| {
            Err(StoreError::interrupted(anyhow!(
                "the server did not answer within {patience:?}"
            )))
        })
    }
}

/// `call!(self, function(arguments…))` calls a function of this engine on the lent connection.
macro_rules! call {
    ($self:ident, $module:ident::$function:ident($($argument:expr),*)) => {{
        let kind = $self.kind;
        $self.asked += 1;
        let asked = $module::$function(&mut $self.lease $(, $argument)*);
        let mut answer = Self::within(kind, asked).await;
        answer = $self.seen(answer);
        if $self.may_ask_again(&answer) {
            $self.lease.replace().await?;
            let asked = $module::$function(&mut $self.lease $(, $argument)*);
            let again = Self::within(kind, asked).await;
            answer = $self.seen(again);
        }
        answer
    }};
}

use call;

#[async_trait]
impl Tx for PgTx {
    async fn commit(mut self: Box<Self>) -> StoreResult<()> {
        if self.failed {
            return Err(StoreError::Conflict("the transaction"));
        }
        // A claim that is lost with the server is one that somebody else may take: whoever ran
        // the job finds that it does not stand, and what it did has no effect.
        let when = if self.asked == self.claimed {
            Durable::Soon
        } else {
            Durable::Now
        };
        let kind = self.kind;
        let committed = Self::within(kind, self.lease.commit(when)).await;
        self.seen(committed)
    }
}

impl View for PgTx {}
