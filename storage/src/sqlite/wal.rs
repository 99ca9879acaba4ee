//! Keeps the write-ahead log from growing without bound.
//!
//! SQLite copies the log into the database every [`CHECKPOINT_PAGES`], but begins the log anew
//! only at a moment when nobody reads from it; under a steady load of short reads such a moment
//! may not come by chance.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::SqliteConnection;

/// 16 MiB: rare enough for throughput, small enough that a copy takes some ten milliseconds.
pub(super) const CHECKPOINT_PAGES: &str = "4000";

/// What the log is cut to once it begins anew: 64 MiB.
pub(super) const KEPT_BYTES: &str = "67108864";

/// A log of this size is not growing by chance any more.
const BYTES_MAX: u64 = 128 << 20;

/// The size is looked at once in so many commits.
const COMMITS_BETWEEN: u32 = 256;

/// Waits for readers, but not for long: sales wait meanwhile. A long reader (an audit) is simply
/// waited for again later.
const RESTART: &str = "
    pragma busy_timeout = 50;
    pragma wal_checkpoint(restart);
    pragma busy_timeout = 5000";

/// Watches the size of a database's log.
#[derive(Debug)]
pub(super) struct WalGuard {
    log: PathBuf,
    commits: AtomicU32,
}

impl WalGuard {
    pub(super) fn of(database: &Path) -> Self {
        let mut log = database.as_os_str().to_owned();
        log.push("-wal");
        Self {
            log: log.into(),
            commits: AtomicU32::new(0),
        }
    }

    /// To be called after each commit, with the connection that committed.
    pub(super) async fn committed(&self, conn: &mut SqliteConnection) {
        let commits = self.commits.fetch_add(1, Ordering::Relaxed);
        if !commits.is_multiple_of(COMMITS_BETWEEN) {
            return;
        }
        let bytes = std::fs::metadata(&self.log).map_or(0, |log| log.len());
        if bytes < BYTES_MAX {
            return;
        }
        // The commit stands whatever becomes of this.
        if let Err(error) = sqlx::raw_sql(RESTART).execute(conn).await {
            tracing::warn!(%error, bytes, "the write-ahead log could not be restarted");
        }
    }
}
