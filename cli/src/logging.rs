//! Logs, on standard error.

mod repeats;

use std::io::{self, IsTerminal};
use std::sync::OnceLock;

use anyhow::Context as _;
use serde::Deserialize;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use self::repeats::Repeats;

/// Section `[log]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What to log, as `tracing` filters are written: `info`, `info,workers=debug` …
    pub filter: String,
    /// How.
    pub format: Format,
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging. A second call in the same process is ignored: the first one logs already.
pub(crate) fn start(config: &Config) -> anyhow::Result<()> {
    let filter: Targets = config
        .filter
        .parse()
        .with_context(|| format!("log.filter: {:?} is not a filter", config.filter))?;
    // Counts of lines that pass the filter pass it, too.
    let filter = filter.with_target(repeats::TARGET, LevelFilter::WARN);
    let repeats = Repeats::default();
    let registry = tracing_subscriber::registry()
        .with(filter)
        .with(repeats.clone());
    // A line that cannot be written, as on a full disk, is lost. The layer would say so on standard
    // error, which cannot be written either: it would panic in the middle of a request.
    let lines = fmt::layer()
        .with_writer(io::stderr)
        .log_internal_errors(false);
    let started = match config.format {
        Format::Text => {
            // Colours are for terminals, and not for those of people who say NO_COLOR.
            let lines = if io::stderr().is_terminal() {
                lines
            } else {
                lines.with_ansi(false)
            };
            registry.with(lines).try_init()
        }
        Format::Json => registry.with(lines.json()).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
        return Ok(());
    }
    repeats
        .start()
        .context("the thread that counts log lines cannot be started")?;
    // Set once, as logging is started once.
    let _ = REPEATS.set(repeats);
    Ok(())
}

/// Tells what was counted instead of being written. To be called before the process ends.
pub(crate) fn finish() {
    if let Some(repeats) = REPEATS.get() {
        repeats.tell_all();
    }
}

static REPEATS: OnceLock<Repeats> = OnceLock::new();
