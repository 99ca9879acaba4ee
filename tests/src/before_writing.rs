//! A ledger with which something happens just before a transaction begins.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use cli::service::Tweaks;
use domain::ports::{Store, StoreResult, Tx, View};
use futures::future::BoxFuture;

/// What happens, given the ledger itself. The transaction does not begin if it fails.
type Happens = Arc<dyn Fn(Arc<dyn Store>) -> BoxFuture<'static, StoreResult<()>> + Send + Sync>;

struct BeforeWriting {
    happens: Happens,
    inner: Arc<dyn Store>,
}

/// A server's tweaks that have something happen before each transaction. It has no workers and no
/// scheduler, so that nobody but clients wants to write.
pub fn before_writing(
    happens: impl Fn(Arc<dyn Store>) -> BoxFuture<'static, StoreResult<()>> + Send + Sync + 'static,
) -> Tweaks {
    let happens: Happens = Arc::new(happens);
    Tweaks {
        store: Some(Arc::new(move |inner| {
            let happens = Arc::clone(&happens);
            Arc::new(BeforeWriting { happens, inner }) as Arc<dyn Store>
        })),
        no_workers: true,
        ..Tweaks::default()
    }
}

#[async_trait]
impl Store for BeforeWriting {
    async fn begin(&self) -> StoreResult<Box<dyn Tx>> {
        (self.happens)(Arc::clone(&self.inner)).await?;
        self.inner.begin().await
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

impl fmt::Debug for BeforeWriting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BeforeWriting").finish_non_exhaustive()
    }
}
