//! A run: prepares the sale, sends the crowds, watches the server, and judges at the end.

mod judge;
mod warn;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Barrier, mpsc, watch};

use crate::drive::{self, End, Message, Mode, Plan};
use crate::histogram::Latency;
use crate::record::{Interval, older};
use crate::report::{Customers, Generator, Report, Run, Second, Server};
use crate::sale::Sale;
use crate::scenario::Scenario;
use crate::system;
use crate::target::{LoadError, Target};
use crate::timeline::Timeline;
use crate::watch::{Sample, Watch};

/// How long the server's figures may take.
const SAMPLE_TIMEOUT: Duration = Duration::from_secs(2);
/// Connections at a time, at most.
pub const CONNECTIONS_MAX: usize = 20_000;
/// Threads, at most.
pub const THREADS_MAX: usize = 64;

/// What to run, and how.
#[derive(Debug)]
pub struct Options {
    /// What happens.
    pub scenario: Scenario,
    /// To whom.
    pub target: Target,
    /// Servers whose `/metrics` are read beside the target's.
    pub metrics: Vec<Target>,
    /// How load is made.
    pub mode: Mode,
    /// Connections at a time.
    pub connections: usize,
    /// Threads that drive them.
    pub threads: usize,
    /// The same seed chooses the same users and concerts.
    pub seed: u64,
    /// Concerts that are on sale already, instead of new ones.
    pub concerts: Vec<String>,
    /// How often a customer asks again whom a server was too busy for.
    pub retries_max: u32,
    /// When nobody comes any more, in closed loops.
    pub seconds_max: Option<f64>,
    /// When the run is cut short, whoever is still to come or here.
    pub limit: Duration,
    /// The server's data folder, to be measured.
    pub data_dir: Option<PathBuf>,
    /// The most prints that are read at the end.
    pub prints_max: u64,
    /// Becomes true when nobody more is to come.
    pub stop: watch::Receiver<bool>,
}

/// How a run goes, told every second.
#[derive(Debug)]
pub struct Moment<'a> {
    /// Everybody has left, and what they bought is being read.
    pub auditing: bool,
    /// Seconds since the beginning.
    pub elapsed: Duration,
    /// Customers who will have come when it ends; fewer if it is stopped.
    pub customers: u64,
    /// The last second.
    pub second: &'a Second,
    /// Everything until now.
    pub total: &'a Interval,
}

/// Why a run ended before everybody had come and left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    Signal,
    Limit,
}

/// What is gathered while a run goes on.
struct Gathered {
    total: Interval,
    timeline: Timeline,
    ends: Vec<End>,
    busiest: f64,
    cpu: Duration,
    handshakes: Latency,
    rss_max: Option<u64>,
    /// The oldest that plans were by the server's own account, in seconds.
    plan_stale_s: Option<f64>,
    cut: Option<Cut>,
}

