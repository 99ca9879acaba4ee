//! A gate before the ledger: while it is shut, nothing is written.

use std::sync::Arc;

use async_trait::async_trait;
use cli::service::Tweaks;
use domain::ports::{Store, StoreError, StoreResult, Tx, View};
use tokio::sync::watch;

/// The gate's handle.
#[derive(Debug, Clone)]
pub struct StoreGate(watch::Sender<bool>);

struct Gated {
    is_open: watch::Receiver<bool>,
    inner: Arc<dyn Store>,
}

impl StoreGate {
    /// An open gate.
    pub fn open() -> Self {
        Self(watch::Sender::new(true))
    }

    /// A server's tweaks that put this gate before its ledger. It has no workers and no scheduler,
    /// so that nobody but clients wants to write.
    pub fn tweaks(&self) -> Tweaks {
        let is_open = self.0.subscribe();
        let wrap = move |inner| {
            let is_open = is_open.clone();
            Arc::new(Gated { is_open, inner }) as Arc<dyn Store>
        };
        Tweaks {
            store: Some(Arc::new(wrap)),
            no_workers: true,
            ..Tweaks::default()
        }
    }

    /// Opens or shuts it; those who wait see it at once.
    pub fn set_open(&self, is_open: bool) {
        self.0.send_replace(is_open);
    }
}

#[async_trait]
impl Store for Gated {
    async fn begin(&self) -> StoreResult<Box<dyn Tx>> {
        // Without a handle nobody would ever open it.
        let mut gate = self.is_open.clone();
        let opened = gate.wait_for(|is_open| *is_open).await.map(drop);
        opened.map_err(StoreError::unavailable)?;
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
