//! Several processes at the same counters.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::ConcertId;
use domain::ids::{IdSource, SeededIds, mix};
use domain::ports::{Counters, Stock, Taken};
use futures::future::join_all;
use storage::counters::RedisCounters;
use tests::redis;
use tests::wait::{DEADLINE, eventually};

use super::counters;

const SEATS: u32 = 3_000;
const PROCESSES: u64 = 2;
/// A crowd, for which seats are taken ahead.
const BUYERS: u64 = 40;

/// Seats that somebody has, and seats of them that are sold.
#[derive(Default)]
struct Ledger {
    out: HashSet<u32>,
    sold: HashSet<u32>,
}

/// Buyers of two processes take, hesitate, give back, hang up and settle at random, until they
/// hear that the concert is sold out.
async fn race(url: &str, seed: u64) {
    let (prefix, ledger) = (redis::prefix(), Arc::new(Mutex::new(Ledger::default())));
    let concert = ConcertId(SeededIds::new(seed).next());
    let processes: Vec<_> = (0..PROCESSES)
        .map(|_| Arc::new(counters(url, &prefix)))
        .collect();
    processes[0]
        .load(concert, Stock::full(SEATS), None)
        .await
        .unwrap();
    let buyers = (0..BUYERS).map(|buyer| {
        let counters = Arc::clone(&processes[usize::try_from(buyer % PROCESSES).unwrap()]);
        tokio::spawn(buy(
            counters,
            concert,
            Arc::clone(&ledger),
            mix(seed << 8 | buyer),
        ))
    });
    for buyer in buyers.collect::<Vec<_>>() {
        // A seat that is lost would keep them waiting for ever.
        tokio::time::timeout(DEADLINE, buyer)
            .await
            .unwrap()
            .unwrap();
    }
    assert_eq!(ledger.lock().unwrap().sold.len(), SEATS as usize);
    let counted = processes[1].count(concert).await.unwrap().unwrap();
    assert_eq!((counted.free, counted.held), (0, 0));
}

