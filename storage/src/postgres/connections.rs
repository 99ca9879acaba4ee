//! A few connections that are lent out in the order of asking.
//!
//! Not `sqlx::Pool`: that one asks the server about each connection when it comes back, which
//! costs a round trip for every transaction.
//!
//! Invariant: a connection that is lent out has no transaction open. Whoever drops a lease in the
//! middle of one leaves that to a task, which keeps the lease's place until it is done.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, anyhow};
use domain::ports::{StoreError, StoreResult};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::address::Address;
use super::failure::failed;
use super::session::Session;

const ROLLBACK: &str = "rollback";
const COMMIT: &str = "commit";
/// The server does not wait for its disk, and writes within three times its `wal_writer_delay`.
const COMMIT_SOON: &str = "set local synchronous_commit = off; commit";

/// How long a dropped transaction may take to be rolled back before its connection is closed.
const ROLLBACK_PATIENCE: Duration = Duration::from_secs(5);

/// Up to so many connections to one database.
#[derive(Debug)]
pub(super) struct Connections {
    address: Address,
    session: Session,
    places: Arc<Semaphore>,
    idle: Mutex<Vec<PgConnection>>,
    /// The host that could write when it was last asked.
    writer: AtomicUsize,
}

/// When a transaction outlives the server's death.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durable {
    /// Once it is committed.
    Now,
    /// Some time later.
    Soon,
}

/// A connection that is lent out.
#[derive(Debug)]
pub(super) struct Lease {
    /// There until the lease is dropped.
    conn: Option<PgConnection>,
    home: Arc<Connections>,
    place: Option<OwnedSemaphorePermit>,
    in_transaction: bool,
    spoilt: bool,
    /// Whether it was used before, so that it may have been lost since.
    used: bool,
}

impl Connections {
    pub(super) fn new(address: Address, session: Session, max: usize) -> Arc<Self> {
        Arc::new(Self {
            address,
            session,
            places: Arc::new(Semaphore::new(max)),
            idle: Mutex::new(Vec::with_capacity(max)),
            writer: AtomicUsize::new(0),
        })
    }

    /// Lends a connection; those who ask first are served first.
    pub(super) async fn lend(self: &Arc<Self>) -> StoreResult<Lease> {
        let patience = self.session.acquire_timeout;
        let place = timeout(patience, Arc::clone(&self.places).acquire_owned()).await;
        let place = place
            .map_err(|_| {
                StoreError::unavailable(anyhow!("no connection was free within {patience:?}"))
            })?
            .map_err(StoreError::unavailable)?;
        let idle = self.idle().pop();
        let used = idle.is_some();
        let conn = match idle {
            Some(conn) => conn,
            None => self.connect().await.map_err(StoreError::interrupted)?,
        };
        Ok(Lease {
            conn: Some(conn),
            home: Arc::clone(self),
            place: Some(place),
            in_transaction: false,
            spoilt: false,
            used,
        })
    }

    /// Lends a connection with a transaction begun. Connections that were lost while nobody used
    /// them are passed over: nothing was asked of them yet.
    pub(super) async fn begin(self: &Arc<Self>, statement: &'static str) -> StoreResult<Lease> {
        loop {
            let mut lease = self.lend().await?;
            let begun = timeout(self.session.patience(), lease.begin(statement)).await;
            let begun = begun.unwrap_or_else(|_| {
                Err(StoreError::interrupted(anyhow!(
                    "the server does not answer"
                )))
            });
            match begun {
                Ok(()) => return Ok(lease),
                Err(StoreError::Interrupted(_)) if lease.used => lease.lost(),
                Err(error) => {
                    lease.lost();
                    return Err(error);
                }
            }
        }
    }

    /// Connects to the first server that can write, beginning with the one that last could.
    pub(super) async fn connect(&self) -> anyhow::Result<PgConnection> {
        self.connect_within(self.session.connect_timeout).await
    }

    /// As [`Connections::connect`], with so much time for each server.
    pub(super) async fn connect_within(&self, time: Duration) -> anyhow::Result<PgConnection> {
        let hosts = self.address.hosts();
        let first = self.writer.load(Ordering::Relaxed);
        let mut last = None;
        for at in (first..first + hosts.len()).map(|at| at % hosts.len()) {
            let host = &hosts[at];
            let opened = timeout(time, async {
                let mut conn = host.connect().await?;
                let settings = AssertSqlSafe(self.session.settings());
                let row = sqlx::raw_sql(settings).fetch_one(&mut conn).await?;
                let read_only: bool = row.try_get(0)?;
                Ok::<_, sqlx::Error>((conn, read_only))
            });
            let name = || format!("{}:{}", host.get_host(), host.get_port());
            match opened.await {
                Ok(Ok((conn, false))) => {
                    self.writer.store(at, Ordering::Relaxed);
                    return Ok(conn);
                }
                Ok(Ok((_, true))) => last = Some(anyhow!("{} only reads", name())),
                Ok(Err(error)) => last = Some(anyhow::Error::new(error).context(name())),
                Err(_) => last = Some(anyhow!("{} does not answer", name())),
            }
        }
        Err(last.expect("an address has a host")).context("no server that can write was found")
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
                tracing::debug!(%error, "a database connection could not be closed");
            }
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<PgConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    /// Begins a transaction with a statement such as `begin`.
    async fn begin(&mut self, statement: &'static str) -> StoreResult<()> {
        // Before the await: a caller that gives up in the middle leaves a transaction behind.
        self.in_transaction = true;
        let begun = sqlx::raw_sql(statement).execute(&mut **self).await;
        begun.map_err(failed)?;
        Ok(())
    }

    /// Ends the transaction. After an error nobody knows whether it was written.
    pub(super) async fn commit(&mut self, durable: Durable) -> StoreResult<()> {
        let commit = match durable {
            Durable::Now => COMMIT,
            Durable::Soon => COMMIT_SOON,
        };
        let committed = sqlx::raw_sql(commit).execute(&mut **self).await;
        committed.map_err(failed)?;
        self.in_transaction = false;
        Ok(())
    }

    /// Whether another connection may do what this one failed at.
    pub(super) fn is_used(&self) -> bool {
        self.used
    }

    /// Puts a new connection in the place of a lost one.
    pub(super) async fn replace(&mut self) -> StoreResult<()> {
        let conn = self.home.connect().await.map_err(StoreError::interrupted)?;
        self.conn = Some(conn);
        self.spoilt = false;
        self.used = false;
        Ok(())
    }

    /// Has this connection closed, and all that nobody uses: they went the same way, as when the
    /// server was restarted.
    pub(super) fn lost(&mut self) {
        self.spoilt = true;
        self.home.idle().clear();
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(conn) = self.conn.take() else {
            return;
        };
        if self.spoilt {
            // The server rolls back what a closed connection had open.
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

/// Statements that were under way when the lease was dropped are answered before this one.
async fn roll_back(
    mut conn: PgConnection,
    home: Arc<Connections>,
    place: Option<OwnedSemaphorePermit>,
) {
    let rolled_back = sqlx::raw_sql(ROLLBACK).execute(&mut conn);
    match timeout(ROLLBACK_PATIENCE, rolled_back).await {
        Ok(Ok(_)) => home.idle().push(conn),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a connection is replaced after a transaction was dropped");
        }
        Err(_) => tracing::warn!("a dropped transaction's connection does not answer"),
    }
    drop(place);
}

impl Deref for Lease {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.conn
            .as_ref()
            .expect("there until the lease is dropped")
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.conn
            .as_mut()
            .expect("there until the lease is dropped")
    }
}
