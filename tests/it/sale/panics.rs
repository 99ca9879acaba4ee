//! A panic while a sale is written, or counters are rebuilt: its buyer may ask again, and nobody
//! else notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::ports::{Store, StoreResult};
use futures::FutureExt;
use futures::future::BoxFuture;
use tests::{Home, Http, TestApp, before_writing, before_writing_and_reading, eventually};

use super::{assert_ledger, buy, sold};

/// Panics, once for each time that the flag is set.
fn panic_if(
    next: &Arc<AtomicBool>,
) -> impl Fn(Arc<dyn Store>) -> BoxFuture<'static, StoreResult<()>> + use<> {
    let next = Arc::clone(next);
    move |_| {
        let panics = next.swap(false, Ordering::SeqCst);
        async move {
            assert!(!panics, "a panic on purpose");
            Ok(())
        }
        .boxed()
    }
}

/// Nothing reconciles here: the seat in hand comes back by the sale itself.
#[tests::every_engine(one_thread)]
async fn a_panic_while_a_sale_is_written_costs_no_seat_and_ends_no_sale() {
    let panics_next = Arc::<AtomicBool>::default();
    let tweaks = before_writing(panic_if(&panics_next));
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

/// After a group of sales of which nobody knows whether it was written, counters are read from the
/// ledger; sales do not read it.
#[tests::every_engine(one_thread)]
async fn a_panic_while_counters_are_rebuilt_ends_no_rebuild_after_it() {
    let (breaks_next, panics_next) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
    let tweaks = before_writing_and_reading(panic_if(&breaks_next), panic_if(&panics_next));
    let app = TestApp::again(Home::new().await, tweaks, |_| {}).await;
    let http = Http::new(app.http.address());
    let concert = http.create_concert("A night", 3).await;
    let mut answers = vec![buy(&http, &concert, 1).await];

    // The seat in hand is not found by the rebuild that panics, but by the next one.
    panics_next.store(true, Ordering::SeqCst);
    for user in 2..=3 {
        breaks_next.store(true, Ordering::SeqCst);
        http.buy(&concert, user).await.assert_problem(503);
        eventually("a rebuild has begun", || async {
            (!panics_next.load(Ordering::SeqCst)).then_some(())
        })
        .await;
    }
    for user in 2..=3 {
        let bought = buy(&http, &concert, user).await;
        assert_eq!(bought.status, 201, "{}", bought.text());
        answers.push(bought);
    }
    buy(&http, &concert, 4).await.assert_problem(422);
    assert_ledger(&app, &concert, &sold(&answers)).await;
}
