//! How large the ledger is: what it takes of its disk, and the rows of its tables.

use crate::error::Error;
use crate::ports::Store;

/// The most rows of a table that the gauges count: an index of so many is read in some
/// milliseconds.
pub const COUNTED_MAX: u32 = 100_000;

/// How large the ledger is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LedgerSize {
    /// Bytes of the tables on disk, with indexes and whatever room deleted rows left.
    pub bytes: u64,
    /// Bytes of the write-ahead log of an embedded ledger, which begins anew time and again. 0 for
    /// a server's: that serves other databases, too.
    pub log_bytes: u64,
    /// Concerts, counted up to the limit as everything but tickets.
    pub concerts: u64,
    /// Tickets, as the concerts count their sales; without a limit.
    pub tickets: u64,
    /// Jobs that wait or run.
    pub jobs: u64,
    /// Jobs that have ended and are still kept.
    pub finished_jobs: u64,
    /// Idempotency keys that are still kept.
    pub idempotency_keys: u64,
    /// Published seating plans.
    pub plans: u64,
}

impl LedgerSize {
    /// The rows by the names of their tables.
    pub fn rows(&self) -> [(&'static str, u64); 6] {
        [
            ("concerts", self.concerts),
            ("tickets", self.tickets),
            ("jobs", self.jobs),
            ("finished_jobs", self.finished_jobs),
            ("idempotency_keys", self.idempotency_keys),
            ("plans", self.plans),
        ]
    }
}

/// Measures the ledger, counting up to [`COUNTED_MAX`] rows of each table.
pub async fn measure(store: &dyn Store) -> Result<LedgerSize, Error> {
    Ok(store.read().await?.measure_size(COUNTED_MAX).await?)
}
