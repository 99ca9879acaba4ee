//! Logs, on standard error.

use anyhow::Context as _;
use serde::Deserialize;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

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
    let registry = tracing_subscriber::registry().with(filter);
    let started = match config.format {
        Format::Text => registry
            .with(fmt::layer().with_writer(std::io::stderr))
            .try_init(),
        Format::Json => registry
            .with(fmt::layer().json().with_writer(std::io::stderr))
            .try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
    Ok(())
}
