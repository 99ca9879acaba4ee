//! A ledger that is slower than it could be: for tests and benchmarks of what happens then.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{Store, StoreResult, Tx, View};

/// A ledger of which every transaction that may write takes longer, as on a slow disk: it has its
/// place among the writers meanwhile. Views are as fast as before.
pub struct SlowStore {
    inner: Arc<dyn Store>,
    delay: Duration,
}

impl SlowStore {
    /// Slows a ledger down.
    pub fn new(inner: Arc<dyn Store>, delay: Duration) -> Self {
        Self { inner, delay }
    }
}

#[async_trait]
impl Store for SlowStore {
    async fn begin(&self) -> StoreResult<Box<dyn Tx>> {
        let tx = self.inner.begin().await?;
        tokio::time::sleep(self.delay).await;
        Ok(tx)
    }

    fn groups_at_once(&self) -> usize {
        self.inner.groups_at_once()
    }

    async fn read(&self) -> StoreResult<Box<dyn View>> {
        self.inner.read().await
    }

    async fn snapshot(&self) -> StoreResult<Box<dyn View>> {
        self.inner.snapshot().await
    }
}

impl fmt::Debug for SlowStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlowStore")
            .field("delay", &self.delay)
            .finish_non_exhaustive()
    }
}
