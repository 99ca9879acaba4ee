//! A whole server: HTTP, workers and scheduler on one engine.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use domain::clock::Clock;
use domain::ports::{Renderer, Store};
use domain::{Context, WorkerId};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use scheduler::{Duties, Scheduler};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use workers::{PoolReport, Workers};

use crate::config::{Config, Role};
use crate::figures;
use crate::shutdown::{Signal, Signals};
use crate::wire;

/// Bounds of the histograms of seconds, from a tenth of a millisecond to a minute.
const SECONDS: [f64; 18] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0, 30.0, 60.0,
];
/// How often the metrics' recorder tidies up; without it histograms grow until they are read.
const UPKEEP: Duration = Duration::from_secs(5);

/// Puts something around the renderer.
pub type WrapRenderer = Arc<dyn Fn(Arc<dyn Renderer>) -> Arc<dyn Renderer> + Send + Sync>;

/// Puts something around the ledger.
pub type WrapStore = Arc<dyn Fn(Arc<dyn Store>) -> Arc<dyn Store> + Send + Sync>;

/// What a test or a benchmark wants to be different.
#[derive(Clone, Default)]
pub struct Tweaks {
    /// Another clock.
    pub clock: Option<Arc<dyn Clock>>,
    /// Something around the renderer, such as a gate.
    pub renderer: Option<WrapRenderer>,
    /// Something around the ledger, such as a gate.
    pub store: Option<WrapStore>,
    /// Serve the no-op that benchmarks compare with.
    pub baseline: bool,
    /// No workers and no scheduler: jobs stay where they are.
    pub no_workers: bool,
}

/// A running server.
#[derive(Debug)]
pub struct Service {
    ctx: Arc<Context>,
    address: SocketAddr,
    app: api::App,
    metrics: PrometheusHandle,
    stop_http: CancellationToken,
    http: JoinHandle<std::io::Result<()>>,
    workers: Option<Workers>,
    scheduler: Scheduler,
    grace: Duration,
    /// How long it goes on serving once a service manager has stopped it.
    notice: Duration,
}

impl Service {
    /// Opens the engine, binds the address and starts everything.
    pub async fn start(config: &Config, mut tweaks: Tweaks) -> anyhow::Result<Self> {
        let baseline = tweaks.baseline;
        let no_workers = tweaks.no_workers;
        let ctx = wire::serve(config, &mut tweaks).await?;
        let listen = &config.server.listen;
        let listener = api::listen(listen)
            .await
            .with_context(|| format!("--listen {listen}: the address cannot be bound"))?;
        let address = listener.local_addr()?;

        let metrics = metrics_handle()?;
        let app = api::App::new(
            Arc::clone(&ctx),
            config.api.clone(),
            api::Site {
                hosts: config.server.hosts.clone(),
                base_path: config.server.base_path.clone(),
            },
            config.limits.plan_bytes_max,
            {
                let metrics = metrics.clone();
                move || metrics.render()
            },
        );
        let mut router = if config.has(Role::Api) {
            api::router(app.clone())
        } else {
            api::operations_router(app.clone())
        };
        if baseline {
            router = router.merge(api::baseline_router());
        }
        let stop_http = CancellationToken::new();
        let http = tokio::spawn({
            let (config, base_path) = (config.api.clone(), config.server.base_path.clone());
            let stop = api::Stop {
                announced: app.announced(),
                now: stop_http.clone(),
            };
            async move { api::serve(listener, router, &config, &base_path, stop).await }
        });

        // Another id with every start: nothing is left over from a process of the same name.
        let worker = WorkerId(ctx.ids.next());
        let workers = (config.has(Role::Worker) && !no_workers)
            .then(|| Workers::start(&ctx, &config.workers, worker));
        let duties = Duties {
            leads: config.has(Role::Scheduler) && !no_workers,
            reconciles: config.has(Role::Api) && !no_workers,
        };
        let scheduler = Scheduler::start(&ctx, &config.scheduler, worker, duties);
        tracing::info!(%address, roles = ?config.server.roles, worker = %worker, "serving");
        let grace = config.workers.grace();
        // Nobody is sent to a process that serves no clients.
        let notice = config.has(Role::Api).then(|| config.api.drain_notice());
        Ok(Self {
            ctx,
            address,
            app,
            metrics,
            stop_http,
            http,
            workers,
            scheduler,
            grace,
            notice: notice.unwrap_or_default(),
        })
    }

