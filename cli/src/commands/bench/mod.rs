//! `bench`: measures, and prints a ratio against a baseline taken in the same run, because the
//! absolute figures of a shared machine prove nothing.

mod crowd;
mod downloads;
mod draw;
mod growth;
mod jobs;
mod kills;
mod open_loop;
mod overload;
mod plans;
mod plot;
mod prints;
mod priority;
mod purchase;
mod rename;
mod resources;
mod scale;
mod seating;
mod soak;
mod wrk;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::Serialize;

use domain::ids::{IdSource, SystemIds};

use crate::args::{BenchArgs, BenchCommand, EngineArg};
use crate::config::{Config, Mode, Secret};
use crate::service::{Service, Tweaks};
use crate::{out, wire};

/// What one benchmark found.
#[derive(Debug, Serialize)]
struct Outcome {
    name: &'static str,
    engine: &'static str,
    value: f64,
    unit: &'static str,
    baseline: f64,
    ratio: f64,
    p50_ms: f64,
    p99_ms: f64,
    cores: usize,
    commit: Option<String>,
    /// What else there is to say.
    #[serde(flatten)]
    more: serde_json::Value,
    /// Claims that did not hold.
    broken: Vec<&'static str>,
    #[serde(skip)]
    line: String,
}

/// Runs a benchmark and prints its line last. A claim that does not hold is an error.
pub async fn bench(command: BenchCommand) -> anyhow::Result<()> {
    let (args, outcomes) = match command {
        BenchCommand::Purchase(args) => (args.bench.clone(), vec![purchase::run(&args).await?]),
        BenchCommand::Overload(args) => (args.bench.clone(), vec![overload::run(&args).await?]),
        BenchCommand::Plans(args) => (args.bench.clone(), plans::run(&args).await?),
        BenchCommand::Downloads(args) => (args.bench.clone(), vec![downloads::run(&args).await?]),
        BenchCommand::Seating(args) => (args.bench.clone(), vec![seating::run(&args).await?]),
        BenchCommand::Soak(args) => (args.bench.clone(), vec![soak::run(&args).await?]),
        BenchCommand::Growth(args) => (args.bench.clone(), vec![growth::run(&args).await?]),
        BenchCommand::Jobs(args) => (args.bench.clone(), vec![jobs::run(&args).await?]),
        BenchCommand::Scale(args) => (args.bench.clone(), vec![scale::run(&args).await?]),
        BenchCommand::Priority(args) => (args.bench.clone(), vec![priority::run(&args).await?]),
        BenchCommand::Kills(args) => (args.bench.clone(), vec![kills::run(&args).await?]),
        BenchCommand::Rename(args) => (args.bench.clone(), vec![rename::run(&args).await?]),
        BenchCommand::Render(args) => (args, draw::tickets()?),
        BenchCommand::Plan(args) => (args, draw::plans()?),
    };
    report(&args, &outcomes)?;
    let broken: Vec<_> = outcomes.iter().flat_map(|one| one.broken.clone()).collect();
    if !broken.is_empty() {
        bail!("{}", broken.join("; "));
    }
    Ok(())
}

fn report(args: &BenchArgs, outcomes: &[Outcome]) -> anyhow::Result<()> {
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(outcomes)?;
        if path == Path::new("-") {
            out::line(text);
            return Ok(());
        }
        std::fs::write(path, text)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    for outcome in outcomes {
        out::line(&outcome.line);
    }
    Ok(())
}

/// What was measured against what.
struct Measured {
    value: f64,
    unit: &'static str,
    baseline: f64,
    p50_ms: f64,
    p99_ms: f64,
}

impl Outcome {
    fn new(
        name: &'static str,
        engine: &'static str,
        measured: &Measured,
        line: impl FnOnce(f64) -> String,
    ) -> Self {
        let ratio = measured.value / measured.baseline;
        Self {
            name,
            engine,
            value: measured.value,
            unit: measured.unit,
            baseline: measured.baseline,
            ratio,
            p50_ms: measured.p50_ms,
            p99_ms: measured.p99_ms,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            commit: commit(),
            more: serde_json::Value::Object(serde_json::Map::new()),
            broken: Vec::new(),
            line: line(ratio),
        }
    }

    /// Notes what is broken if a claim does not hold.
    fn claim(mut self, holds: bool, broken: &'static str) -> Self {
        if !holds {
            self.broken.push(broken);
        }
        self
    }

    /// Says more in the JSON, by an object.
    fn with(mut self, more: serde_json::Value) -> Self {
        self.more = more;
        self
    }
}

/// A server on a folder that goes away with the benchmark, and on the cluster that was named.
async fn start(args: &BenchArgs, tweaks: Tweaks) -> anyhow::Result<(tempfile::TempDir, Service)> {
    start_as(args, tweaks, |_| {}).await
}

/// As [`start`], with other settings.
async fn start_as(
    args: &BenchArgs,
    tweaks: Tweaks,
    change: impl FnOnce(&mut Config),
) -> anyhow::Result<(tempfile::TempDir, Service)> {
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let mut config = configure(args, folder.path()).await?;
    change(&mut config);
    let service = Service::start(&config, tweaks).await?;
    Ok((folder, service))
}

/// A server's settings on a folder and the cluster that was named, which is migrated.
async fn configure(args: &BenchArgs, folder: &Path) -> anyhow::Result<Config> {
    let mut config = Config::for_data_dir(folder);
    if let (EngineArg::Cluster, Some(postgres), Some(redis)) =
        (args.engine, &args.postgres_url, &args.redis_url)
    {
        config.engine.mode = Mode::Cluster;
        config.engine.postgres_url = Secret(postgres.clone());
        config.engine.redis_url = Secret(redis.clone());
        config.engine.redis_prefix = format!("bench-{}", SystemIds.next());
        config.engine.files_dir = folder.join("files");
        config.signing.key_file = folder.join("signing.key");
        wire::migrate(&config).await?;
    }
    Ok(config)
}

fn commit() -> Option<String> {
    let output = std::process::Command::new("git")
        .args(["rev-parse", "--short", "HEAD"])
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn median(values: &mut [f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value below which that share of the values lies; 0 when there are none.
fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "an index into a list that fits in memory"
    )]
    let at = (values.len().saturating_sub(1) as f64 * share).round() as usize;
    values.get(at).copied().unwrap_or(0.0)
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
