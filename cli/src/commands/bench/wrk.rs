//! wrk as the generator: a program of other people, so that the figures need not rest on ours.
//! <https://github.com/wg/wrk>

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use tokio::process::Command;
use tokio::time::timeout;

use super::purchase::{Orders, Sent};

/// What wrk may take beyond the length of the measurement.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends the bodies, one after the other, and says in the last line what came of it.
const SCRIPT: &str = include_str!("wrk.lua");

/// What the script says.
#[derive(Debug, Deserialize)]
struct Said {
    requests: u32,
    duration_us: f64,
    refused: u64,
    broken: u64,
    p50_us: f64,
    p99_us: f64,
}

/// Posts the orders from many connections, by wrk, on one thread as ours does.
///
/// # Errors
///
/// If wrk is not there, or not every request got an answer below 400.
pub(super) async fn drive(
    server: SocketAddr,
    path: &str,
    orders: &Orders,
    connections: u32,
    length: Duration,
) -> anyhow::Result<Sent> {
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let (script, lines) = (folder.path().join("post.lua"), folder.path().join("bodies"));
    let keys = orders.keys.as_deref();
    tokio::fs::write(&script, SCRIPT).await?;
    tokio::fs::write(&lines, orders.bodies.join("\n")).await?;
    let said = run(&script, server, path, &lines, keys, connections, length).await?;
    ensure!(
        said.refused == 0 && said.broken == 0,
        "by wrk, {} of {} requests were refused and {} connections broke",
        said.refused,
        said.requests,
        said.broken
    );
    Ok(Sent {
        rate: f64::from(said.requests) / (said.duration_us / 1e6),
        answers: u64::from(said.requests),
        p50_ms: said.p50_us / 1e3,
        p99_ms: said.p99_us / 1e3,
    })
}

async fn run(
    script: &Path,
    server: SocketAddr,
    path: &str,
    lines: &Path,
    keys: Option<&str>,
    connections: u32,
    length: Duration,
) -> anyhow::Result<Said> {
    let mut command = Command::new("wrk");
    command
        .args(["--threads", "1", "--timeout", "10s"])
        .args(["--connections", &connections.to_string()])
        .args(["--duration", &format!("{}s", length.as_secs())])
        .arg("--script")
        .arg(script)
        .arg(format!("http://{server}{path}"))
        .arg("--")
        .arg(lines)
        .args(keys)
        .kill_on_drop(true);
    let ended = timeout(length + PATIENCE, command.output())
        .await
        .context("wrk does not end")?
        .context("wrk cannot be started; install it, or leave --wrk out")?;
    let out = String::from_utf8_lossy(&ended.stdout);
    let last = out.lines().last().unwrap_or_default();
    let Ok(said) = serde_json::from_str(last) else {
        let error = String::from_utf8_lossy(&ended.stderr);
        bail!("wrk did not measure: {last} {error}");
    };
    Ok(said)
}
