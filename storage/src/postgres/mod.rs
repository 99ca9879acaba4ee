//! The ledger in PostgreSQL, for any number of processes.
//!
//! Transactions run under `read committed`: what must not change between being read and being
//! written is locked, or compared in the statement that writes.
//!
//! Who waits for whom, so that nobody waits in a circle: a sale takes its keys, shares the gates of
//! its concerts, takes seats, and leaves its count last of all, for which it waits for nobody. A
//! settlement holds jobs, by their ids, then tickets, then shares concerts. A change takes its
//! concert alone and then queues a job; a tick takes the counts alone and then queues jobs. Nobody
//! who waits for a job's key holds what those wait for who hold one.

mod address;
mod audit;
mod batch;
mod claims;
mod concerts;
mod connections;
mod failure;
mod jobs;
mod keys;
mod layouts;
mod leases;
mod moves;
mod pauses;
mod plans;
mod pooler;
mod prints;
mod rows;
mod schema;
mod service_times;
mod session;
mod settlements;
mod shows;
mod size;
mod tickets;
mod tx;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{Store, StoreResult, Tx, View};
use sqlx::{Connection, PgConnection};

use self::address::Address;
use self::connections::Connections;
use self::session::Session;
use self::tx::PgTx;
use crate::error::OpenError;
use crate::schema::SchemaReport;

pub use self::session::{LeaseClock, Options};

const BEGIN_WRITE: &str = "begin";

/// An audit reads whole tables, and takes its time.
const BEGIN_SNAPSHOT: &str = "
    begin isolation level repeatable read read only;
    set local enable_seqscan = on;
    set local enable_hashjoin = on;
    set local enable_mergejoin = on;
    set local statement_timeout = 0";

/// What a server may take to answer who opens the ledger. Nobody waits for that process yet, and it
/// does not try again: it would not start because of one slow answer.
const OPENING_TIME: Duration = Duration::from_secs(10);

/// The ledger.
#[derive(Debug)]
pub struct PostgresStore {
    address: Address,
    session: Session,
    lease_clock: LeaseClock,
    writers: (Arc<Connections>, usize),
    readers: (Arc<Connections>, usize),
}

impl PostgresStore {
    /// Opens a database, which must have been migrated: processes of several versions may use it
    /// at once, so none of them changes its schema in passing.
    pub async fn open(url: &str, options: Options) -> Result<Self, OpenError> {
        let store = Self::of(url, &options)?;
        let mut conn = store.connect().await?;
        let report = store.report(&mut conn).await?;
        let current = report.demand_current(&store.address.to_string());
        let _ = conn.close().await;
        current.map(|()| store)
    }

    /// Brings the schema up to date and reports it.
    pub async fn migrate(url: &str, options: Options) -> Result<SchemaReport, OpenError> {
        // An index on a large table takes as long as it takes.
        let options = Options {
            statement_timeout: Duration::ZERO,
            ..options
        };
        let store = Self::of(url, &options)?;
        let mut conn = store.connect().await?;
        let migrated = schema::migrate(&mut conn, &store.address.to_string()).await;
        let report = match migrated {
            Ok(()) => store.report(&mut conn).await,
            Err(error) => Err(error),
        };
        let _ = conn.close().await;
        report
    }

    /// Tells which migrations are applied, known and pending, without changing anything.
    pub async fn schema(url: &str, options: Options) -> Result<SchemaReport, OpenError> {
        let store = Self::of(url, &options)?;
        let mut conn = store.connect().await?;
        let report = store.report(&mut conn).await;
        let _ = conn.close().await;
        report
    }

    /// Waits for what is under way and closes every connection. Everything asked of the store
    /// afterwards fails.
    pub async fn close(&self) {
        for (connections, max) in [&self.readers, &self.writers] {
            let max = u32::try_from(*max).expect("a handful");
            connections.close(max).await;
        }
    }

    fn of(url: &str, options: &Options) -> Result<Self, OpenError> {
        let address = Address::parse(url, &options.application_name)?;
        let session = Session::of(options);
        let pool = |max| (Connections::new(address.clone(), session.clone(), max), max);
        Ok(Self {
            writers: pool(options.writers_max),
            readers: pool(options.readers_max),
            lease_clock: options.lease_clock,
            session,
            address,
        })
    }

    async fn connect(&self) -> Result<PgConnection, OpenError> {
        let time = self.session.connect_timeout.max(OPENING_TIME);
        let connected = self.writers.0.connect_within(time).await;
        let database = self.address.to_string();
        let mut conn = connected.map_err(|source| {
            let database = database.clone();
            if pooler::refuses_driver(&source) {
                let found = "which refuses a parameter of the driver";
                OpenError::Pooler { database, found }
            } else {
                OpenError::Unreachable { database, source }
            }
        })?;
        if self.is_pooled(&mut conn).await {
            let found = "which gives each transaction another connection (transaction mode)";
            return Err(OpenError::Pooler { database, found });
        }
        Ok(conn)
    }

    /// A server that lets nobody else in at the moment is not suspected of anything.
    async fn is_pooled(&self, conn: &mut PgConnection) -> bool {
        let time = self.session.connect_timeout.max(OPENING_TIME);
        let Ok(mut second) = self.writers.0.connect_within(time).await else {
            return false;
        };
        let shared = pooler::shares_sessions(conn, &mut second);
        let shared = tokio::time::timeout(time, shared).await;
        let _ = second.close().await;
        matches!(shared, Ok(Ok(true)))
    }

    async fn report(&self, conn: &mut PgConnection) -> Result<SchemaReport, OpenError> {
        let report = schema::read_from(conn).await;
        report.map_err(|source| OpenError::Unreachable {
            database: self.address.to_string(),
            source: source.into(),
        })
    }
}

#[async_trait]
impl Store for PostgresStore {
    /// Differs from sqlite: each connection has a process of its own on the server.
    fn groups_at_once(&self) -> usize {
        2
    }

    async fn begin(&self) -> StoreResult<Box<dyn Tx>> {
        let lease = self.writers.0.begin(BEGIN_WRITE).await?;
        let patience = self.session.patience();
        Ok(Box::new(PgTx::writing(lease, patience, self.lease_clock)))
    }

    async fn read(&self) -> StoreResult<Box<dyn View>> {
        let lease = self.readers.0.lend().await?;
        let patience = self.session.patience();
        Ok(Box::new(PgTx::reading(lease, patience, self.lease_clock)))
    }

    async fn snapshot(&self) -> StoreResult<Box<dyn View>> {
        let lease = self.readers.0.begin(BEGIN_SNAPSHOT).await?;
        Ok(Box::new(PgTx::snapshot(lease, self.lease_clock)))
    }
}
