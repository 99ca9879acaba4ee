//! Seat counters: every seat once, and no "sold out" before its time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use domain::ConcertId;
use domain::ids::{IdSource, mix};
use domain::ports::{BucketPlan, Counted, Counters, Epoch, Stock, Taken};
use domain::seat::SeatNo;

use super::hints::Hints;

async fn load(env: &Hints, stock: Stock) -> (ConcertId, Epoch) {
    let concert = ConcertId(env.ids.next());
    env.counters.load(concert, stock, None).await.unwrap();
    (concert, count(env, concert).await.epoch)
}

async fn count(env: &Hints, concert: ConcertId) -> Counted {
    env.counters.count(concert).await.unwrap().unwrap()
}

async fn take(env: &Hints, concert: ConcertId, random: u64) -> Taken {
    env.counters.take(concert, random).await.unwrap()
}

/// Two buckets of three seats, of which 0, 2 and 3 to 5 are free.
fn stock() -> Stock {
    Stock {
        plan: BucketPlan {
            capacity: 6,
            width: 3,
        },
        next: vec![SeatNo(2), SeatNo(3)],
        returned: vec![SeatNo(0)],
    }
}

hints! { on [local redis redis_cluster];
    /// Ports: take, load, count.
    async fn concert_that_was_not_loaded_is_unknown(env) {
        let concert = ConcertId(env.ids.next());
        assert_eq!(take(env, concert, 0).await, Taken::Unknown);
        assert_eq!(env.counters.count(concert).await.unwrap(), None);
        env.counters.give_back(concert, SeatNo(0), Epoch(1)).await.unwrap();
        env.counters.settle_sold(concert, Epoch(1), 1).await.unwrap();
        env.counters.settled(concert).await;
        assert_eq!(take(env, concert, 0).await, Taken::Unknown);
    }

    /// Port: try_out.
    async fn counters_that_work_can_be_tried_and_nothing_comes_of_it(env) {
        let (concert, epoch) = load(env, stock()).await;
        let before = count(env, concert).await;
        for _ in 0..3 {
            env.counters.try_out().await.unwrap();
        }
        assert_eq!(count(env, concert).await, before);
        assert_eq!(before.epoch, epoch);
    }

    async fn every_free_seat_is_taken_once_whichever_bucket_is_asked_first(env) {
        for random in [0, 1, 7, u64::MAX] {
            let (concert, epoch) = load(env, stock()).await;
            let mut seats = BTreeSet::new();
            for taken in 1..=5 {
                let Taken::Seat(seat, of) = take(env, concert, random).await else {
                    panic!("a seat was free");
                };
                assert_eq!(of, epoch);
                assert!(seats.insert(seat.0), "seat {} was taken twice", seat.0);
                let counted = count(env, concert).await;
                assert_eq!((counted.free, counted.held), (5 - taken, taken));
            }
            assert_eq!(seats, BTreeSet::from([0, 2, 3, 4, 5]));
            assert_eq!(take(env, concert, random).await, Taken::Held(5));
        }
    }

    async fn concert_without_seats_is_sold_out(env) {
        let (concert, _) = load(env, Stock::full(0)).await;
        assert_eq!(take(env, concert, 3).await, Taken::SoldOut);
    }

    /// Port: settle_sold.
    async fn sold_out_is_said_once_nothing_is_held(env) {
        let (concert, epoch) = load(env, Stock::full(2)).await;
        take(env, concert, 0).await;
        take(env, concert, 0).await;
        assert_eq!(take(env, concert, 0).await, Taken::Held(2));
        env.counters.settle_sold(concert, epoch, 1).await.unwrap();
        assert_eq!(take(env, concert, 0).await, Taken::Held(1));
        env.counters.settle_sold(concert, epoch, 1).await.unwrap();
        assert_eq!(take(env, concert, 0).await, Taken::SoldOut);
    }

    /// Port: give_back.
    async fn seat_that_was_given_back_is_sold_again(env) {
        let (concert, epoch) = load(env, Stock::full(1)).await;
        for _ in 0..3 {
            assert_eq!(take(env, concert, 9).await, Taken::Seat(SeatNo(0), epoch));
            env.counters.give_back(concert, SeatNo(0), epoch).await.unwrap();
            let counted = count(env, concert).await;
            assert_eq!((counted.free, counted.held), (1, 0));
        }
    }

    async fn rebuilt_counters_ignore_what_belongs_to_the_old_ones(env) {
        let (concert, old) = load(env, Stock::full(2)).await;
        take(env, concert, 0).await;
        env.counters.load(concert, Stock::full(2), Some(old)).await.unwrap();
        let new = count(env, concert).await;
        assert!(new.epoch > old);
        env.counters.give_back(concert, SeatNo(0), old).await.unwrap();
        env.counters.settle_sold(concert, old, 1).await.unwrap();
        assert_eq!(count(env, concert).await, Counted { free: 2, held: 0, epoch: new.epoch });
    }

    async fn counters_are_replaced_only_by_who_knows_the_present_ones(env) {
        let (concert, first) = load(env, Stock::full(5)).await;
        env.counters.load(concert, Stock::full(9), None).await.unwrap();
        assert_eq!(count(env, concert).await.free, 5);
        env.counters.load(concert, Stock::full(6), Some(first)).await.unwrap();
        assert_eq!(count(env, concert).await.free, 6);
        // Two found the same fault; the second one comes too late.
        env.counters.load(concert, Stock::full(7), Some(first)).await.unwrap();
        assert_eq!(count(env, concert).await.free, 6);
        let unknown = ConcertId(env.ids.next());
        env.counters.load(unknown, Stock::full(1), Some(first)).await.unwrap();
        assert_eq!(env.counters.count(unknown).await.unwrap(), None);
    }

    /// Port: settled.
    async fn waiting_for_a_settlement_ends_with_it_or_soon_after(env) {
        let (concert, epoch) = load(env, Stock::full(1)).await;
        take(env, concert, 0).await;
        let began = Instant::now();
        env.counters.settled(concert).await;
        // The port says 50 ms; the rest is for a busy machine.
        assert!(began.elapsed() < Duration::from_mins(1));
        let waiter = {
            let counters = env.counters.clone();
            tokio::spawn(async move { counters.settled(concert).await })
        };
        tokio::task::yield_now().await;
        env.counters.settle_sold(concert, epoch, 1).await.unwrap();
        waiter.await.unwrap();
    }

    /// Port: close. Which does not wait for ever for those who are told: a machine that stands
    /// still for so long may keep one from being told, but not one process after the other.
    async fn what_a_process_kept_to_itself_is_told_when_it_ends(env) {
        let mut told = false;
        for _ in 0..5 {
            let (concert, epoch) = load(env, Stock::full(20_000)).await;
            for random in 0..50 {
                take(env, concert, random).await;
            }
            env.counters.settle_sold(concert, epoch, 20).await.unwrap();
            env.counters.close().await;
            let counted = count(env, concert).await;
            told |= (counted.free, counted.held) == (19_950, 30);
        }
        assert!(told);
    }

    /// Ports: take, give_back, settle_sold.
    async fn racing_buyers_sell_every_seat_once_and_never_hear_sold_out_early(env) {
        for round in 0..20 {
            race(Arc::clone(&env.counters), ConcertId(env.ids.next()), round).await;
        }
    }
}

