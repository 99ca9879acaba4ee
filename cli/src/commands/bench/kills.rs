//! `bench kills`: prints a second while one of several workers is killed again and again, against
//! the same workers left in peace.
//!
//! The workers are processes of their own. There is always more to print than they can, so that
//! what is measured is how much gets done, not how long the last job takes.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use domain::Context;
use domain::job::{Queue, State};
use serde_json::json;

use super::prints::{self, SoldOut};
use super::{Measured, Outcome, quantile};
use crate::args::{BenchArgs, EngineArg, KillsBenchArgs};
use crate::config::{Config, Role};
use crate::progress::Progress;
use crate::service::{Service, Tweaks};

/// The share of its pace that a system keeps.
const RATIO_MIN: f64 = 0.9;
/// Prints ordered at a time, as soon as fewer than half as many wait.
const PORTION: u32 = 4_000;
/// Before anything is measured, the workers start and learn.
const WARM_UP: Duration = Duration::from_secs(3);
/// How often the queue is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long what is left may take at the end.
const TIMEOUT: Duration = Duration::from_mins(3);

/// A system of worker processes with more to print than they can.
struct Storm {
    service: Service,
    workers: Vec<Worker>,
    config: std::path::PathBuf,
    ordered: u64,
    killed: u32,
}

/// A worker process. Killed when dropped.
struct Worker(Child);

/// Half of the peaceful time, the storm, and the other half.
pub(super) async fn run(args: &KillsBenchArgs) -> anyhow::Result<Outcome> {
    let bench = BenchArgs {
        engine: EngineArg::Cluster,
        ..args.bench.clone()
    };
    if bench.postgres_url.is_none() || bench.redis_url.is_none() {
        bail!("give --postgres-url and --redis-url: workers that die are processes of a cluster");
    }
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let mut all = super::configure(&bench, folder.path()).await?;
    let config = folder.path().join("worker.toml");
    write_config(&config, &all)?;
    all.server.roles = vec![Role::Api, Role::Scheduler];
    let service = Service::start(&all, Tweaks::default()).await?;
    let mut storm = Storm {
        service,
        workers: Vec::new(),
        config,
        ordered: 0,
        killed: 0,
    };
    for _ in 0..args.workers {
        storm.workers.push(Worker::start(&storm.config)?);
    }
    storm.last(WARM_UP, None).await?;
    let (seconds, every) = (
        Duration::from_secs(args.seconds),
        Duration::from_secs(args.every),
    );
    let progress = Progress::start("printing in peace and in a storm", 0);
    let before = storm.last(seconds / 2, None).await?;
    let mut stormy = storm.last(seconds, Some(every)).await?;
    let after = storm.last(seconds / 2, None).await?;
    progress.done(&format!("{} workers killed", storm.killed));
    let mut calm = [before, after].concat();
    let (value, baseline) = (mean(&stormy), mean(&calm));
    let (dead, violations) = storm.end().await?;
    storm.service.stop().await?;

    let measured = Measured {
        value,
        unit: "prints/s",
        baseline,
        p50_ms: 0.0,
        p99_ms: 0.0,
    };
    let outcome = Outcome::new("kills", "cluster", &measured, |ratio| {
        format!(
            "kills cluster: ratio {ratio:.2} ({value:.0} prints/s with one of {} workers killed \
             every {} s ÷ {baseline:.0} in peace; worst second {:.0} ÷ {:.0}; {} killed, \
             all printed, {dead} dead letters)",
            args.workers,
            args.every,
            quantile(&mut stormy, 0.0),
            quantile(&mut calm, 0.0),
            storm.killed,
        )
    });
    let ratio = outcome.ratio;
    Ok(outcome
        .claim(ratio >= RATIO_MIN, "deaths of workers cost too much")
        .claim(dead == 0, "an innocent job is a dead letter")
        .claim(violations == 0, "an invariant of the ledger is broken")
        .with(json!({
            "workers": args.workers,
            "every_s": args.every,
            "killed": storm.killed,
            "dead_letters": dead,
        })))
}

