//! A ledger with which something happens just before a transaction begins, or a view.

use std::fmt;
use std::future::ready;
use std::sync::Arc;

use async_trait::async_trait;
use cli::service::Tweaks;
use domain::ports::{Store, StoreResult, Tx, View};
use futures::FutureExt;
use futures::future::BoxFuture;

/// What happens, given the ledger itself. The transaction or the view does not begin if it fails.
type Happens = Arc<dyn Fn(Arc<dyn Store>) -> BoxFuture<'static, StoreResult<()>> + Send + Sync>;

struct Before {
    writing: Happens,
    reading: Happens,
    inner: Arc<dyn Store>,
}

/// A server's tweaks that have something happen before each transaction. It has no workers and no
/// scheduler, so that nobody but clients wants to write.
pub fn before_writing(
    happens: impl Fn(Arc<dyn Store>) -> BoxFuture<'static, StoreResult<()>> + Send + Sync + 'static,
) -> Tweaks {
    before_writing_and_reading(happens, |_| ready(Ok(())).boxed())
}

/// As [`before_writing`], and something else before each view that is no snapshot.
pub fn before_writing_and_reading(
    writing: impl Fn(Arc<dyn Store>) -> BoxFuture<'static, StoreResult<()>> + Send + Sync + 'static,
    reading: impl Fn(Arc<dyn Store>) -> BoxFuture<'static, StoreResult<()>> + Send + Sync + 'static,
) -> Tweaks {
    let (writing, reading): (Happens, Happens) = (Arc::new(writing), Arc::new(reading));
    Tweaks {
        store: Some(Arc::new(move |inner| {
            Arc::new(Before {
                writing: Arc::clone(&writing),
                reading: Arc::clone(&reading),
                inner,
            }) as Arc<dyn Store>
        })),
        no_workers: true,
        ..Tweaks::default()
    }
}

#[async_trait]
impl Store for Before {
    async fn begin(&self) -> StoreResult<Box<dyn Tx>> {
        (self.writing)(Arc::clone(&self.inner)).await?;
        self.inner.begin().await
    }

    fn groups_at_once(&self) -> usize {
        self.inner.groups_at_once()
    }

    async fn read(&self) -> StoreResult<Box<dyn View>> {
        (self.reading)(Arc::clone(&self.inner)).await?;
        self.inner.read().await
    }

    async fn snapshot(&self) -> StoreResult<Box<dyn View>> {
        self.inner.snapshot().await
    }
}

impl fmt::Debug for Before {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Before").finish_non_exhaustive()
    }
}
