//! A sale leaves a mark, and no mark is lost to the tick that takes it.

use std::time::Duration;

use domain::job::{Queue, Rota, State};
use domain::jobs::{self, JobFilter};
use domain::seat::SeatNo;
use domain::tickets::NewTicket;
use domain::{TicketId, UserId, WorkerId, plans};
use tests::Database;

use super::Shop;

/// Enough for a tick to come as far as it can.
const HEAD_START: Duration = Duration::from_millis(100);

#[tokio::test]
async fn sale_that_commits_during_a_tick_is_followed_by_a_plan() {
    let database = Database::new().await;
    let shop = Shop::open(database.url()).await;
    let ctx = &shop.ctx;
    // Its first plan is queued, and then there is a mark.
    let concert_id = shop.concert().await;
    shop.buy(concert_id, None).await.unwrap();

    let now = ctx.clock.now();
    let mut sale = ctx.store.begin().await.unwrap();
    let ticket = NewTicket {
        id: TicketId(ctx.ids.next()),
        concert_id,
        user_id: UserId(ctx.ids.next()),
        seat: SeatNo(99),
        bought_at: now,
    };
    assert_eq!(sale.insert_tickets(&[ticket]).await.unwrap(), [true]);
    sale.record_sales(&[(concert_id, 1)], now).await.unwrap();
    let tick = tokio::spawn({
        let ctx = std::sync::Arc::clone(ctx);
        async move { plans::order(&ctx, &[concert_id]).await.unwrap() }
    });
    tokio::time::sleep(HEAD_START).await;
    assert!(!tick.is_finished(), "the tick passed a sale");

    // A worker reads the seats, of which the sale's is not one yet.
    let worker = WorkerId(ctx.ids.next());
    let claimed = jobs::claim(ctx, Queue::Plans, 1, &mut Rota::default(), worker).await;
    assert_eq!(claimed.unwrap().jobs.len(), 1);
    let drawn = plans::drawing(ctx, concert_id).await.unwrap().unwrap();
    assert_eq!(drawn.sold.count(), 1);
    sale.commit().await.unwrap();
    tick.await.unwrap();

    let mut view = ctx.store.read().await.unwrap();
    let marked = view.list_marked(1).await.unwrap();
    let filter = JobFilter {
        queue: Some(Queue::Plans),
        state: Some(State::Available),
        max: 9,
        ..JobFilter::default()
    };
    let queued = view.list_jobs(&filter).await.unwrap();
    assert!(
        !marked.is_empty() || queued.len() == 1,
        "the sale is in no plan to come"
    );
}

#[tokio::test]
async fn sale_that_is_counted_apart_leaves_a_mark_of_its_own() {
    let database = Database::new().await;
    let shop = Shop::open(database.url()).await;
    let ctx = &shop.ctx;
    let concert_id = shop.concert().await;
    shop.buy(concert_id, None).await.unwrap();

    // While the first connection is busy the sale is counted by another one.
    let busy = ctx.store.begin().await.unwrap();
    let now = ctx.clock.now();
    let mut sale = ctx.store.begin().await.unwrap();
    sale.record_sales(&[(concert_id, 2)], now).await.unwrap();
    drop(busy);
    plans::order(ctx, &[concert_id]).await.unwrap();
    sale.commit().await.unwrap();

    let mut view = ctx.store.read().await.unwrap();
    let marked = view.list_marked(9).await.unwrap();
    assert_eq!(
        marked.len(),
        1,
        "the tick that did not see the sale took its mark"
    );
    let offer = view.find_offer(concert_id).await.unwrap().unwrap();
    assert_eq!(offer.sold, 3);
}
