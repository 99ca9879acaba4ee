//! A sale at more concerts than a process keeps counters of.

// Always so; it tells the lints that this is a test and may `unwrap`.
#![cfg(test)]

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::code::Signer;
use domain::concert::{Name, Status};
use domain::concerts::{self, NewConcert};
use domain::ids::mix;
use domain::keys::Answered;
use domain::tickets::{self, Order};
use domain::user::UserDirectory;
use domain::{ConcertId, Context, Error, Limits, Parts, Refusal, SystemClock, SystemIds};
use storage::Access;
use storage::counters::{LocalCounters, LocalLimits};
use tempfile::TempDir;
use workers::{Config, RenderPool};

const CONCERTS: usize = 24;
const SEATS: u32 = 12;
/// So many more than there are seats.
const BUYERS: u32 = 2 * SEATS;

async fn open(folder: &TempDir, counters: LocalCounters) -> Arc<Context> {
    let opened = storage::open_embedded(folder.path(), Access::Serve).await;
    let opened = opened.unwrap();
    let parts = Parts {
        store: opened.store,
        counters: Arc::new(counters),
        wakeups: opened.wakeups,
        files: opened.files,
        renderer: Arc::new(RenderPool::new(&Config::default())),
        clock: Arc::new(SystemClock),
        ids: Arc::new(SystemIds),
        users: Arc::new(UserDirectory::generated()),
        signer: Arc::new(Signer::new(1, &[7; 32])),
    };
    Context::start(parts, Limits::default()).unwrap()
}

async fn concert(ctx: &Context) -> ConcertId {
    let new = NewConcert {
        name: Name::parse("A night").unwrap(),
        venue: Name::parse("Hall").unwrap(),
        date: ctx.clock.now().date_naive(),
        capacity: SEATS,
        layout_id: None,
        status: Status::Active,
    };
    match concerts::create(ctx, new, None, None).await.unwrap() {
        Answered::Now(offer) => offer.concert.id,
        Answered::Before(_) => unreachable!("there is no key"),
    }
}

/// Buys until there is an answer that is final. Tells whether a ticket was sold.
async fn buy(ctx: Arc<Context>, order: Order) -> bool {
    loop {
        match tickets::buy(&ctx, order, None).await {
            Ok(_) => return true,
            Err(Error::Refused(Refusal::SoldOut)) => return false,
            // Counters that go all the time cost time.
            Err(Error::Held | Error::Busy) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concerts_whose_counters_make_room_in_the_middle_of_their_sale_sell_every_seat_once() {
    let folder = TempDir::new().unwrap();
    let limits = LocalLimits {
        concerts_max: 4,
        ..LocalLimits::default()
    };
    let ctx = open(&folder, LocalCounters::within(limits)).await;
    let mut halls = Vec::new();
    for _ in 0..CONCERTS {
        halls.push(concert(&ctx).await);
    }
    let mut orders: Vec<_> = (0..BUYERS)
        .flat_map(|buyer| halls.iter().map(move |&hall| (buyer, hall)))
        .collect();
    orders.sort_by_key(|(buyer, hall)| mix(u64::from(*buyer) ^ hall.0.as_u64_pair().1));
    let buyers = orders.into_iter().map(|(buyer, concert_id)| {
        let user_id = ctx.users.all()[buyer as usize].id;
        let order = Order {
            concert_id,
            user_id,
        };
        let buying = buy(Arc::clone(&ctx), order);
        tokio::spawn(async move { (concert_id, buying.await) })
    });
    let mut sold: BTreeMap<ConcertId, u32> = BTreeMap::new();
    for buyer in buyers.collect::<Vec<_>>() {
        let (concert, is_sold) = buyer.await.unwrap();
        *sold.entry(concert).or_default() += u32::from(is_sold);
    }
    for hall in halls {
        assert_eq!(sold[&hall], SEATS);
        assert_eq!(concerts::find(&ctx, hall).await.unwrap().sold, SEATS);
    }
    assert_eq!(domain::audit::run(ctx.store.as_ref()).await.unwrap(), []);
}
