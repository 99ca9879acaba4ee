//! A group of sales of which nobody knows whether it was written, while a crowd buys: the seats of
//! those who are under way are handed out twice, and that must come to an end.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use domain::ports::Epoch;
use domain::tickets::{self, Order};
use domain::{ConcertId, Context};
use futures::FutureExt;
use tests::{TestApp, before_writing};

/// Buyers at a time: several groups of them are under way.
const CROWD: u32 = 5_000;
/// Tickets that each buys.
const EACH: u32 = 4;

/// Buys some tickets, one after the other, asking again whenever something was in the way.
async fn insist(ctx: Arc<Context>, order: Order, sold: Arc<AtomicU32>) {
    for _ in 0..EACH {
        while tickets::buy(&ctx, order, None).await.is_err() {
            tokio::task::yield_now().await;
        }
        sold.fetch_add(1, Ordering::SeqCst);
    }
}

/// The epochs that a concert's counters go through.
async fn watch(ctx: &Context, concert: ConcertId, epochs: &mut HashSet<Epoch>) {
    loop {
        if let Ok(Some(counted)) = ctx.counters.count(concert).await {
            epochs.insert(counted.epoch);
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tests::every_engine]
async fn counters_are_not_rebuilt_again_and_again_after_a_group_failed() {
    let breaks_next = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&breaks_next);
    let tweaks = before_writing(move |_| {
        let breaks = flag.swap(false, Ordering::SeqCst);
        async move {
            assert!(!breaks, "a panic on purpose");
            Ok(())
        }
        .boxed()
    });
    let app = TestApp::with(tweaks).await;
    let concert = app.http.create_concert("A night", CROWD * EACH).await;
    let ctx = app.context();
    let order = Order {
        concert_id: ConcertId::parse(&concert).expect("an id"),
        user_id: ctx.users.all()[0].id,
    };
    let sold = Arc::new(AtomicU32::new(0));
    let crowd = (0..CROWD).map(|_| tokio::spawn(insist(Arc::clone(ctx), order, Arc::clone(&sold))));
    let crowd = futures::future::join_all(crowd.collect::<Vec<_>>());
    let fault = async {
        while sold.load(Ordering::SeqCst) < CROWD {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        breaks_next.store(true, Ordering::SeqCst);
    };
    let mut epochs = HashSet::new();
    tokio::select! {
        (buyers, ()) = async { tokio::join!(crowd, fault) } => {
            assert!(buyers.iter().all(Result::is_ok), "no buyer panics");
        }
        () = watch(ctx, order.concert_id, &mut epochs) => unreachable!("it watches for ever"),
    }
    // The first one, that after the group that failed, and one for the seats that were lost since.
    assert!((2..=3).contains(&epochs.len()), "{} epochs", epochs.len());
    let violations = domain::audit::run(ctx.store.as_ref()).await;
    assert_eq!(violations.expect("it can be read"), []);
    app.stop().await;
}
