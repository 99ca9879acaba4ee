//! A worker process that some of its jobs kill, for the tests of that.
//!
//! `doomed DATA_DIR AHEAD_MINUTES` works until no job is left and then ends well. Its clock is
//! ahead, so that the leases of a process before it have run out.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use domain::clock::Clock;
use domain::code::Signer;
use domain::user::UserDirectory;
use domain::{Context, Limits, Parts, SystemClock, SystemIds, Timestamp, WorkerId};
use scheduler::{Duties, Scheduler};
use tests::doom::{Killer, Mortal};
use workers::{Config, Registry, RenderPool, Workers};

#[derive(Debug)]
struct Ahead(TimeDelta);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock.now() + self.0
    }
}

#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1);
    let folder = args.next().expect("a folder");
    let ahead = args.next().expect("minutes").parse().expect("a number");
    let opened = storage::open_embedded(Path::new(&folder), storage::Access::Serve)
        .await
        .expect("the ledger opens");
    let config = Config::default();
    let parts = Parts {
        store: opened.store,
        counters: opened.counters,
        wakeups: opened.wakeups,
        files: opened.files,
        renderer: Arc::new(RenderPool::new(&config)),
        clock: Arc::new(Ahead(TimeDelta::minutes(ahead))),
        ids: Arc::new(SystemIds),
        users: Arc::new(UserDirectory::generated()),
        signer: Arc::new(Signer::new(1, &[7; 32])),
    };
    let ctx = Context::start(parts, Limits::default()).expect("a thread more");
    let worker = WorkerId(ctx.ids.next());
    let registry = Registry::default().with::<Killer>().with::<Mortal>();
    let clocks = scheduler::Config {
        rescue_interval_ms: 10,
        // Whoever led before is dead.
        leader_lease_ms: 300,
        ..scheduler::Config::default()
    };
    let duties = Duties {
        leads: true,
        reconciles: true,
    };
    let _scheduler = Scheduler::start(&ctx, &clocks, worker, duties);
    let _workers = Workers::start_with(&ctx, &config, worker, registry);
    loop {
        let mut view = ctx.store.read().await.expect("the ledger is there");
        let depths = view.count_jobs(ctx.clock.now()).await;
        let depths = depths.expect("jobs can be counted");
        if depths.iter().all(|depth| depth.state.is_finished()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
