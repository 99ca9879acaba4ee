//! P1 and P2 with two processes, a shared ledger, and a Redis that fails in the middle.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::Duration;

use cli::config::Config;
use domain::clock::SystemClock;
use domain::code::Signer;
use domain::concert::{Concert, Name, Status, parse_date};
use domain::ids::SystemIds;
use domain::ports::Epoch;
use domain::reconcile::Reconciler;
use domain::tickets::{self, Order};
use domain::user::UserDirectory;
use domain::{ConcertId, Context, Error, Limits, Parts, Refusal};
use storage::Access;
use tempfile::TempDir;
use tests::redis::{self, RedisCluster, RedisSentinels, RedisServer};
use tests::wait::eventually;
use tokio::sync::watch;
use workers::RenderPool;

use super::impatient_counters;

const SEATS: u32 = 1_200;
const BUYERS: u32 = 1_500;
/// Those who come before the fault is over: too few to buy everything.
const EARLY: u32 = 900;

/// Two processes that sell the seats of one ledger.
struct Platform {
    processes: Vec<Arc<Context>>,
    sold: Arc<AtomicU32>,
    /// Removed with the platform.
    _folder: TempDir,
}

impl Platform {
    async fn new(url: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let opened = storage::open_embedded(folder.path(), Access::Serve)
            .await
            .unwrap();
        let prefix = redis::prefix();
        let config = Config::for_data_dir(folder.path());
        let process = || {
            let parts = Parts {
                store: opened.store.clone(),
                counters: Arc::new(impatient_counters(url, &prefix)),
                wakeups: opened.wakeups.clone(),
                files: opened.files.clone(),
                renderer: Arc::new(RenderPool::new(&config.workers)),
                clock: Arc::new(SystemClock),
                ids: Arc::new(SystemIds),
                users: Arc::new(UserDirectory::generated()),
                signer: Arc::new(Signer::new(1, &[7; 32])),
            };
            Context::start(parts, Limits::default()).unwrap()
        };
        Self {
            processes: vec![process(), process()],
            sold: Arc::default(),
            _folder: folder,
        }
    }

    async fn concert(&self) -> ConcertId {
        let ctx = &self.processes[0];
        let concert = Concert {
            id: ConcertId(ctx.ids.next()),
            name: Name::parse("A night").unwrap(),
            venue: Name::parse("A hall").unwrap(),
            date: parse_date("2027-03-04").unwrap(),
            capacity: SEATS,
            layout_id: None,
            status: Status::Active,
            version: 1,
            created_at: ctx.clock.now(),
        };
        let mut tx = ctx.store.begin().await.unwrap();
        tx.insert_concert(&concert).await.unwrap();
        tx.commit().await.unwrap();
        concert.id
    }

    /// Sells out to a crowd that asks again when a part fails, with a fault when a third is sold.
    /// Tells of which epoch the counters were before the fault and in the end.
    async fn sell_out(&self, fault: impl FnOnce()) -> [Epoch; 2] {
        let concert = self.concert().await;
        let (over, is_over) = watch::channel(false);
        let reconciler = tokio::spawn(reconcile(Arc::clone(&self.processes[0])));
        let buyers: Vec<_> = (0..BUYERS)
            .map(|buyer| {
                let ctx = Arc::clone(&self.processes[buyer as usize % 2]);
                let (sold, mut is_over) = (Arc::clone(&self.sold), is_over.clone());
                tokio::spawn(async move {
                    // In a sale of a second or so.
                    tokio::time::sleep(Duration::from_micros(u64::from(buyer) * 500)).await;
                    if buyer >= EARLY {
                        is_over.wait_for(|over| *over).await.unwrap();
                    }
                    insist(&ctx, concert, buyer, &sold).await
                })
            })
            .collect();
        let third = || async { (self.sold.load(Ordering::SeqCst) > SEATS / 3).then_some(()) };
        eventually("a third is sold", third).await;
        let before = self.epoch(concert).await;
        tokio::task::block_in_place(fault);
        over.send_replace(true);
        let mut got = 0;
        for buyer in buyers {
            got += u32::from(buyer.await.unwrap());
        }
        assert_eq!(got, SEATS, "seats sold");
        reconciler.abort();
        let ctx = &self.processes[0];
        let violations = domain::audit::run(ctx.store.as_ref()).await.unwrap();
        assert_eq!(violations, [], "the ledger holds");
        let offer = domain::concerts::find(ctx, concert).await.unwrap();
        assert_eq!(offer.sold, SEATS);
        [before, self.epoch(concert).await]
    }

    /// That of the counters of a concert that somebody has asked for.
    async fn epoch(&self, concert: ConcertId) -> Epoch {
        let counters = &self.processes[0].counters;
        let counted = || async { counters.count(concert).await.ok().flatten() };
        eventually("the counters are there", counted).await.epoch
    }

    /// As [`Platform::sell_out`], with a fault that loses the counters: they are rebuilt while
    /// there are seats left.
    async fn sell_out_anew(&self, fault: impl FnOnce()) {
        let [before, after] = self.sell_out(fault).await;
        assert!(after > before, "nobody had to rebuild the counters");
    }
}

