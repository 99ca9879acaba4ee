//! A crowd of clients beside the server that they measure.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::bail;
use loadtest::{Limits, Report, Script};

/// Runs clients, a connection each, on a thread of their own. A connection that broke is an error.
pub(super) async fn run<S: Script>(
    server: SocketAddr,
    clients: Vec<S>,
    duration: Duration,
) -> anyhow::Result<Report<S>> {
    let report = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Ok::<_, std::io::Error>(runtime.block_on(loadtest::run(
            server,
            clients,
            Limits { duration },
        )))
    })
    .await??;
    if let (broken @ 1.., error) = &report.broken {
        bail!("{broken} connections broke: {error:?}");
    }
    Ok(report)
}