async fn buy(
    counters: Arc<RedisCounters>,
    concert: ConcertId,
    ledger: Arc<Mutex<Ledger>>,
    mut random: u64,
) {
    loop {
        random = mix(random);
        let take = counters.take(concert, random);
        let taken = if random.is_multiple_of(7) {
            // A caller that hangs up, at any moment.
            let patience = Duration::from_micros(random >> 32 & 0x3ff);
            match tokio::time::timeout(patience, take).await {
                Ok(taken) => taken.unwrap(),
                Err(_) => continue,
            }
        } else {
            take.await.unwrap()
        };
        match taken {
            Taken::Seat(seat, epoch) => {
                assert!(
                    seat.0 < SEATS && ledger.lock().unwrap().out.insert(seat.0),
                    "{seat:?}"
                );
                if random.is_multiple_of(2) {
                    tokio::time::sleep(Duration::from_micros(random >> 40 & 0xff)).await;
                }
                if random.is_multiple_of(5) {
                    ledger.lock().unwrap().out.remove(&seat.0);
                    counters.give_back(concert, seat, epoch).await.unwrap();
                } else {
                    ledger.lock().unwrap().sold.insert(seat.0);
                    counters.settle_sold(concert, epoch, 1).await.unwrap();
                }
            }
            Taken::Held(others) => {
                assert!(others > 0);
                counters.settled(concert).await;
            }
            Taken::SoldOut => {
                let sold = ledger.lock().unwrap().sold.len();
                assert_eq!(sold, SEATS as usize, "sold out was said too early");
                return;
            }
            Taken::Unknown => panic!("the counters were loaded"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_seat_is_handed_out_once_by_two_processes() {
    for seed in 0..4 {
        race(&redis::shared().url(), seed).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_seat_is_handed_out_once_by_two_processes_on_a_cluster() {
    for seed in 0..4 {
        race(&redis::shared_cluster().url(), seed).await;
    }
}

/// Two processes and a concert of which all of 20,000 seats are free.
async fn two_processes(url: &str) -> (ConcertId, [RedisCounters; 2]) {
    let (prefix, concert) = (redis::prefix(), ConcertId(SeededIds::new(8).next()));
    let processes = [counters(url, &prefix), counters(url, &prefix)];
    let loaded = processes[0].load(concert, Stock::full(20_000), None).await;
    loaded.expect("Redis is there");
    (concert, processes)
}

#[tokio::test(flavor = "multi_thread")]
async fn seats_that_were_taken_ahead_of_a_crowd_go_back_when_it_has_gone() {
    const CROWD: u64 = 100;
    const ROUNDS: u64 = 4;
    let (concert, [crowded, idle]) = two_processes(&redis::shared().url()).await;
    for round in 0..ROUNDS {
        let takes = (0..CROWD).map(|buyer| crowded.take(concert, mix(round << 8 | buyer)));
        for taken in join_all(takes).await {
            assert!(matches!(taken.unwrap(), Taken::Seat(..)));
        }
    }
    until_held_are(u32::try_from(CROWD * ROUNDS).unwrap(), &idle, concert).await;
}

/// Waits until no seats of 20,000 are held but those that were bought.
async fn until_held_are(bought: u32, counters: &RedisCounters, concert: ConcertId) {
    eventually("the seats that nobody took are free", async || {
        let counted = counters.count(concert).await.unwrap().unwrap();
        (counted.held == bought && counted.free == 20_000 - bought).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn buyers_who_come_one_by_one_ask_once_for_several() {
    let server = redis::RedisServer::start();
    let (concert, [steady, idle]) = two_processes(&server.url()).await;
    server.run(&["CONFIG", "RESETSTAT"]);
    for buyer in 0..400 {
        let taken = steady.take(concert, mix(buyer)).await.unwrap();
        assert!(matches!(taken, Taken::Seat(..)));
    }
    let calls = server.calls("evalsha");
    // A few dozen; on a machine that stalls, more.
    assert!(calls < 400, "{calls} for 400 seats");
    until_held_are(400, &idle, concert).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_finds_no_seat_has_what_was_sold_settled_at_once() {
    /// Together not as long as it would take otherwise.
    const WAITS: usize = 8;
    let (concert, [seller, other]) = two_processes(&redis::shared().url()).await;
    sell_one(&seller, concert, 0).await;
    let mut held = 1;
    for _ in 0..WAITS {
        seller.settled(concert).await;
        held = other.count(concert).await.unwrap().unwrap().held;
        if held == 0 {
            break;
        }
    }
    assert_eq!(held, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn sold_seats_are_settled_also_while_the_sale_goes_on() {
    let (concert, [seller, other]) = two_processes(&redis::shared().url()).await;
    for buyer in 0..28 {
        // Too few for a visit on their account, too many for a moment without a sale.
        sell_one(&seller, concert, buyer).await;
        tokio::time::sleep(Duration::from_millis(250)).await;
        let counted = other.count(concert).await.unwrap().unwrap();
        if counted.held + counted.free < 20_000 {
            return;
        }
    }
    panic!("none of 28 seats was settled");
}

async fn sell_one(counters: &RedisCounters, concert: ConcertId, buyer: u64) {
    let Taken::Seat(_, epoch) = counters.take(concert, mix(buyer)).await.unwrap() else {
        panic!("20,000 are free");
    };
    counters.settle_sold(concert, epoch, 1).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_hot_concert_is_spread_over_the_shards_of_a_cluster() {
    let cluster = redis::shared_cluster();
    let (prefix, concert) = (redis::prefix(), ConcertId(SeededIds::new(5).next()));
    let counters = counters(&cluster.url(), &prefix);
    counters
        .load(concert, Stock::full(20_000), None)
        .await
        .unwrap();
    for node in &cluster.nodes {
        let keys = node.run(&["--scan", "--pattern", &format!("{prefix}:*")]);
        // 64 buckets on three shards: fewer than ten on one of them is next to impossible.
        assert!(keys.lines().count() > 10, "{keys}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_sees_at_once_that_another_one_replaced_the_counters() {
    let (url, prefix) = (redis::shared().url(), redis::prefix());
    let (one, other) = (counters(&url, &prefix), counters(&url, &prefix));
    let concert = ConcertId(SeededIds::new(6).next());
    one.load(concert, Stock::full(100), None).await.unwrap();
    for round in 0..20 {
        let Taken::Seat(_, old) = one.take(concert, round).await.unwrap() else {
            panic!("a seat was free");
        };
        other
            .load(concert, Stock::full(100), Some(old))
            .await
            .unwrap();
        let Taken::Seat(seat, new) = one.take(concert, round).await.unwrap() else {
            panic!("a seat was free");
        };
        assert!(new > old);
        // What belongs to the old epoch is gone for both.
        other.give_back(concert, seat, old).await.unwrap();
        one.settle_sold(concert, old, 1).await.unwrap();
        let counted = other.count(concert).await.unwrap().unwrap();
        assert_eq!((counted.free, counted.held, counted.epoch), (99, 1, new));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn buckets_that_a_dead_loader_left_behind_sell_nothing() {
    let server = redis::RedisServer::start();
    let (one, other) = (counters(&server.url(), "a"), counters(&server.url(), "a"));
    let concert = ConcertId(SeededIds::new(8).next());
    one.load(concert, Stock::full(100), None).await.unwrap();
    let Taken::Seat(_, old) = one.take(concert, 0).await.unwrap() else {
        panic!("a seat was free");
    };
    let bucket = server.run(&["--scan", "--pattern", &format!("*.0}}:{}", old.0)]);
    server.run(&["COPY", &bucket, "kept"]);
    other
        .load(concert, Stock::full(100), Some(old))
        .await
        .unwrap();
    // As if the one who loaded had died before it removed them.
    server.run(&["RENAME", "kept", &bucket]);
    match one.take(concert, 0).await.unwrap() {
        Taken::Seat(seat, epoch) => assert!(epoch > old && seat.0 == 0, "{seat:?} {epoch:?}"),
        taken => panic!("{taken:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_processes_that_load_at_once_one_wins_and_nothing_of_the_other_stays() {
    let server = redis::RedisServer::start();
    let (one, other) = (counters(&server.url(), "a"), counters(&server.url(), "a"));
    let concert = ConcertId(SeededIds::new(7).next());
    let mut old = None;
    for seats in (1_000..1_400).step_by(20) {
        let (first, second) = tokio::join!(
            one.load(concert, Stock::full(seats), old),
            other.load(concert, Stock::full(seats + 1), old),
        );
        first.unwrap();
        second.unwrap();
        let counted = one.count(concert).await.unwrap().unwrap();
        assert!(
            counted.free == seats || counted.free == seats + 1,
            "{counted:?}"
        );
        assert_eq!(other.count(concert).await.unwrap(), Some(counted));
        assert!(Some(counted.epoch) > old);
        old = Some(counted.epoch);
        // The tally, the last epoch, and at most 6 buckets.
        let keys: u32 = server.run(&["DBSIZE"]).parse().unwrap();
        assert!(keys <= 8, "{}", server.run(&["KEYS", "*"]));
    }
    for key in server.run(&["KEYS", "*"]).lines() {
        let life: i64 = server.run(&["TTL", key]).parse().unwrap();
        assert!(life > 0, "{key} stays for ever");
    }
}
