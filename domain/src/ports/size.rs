//! The size of the ledger.

use async_trait::async_trait;

use super::StoreResult;
use crate::size::LedgerSize;

/// Reads how large the ledger is.
#[async_trait]
pub trait SizeView {
    /// What the ledger takes of its disk, and the rows of its tables, up to `max` of each. Counting
    /// reads an index from its beginning, so ask once in a while, not for every request.
    async fn measure_size(&mut self, max: u32) -> StoreResult<LedgerSize>;
}