impl Storm {
    /// Prints for some time; kills a worker every so often if that is wanted. Prints made in each
    /// second.
    async fn last(&mut self, time: Duration, every: Option<Duration>) -> anyhow::Result<Vec<f64>> {
        let begun = Instant::now();
        let mut strike_at = every.map(|every| begun + every / 2);
        let mut paces = Vec::new();
        let mut second = (begun, self.printed().await?);
        while begun.elapsed() < time {
            let printed = self.printed().await?;
            if self.ordered - printed < u64::from(PORTION / 2) {
                self.order().await?;
            }
            if let (Some(at), Some(every)) = (strike_at, every)
                && Instant::now() >= at
            {
                self.strike()?;
                strike_at = Some(at + every);
            }
            let passed = second.0.elapsed();
            if passed >= Duration::from_secs(1) {
                #[expect(clippy::cast_precision_loss, reason = "a rate")]
                let made = (printed - second.1) as f64;
                paces.push(made / passed.as_secs_f64());
                second = (Instant::now(), printed);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(paces)
    }

    async fn printed(&self) -> anyhow::Result<u64> {
        Ok(self.ordered - prints::unfinished(self.ctx()).await?)
    }

    async fn order(&mut self) -> anyhow::Result<()> {
        let show = SoldOut::in_days(self.ctx(), 0, PORTION).await?;
        show.order_prints(self.ctx()).await?;
        self.ordered += u64::from(PORTION);
        Ok(())
    }

    /// Kills the worker that lives longest and starts another one.
    fn strike(&mut self) -> anyhow::Result<()> {
        drop(self.workers.remove(0));
        self.killed += 1;
        self.workers.push(Worker::start(&self.config)?);
        Ok(())
    }

    /// Waits until all is printed. Dead letters, and violations of the ledger's invariants.
    async fn end(&mut self) -> anyhow::Result<(u64, usize)> {
        let begun = Instant::now();
        loop {
            let left = prints::unfinished(self.ctx()).await?;
            if left == 0 {
                break;
            }
            if begun.elapsed() > TIMEOUT {
                bail!("{left} prints were not made after {} s", TIMEOUT.as_secs());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let ctx = self.ctx();
        let depths = ctx.store.read().await?.count_jobs(ctx.clock.now()).await?;
        let dead = depths
            .iter()
            .filter(|depth| depth.queue == Queue::Prints && depth.state == State::Discarded);
        let dead = dead.map(|depth| depth.jobs).sum();
        let violations = domain::audit::run(ctx.store.as_ref()).await?;
        self.workers.clear();
        Ok((dead, violations.len()))
    }

    fn ctx(&self) -> &Context {
        self.service.context()
    }
}

impl Worker {
    fn start(config: &Path) -> anyhow::Result<Self> {
        let binary = std::env::current_exe().context("this program's file")?;
        let child = Command::new(binary)
            .args(["run", "--roles", "worker", "--listen", "127.0.0.1:0"])
            .arg("--config")
            .arg(config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("a worker cannot be started")?;
        Ok(Self(child))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // SIGKILL; one that has ended already needs no killing.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a worker has to know; its folder is readable by its owner only.
fn write_config(path: &Path, of: &Config) -> anyhow::Result<()> {
    let config = json!({
        "engine": {
            "mode": "cluster",
            "postgres_url": of.engine.postgres_url.0,
            "redis_url": of.engine.redis_url.0,
            "redis_prefix": of.engine.redis_prefix,
            "files_dir": of.engine.files_dir,
        },
        "signing": { "key_file": of.signing.key_file },
        "log": { "filter": "error" },
    });
    let text = toml::to_string(&config)?;
    std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}

fn mean(paces: &[f64]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a number of seconds")]
    let seconds = paces.len().max(1) as f64;
    paces.iter().sum::<f64>() / seconds
}
