//! The command line of `bench`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

use super::numbers::time;

/// What to measure.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Durable purchases against no-op JSON POSTs of the same server
    #[command(after_help = "Example:\n  ticketoverflow bench purchase --seconds 5")]
    Purchase(PurchaseBenchArgs),
    /// Several times what a slow ledger can take against what it can: who is let in
    #[command(after_help = "Example:\n  ticketoverflow bench overload --factor 10")]
    Overload(OverloadBenchArgs),
    /// Pollers of seating plans against no-op JSON POSTs of the same server
    #[command(after_help = "Example:\n  ticketoverflow bench plans --pollers 50")]
    Plans(PlansBenchArgs),
    /// A crowd that downloads its tickets against no-op JSON POSTs of the same server
    ///
    /// Memory may grow by the tickets that are under way, and by little else.
    #[command(after_help = "Example:\n  ticketoverflow bench downloads --connections 512")]
    Downloads(DownloadsBenchArgs),
    /// Purchases while staff look at the concert's seating plan, against purchases alone
    #[command(after_help = "Example:\n  ticketoverflow bench seating --pollers 50 --rate 1000")]
    Seating(SeatingBenchArgs),
    /// Purchases on a ledger with millions of tickets against an empty one
    #[command(after_help = "Example:\n  ticketoverflow bench growth --tickets 2800000")]
    Growth(GrowthBenchArgs),
    /// A steady load for a long time: whether memory, open files, disk, jobs or waits drift
    ///
    /// Compared are the two ends of the second half. From ten minutes on that half is steady, and
    /// neither memory nor p99 may drift. In a shorter run caches still fill up: memory may grow
    /// with the tickets that were sold meanwhile, and p99 is only told. Open files, jobs and the
    /// ledger's bytes for each ticket are held to the same in every run.
    #[command(
        after_help = "Examples:\n  ticketoverflow bench soak --duration 30m --plot soak.svg\n  \
        ticketoverflow bench soak --duration 60s --rate 200"
    )]
    Soak(SoakBenchArgs),
    /// Jobs through claim, run and settle against bare inserts of jobs
    #[command(after_help = "Example:\n  ticketoverflow bench jobs --jobs 200000")]
    Jobs(JobsBenchArgs),
    /// A pool without places under a burst: to its most and back, without flapping
    #[command(after_help = "Example:\n  ticketoverflow bench scale --plot scale.svg")]
    Scale(ScaleBenchArgs),
    /// Prints for tonight behind a backlog of prints for later, against an idle system
    #[command(after_help = "Example:\n  ticketoverflow bench priority --backlog 100000")]
    Priority(PriorityBenchArgs),
    /// Prints while one of several workers is killed again and again, against peace; a cluster's
    #[command(after_help = "Example:\n  \
        ticketoverflow bench kills --postgres-url postgres://db/bench --redis-url redis://cache")]
    Kills(KillsBenchArgs),
    /// Renaming a concert with many printed tickets against one with a single ticket
    #[command(after_help = "Example:\n  ticketoverflow bench rename --tickets 100000")]
    Rename(RenameBenchArgs),
    /// Drawing a ticket in each format against hashing a megabyte
    #[command(after_help = "Example:\n  ticketoverflow bench render")]
    Render(BenchArgs),
    /// Drawing seating plans against hashing a megabyte
    #[command(after_help = "Example:\n  ticketoverflow bench plan")]
    Plan(BenchArgs),
}

/// The engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EngineArg {
    /// SQLite in this process
    Embedded,
    /// PostgreSQL and Redis, as given by their URLs; the database had better be an empty one
    Cluster,
}

impl EngineArg {
    /// As benchmarks print it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Cluster => "cluster",
        }
    }
}

/// Options of every benchmark.
#[derive(Debug, Clone, ClapArgs)]
pub struct BenchArgs {
    /// The engine to measure
    #[arg(long, value_enum, default_value_t = EngineArg::Embedded)]
    pub engine: EngineArg,
    /// The cluster's ledger; it is migrated first
    #[arg(long, value_name = "URL", required_if_eq("engine", "cluster"))]
    pub postgres_url: Option<String>,
    /// The cluster's counters and wakeups
    #[arg(long, value_name = "URL", required_if_eq("engine", "cluster"))]
    pub redis_url: Option<String>,
    /// Write the result as JSON to a file, `-` for standard output
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// Options of `bench purchase`.
#[derive(Debug, Clone, ClapArgs)]
pub struct PurchaseBenchArgs {
    /// Common options.
    #[command(flatten)]
    pub bench: BenchArgs,
    /// Length of each of the measurements; short ones are lower, since so many connections wait a
    /// third of a second for their first answers
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub seconds: u64,
    /// Pairs of measurements; the median ratio counts
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=99))]
    pub rounds: u32,
    /// Connections that buy without a pause; those who wait together share one wait for the disk
    #[arg(long, default_value_t = 4_000, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub connections: u32,
    /// Concerts that they buy from
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub concerts: u32,
    /// Let wrk send the requests instead of our own generator; it must be installed
    #[arg(long)]
    pub wrk: bool,
    /// Send an `Idempotency-Key` of its own with each request, as careful shops do
    #[arg(long)]
    pub keyed: bool,
}

