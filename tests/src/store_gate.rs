//! A gate before the ledger: while it is shut, nothing is written, or nothing is read, or no
//! snapshot is opened.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use cli::service::Tweaks;
use domain::ports::{Store, StoreError, StoreResult, Tx, View};
use tokio::sync::watch;

/// The gate's handle.
#[derive(Debug, Clone)]
pub struct StoreGate {
    is_open: watch::Sender<bool>,
    holds: Holds,
    asked: Arc<Asked>,
}

/// How often each was asked for.
#[derive(Debug, Default)]
struct Asked {
    transactions: AtomicUsize,
    reads: AtomicUsize,
    snapshots: AtomicUsize,
}

/// Who waits before a gate that is shut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Writers,
    Readers,
    Snapshots,
}

struct Gated {
    is_open: watch::Receiver<bool>,
    holds: Holds,
    asked: Arc<Asked>,
    inner: Arc<dyn Store>,
}

impl StoreGate {
    /// An open gate, before those who write.
    pub fn open() -> Self {
        Self::before(Holds::Writers)
    }

    /// An open gate, before those who read and ask for no snapshot.
    pub fn before_readers() -> Self {
        Self::before(Holds::Readers)
    }

    /// An open gate, before those who ask for a snapshot.
    pub fn before_snapshots() -> Self {
        Self::before(Holds::Snapshots)
    }

    fn before(holds: Holds) -> Self {
        Self {
            is_open: watch::Sender::new(true),
            holds,
            asked: Arc::default(),
        }
    }

    /// A server's tweaks that put this gate before its ledger. It has no workers and no scheduler,
    /// so that nobody but clients wants to write.
    pub fn tweaks(&self) -> Tweaks {
        let (is_open, holds) = (self.is_open.subscribe(), self.holds);
        let asked = Arc::clone(&self.asked);
        let wrap = move |inner| {
            Arc::new(Gated {
                is_open: is_open.clone(),
                holds,
                asked: Arc::clone(&asked),
                inner,
            }) as Arc<dyn Store>
        };
        Tweaks {
            store: Some(Arc::new(wrap)),
            no_workers: true,
            ..Tweaks::default()
        }
    }

    /// Opens or shuts it; those who wait see it at once.
    pub fn set_open(&self, is_open: bool) {
        self.is_open.send_replace(is_open);
    }

    /// Views that were asked for so far, snapshots aside.
    pub fn reads(&self) -> usize {
        self.asked.reads.load(Ordering::SeqCst)
    }

    /// Snapshots that were asked for so far.
    pub fn snapshots(&self) -> usize {
        self.asked.snapshots.load(Ordering::SeqCst)
    }

    /// Transactions that were asked for so far.
    pub fn transactions(&self) -> usize {
        self.asked.transactions.load(Ordering::SeqCst)
    }
}

impl Gated {
    async fn pass(&self, who: Holds) -> StoreResult<()> {
        if who != self.holds {
            return Ok(());
        }
        // Without a handle nobody would ever open it.
        let mut gate = self.is_open.clone();
        let opened = gate.wait_for(|is_open| *is_open).await.map(drop);
        opened.map_err(StoreError::unavailable)
    }
}

#[async_trait]
impl Store for Gated {
    async fn begin(&self) -> StoreResult<Box<dyn Tx>> {
        self.asked.transactions.fetch_add(1, Ordering::SeqCst);
        self.pass(Holds::Writers).await?;
        self.inner.begin().await
    }

    fn groups_at_once(&self) -> usize {
        self.inner.groups_at_once()
    }

    async fn read(&self) -> StoreResult<Box<dyn View>> {
        self.asked.reads.fetch_add(1, Ordering::SeqCst);
        self.pass(Holds::Readers).await?;
        self.inner.read().await
    }

    async fn snapshot(&self) -> StoreResult<Box<dyn View>> {
        self.asked.snapshots.fetch_add(1, Ordering::SeqCst);
        self.pass(Holds::Snapshots).await?;
        self.inner.snapshot().await
    }
}
