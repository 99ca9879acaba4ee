//! Keeps the write-ahead log from growing without bound.
//!
//! SQLite copies the log into the database every [`CHECKPOINT_PAGES`], but begins the log anew
//! only at a moment when nobody reads from it; under a steady load of short reads such a moment
//! may not come by chance.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::connections::Lease;

/// 32 MiB: rare enough for throughput, small enough that a copy takes some ten milliseconds.
pub(super) const CHECKPOINT_PAGES: &str = "8000";

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
    bytes_max: u64,
    commits: AtomicU32,
}

impl WalGuard {
    pub(super) fn of(database: &Path) -> Self {
        let mut log = database.as_os_str().to_owned();
        log.push("-wal");
        Self {
            log: log.into(),
            bytes_max: BYTES_MAX,
            commits: AtomicU32::new(0),
        }
    }

    /// The log's length.
    pub(super) fn bytes(&self) -> u64 {
        std::fs::metadata(&self.log).map_or(0, |log| log.len())
    }

    /// To be called after each commit, with the connection that committed.
    pub(super) async fn committed(&self, lease: &mut Lease) {
        let commits = self.commits.fetch_add(1, Ordering::Relaxed);
        if !commits.is_multiple_of(COMMITS_BETWEEN) {
            return;
        }
        let bytes = self.bytes();
        if bytes < self.bytes_max {
            return;
        }
        // A caller that gives up in the middle leaves the short time-out behind.
        lease.spoil();
        match sqlx::raw_sql(RESTART).execute(&mut **lease).await {
            Ok(_) => lease.trust(),
            // The commit stands whatever becomes of this.
            Err(error) => {
                tracing::warn!(%error, bytes, "the write-ahead log could not be restarted");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::ports::Store;
    use sqlx::SqliteConnection;
    use tempfile::TempDir;

    use super::super::{Options, SqliteStore};
    use super::*;

    async fn write(conn: &mut SqliteConnection) {
        let write = "
            insert into leases (name, holder, until)
            values ('a', x'00', 0)
                on conflict (name) do update
               set until = until + 1";
        sqlx::query(write).execute(conn).await.unwrap();
    }

    async fn busy_timeout(conn: &mut SqliteConnection) -> i64 {
        let pragma = sqlx::query_scalar("pragma busy_timeout");
        pragma.fetch_one(conn).await.unwrap()
    }

    /// The pages that the log holds.
    async fn pages(conn: &mut SqliteConnection) -> i64 {
        let pragma = sqlx::query_as("pragma wal_checkpoint(passive)");
        let (_, pages, _): (i64, i64, i64) = pragma.fetch_one(conn).await.unwrap();
        pages
    }

    #[tokio::test]
    async fn long_log_begins_anew_unless_somebody_reads_from_it() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("ledger.db");
        let store = SqliteStore::open(&file, Options::serve()).await.unwrap();
        let guard = WalGuard {
            bytes_max: 1,
            ..WalGuard::of(&file)
        };
        let mut lease = store.writer.lend().await.unwrap();
        let mut snapshot = store.snapshot().await.unwrap();
        snapshot.list_offers(None, 1).await.unwrap();
        write(&mut lease).await;
        guard.committed(&mut lease).await;
        assert_eq!(busy_timeout(&mut lease).await, 5_000);
        let before = pages(&mut lease).await;
        write(&mut lease).await;
        assert!(pages(&mut lease).await > before);

        drop(snapshot);
        // It ends in a task of its own, and is waited for for a moment only.
        for _ in 0..1_000 {
            guard.commits.store(0, Ordering::Relaxed);
            guard.committed(&mut lease).await;
            assert_eq!(busy_timeout(&mut lease).await, 5_000);
            write(&mut lease).await;
            if pages(&mut lease).await < before {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("the log never began anew");
    }
}