/// Options of `bench overload`.
#[derive(Debug, Clone, ClapArgs)]
pub struct OverloadBenchArgs {
    /// Common options.
    #[command(flatten)]
    pub bench: BenchArgs,
    /// How many times as much is offered as the ledger can take
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=100))]
    pub factor: u32,
    /// How long each write of the ledger takes more: so slow that the machine carries what is
    /// offered [default: 400, or 1000 on a cluster, which writes two groups at a time]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub slow_ms: Option<u64>,
    /// Length of each of the measurements
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(4..=600))]
    pub seconds: u64,
    /// Connections; those that wait for an answer carry no other request
    #[arg(long, default_value_t = 6_144, value_parser = clap::value_parser!(u32).range(1..=60_000))]
    pub connections: u32,
}

/// Options of `bench plans`.
#[derive(Debug, Clone, ClapArgs)]
pub struct PlansBenchArgs {
    /// Common options.
    #[command(flatten)]
    pub bench: BenchArgs,
    /// Length of each of the measurements
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub seconds: u64,
    /// Connections that ask for the plan again as soon as they have it
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub pollers: u32,
}

/// Options of `bench downloads`.
#[derive(Debug, Clone, ClapArgs)]
pub struct DownloadsBenchArgs {
    /// Common options.
    #[command(flatten)]
    pub bench: BenchArgs,
    /// Tickets that are printed first
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub tickets: u32,
    /// Length of each of the measurements
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub seconds: u64,
    /// Connections that download one ticket after the other
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=8_192))]
    pub connections: u32,
}

/// Options of `bench seating`.
#[derive(Debug, Clone, ClapArgs)]
pub struct SeatingBenchArgs {
    /// Common options.
    #[command(flatten)]
    pub bench: BenchArgs,
    /// Purchases a second
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub rate: u32,
    /// Length of each of the measurements
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub seconds: u64,
    /// Pairs of measurements; the median ratio counts
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=99))]
    pub rounds: u32,
    /// Connections that buy
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub connections: u32,
    /// Those who look at the plan
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub pollers: u32,
    /// How long each of them waits before looking again
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(0..=600_000))]
    pub every_ms: u64,
    /// Seats of the plan; enough for all who buy
    #[arg(long, default_value_t = 80_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub seats: u32,
}

/// Options of `bench growth`.
#[derive(Debug, Clone, ClapArgs)]
pub struct GrowthBenchArgs {
    /// Common options.
    #[command(flatten)]
    pub bench: BenchArgs,
    /// Tickets of the full ledger
    #[arg(long, default_value_t = 2_800_000, value_parser = clap::value_parser!(u32).range(1_000..=100_000_000))]
    pub tickets: u32,
    /// Concerts that they are for
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub concerts: u32,
    /// Length of each of the measurements
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub seconds: u64,
    /// Measurements of which the median counts
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=99))]
    pub rounds: u32,
    /// Connections that buy at once
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub connections: u32,
}

/// Options of `bench soak`.
#[derive(Debug, Clone, ClapArgs)]
pub struct SoakBenchArgs {
    /// Common options.
    #[command(flatten)]
    pub bench: BenchArgs,
    /// Length (90s, 30m, 1h)
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = soak_time)]
    pub duration: Duration,
    /// Purchases a second
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub rate: u32,
    /// Tickets a second that are bought, printed and downloaded beside them
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub prints: u32,
    /// Draw memory, open files, p99, jobs and disk over time, an SVG
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,
}

/// Options of `bench jobs`.
#[derive(Debug, Clone, ClapArgs)]
pub struct JobsBenchArgs {
    /// Common options.
    #[command(flatten)]
    pub bench: BenchArgs,
    /// Jobs to run
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u32).range(1_000..=10_000_000))]
    pub jobs: u32,
}

/// Options of `bench scale`.
#[derive(Debug, Clone, ClapArgs)]
pub struct ScaleBenchArgs {
    /// Common options.
    #[command(flatten)]
    pub bench: BenchArgs,
    /// Prints of the burst; enough that the most places are needed to have them done in time
    #[arg(long, default_value_t = 60_000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    pub prints: u32,
    /// Places for each of the two threads that draw, at most
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub max_per_thread: u32,
    /// Draw queue, places and need over time, an SVG
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,
}

/// Options of `bench priority`.
#[derive(Debug, Clone, ClapArgs)]
pub struct PriorityBenchArgs {
    /// Common options.
    #[command(flatten)]
    pub bench: BenchArgs,
    /// Prints for later that wait
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    pub backlog: u32,
    /// Prints for tonight, ordered at once
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub urgent: u32,
    /// How often they are ordered, on the idle system and behind the backlog
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub rounds: u32,
}

/// Options of `bench kills`. The engine is always a cluster.
#[derive(Debug, Clone, ClapArgs)]
pub struct KillsBenchArgs {
    /// Common options.
    #[command(flatten)]
    pub bench: BenchArgs,
    /// Length of the storm, and of the peace that it is compared with, half before and half after
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(4..=3_600))]
    pub seconds: u64,
    /// A worker is killed, and another one started, every so many seconds
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub every: u64,
    /// Worker processes
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub workers: u32,
}

/// Options of `bench rename`.
#[derive(Debug, Clone, ClapArgs)]
pub struct RenameBenchArgs {
    /// Common options.
    #[command(flatten)]
    pub bench: BenchArgs,
    /// Printed tickets of the large concert
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    pub tickets: u32,
}

/// A soak's length, from 10 s to a day.
fn soak_time(text: &str) -> Result<Duration, String> {
    time(text, 10.0, 86_400.0).map(Duration::from_secs_f64)
}
