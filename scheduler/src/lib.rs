//! What happens by the clock: seating plans are ordered, lost workers' jobs rescued, seat
//! counters checked, old rows deleted, gauges published, and it is looked whether all works.
//!
//! Invariant: every tick may be repeated, skipped, or run by two schedulers at once without harm.
//! Nothing here decides; each tick calls a use case of `domain` until that has nothing left to do.

mod clockwork;
mod config;
mod gauges;
mod leader;
mod prune;
mod rescue;
mod seating;
mod size;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::reconcile::Reconciler;
use domain::{Context, Error, WorkerId, health};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::clockwork::every;
use self::config::period;
use self::leader::Leader;
use self::seating::Seating;

pub use self::config::Config;

/// How long ticks that have begun may take when the scheduler stops.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// What the scheduler of one process does.
#[derive(Debug, Clone, Copy)]
pub struct Duties {
    /// What one process does for all: it leads while it has the lease.
    pub leads: bool,
    /// Checks the seat counters of the concerts that this process sells.
    pub reconciles: bool,
}

/// The scheduler of one process. Dropping it ends it at once.
#[derive(Debug)]
pub struct Scheduler {
    shared: Arc<Shared>,
    loops: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    ctx: Arc<Context>,
    config: Config,
    process: WorkerId,
    leader: Leader,
    seating: Seating,
    stop: CancellationToken,
}

impl Scheduler {
    /// Starts the clocks. `worker` names this start of this process.
    pub fn start(ctx: &Arc<Context>, config: &Config, worker: WorkerId, duties: Duties) -> Self {
        let shared = Arc::new(Shared {
            ctx: Arc::clone(ctx),
            config: config.clone(),
            process: worker,
            leader: Leader::new(worker, config.leader_lease()),
            seating: Seating::new(
                config.seating_share,
                config.seating_wait_max(),
                period(config.seating_interval_ms),
            ),
            stop: CancellationToken::new(),
        });
        let mut loops = JoinSet::new();
        if duties.leads {
            // What writes by itself does so where nobody delays it; see `Context::writer`.
            loops.spawn_on(lead(Arc::clone(&shared)), ctx.writer());
            loops.spawn_on(seating(Arc::clone(&shared)), ctx.writer());
            loops.spawn(rescue(Arc::clone(&shared)));
            loops.spawn(gauges(Arc::clone(&shared)));
            loops.spawn(sizes(Arc::clone(&shared)));
            loops.spawn_on(prune(Arc::clone(&shared)), ctx.writer());
        }
        if duties.reconciles {
            loops.spawn(reconcile(Arc::clone(&shared)));
        }
        // Workers need neither: their jobs wait until both work again.
        if duties.leads || duties.reconciles {
            loops.spawn_on(look(Arc::clone(&shared), duties.reconciles), ctx.writer());
        }
        Self { shared, loops }
    }

    /// Stops: ticks that have begun are finished, and another scheduler may take over at once.
    pub async fn stop(mut self) {
        self.shared.stop.cancel();
        let ended = async { while self.loops.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_WAIT, ended).await.is_err() {
            tracing::warn!("the scheduler stops in the middle of a tick");
        }
        if let Err(error) = self.shared.leader.release(&self.shared.ctx).await {
            tracing::debug!(%error, "the scheduler's lease was not given back and will run out");
        }
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

impl Shared {
    /// Does something every so often, from when it is known who leads: rare ticks would otherwise
    /// find nobody, and come much later.
    async fn every<Tick>(&self, interval_ms: u64, what: &'static str, tick: impl FnMut() -> Tick)
    where
        Tick: Future<Output = Result<(), Error>>,
    {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = self.leader.asked() => every(period(interval_ms), what, &self.stop, tick).await,
        }
    }

    /// Does something every so often, as long as this scheduler leads.
    async fn leading<Tick>(&self, interval_ms: u64, what: &'static str, tick: impl FnMut() -> Tick)
    where
        Tick: Future<Output = Result<(), Error>>,
    {
        self.publishing(interval_ms, what, tick, || {}).await;
    }

    /// Publishes something every so often, as long as this scheduler leads; when it does no more,
    /// takes back what it published.
    async fn publishing<Tick>(
        &self,
        interval_ms: u64,
        what: &'static str,
        mut tick: impl FnMut() -> Tick,
        clear: fn(),
    ) where
        Tick: Future<Output = Result<(), Error>>,
    {
        let published = AtomicBool::new(false);
        self.every(interval_ms, what, || {
            let tick = self.leader.leads().then(&mut tick);
            if tick.is_some() {
                published.store(true, Ordering::Relaxed);
            } else if published.swap(false, Ordering::Relaxed) {
                clear();
            }
            async {
                match tick {
                    Some(tick) => tick.await,
                    None => Ok(()),
                }
            }
        })
        .await;
    }
}

async fn lead(shared: Arc<Shared>) {
    every(
        shared.leader.period(),
        "taking the scheduler's lease",
        &shared.stop,
        || shared.leader.take(&shared.ctx),
    )
    .await;
}

async fn seating(shared: Arc<Shared>) {
    let interval_ms = shared.config.seating_interval_ms;
    let tick = || shared.seating.tick(&shared.ctx);
    shared
        .leading(interval_ms, "ordering seating plans", tick)
        .await;
}

async fn rescue(shared: Arc<Shared>) {
    let interval_ms = shared.config.rescue_interval_ms;
    let tick = || rescue::tick(&shared.ctx);
    shared.leading(interval_ms, "rescuing jobs", tick).await;
}

async fn reconcile(shared: Arc<Shared>) {
    // A tick is never begun before the last one ended, so nobody waits for this lock.
    let reconciler = Mutex::new(Reconciler::default());
    let tick = || async {
        reconciler.lock().await.round(&shared.ctx).await?;
        Ok(())
    };
    let period = period(shared.config.reconcile_interval_ms);
    every(period, "checking seat counters", &shared.stop, tick).await;
}

async fn look(shared: Arc<Shared>, sells: bool) {
    /// Other processes must see signs of this one in time.
    const LONGEST: Duration = Duration::from_secs(10);
    let period = period(shared.config.health_interval_ms).min(LONGEST);
    let tick = || health::look(&shared.ctx, shared.process, sells);
    every(period, "looking what works", &shared.stop, tick).await;
}

async fn gauges(shared: Arc<Shared>) {
    let interval_ms = shared.config.gauges_interval_ms;
    let tick = || gauges::tick(&shared.ctx, &shared.seating);
    shared
        .publishing(interval_ms, "publishing gauges", tick, gauges::clear)
        .await;
}

async fn sizes(shared: Arc<Shared>) {
    let interval_ms = shared.config.sizes_interval_ms;
    let tick = || size::tick(&shared.ctx);
    shared
        .publishing(interval_ms, "measuring the ledger", tick, size::clear)
        .await;
}

async fn prune(shared: Arc<Shared>) {
    let kept = shared.config.finished_jobs_kept();
    let tick = || prune::tick(&shared.ctx, kept);
    shared
        .leading(shared.config.prune_interval_ms, "deleting old rows", tick)
        .await;
}
