//! The server goes away, and comes back.

use std::collections::HashSet;
use std::time::Duration;

use chrono::TimeDelta;
use domain::concert::{Change, Name};
use domain::ids::IdSource;
use domain::job::{NewJob, Noop, Outcome, Queue, Rota};
use domain::jobs::{JobFilter, Settled};
use domain::ports::{Store, StoreError};
use domain::prints::Effect;
use domain::{Error, JobId, SystemIds, Timestamp, WorkerId, concerts, jobs, prints, seat_status};
use futures::future::join_all;
use storage::postgres::{Options, PostgresStore};
use tests::postgres::options;
use tests::wait::DEADLINE;
use tests::{Cable, Database};

use super::Shop;

/// A shop at the end of a cable.
async fn shop() -> (Database, Cable, Shop) {
    let database = Database::new().await;
    let cable = Cable::to(&database.socket()).await;
    let url = database.url_by(&cable.address().to_string());
    let shop = Shop::open(&url).await;
    (database, cable, shop)
}

/// Ten sales at once, the later ones under keys: the first group may be the first sale alone.
async fn ten_sales(shop: &Shop, cut: impl FnOnce()) {
    let concert = shop.concert().await;
    cut();
    let keys: Vec<_> = (0..5).map(|n| format!("key-{n}")).collect();
    let keyed = keys.iter().map(|key| Some(key.as_str()));
    let sales = [None; 5].into_iter().chain(keyed);
    let sales = sales.map(|key| shop.buy(concert, key));
    let bought: Vec<_> = join_all(sales)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(bought.iter().collect::<HashSet<_>>().len(), 10);
    assert_eq!(shop.sold(concert).await, 10);
    // Each key gives the ticket that it was used for.
    for (key, ticket) in keys.iter().zip(&bought[5..]) {
        assert_eq!(shop.buy(concert, Some(key)).await.unwrap(), *ticket);
    }
    assert_eq!(shop.sold(concert).await, 10);
}

#[tokio::test]
async fn sales_whose_commit_was_lost_are_written_again() {
    let (_database, cable, shop) = shop().await;
    ten_sales(&shop, || cable.cut_before_commit(2)).await;
    assert_eq!(cable.cuts_left(), 0);
}

#[tokio::test]
async fn sales_that_were_written_without_an_answer_are_sold_once() {
    let (_database, cable, shop) = shop().await;
    ten_sales(&shop, || cable.cut_after_commit(2)).await;
    assert_eq!(cable.cuts_left(), 0);
}

/// Each shop has counters of its own, so the ledger alone decides.
#[tokio::test]
async fn two_shops_sell_out_while_their_connections_are_lost() {
    let database = Database::new().await;
    let shops = [
        Shop::open(database.url()).await,
        Shop::open(database.url()).await,
    ];
    let concert = shops[0].concert().await;
    let buyers = (0..20).map(|n| {
        let shop = &shops[n % 2];
        async move {
            let mut bought = Vec::new();
            for _ in 0..1_000 {
                match shop.buy(concert, None).await {
                    Ok(ticket) => bought.push(ticket),
                    Err(Error::Refused(_)) => return bought,
                    Err(_) => tokio::task::yield_now().await,
                }
            }
            panic!("the concert is never sold out");
        }
    });
    let hanging_up = async {
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            database.hang_up();
        }
    };
    let (bought, ()) = tokio::join!(join_all(buyers), hanging_up);
    let bought = bought.into_iter().flatten().collect::<HashSet<_>>();
    assert_eq!(shops[0].sold(concert).await, 100);
    assert_eq!(bought.len(), 100);
}

