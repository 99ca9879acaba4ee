//! `run`: serves until it is told to stop.

use crate::args::RunArgs;
use crate::config::Config;
use crate::service::{Service, Tweaks};
use crate::shutdown::Signals;
use crate::{logging, open_files, out};

/// Serves. The first line on standard output is the address that was bound.
pub async fn run(args: &RunArgs) -> anyhow::Result<()> {
    let mut config = Config::load_run(args)?;
    logging::start(&config.log)?;
    let shortage = open_files::shortage(config.api.connections_max);
    if shortage.is_some() {
        // The others wait in the kernel's queue, and leave files for the ledger and for prints.
        config.api.connections_max = open_files::connections().unwrap_or(1);
    }
    let signals = Signals::listen()?;
    let service = Service::start(&config, Tweaks::default()).await?;
    if let Some(shortage) = shortage {
        tracing::warn!("api.connections_max: {shortage}");
    }
    out::line(format!("listening on {}", service.url()));
    if let Err(error) = out::check() {
        // Whoever knows the address is served all the same.
        tracing::warn!("{error}; listening on {}", service.url());
    }
    service.run_until_signal(signals).await
}