const SEATS: u32 = 600;
const BUYERS: u64 = 8;

/// Buyers take seats from threads of their own and give every third one back. Each of them stops
/// only when it hears that the concert is sold out, which must not be before it is.
async fn race(counters: Arc<dyn Counters>, concert: ConcertId, round: u64) {
    counters
        .load(concert, Stock::full(SEATS), None)
        .await
        .unwrap();
    let sold = Arc::new((0..SEATS).map(|_| AtomicU32::new(0)).collect::<Vec<_>>());
    let buyers: Vec<_> = (0..BUYERS)
        .map(|buyer| {
            let (counters, sold) = (Arc::clone(&counters), Arc::clone(&sold));
            let runtime = tokio::runtime::Handle::current();
            let buy = buy_until_sold_out(counters, concert, sold, mix(round * 100 + buyer));
            tokio::task::spawn_blocking(move || runtime.block_on(buy))
        })
        .collect();
    for buyer in buyers {
        buyer.await.unwrap();
    }
    assert!(sold.iter().all(|sales| sales.load(Ordering::SeqCst) == 1));
    let counted = counters.count(concert).await.unwrap().unwrap();
    assert_eq!((counted.free, counted.held), (0, 0));
}

async fn buy_until_sold_out(
    counters: Arc<dyn Counters>,
    concert: ConcertId,
    sold: Arc<Vec<AtomicU32>>,
    mut random: u64,
) {
    loop {
        random = mix(random);
        match counters.take(concert, random).await.unwrap() {
            Taken::Seat(seat, epoch) if random.is_multiple_of(3) => {
                std::thread::yield_now();
                counters.give_back(concert, seat, epoch).await.unwrap();
            }
            Taken::Seat(seat, epoch) => {
                let before = sold[seat.0 as usize].fetch_add(1, Ordering::SeqCst);
                assert_eq!(before, 0, "seat {} was sold twice", seat.0);
                std::thread::yield_now();
                counters.settle_sold(concert, epoch, 1).await.unwrap();
            }
            Taken::Held(others) => {
                assert!(others > 0);
                std::thread::yield_now();
            }
            Taken::SoldOut => {
                let left = sold
                    .iter()
                    .filter(|sales| sales.load(Ordering::SeqCst) == 0);
                assert_eq!(left.count(), 0, "said to be sold out too early");
                return;
            }
            Taken::Unknown => panic!("the counters were loaded"),
        }
    }
}
