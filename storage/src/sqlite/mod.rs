//! The ledger in one SQLite file, in WAL mode.
//!
//! One connection writes, the others read. Writers queue fairly for that connection, so SQLite's
//! own lock is contended only by commands that run beside the service.

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
mod prints;
mod rows;
pub(crate) mod schema;
mod seats;
mod service_times;
mod settlements;
mod shows;
mod size;
mod slots;
#[cfg(test)]
mod tests;
mod tickets;
mod tx;
mod waiting;
mod wal;

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{Store, StoreResult, Tx, View};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

use self::connections::Connections;
use self::failure::open_failed;
use self::slots::Slots;
use self::tx::SqliteTx;
use self::wal::WalGuard;
use crate::error::OpenError;

pub use crate::schema::SchemaReport;

/// The first bytes of every database.
const HEADER: &[u8; 16] = b"SQLite format 3\0";

/// A crowd that looks has two groups of tickets read at a time and two of keys; the others want
/// their turn beside it.
const READERS: usize = 6;

/// Pages that a connection keeps in memory, in KiB with a minus, as the pragma wants them. Sales
/// append, and come back to few pages of a concert: with 64 MiB, `load tour` of 2.8 million
/// purchases wrote as much to the disk, and memory grew for longer before it stayed as it was.
const WRITER_CACHE: &str = "-24576";
const READER_CACHE: &str = "-16384";

/// How long a statement waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

const BEGIN_WRITE: &str = "begin immediate";
const BEGIN_SNAPSHOT: &str = "begin deferred";

/// Stops at the first ten problems; one is enough to restore a backup.
const CHECK: &str = "pragma integrity_check(10)";

/// How a database is opened.
#[derive(Debug)]
pub struct Options {
    create: bool,
    lock: Option<File>,
}

/// The ledger.
#[derive(Debug)]
pub struct SqliteStore {
    file: PathBuf,
    writer: Arc<Connections>,
    readers: Arc<Connections>,
    wal: Arc<WalGuard>,
    slots: Arc<Slots>,
    /// Held for as long as the store lives.
    lock: Option<File>,
}

impl Options {
    /// To serve: created if missing, migrated.
    pub fn serve() -> Self {
        Self {
            create: true,
            lock: None,
        }
    }

    /// To be used beside a process that may be serving.
    pub fn inspect() -> Self {
        Self {
            create: false,
            lock: None,
        }
    }

    /// Keeps a locked file for as long as the store lives.
    #[must_use]
    pub fn holding(mut self, lock: File) -> Self {
        self.lock = Some(lock);
        self
    }
}

impl SqliteStore {
    /// Opens a database.
    pub async fn open(file: &Path, options: Options) -> Result<Self, OpenError> {
        if !options.create && !file.exists() {
            return Err(OpenError::Missing(file.into()));
        }
        check_header(file)?;
        let connect = connect_options(file, options.create);
        let writer = Connections::new(connect.clone().pragma("cache_size", WRITER_CACHE), 1);
        let readers = Connections::new(
            connect
                .create_if_missing(false)
                .pragma("cache_size", READER_CACHE)
                .pragma("query_only", "on"),
            READERS,
        );
        let store = Self {
            file: file.into(),
            writer,
            readers,
            wal: Arc::new(WalGuard::of(file)),
            slots: Arc::new(Slots::new(options.create)),
            lock: options.lock,
        };
        store.prepare_schema(options.create).await?;
        if store.lock.is_some() {
            store.take_over().await?;
        }
        Ok(store)
    }

    /// Reads the whole database and looks for damage; what it found, one line each.
    pub async fn check(&self) -> Result<Vec<String>, OpenError> {
        let failed = |error| open_failed(&self.file, error);
        let mut lease = self.readers.try_lend().await.map_err(failed)?;
        let lines: Vec<String> = sqlx::query_scalar(CHECK)
            .fetch_all(&mut *lease)
            .await
            .map_err(failed)?;
        Ok(lines.into_iter().filter(|line| line != "ok").collect())
    }

    /// Waits for what is under way and closes the file, so that nothing is left in its log.
    /// Everything asked of the store afterwards fails.
    pub async fn close(&self) {
        let readers = u32::try_from(READERS).expect("a handful");
        self.readers.close(readers).await;
        self.writer.close(1).await;
    }

    /// The lock proves that no other process lives: nothing of one need be waited for.
    async fn take_over(&self) -> Result<(), OpenError> {
        let failed = |error| open_failed(&self.file, error);
        let mut lease = self.writer.try_lend().await.map_err(failed)?;
        leases::end_all(&mut lease).await.map_err(failed)
    }

    async fn prepare_schema(&self, migrates: bool) -> Result<(), OpenError> {
        let failed = |error| open_failed(&self.file, error);
        let mut lease = self.writer.try_lend().await.map_err(failed)?;
        if migrates {
            return schema::migrate(&mut lease, &self.file).await;
        }
        let report = schema::read_from(&mut lease).await.map_err(failed)?;
        report.demand_current(&self.file.display().to_string())
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn begin(&self) -> StoreResult<Box<dyn Tx>> {
        let mut lease = self.writer.lend().await?;
        lease.begin(BEGIN_WRITE).await?;
        let (wal, slots) = (Arc::clone(&self.wal), Arc::clone(&self.slots));
        Ok(Box::new(SqliteTx::writing(lease, wal, slots)))
    }

    async fn read(&self) -> StoreResult<Box<dyn View>> {
        let lease = self.readers.lend().await?;
        let (wal, slots) = (Arc::clone(&self.wal), Arc::clone(&self.slots));
        Ok(Box::new(SqliteTx::reading(lease, wal, slots)))
    }

    async fn snapshot(&self) -> StoreResult<Box<dyn View>> {
        let mut lease = self.readers.lend().await?;
        lease.begin(BEGIN_SNAPSHOT).await?;
        let (wal, slots) = (Arc::clone(&self.wal), Arc::clone(&self.slots));
        Ok(Box::new(SqliteTx::reading(lease, wal, slots)))
    }
}

/// Not memory-mapped: a file that somebody cuts short would end the process with a signal.
fn connect_options(file: &Path, create: bool) -> SqliteConnectOptions {
    use sqlx::ConnectOptions;

    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(create)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("temp_store", "memory")
        .pragma("mmap_size", "0")
        .pragma("wal_autocheckpoint", wal::CHECKPOINT_PAGES)
        .pragma("journal_size_limit", wal::KEPT_BYTES)
        // A page of rows fits: the driver's thread need not wait for each to be taken.
        .row_buffer_size(domain::ports::BATCH_MAX)
        .thread_name(|number| format!("sqlite-{number}"))
        .disable_statement_logging()
}

/// SQLite takes an overwritten header for a damaged one only when it comes to reading it, and
/// an empty file for a new database.
fn check_header(file: &Path) -> Result<(), OpenError> {
    let mut start = Vec::with_capacity(HEADER.len());
    let read = match fs::File::open(file) {
        Ok(open) => open.take(HEADER.len() as u64).read_to_end(&mut start),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => Err(error),
    };
    read.map_err(|source| OpenError::Folder {
        folder: file.parent().unwrap_or(file).into(),
        source,
    })?;
    if start.is_empty() || start == HEADER {
        return Ok(());
    }
    Err(OpenError::Corrupt {
        file: file.into(),
        reason: "it does not begin as SQLite databases do".into(),
    })
}
