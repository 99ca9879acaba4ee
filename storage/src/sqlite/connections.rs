//! A few connections that are lent out in the order of asking.
//!
//! Not `sqlx::Pool`: that one pings each connection in between and returns it from a task of its
//! own, which costs more than most of our statements; and it knows nothing of a fair queue for
//! the one connection that writes.
//!
//! Invariant: a connection that is lent out has no transaction open. Whoever drops a lease in the
//! middle of one leaves that to a task, which keeps the lease's place until it is done.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::ports::StoreResult;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::failure::failed;

const ROLLBACK: &str = "rollback";
const COMMIT: &str = "commit";

/// Up to so many connections to one database.
#[derive(Debug)]
pub(super) struct Connections {
    options: SqliteConnectOptions,
    places: Arc<Semaphore>,
    idle: Mutex<Vec<SqliteConnection>>,
}

/// A connection that is lent out.
#[derive(Debug)]
pub(super) struct Lease {
    /// There until the lease is dropped.
    conn: Option<SqliteConnection>,
    home: Arc<Connections>,
    place: Option<OwnedSemaphorePermit>,
    in_transaction: bool,
    spoilt: bool,
}

impl Connections {
    pub(super) fn new(options: SqliteConnectOptions, max: usize) -> Arc<Self> {
        Arc::new(Self {
            options,
            places: Arc::new(Semaphore::new(max)),
            idle: Mutex::new(Vec::with_capacity(max)),
        })
    }

    /// Lends a connection; those who ask first are served first.
    pub(super) async fn lend(self: &Arc<Self>) -> StoreResult<Lease> {
        self.try_lend().await.map_err(failed)
    }

    pub(super) async fn try_lend(self: &Arc<Self>) -> Result<Lease, sqlx::Error> {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.map_err(|_| sqlx::Error::PoolClosed)?;
        let idle = self.idle().pop();
        let conn = match idle {
            Some(conn) => conn,
            None => self.options.connect().await?,
        };
        Ok(Lease {
            conn: Some(conn),
            home: Arc::clone(self),
            place: Some(place),
            in_transaction: false,
            spoilt: false,
        })
    }

    /// Waits for every lease to come back and closes all connections. Nothing is lent any more.
    pub(super) async fn close(&self, max: u32) {
        // Fails only when it was closed before.
        if let Ok(all) = self.places.acquire_many(max).await {
            self.places.close();
            drop(all);
        }
        let idle = std::mem::take(&mut *self.idle());
        for conn in idle {
            if let Err(error) = conn.close().await {
                tracing::warn!(%error, "a database connection could not be closed");
            }
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<SqliteConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    /// Begins a transaction with a statement such as `begin immediate`.
    pub(super) async fn begin(&mut self, statement: &'static str) -> StoreResult<()> {
        // Before the await: a caller that gives up in the middle leaves a transaction behind.
        self.in_transaction = true;
        let begun = sqlx::query(statement).execute(&mut **self).await;
        begun.map_err(failed)?;
        Ok(())
    }

    /// Makes the transaction durable.
    pub(super) async fn commit(&mut self) -> StoreResult<()> {
        let committed = sqlx::query(COMMIT).execute(&mut **self).await;
        committed.map_err(failed)?;
        self.in_transaction = false;
        Ok(())
    }

    /// Has the connection replaced instead of lent again: something was wrong with it.
    pub(super) fn spoil(&mut self) {
        self.spoilt = true;
    }

    /// Takes back what [`Self::spoil`] said.
    pub(super) fn trust(&mut self) {
        self.spoilt = false;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(conn) = self.conn.take() else {
            return;
        };
        if self.spoilt {
            // Closing a connection rolls back what it had open. The next one waits for that
            // within its busy time-out.
            return;
        }
        if !self.in_transaction {
            self.home.idle().push(conn);
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let (home, place) = (Arc::clone(&self.home), self.place.take());
        runtime.spawn(roll_back(conn, home, place));
    }
}

/// Statements that were under way when the lease was dropped are ahead of this one in the
/// connection's queue. It fails when there is nothing to roll back, which happens after SQLite
/// did so by itself (disk full) or a commit was not waited for; then nobody knows the
/// connection's state and another one takes its place.
async fn roll_back(
    mut conn: SqliteConnection,
    home: Arc<Connections>,
    place: Option<OwnedSemaphorePermit>,
) {
    match sqlx::query(ROLLBACK).execute(&mut conn).await {
        Ok(_) => home.idle().push(conn),
        Err(error) => {
            tracing::debug!(%error, "a connection is replaced after a transaction was dropped");
            // The next writer must not find the old one still at work.
            let _ = conn.close().await;
        }
    }
    drop(place);
}

impl Deref for Lease {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        self.conn
            .as_ref()
            .expect("there until the lease is dropped")
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.conn
            .as_mut()
            .expect("there until the lease is dropped")
    }
}