#[tokio::test]
async fn print_that_was_queued_without_an_answer_has_one_job() {
    let (_database, cable, shop) = shop().await;
    let concert = shop.concert().await;
    let ticket = shop.buy(concert, None).await.unwrap();
    cable.cut_after_commit(1);
    prints::request(&shop.ctx, ticket, None, None)
        .await
        .unwrap();
    assert_eq!(cable.cuts_left(), 0);
    let filter = JobFilter {
        queue: Some(Queue::Prints),
        max: 9,
        ..JobFilter::default()
    };
    let mut view = shop.ctx.store.read().await.unwrap();
    assert_eq!(view.list_jobs(&filter).await.unwrap().len(), 1);
    assert_eq!(shop.sold(concert).await, 1);
}

#[tokio::test]
async fn jobs_that_were_settled_without_an_answer_are_done() {
    let (_database, cable, shop) = shop().await;
    let ctx = &shop.ctx;
    let now = ctx.clock.now();
    let jobs = [(); 2].map(|()| NewJob::of(&Noop {}, JobId(ctx.ids.next()), now, now));
    let mut tx = ctx.store.begin().await.unwrap();
    tx.insert_jobs(&jobs).await.unwrap();
    tx.commit().await.unwrap();
    let worker = WorkerId(ctx.ids.next());
    let claimed = jobs::claim(ctx, Queue::System, 9, &mut Rota::default(), worker).await;
    let claimed = claimed.unwrap().jobs;
    cable.cut_after_commit(1);
    let retry = Outcome::Retry("again".into(), Some(TimeDelta::hours(1)));
    let settled = [
        jobs::settle(ctx, &claimed[0], Outcome::Done, Effect::None).await,
        jobs::settle(ctx, &claimed[1], retry, Effect::None).await,
        jobs::settle(ctx, &claimed[0], Outcome::Done, Effect::None).await,
    ];
    assert_eq!(cable.cuts_left(), 0);
    let settled = settled.map(Result::unwrap);
    assert_eq!(settled, [Settled::Done, Settled::Done, Settled::ClaimLost]);
}

#[tokio::test]
async fn connections_that_were_lost_while_nobody_used_them_are_noticed_by_nobody() {
    let database = Database::new().await;
    let store = PostgresStore::open(database.url(), options())
        .await
        .unwrap();
    for _ in 0..3 {
        let mut views = Vec::new();
        let mut writers = Vec::new();
        for _ in 0..4 {
            let mut view = store.read().await.unwrap();
            view.list_offers(None, 1).await.unwrap();
            views.push(view);
            writers.push(store.begin().await.unwrap());
        }
        for tx in writers {
            tx.commit().await.unwrap();
        }
        drop(views);
        database.hang_up();
        for _ in 0..4 {
            let mut view = store.read().await.unwrap();
            assert_eq!(view.list_offers(None, 1).await.unwrap(), []);
            let mut tx = store.begin().await.unwrap();
            tx.delete_keys(&["a"]).await.unwrap();
            tx.commit().await.unwrap();
        }
    }
}

