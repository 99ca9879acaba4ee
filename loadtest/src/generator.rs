//! Closed-loop load: every connection sends its next request when the last one was answered.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::task::JoinSet;

use crate::connection::{Connection, ConnectionError};

/// What one connection does.
pub trait Script: Send + 'static {
    /// Writes the next request; `false` when there is none.
    fn next(&mut self, request: &mut Vec<u8>) -> bool;

    /// Is told the answer; says how long to wait before the next request.
    fn answered(&mut self, status: u16, body: &[u8]) -> Duration;
}

/// When to stop, whatever the scripts still want.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// No request is sent after this long.
    pub duration: Duration,
}

/// What was measured.
#[derive(Debug)]
pub struct Report<S> {
    /// The scripts, with what they learned, in the order given.
    pub scripts: Vec<S>,
    /// Answers by status.
    pub by_status: BTreeMap<u16, u64>,
    /// Connections that ended early, and why the first one did.
    pub broken: (u64, Option<ConnectionError>),
    /// From the first request to the last answer.
    pub elapsed: Duration,
    /// Time from request to answer, in microseconds, 1 to 60,000,000 with three digits.
    pub latency_us: Histogram<u64>,
}

struct Measured<S> {
    at: usize,
    script: S,
    by_status: BTreeMap<u16, u64>,
    error: Option<ConnectionError>,
    latency_us: Histogram<u64>,
}

/// Runs every script on a connection of its own until all have ended or the limit is reached.
pub async fn run<S: Script>(server: SocketAddr, scripts: Vec<S>, limits: Limits) -> Report<S> {
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for (at, script) in scripts.into_iter().enumerate() {
        tasks.spawn(drive(at, server, script, begun + limits.duration));
    }
    let mut measured = tasks.join_all().await;
    measured.sort_unstable_by_key(|one| one.at);
    let mut report = Report {
        scripts: Vec::with_capacity(measured.len()),
        by_status: BTreeMap::new(),
        broken: (0, None),
        elapsed: begun.elapsed(),
        latency_us: histogram(),
    };
    for one in measured {
        for (status, count) in one.by_status {
            *report.by_status.entry(status).or_default() += count;
        }
        if let Some(error) = one.error {
            report.broken.0 += 1;
            report.broken.1.get_or_insert(error);
        }
        report
            .latency_us
            .add(one.latency_us)
            .expect("histograms of one shape add up");
        report.scripts.push(one.script);
    }
    report
}

async fn drive<S: Script>(
    at: usize,
    server: SocketAddr,
    script: S,
    deadline: Instant,
) -> Measured<S> {
    let mut measured = Measured {
        at,
        script,
        by_status: BTreeMap::new(),
        error: None,
        latency_us: histogram(),
    };
    if let Err(error) = converse(server, &mut measured, deadline).await {
        measured.error = Some(error);
    }
    measured
}

async fn converse<S: Script>(
    server: SocketAddr,
    measured: &mut Measured<S>,
    deadline: Instant,
) -> Result<(), ConnectionError> {
    let mut connection = Connection::open(server).await?;
    let mut request = Vec::with_capacity(1024);
    loop {
        request.clear();
        let sent = Instant::now();
        if sent >= deadline || !measured.script.next(&mut request) {
            return Ok(());
        }
        let response = connection.exchange(&request).await?;
        let micros = u64::try_from(sent.elapsed().as_micros()).unwrap_or(u64::MAX);
        measured.latency_us.saturating_record(micros);
        *measured.by_status.entry(response.status).or_default() += 1;
        let pause = measured.script.answered(response.status, response.body);
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }
}

impl<S> Report<S> {
    /// Answers of a status.
    pub fn count(&self, status: u16) -> u64 {
        self.by_status.get(&status).copied().unwrap_or(0)
    }

    /// Answers of any status, by the second.
    pub fn rate(&self) -> f64 {
        let answers: u64 = self.by_status.values().sum();
        #[expect(clippy::cast_precision_loss, reason = "rates are for people")]
        let answers = answers as f64;
        answers / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// A quantile (0 to 1) of the latency in milliseconds.
    pub fn latency_ms(&self, quantile: f64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "latencies are for people")]
        let micros = self.latency_us.value_at_quantile(quantile) as f64;
        micros / 1_000.0
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000, 3).expect("the bounds are in order")
}
