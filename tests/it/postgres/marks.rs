//! A sale leaves a mark, and no mark is lost to the tick that takes it.

use domain::job::{Queue, Rota};
use domain::jobs;
use domain::seat::SeatNo;
use domain::tickets::NewTicket;
use domain::{ConcertId, TicketId, UserId, WorkerId, plans};
use tests::Database;

use super::Shop;

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
    // The tick does not wait for the sale, which it does not see.
    plans::order(ctx, &[concert_id]).await.unwrap();

    // A worker reads the seats, of which the sale's is not one yet.
    let worker = WorkerId(ctx.ids.next());
    let claimed = jobs::claim(ctx, Queue::Plans, 1, &mut Rota::default(), worker).await;
    assert_eq!(claimed.unwrap().jobs.len(), 1);
    let drawn = plans::drawing(ctx, concert_id).await.unwrap().unwrap();
    assert_eq!(drawn.sold.count(), 1);
    sale.commit().await.unwrap();

    let mut view = ctx.store.read().await.unwrap();
    let marked = view.list_marked(9).await.unwrap();
    assert_eq!(
        marked,
        [(concert_id, now)],
        "the tick that did not see the sale took its mark"
    );
    let offer = view.find_offer(concert_id).await.unwrap().unwrap();
    assert_eq!(offer.sold, 2);
}

/// Groups that are counted together, as the store has it.
const TOGETHER: u32 = 64;

async fn record_sales(shop: &Shop, concert: ConcertId, groups: u32) {
    for _ in 0..groups {
        let mut tx = shop.ctx.store.begin().await.unwrap();
        let now = shop.ctx.clock.now();
        tx.record_sales(&[(concert, 1)], now).await.unwrap();
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn what_groups_sold_is_counted_once_and_by_one_of_them() {
    let database = Database::new().await;
    let shop = Shop::open(database.url()).await;
    let concert = shop.concert().await;
    let other = shop.concert().await;
    let rows = || {
        let rows = database.sql("select count(*) from recent_sales");
        rows.trim().parse::<u32>().unwrap()
    };
    let mut sold = 0;
    for groups in [TOGETHER - 1, 1, TOGETHER + 5, 3] {
        record_sales(&shop, concert, groups).await;
        sold += groups;
        assert_eq!(rows(), sold % TOGETHER);
        let mut view = shop.ctx.store.read().await.unwrap();
        let offer = view.find_offer(concert).await.unwrap().unwrap();
        let listed = view.list_offers(None, 9).await.unwrap();
        let listed: u32 = listed.iter().map(|offer| offer.sold).sum();
        assert_eq!((offer.sold, listed), (sold, sold));
    }
    let mut lost = shop.ctx.store.begin().await.unwrap();
    for _ in 0..TOGETHER {
        let now = shop.ctx.clock.now();
        lost.record_sales(&[(concert, 1)], now).await.unwrap();
    }
    drop(lost);
    assert_eq!(rows(), sold % TOGETHER, "what was counted is so no more");
    plans::order(&shop.ctx, &[other]).await.unwrap();
    assert_eq!(rows(), 0, "who orders plans counts, too");
    let mut view = shop.ctx.store.read().await.unwrap();
    let offer = view.find_offer(concert).await.unwrap().unwrap();
    assert_eq!(offer.sold, sold);
    drop(view);

    // Also the mark of a sale that is counted along with others outlives that.
    plans::order(&shop.ctx, &[concert]).await.unwrap();
    record_sales(&shop, concert, 1).await;
    plans::order(&shop.ctx, &[other]).await.unwrap();
    let marked = shop.ctx.store.read().await.unwrap().list_marked(9).await;
    let marked: Vec<_> = marked.unwrap().iter().map(|(id, _)| *id).collect();
    assert_eq!((rows(), marked), (0, vec![concert]));
}

#[tokio::test]
async fn no_group_waits_for_who_counts() {
    let database = Database::new().await;
    let shop = Shop::open(database.url()).await;
    let concert = shop.concert().await;
    record_sales(&shop, concert, TOGETHER / 2).await;
    let mut counting = shop.ctx.store.begin().await.unwrap();
    counting.clear_marks(&[concert]).await.unwrap();
    // Waiting would fail: after some seconds it has lasted too long.
    record_sales(&shop, concert, TOGETHER).await;
    counting.commit().await.unwrap();

    let mut view = shop.ctx.store.read().await.unwrap();
    let offer = view.find_offer(concert).await.unwrap().unwrap();
    assert_eq!(offer.sold, TOGETHER * 3 / 2);
    assert_eq!(view.list_marked(9).await.unwrap().len(), 1);
}