#[tokio::test]
async fn transaction_whose_connection_is_lost_says_so_and_the_next_one_is_well() {
    let database = Database::new().await;
    let store = PostgresStore::open(database.url(), options())
        .await
        .unwrap();
    let mut tx = store.begin().await.unwrap();
    tx.delete_keys(&["a"]).await.unwrap();
    database.hang_up();
    let lost = tx.delete_keys(&["a"]).await;
    assert!(matches!(lost, Err(StoreError::Interrupted(_))), "{lost:?}");
    drop(tx);
    let mut tx = store.begin().await.unwrap();
    tx.delete_keys(&["a"]).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn server_that_does_not_answer_is_not_waited_for_for_ever() {
    let database = Database::new().await;
    let cable = Cable::to(&database.socket()).await;
    let url = database.url_by(&cable.address().to_string());
    // Enough for what is answered before and after.
    let impatient = Options {
        statement_timeout: Duration::from_secs(3),
        ..options()
    };
    let store = PostgresStore::open(&url, impatient).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    cable.stall(true);
    let unanswered = tx.delete_keys(&["a"]).await;
    assert!(
        matches!(unanswered, Err(StoreError::Interrupted(_))),
        "{unanswered:?}"
    );
    cable.stall(false);
    let mut tx = store.begin().await.unwrap();
    tx.delete_keys(&["a"]).await.unwrap();
    tx.commit().await.unwrap();
}

/// A snapshot may take its time, so it is who reads it that gives up.
#[tokio::test]
async fn server_that_falls_silent_in_a_snapshot_does_not_keep_who_follows_a_sale() {
    let (_database, cable, shop) = shop().await;
    let concert = shop.concert().await;
    shop.buy(concert, None).await.unwrap();
    cable.fall_silent_at("select seat_no");
    let follow = || tokio::time::timeout(DEADLINE, seat_status::fetch(&shop.ctx, concert, None));
    let unanswered = follow().await.expect("one gives up");
    assert!(matches!(unanswered, Err(Error::Busy)), "{unanswered:?}");
    assert!(cable.fell_silent());
    let answered = follow().await.expect("nobody is in the way").unwrap();
    assert_eq!((answered.capacity, answered.version), (100, 1));
}

/// As by a process that is cut off while it changes a concert: it does not commit, and nobody hangs
/// up for it.
#[tokio::test]
async fn change_that_was_left_open_is_ended_before_those_who_sell_the_concert_give_up() {
    let database = Database::new().await;
    let cut_off = Shop::open(database.url()).await;
    let shop = Shop::open(database.url()).await;
    let concert = shop.concert().await;
    let offer = concerts::find(&shop.ctx, concert).await.unwrap();
    let renamed = offer.concert.changed(Change {
        name: Some(Name::parse("Matinee").unwrap()),
        ..Change::default()
    });
    let mut left = cut_off.ctx.store.begin().await.unwrap();
    assert!(left.update_concert(1, &renamed).await.unwrap());

    shop.buy(concert, None).await.unwrap();
    assert_eq!(shop.sold(concert).await, 1);
    let committed = left.commit().await;
    assert!(
        matches!(committed, Err(StoreError::Interrupted(_))),
        "{committed:?}"
    );
    let offer = concerts::find(&shop.ctx, concert).await.unwrap();
    assert_eq!(offer.concert.version, 1, "nothing of it was written");
}

#[tokio::test]
async fn of_two_that_wait_for_each_other_one_begins_anew() {
    let database = Database::new().await;
    let store = PostgresStore::open(database.url(), options())
        .await
        .unwrap();
    let holders = [(); 2].map(|()| WorkerId(SystemIds.next()));
    let at = Timestamp::UNIX_EPOCH;
    let (mut one, mut two) = (store.begin().await.unwrap(), store.begin().await.unwrap());
    assert!(one.take_lease("a", holders[0], at, at).await.unwrap());
    assert!(two.take_lease("b", holders[1], at, at).await.unwrap());
    let first = async {
        let taken = one.take_lease("b", holders[0], at, at).await;
        drop(one);
        taken
    };
    let second = async {
        let taken = two.take_lease("a", holders[1], at, at).await;
        drop(two);
        taken
    };
    let (first, second) = tokio::join!(first, second);
    let broken = [&first, &second].map(|taken| matches!(taken, Err(StoreError::Interrupted(_))));
    assert!(broken[0] != broken[1], "{first:?} {second:?}");
}

#[tokio::test]
async fn transaction_in_which_something_failed_cannot_be_committed() {
    let database = Database::new().await;
    let shop = Shop::open(database.url()).await;
    let concert = domain::concerts::find(&shop.ctx, shop.concert().await)
        .await
        .unwrap();
    let mut tx = shop.ctx.store.begin().await.unwrap();
    tx.insert_concert(&concert.concert).await.unwrap_err();
    let committed = tx.commit().await;
    assert!(
        matches!(committed, Err(StoreError::Conflict(_))),
        "{committed:?}"
    );
}