/// Runs a scenario to its end, and audits what it left.
pub async fn run(
    options: Options,
    mut on_moment: impl FnMut(&Moment<'_>),
) -> Result<Report, LoadError> {
    let mut stop = options.stop.clone();
    let opening = Sale::open(&options.target, &options.scenario, &options.concerts);
    let sale = tokio::select! {
        sale = opening => Arc::new(sale?),
        Ok(_) = stop.wait_for(|stop| *stop) => return Err(LoadError::Stopped),
    };
    let started_at = domain::Clock::now(&domain::SystemClock).timestamp();
    let cpu_before = system::process_cpu();
    let (limiting, stop) = start_limit(&options, sale.begun());
    let plan = Arc::new(Plan {
        scenario: options.scenario.clone(),
        sale: Arc::clone(&sale),
        mode: options.mode,
        connections: options.connections.clamp(1, CONNECTIONS_MAX),
        threads: options.threads.clamp(1, THREADS_MAX),
        seed: options.seed,
        retries_max: options.retries_max,
        ends: options
            .seconds_max
            .map(|seconds| Instant::now() + Duration::from_secs_f64(seconds)),
        stop,
        barrier: Barrier::new(options.threads.clamp(1, THREADS_MAX)),
    });
    let (messages, threads) = start_threads(&plan)?;
    let (sampling, samples) = start_sampling(&options);
    let gathering = gather(&plan, messages, &samples, started_at, &mut on_moment);
    let mut gathered = gathering.await?;
    gathered.cut = cut(limiting, &plan, &gathered.total).await;
    let elapsed = sale.begun().elapsed();
    sampling.abort();
    for thread in threads {
        thread.join().map_err(|_| LoadError::Died)?;
    }
    let cpu = gathered.ends.iter().filter_map(|end| end.process_cpu).max();
    gathered.cpu = cpu.unwrap_or_default().saturating_sub(cpu_before);
    let judged = judge::judge(&options, &plan, &mut gathered, &mut on_moment).await;
    let server = server(&options, gathered.rss_max).await;
    Ok(report(
        &options, &plan, gathered, judged, server, started_at, elapsed,
    ))
}

/// Becomes true when the operator stops the run, or when its time is up.
fn start_limit(
    options: &Options,
    begun: Instant,
) -> (tokio::task::JoinHandle<Cut>, watch::Receiver<bool>) {
    let mut asked = options.stop.clone();
    let ends = tokio::time::Instant::from_std(begun + options.limit);
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(async move {
        let cut = tokio::select! {
            Ok(_) = asked.wait_for(|stop| *stop) => Cut::Signal,
            () = tokio::time::sleep_until(ends) => Cut::Limit,
        };
        stop.send_replace(true);
        cut
    });
    (task, stopped)
}

/// What cut the run short, if anything did before everybody had come and left.
async fn cut(limiting: tokio::task::JoinHandle<Cut>, plan: &Plan, total: &Interval) -> Option<Cut> {
    if !*plan.stop.borrow() {
        limiting.abort();
        return None;
    }
    let is_over = total.left + total.turned_away >= plan.scenario.customers();
    limiting.await.ok().filter(|_| !is_over)
}

type Threads = Vec<std::thread::JoinHandle<()>>;

fn start_threads(
    plan: &Arc<Plan>,
) -> Result<(mpsc::UnboundedReceiver<Message>, Threads), LoadError> {
    // One message a second from each thread; nobody needs to bound that.
    let (sender, messages) = mpsc::unbounded_channel();
    let mut threads = Vec::new();
    for at in 0..plan.threads {
        let (plan, sender) = (Arc::clone(plan), sender.clone());
        let thread = std::thread::Builder::new().name(format!("load-{at}"));
        let thread = thread.spawn(move || {
            if let Err(error) = drive::run_thread(&plan, at, &sender) {
                // The others wait for it in vain. Nobody listens when the run was broken off.
                let _ = sender.send(Message::Failed(error));
            }
        });
        threads.push(thread.map_err(LoadError::Generator)?);
    }
    Ok((messages, threads))
}

fn watched(options: &Options) -> Vec<Target> {
    let more = options.metrics.iter().cloned();
    std::iter::once(options.target.clone())
        .chain(more)
        .collect()
}

fn start_sampling(options: &Options) -> (tokio::task::JoinHandle<()>, watch::Receiver<Sample>) {
    let targets = watched(options);
    let (sender, samples) = watch::channel(Sample::default());
    let task = tokio::spawn(async move {
        let mut watch = Watch::new(&targets);
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            if let Ok(sample) = tokio::time::timeout(SAMPLE_TIMEOUT, watch.sample()).await {
                sender.send_replace(sample);
            } else {
                // A server that does not even say how it is, is not shown as it was before.
                sender.send_replace(Sample::default());
                watch = Watch::new(&targets);
            }
        }
    });
    (task, samples)
}

