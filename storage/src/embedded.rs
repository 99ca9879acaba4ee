//! Everything that one process needs, in one folder.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::counters::LocalCounters;
use crate::error::OpenError;
use crate::files::ObjectFiles;
use crate::schema::SchemaReport;
use crate::sqlite::{self, Options, SqliteStore};
use crate::wakeups::LocalWakeups;

const DATABASE: &str = "ledger.db";
const FILES: &str = "files";
const LOCK: &str = "lock";

/// What a process wants with a data directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// To serve from it: one process at a time, and the schema is brought up to date.
    Serve,
    /// To look at it and make small changes beside a process that may be serving from it.
    Inspect,
}

/// The ports of the embedded engine.
#[derive(Debug)]
pub struct Opened {
    /// The ledger. Holds the directory's lock, if any.
    pub store: Arc<SqliteStore>,
    /// Seat counters.
    pub counters: Arc<LocalCounters>,
    /// Hints that there is work.
    pub wakeups: Arc<LocalWakeups>,
    /// Rendered files.
    pub files: Arc<ObjectFiles>,
}

/// Opens a data directory. Creates it when it is to serve.
pub async fn open_embedded(data_dir: &Path, access: Access) -> Result<Opened, OpenError> {
    let store = open_store(data_dir, access).await?;
    let folder = data_dir.join(FILES);
    let files = ObjectFiles::on_disk(&folder).map_err(|source| OpenError::Folder {
        folder,
        source: io::Error::other(source),
    })?;
    Ok(Opened {
        store: Arc::new(store),
        counters: Arc::new(LocalCounters::default()),
        wakeups: Arc::new(LocalWakeups::default()),
        files: Arc::new(files),
    })
}

/// Brings the schema up to date and reports it. Needs the directory for itself.
pub async fn migrate(data_dir: &Path) -> Result<SchemaReport, OpenError> {
    let store = open_store(data_dir, Access::Serve).await?;
    store.close().await;
    schema(data_dir).await
}

/// Tells which migrations are applied, known and pending, without changing anything.
pub async fn schema(data_dir: &Path) -> Result<SchemaReport, OpenError> {
    sqlite::schema::read(&data_dir.join(DATABASE)).await
}

/// Reads the whole database and looks for damage; what it found, one line each.
pub async fn check(data_dir: &Path) -> Result<Vec<String>, OpenError> {
    let store = open_store(data_dir, Access::Inspect).await?;
    let found = store.check().await;
    store.close().await;
    found
}

/// Whether a process serves from this data directory at this moment.
pub fn is_served(data_dir: &Path) -> bool {
    matches!(lock(data_dir), Err(OpenError::InUse(_)))
}

async fn open_store(data_dir: &Path, access: Access) -> Result<SqliteStore, OpenError> {
    let file = data_dir.join(DATABASE);
    match access {
        Access::Serve => {
            let lock = lock(data_dir)?;
            SqliteStore::open(&file, Options::serve().holding(lock)).await
        }
        Access::Inspect => SqliteStore::open(&file, Options::inspect()).await,
    }
}

/// The lock is the operating system's: it ends with the process, however that ends.
fn lock(data_dir: &Path) -> Result<File, OpenError> {
    let unwritable = |source| OpenError::Folder {
        folder: PathBuf::from(data_dir),
        source,
    };
    fs::create_dir_all(data_dir).map_err(unwritable)?;
    let lock = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(false)
        .open(data_dir.join(LOCK))
        .map_err(unwritable)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(data_dir.into())),
        Err(TryLockError::Error(source)) => Err(unwritable(source)),
    }
}

#[cfg(test)]
mod tests;