    /// The address that was bound.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address as something to open.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The domain below the server.
    pub fn context(&self) -> &Arc<Context> {
        &self.ctx
    }

    /// The sum of a counter's series whose labels hold these words, as `/metrics` has them.
    pub fn counter(&self, name: &str, labels: &[&str]) -> u64 {
        let metrics = self.metrics.render();
        let series = metrics.lines().filter_map(|line| line.rsplit_once(' '));
        let series = series.filter(|(series, _)| {
            let (of, with) = series.split_once('{').unwrap_or((series, ""));
            of == name && labels.iter().all(|label| with.contains(label))
        });
        series
            .filter_map(|(_, value)| value.parse::<u64>().ok())
            .sum()
    }

    /// How large the pools of its workers are now; none if it runs no jobs.
    pub fn pools(&self) -> Vec<PoolReport> {
        self.workers
            .as_ref()
            .map(Workers::pools)
            .unwrap_or_default()
    }

    /// Serves until SIGINT, SIGTERM or SIGHUP, then stops in good order; a second signal ends the
    /// process at once.
    ///
    /// Load balancers hear of it before they are refused: `/readyz` says so for
    /// `api.drain_notice_ms`, while everybody is served. Whoever presses Ctrl-C is not made to wait
    /// for that.
    pub async fn run_until_signal(self, mut signals: Signals) -> anyhow::Result<()> {
        let signal = signals.next().await;
        signals.end_at_next();
        self.app.drain();
        if signal != Signal::Interrupt && !self.notice.is_zero() {
            let notice = self.notice;
            tracing::info!(%signal, ?notice, "stopping: telling load balancers first");
            tokio::time::sleep(notice).await;
        }
        tracing::info!(%signal, "stopping: finishing what runs, taking nothing new");
        self.stop().await?;
        tracing::info!("stopped");
        Ok(())
    }

    /// Stops in good order: answers what was asked, finishes the jobs that run, hands the others
    /// back.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.app.drain();
        self.stop_http.cancel();
        let served = self
            .http
            .await
            .map_err(|error| anyhow!("the HTTP server failed: {error}"))?;
        self.ctx.counters.close().await;
        self.scheduler.stop().await;
        if let Some(workers) = self.workers {
            workers.stop(self.grace).await;
        }
        Ok(served?)
    }
}

/// The process's metrics. Installed once: servers in one process share them.
fn metrics_handle() -> anyhow::Result<PrometheusHandle> {
    static HANDLE: OnceLock<Result<PrometheusHandle, String>> = OnceLock::new();
    let handle = HANDLE.get_or_init(|| {
        let seconds = Matcher::Suffix("_seconds".to_owned());
        PrometheusBuilder::new()
            .set_buckets_for_metric(seconds, &SECONDS)
            .and_then(PrometheusBuilder::install_recorder)
            .inspect(|_| figures::describe())
            .map_err(|error| error.to_string())
    });
    let handle = handle
        .clone()
        .map_err(|error| anyhow!("the metrics cannot be set up: {error}"))?;
    let upkeep = handle.clone();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(UPKEEP);
        loop {
            ticks.tick().await;
            upkeep.run_upkeep();
        }
    });
    Ok(handle)
}

impl fmt::Debug for Tweaks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tweaks")
            .field("baseline", &self.baseline)
            .finish_non_exhaustive()
    }
}