async fn gather(
    plan: &Plan,
    mut messages: mpsc::UnboundedReceiver<Message>,
    samples: &watch::Receiver<Sample>,
    started_at: i64,
    on_moment: &mut impl FnMut(&Moment<'_>),
) -> Result<Gathered, LoadError> {
    let mut gathered = Gathered {
        total: Interval::default(),
        timeline: Timeline::default(),
        ends: Vec::new(),
        busiest: 0.0,
        cpu: Duration::ZERO,
        handshakes: Latency::default(),
        rss_max: None,
        plan_stale_s: None,
        cut: None,
    };
    // Threads are not quite at one: a second is told when all have told theirs.
    let mut open: BTreeMap<u32, (usize, Second)> = BTreeMap::new();
    let customers = plan.scenario.customers();
    while gathered.ends.len() < plan.threads {
        match messages.recv().await.ok_or(LoadError::Died)? {
            Message::Second {
                second,
                interval,
                here,
                cpu,
            } => {
                gathered.total.add(&interval);
                gathered.busiest = gathered.busiest.max(cpu.as_secs_f64().min(1.0));
                let (told, sum) = open.entry(second).or_default();
                *told += 1;
                sum.add(&Second::of(&interval, here));
                if *told == plan.threads
                    && let Some((_, mut sum)) = open.remove(&second)
                {
                    sum.sample = *samples.borrow();
                    gathered.rss_max = gathered.rss_max.max(sum.sample.rss);
                    gathered.plan_stale_s = older(gathered.plan_stale_s, sum.sample.plan_stale_s);
                    on_moment(&Moment {
                        auditing: false,
                        elapsed: Duration::from_secs(u64::from(second) + 1),
                        customers,
                        second: &sum,
                        total: &gathered.total,
                    });
                    gathered
                        .timeline
                        .append(started_at + i64::from(second), &sum);
                }
            }
            Message::Failed(error) => return Err(LoadError::Generator(error)),
            Message::Died => return Err(LoadError::Died),
            Message::End(end) => {
                gathered.total.add(&end.interval);
                gathered.handshakes.add(&end.handshakes);
                let second = u32::try_from(plan.sale.begun().elapsed().as_secs());
                let (_, sum) = open.entry(second.unwrap_or(u32::MAX)).or_default();
                sum.add(&Second::of(&end.interval, 0));
                gathered.ends.push(*end);
            }
        }
    }
    for (second, (_, mut sum)) in open {
        sum.sample = *samples.borrow();
        let at = started_at + i64::from(second);
        gathered.timeline.append(at, &sum);
    }
    Ok(gathered)
}

/// How large a server has become: by its data folder if that can be looked at, otherwise by its own
/// account.
async fn server(options: &Options, rss_max: Option<u64>) -> Server {
    if let Some((ledger, others)) = options.data_dir.as_deref().and_then(system::folder_bytes) {
        return Server {
            rss_max,
            ledger_bytes: Some(ledger),
            other_bytes: others,
        };
    }
    let mut watch = Watch::new(&watched(options));
    let told = tokio::time::timeout(SAMPLE_TIMEOUT, watch.sample()).await;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "bytes are whole and far below 2^53"
    )]
    let whole = |bytes: f64| bytes as u64;
    Server {
        rss_max,
        ledger_bytes: told.ok().and_then(|sample| sample.ledger_bytes).map(whole),
        other_bytes: None,
    }
}

fn report(
    options: &Options,
    plan: &Plan,
    mut gathered: Gathered,
    judged: judge::Judged,
    server: Server,
    started_at: i64,
    elapsed: Duration,
) -> Report {
    let total = &mut gathered.total;
    Report {
        format: crate::report::FORMAT,
        scenario: options.scenario.name.clone(),
        about: options.scenario.about.clone(),
        target: options.target.url(),
        mode: match options.mode {
            Mode::Open => "open",
            Mode::Closed => "closed",
            Mode::Max => "max",
        }
        .to_owned(),
        started_at,
        elapsed_s: elapsed.as_secs_f64(),
        cut_short: gathered.cut.is_some(),
        generators: 1,
        runs: vec![Run {
            seed: options.seed,
            started_at,
        }],
        generator: Generator {
            connections: u64::try_from(plan.connections).unwrap_or(u64::MAX),
            opened: gathered.ends.iter().map(|end| end.opened).sum(),
            threads: u64::try_from(plan.threads).unwrap_or(u64::MAX),
            cpu_s: gathered.cpu.as_secs_f64(),
            arrived: total.arrived,
            late: total.late,
            lateness: std::mem::take(&mut total.lateness),
            turned_away: total.turned_away,
            unsent: std::mem::take(&mut total.unsent),
            resent: total.resent,
            handshakes: gathered.handshakes,
        },
        customers: Customers::of(total),
        requests: std::mem::take(&mut total.requests),
        concerts: judged.concerts,
        waits: judged.waits,
        timeline: gathered.timeline,
        server,
        warnings: judged.warnings,
        errors: std::mem::take(&mut total.errors),
        causes: std::mem::take(&mut total.causes),
        verdicts: judged.verdicts,
    }
}
