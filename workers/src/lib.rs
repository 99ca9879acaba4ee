//! Claims jobs, runs them on apalis, and settles them.
//!
//! Invariants: the ledger's `jobs` table is the truth, apalis only runs what was claimed from it;
//! a job's place in a pool, its claim and its run end together; nothing here decides what becomes
//! of a job, it reports how a run ended.

mod backend;
mod claimer;
mod company;
mod config;
mod current;
mod handler;
mod job;
mod jobs;
mod kinds;
mod learning;
mod leases;
mod pool;
mod registry;
mod render_pool;
mod scaler;
mod slots;
mod strangers;

use std::sync::Arc;
use std::time::Duration;

use domain::job::Queue;
use domain::jobs::LEASE;
use domain::{Context, WorkerId};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use self::company::Company;
use self::kinds::KindLimits;
use self::leases::{Interruption, Leases};
use self::pool::Shared;
use self::scaler::{Scale, Scaler};
use self::strangers::Strangers;

pub use self::config::{Config, DrawingPoolConfig, PoolConfig};
pub use self::job::{Job, JobContext, JobError, JobResult, Success};
pub use self::registry::Registry;
pub use self::render_pool::{Branding, RenderPool, VenueBrand};
pub use self::scaler::PoolReport;

/// The workers of one process. Dropping them ends them at once, as a crash would.
#[derive(Debug)]
pub struct Workers {
    stop: CancellationToken,
    pools: JoinSet<()>,
    scales: Vec<Arc<Scale>>,
    leases: Arc<Leases>,
    renewal: JoinHandle<()>,
}

impl Workers {
    /// Starts the pools. `worker` names this start of this process; use it for nothing else.
    pub fn start(ctx: &Arc<Context>, config: &Config, worker: WorkerId) -> Self {
        Self::start_with(ctx, config, worker, Registry::default())
    }

    /// Starts the pools with kinds of jobs beside those of the domain.
    pub fn start_with(
        ctx: &Arc<Context>,
        config: &Config,
        worker: WorkerId,
        registry: Registry,
    ) -> Self {
        let stop = CancellationToken::new();
        let leases = Arc::new(Leases::default());
        let shared = Shared {
            ctx: Arc::clone(ctx),
            registry: Arc::new(registry),
            leases: Arc::clone(&leases),
            company: Company::default(),
            strangers: Strangers::default(),
            kinds: KindLimits::of(&config.kinds_max),
            worker,
            poll_interval: config.poll_interval(),
            stop: stop.clone(),
        };
        let (mut pools, mut scales) = (JoinSet::new(), Vec::new());
        let asked = Arc::new(Notify::new());
        for queue in Queue::ALL {
            let limits = config.limits(queue);
            if limits.max > 0 {
                let scale = Scale::new(queue, limits, Arc::clone(&asked));
                scales.push(Arc::clone(&scale));
                pools.spawn(pool::run(shared.clone(), queue, limits.max, scale));
            }
        }
        let scaler = Scaler {
            ctx: Arc::clone(ctx),
            pools: scales.clone(),
            asked,
            interval: config.resize_interval(),
            poll_interval: config.poll_interval(),
            stop: stop.clone(),
        };
        pools.spawn(async move { scaler.run().await });
        pools.spawn_on(learning::run(Arc::clone(ctx), stop.clone()), ctx.writer());
        let renewal = ctx.writer().spawn({
            let (ctx, leases) = (Arc::clone(ctx), Arc::clone(&leases));
            // Renewed to the end: running jobs may finish while the pools stop.
            async move { leases.keep(&ctx, &CancellationToken::new()).await }
        });
        Self {
            stop,
            pools,
            scales,
            leases,
            renewal,
        }
    }

    /// How large the pools are now.
    pub fn pools(&self) -> Vec<PoolReport> {
        self.scales.iter().map(|scale| scale.report()).collect()
    }

    /// Stops in good order: no new claims; running jobs may finish within `grace`; what does not
    /// is handed back, as if it had never been claimed.
    pub async fn stop(mut self, grace: Duration) {
        self.stop.cancel();
        if tokio::time::timeout(grace, ended(&mut self.pools))
            .await
            .is_err()
        {
            self.leases.interrupt_all(Interruption::Stopping);
            // Enough for trying to write the outcomes down; beyond that the leases run out.
            let last = LEASE.to_std().expect("a lease is positive") + Duration::from_secs(1);
            if tokio::time::timeout(last, ended(&mut self.pools))
                .await
                .is_err()
            {
                tracing::error!("workers did not stop in time, their jobs will be rescued");
            }
        }
        // It has the context in hand, on the context's own thread.
        self.renewal.abort();
        let _ = (&mut self.renewal).await;
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.stop.cancel();
        self.renewal.abort();
        // The pools are aborted with their set.
    }
}

async fn ended(pools: &mut JoinSet<()>) {
    while pools.join_next().await.is_some() {}
}
