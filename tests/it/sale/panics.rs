//! A panic while a sale is written: its buyer may ask again, and nobody else notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::FutureExt;
use tests::{Home, Http, TestApp, before_writing};

use super::{assert_ledger, buy, sold};

/// Nothing reconciles here: the seat in hand comes back by the sale itself.
#[tokio::test]
async fn a_panic_while_a_sale_is_written_costs_no_seat_and_ends_no_sale() {
    let panics_next = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&panics_next);
    let tweaks = before_writing(move |_| {
        let panics = flag.swap(false, Ordering::SeqCst);
        async move {
            assert!(!panics, "a panic on purpose");
            Ok(())
        }
        .boxed()
    });
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
