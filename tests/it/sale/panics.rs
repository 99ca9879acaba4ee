//! A panic while a sale is written: its buyer may ask again, and nobody else notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use cli::service::Tweaks;
use domain::ports::{Store, StoreResult, Tx, View};
use tests::{Home, Http, TestApp};

use super::{assert_ledger, buy, sold};

/// A ledger with a mistake in it that shows when it is asked for.
struct Faulty {
    panics_next: Arc<AtomicBool>,
    inner: Arc<dyn Store>,
}

#[async_trait]
impl Store for Faulty {
    async fn begin(&self) -> StoreResult<Box<dyn Tx>> {
        assert!(
            !self.panics_next.swap(false, Ordering::SeqCst),
            "a panic on purpose"
        );
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

/// Nothing reconciles here: the seat in hand comes back by the sale itself.
#[tokio::test]
async fn a_panic_while_a_sale_is_written_costs_no_seat_and_ends_no_sale() {
    let panics_next = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&panics_next);
    let tweaks = Tweaks {
        store: Some(Arc::new(move |inner| {
            let panics_next = Arc::clone(&flag);
            Arc::new(Faulty { panics_next, inner }) as Arc<dyn Store>
        })),
        no_workers: true,
        ..Tweaks::default()
    };
    let app = TestApp::again(Home::new().await, tweaks, |_| {}).await;
    let http = Http::new(app.http.address());
    let concert = http.create_concert("A night", 3).await;

    let mut answers = Vec::new();
    for user in 1..=3 {
        // More often than groups are written at a time.
        for _ in 0..3 {
            panics_next.store(true, Ordering::SeqCst);
            http.buy(&concert, user).await.assert_problem(503);
        }
        answers.push(buy(&http, &concert, user).await);
    }
    assert_eq!(sold(&answers).len(), 3);
    buy(&http, &concert, 4).await.assert_problem(422);
    assert_ledger(&app, &concert, &sold(&answers)).await;
}