/// Buys, again and again while the service has trouble; whether it got a ticket.
async fn insist(ctx: &Context, concert: ConcertId, buyer: u32, sold: &AtomicU32) -> bool {
    let user = &ctx.users.all()[buyer as usize % ctx.users.all().len()];
    let order = Order {
        concert_id: concert,
        user_id: user.id,
    };
    eventually("a buyer is served", || async {
        match tickets::buy(ctx, order, None).await {
            Ok(_) => {
                sold.fetch_add(1, Ordering::SeqCst);
                Some(true)
            }
            Err(Error::Refused(Refusal::SoldOut)) => Some(false),
            Err(Error::Held | Error::Busy | Error::Shed(_) | Error::Part(_)) => None,
            Err(error) => panic!("{error}"),
        }
    })
    .await
}

/// What the scheduler does every two seconds.
async fn reconcile(ctx: Arc<Context>) {
    let mut reconciler = Reconciler::default();
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        // Redis may be away.
        let _ = reconciler.round(&ctx).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_sell_every_seat_once() {
    let platform = Platform::new(&redis::shared().url()).await;
    platform.sell_out(|| {}).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_sell_every_seat_once_on_a_cluster() {
    let platform = Platform::new(&redis::shared_cluster().url()).await;
    platform.sell_out(|| {}).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn flushes_in_the_middle_of_a_sale_cost_no_seat() {
    let server = RedisServer::start();
    let platform = Platform::new(&server.url()).await;
    let flushes = || {
        for _ in 0..5 {
            server.run(&["FLUSHALL"]);
            sleep(Duration::from_millis(30));
        }
    };
    platform.sell_out_anew(flushes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_the_middle_of_a_sale_costs_no_seat() {
    let mut server = RedisServer::start();
    let platform = Platform::new(&server.url()).await;
    platform.sell_out_anew(|| server.restart()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_a_cluster_that_forgets_its_part_costs_no_seat() {
    let cluster = RedisCluster::start();
    let platform = Platform::new(&cluster.url()).await;
    let flushes = || {
        for node in &cluster.nodes {
            node.run(&["FLUSHALL"]);
            sleep(Duration::from_millis(50));
        }
    };
    platform.sell_out_anew(flushes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fail_over_in_the_middle_of_a_sale_costs_no_seat() {
    let sentinels = RedisSentinels::start();
    let platform = Platform::new(&sentinels.url()).await;
    platform.sell_out(|| sentinels.fail_over()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_dies_in_the_middle_of_a_sale_costs_no_seat() {
    let mut sentinels = RedisSentinels::start();
    let platform = Platform::new(&sentinels.url()).await;
    let dies = || {
        sentinels.servers[0].kill();
        sentinels.wait_for_fail_over();
    };
    platform.sell_out(dies).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn seats_that_a_dead_process_held_are_sold_in_the_end() {
    let server = RedisServer::start();
    let platform = Platform::new(&server.url()).await;
    let concert = platform.concert().await;
    let ctx = &platform.processes[0];
    assert!(insist(ctx, concert, 0, &platform.sold).await);
    for random in 0..100 {
        // The process that does so is never heard of again.
        let taken = || async { ctx.counters.take(concert, random).await.ok() };
        eventually("a seat is taken", taken).await;
    }
    let reconciler = tokio::spawn(reconcile(Arc::clone(ctx)));
    let buyers = (1..BUYERS).map(|buyer| insist(ctx, concert, buyer, &platform.sold));
    let got = futures::future::join_all(buyers).await;
    assert_eq!(
        got.into_iter().filter(|got| *got).count(),
        SEATS as usize - 1
    );
    reconciler.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_concert_is_counted_once_nothing_more_is_sold() {
    let server = RedisServer::start();
    let platform = Platform::new(&server.url()).await;
    let ctx = &platform.processes[0];
    let concert = platform.concert().await;
    let mut reconciler = Reconciler::default();
    let mut look = async || {
        let before = server.calls("scard");
        reconciler.round(ctx).await.unwrap();
        // A count asks every bucket how many seats were returned.
        server.calls("scard") - before
    };
    for _ in 0..3 {
        assert!(insist(ctx, concert, 0, &platform.sold).await);
        assert_eq!(look().await, 0);
    }
    assert!(look().await > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn concerts_whose_counters_are_damaged_do_not_keep_the_others_from_being_reconciled() {
    /// More than a round puts up with.
    const DAMAGED: usize = 4;
    let server = RedisServer::start();
    let platform = Platform::new(&server.url()).await;
    let ctx = &platform.processes[0];
    // The reconciler goes by ids, which grow: the damaged ones come first.
    let mut concerts = Vec::new();
    for _ in 0..DAMAGED + 2 {
        let concert = platform.concert().await;
        assert!(insist(ctx, concert, 0, &platform.sold).await);
        // Whoever takes this one is never heard of again.
        let taken = || async { ctx.counters.take(concert, 0).await.ok() };
        eventually("a seat is taken", taken).await;
        concerts.push(concert);
    }
    let (damaged, well) = concerts.split_at(DAMAGED);
    for concert in damaged {
        let pattern = format!("*:{{{concert}}}");
        let key = server.run(&["--scan", "--pattern", &pattern]);
        server.run(&["SET", key.trim(), "no hash"]);
    }
    let reconciler = tokio::spawn(reconcile(Arc::clone(ctx)));
    for concert in well {
        eventually("what is held is free again", || async {
            let counted = ctx.counters.count(*concert).await.ok()??;
            (counted.free == SEATS - 1 && counted.held == 0).then_some(())
        })
        .await;
    }
    reconciler.abort();
    for concert in damaged {
        ctx.counters.count(*concert).await.unwrap_err();
    }
}
