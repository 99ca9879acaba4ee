//! The command line.

mod bench;
mod load;
mod numbers;
mod render;

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};

use crate::config::Role;

pub(crate) use self::bench::{
    BenchArgs, BenchCommand, DownloadsBenchArgs, EngineArg, GrowthBenchArgs, JobsBenchArgs,
    KillsBenchArgs, OverloadBenchArgs, PlansBenchArgs, PriorityBenchArgs, PurchaseBenchArgs,
    RenameBenchArgs, ScaleBenchArgs, SeatingBenchArgs, SoakBenchArgs,
};
pub(crate) use self::load::{
    AuditArgs, LoadArgs, LoadCommand, LoadRunArgs, MergeArgs, RateArg, ResultArgs, ShowArgs,
    TlsArgs,
};
pub(crate) use self::render::{
    FormatArg, HouseArg, LayoutArgs, PlanRenderArgs, RenderArgs, RenderCommand, TicketRenderArgs,
};

/// Sells concert tickets to a crowd, renders them, and never hands out a stale one.
///
/// Without a command it serves, as `run` does.
#[derive(Debug, Parser)]
#[command(
    name = "ticketoverflow",
    version,
    args_conflicts_with_subcommands = true
)]
#[command(after_help = "Examples:\n  \
    ticketoverflow demo                      see it sell, print and rename\n  \
    ticketoverflow --listen 127.0.0.1:8080   serve from ./data")]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Options of `run`.
    #[command(flatten)]
    pub run: RunArgs,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve: HTTP, workers and scheduler in one process
    #[command(after_help = "Examples:\n  \
        ticketoverflow run --listen 127.0.0.1:0 --data-dir ./data\n  \
        ticketoverflow run --roles api --postgres-url postgres://db/tickets --redis-url redis://cache")]
    Run(RunArgs),
    /// Sell out a concert, print it, rename it meanwhile, and show that it all holds
    #[command(after_help = "Example:\n  ticketoverflow demo --exit")]
    Demo(DemoArgs),
    /// Draw a ticket or a seating plan from a JSON file
    #[command(subcommand)]
    Render(RenderCommand),
    /// Check a ticket's code offline
    #[command(
        after_help = "Examples:\n  ticketoverflow verify --public-key 3b6a27… 'OF0…'\n  \
        ticketoverflow verify --public-key 1:3b6a27… --public-key 2:91c0d2… \\\n      \
        --concert 0190163d-… --on 2031-05-17 photograph.jpg\n\n\
        A server prints its public key with `ticketoverflow doctor`. Of a scanner's code small letters, \
        a symbology in front (]Q1), blanks and line ends do not matter."
    )]
    Verify(VerifyArgs),
    /// Check every invariant of the ledger; exit status 1 when one is broken
    #[command(after_help = "Examples:\n  \
        ticketoverflow audit --data-dir ./data --json\n  \
        ticketoverflow audit --target http://127.0.0.1:8080   over HTTP, as any client")]
    Audit(AuditArgs),
    /// Load a server as a sale does, and see whether it keeps its promises; exit status 1 if not
    ///
    /// Customers come when they come, however slow the server is (an open loop), and latency
    /// counts from the moment when each request was due. At the end everything is audited.
    ///
    /// Every run ends: after its customers, at --duration-max, or at Ctrl-C. Then nobody else comes,
    /// who is here has five seconds to leave, and the audit (an hour at most, and its wait for a
    /// plan) and the report follow. The first Ctrl-C may also come during the audit: it ends that,
    /// and the report says so. The second one ends everything at once, without a report.
    #[command(after_help = "Examples:\n  \
        ticketoverflow load general --target http://127.0.0.1:8080 --duration 60s\n  \
        ticketoverflow load evening --target http://127.0.0.1:8080 --html report.html\n  \
        ticketoverflow load tour    --target http://127.0.0.1:8080 --rate max --scale 0.1\n  \
        ticketoverflow load presale --target http://127.0.0.1:8080 --closed --think 2s\n  \
        ticketoverflow load mine.toml --target http://10.0.0.7:8080 --i-own-this-target")]
    Load(LoadArgs),
    /// Look at jobs and act on them, also while a server runs
    #[command(subcommand)]
    Jobs(JobsCommand),
    /// Measure, and print a ratio against a baseline of the same run
    #[command(subcommand)]
    Bench(BenchCommand),
    /// Bring the ledger's schema up to date
    #[command(after_help = "Example:\n  ticketoverflow migrate --data-dir ./data")]
    Migrate(LedgerArgs),
    /// Check or show the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look for what would keep a server from running, and say what to do about it
    #[command(after_help = "Example:\n  ticketoverflow doctor --data-dir ./data")]
    Doctor(LedgerArgs),
    /// Print the OpenAPI 3.1 description of the HTTP interface
    #[command(after_help = "Example:\n  ticketoverflow openapi > openapi.json")]
    Openapi,
}

/// Where the configuration comes from.
#[derive(Debug, Clone, Default, ClapArgs)]
pub struct ConfigArgs {
    /// TOML file that overrides the defaults (see `config show`)
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder of the ledger and the rendered files
    #[arg(long, value_name = "DIR", conflicts_with_all = ["postgres_url", "redis_url"])]
    pub data_dir: Option<PathBuf>,
    /// PostgreSQL that keeps the ledger of several processes
    #[arg(long, value_name = "URL")]
    pub postgres_url: Option<String>,
    /// Redis that several processes share: redis://…, redis+sentinel://… or redis+cluster://…
    #[arg(long, value_name = "URL")]
    pub redis_url: Option<String>,
}

/// Options of `run`.
#[derive(Debug, Clone, Default, ClapArgs)]
pub struct RunArgs {
    /// Common options.
    #[command(flatten)]
    pub common: ConfigArgs,
    /// Address to listen on; port 0 takes a free one and prints it
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// What this process does; everything if not given
    #[arg(long, value_name = "ROLES", value_delimiter = ',')]
    pub roles: Vec<Role>,
    /// JSON array of users to sell to, instead of the 5,000 built-in ones
    #[arg(long, value_name = "FILE")]
    pub users: Option<PathBuf>,
    /// Log as JSON, one object a line
    #[arg(long)]
    pub log_json: bool,
}

/// Options of `demo`.
#[derive(Debug, Clone, ClapArgs)]
pub struct DemoArgs {
    /// End after the proof instead of serving on
    #[arg(long)]
    pub exit: bool,
    /// Folder for the ledger and the pictures; emptied of an earlier demo
    #[arg(long, value_name = "DIR", default_value = "./demo-output")]
    pub output: PathBuf,
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub listen: String,
}

/// Options of commands that read the ledger.
#[derive(Debug, Clone, ClapArgs)]
pub struct LedgerArgs {
    /// Common options.
    #[command(flatten)]
    pub common: ConfigArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `verify`.
#[derive(Debug, Clone, ClapArgs)]
pub struct VerifyArgs {
    /// A public key, 64 hexadecimal digits, with its id in front if there are several: 2:3b6a27…
    #[arg(long, value_name = "[ID:]KEY", required = true)]
    pub public_key: Vec<String>,
    /// The code as a scanner reads it, or a file with the code in it: a photograph, screenshot or scan
    /// (PNG, JPEG), the first page of a PDF, or an SVG print
    #[arg(value_name = "CODE|FILE")]
    pub code: String,
    /// The concert that is admitted to
    #[arg(long, value_name = "ID")]
    pub concert: Option<String>,
    /// The concert's present version: the number in its ETag, 3 for "3-sold-out" too
    #[arg(long, value_name = "N")]
    pub concert_version: Option<u32>,
    /// The day, YYYY-MM-DD
    #[arg(long, value_name = "DAY")]
    pub on: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What to do with jobs.
#[derive(Debug, Subcommand)]
pub enum JobsCommand {
    /// List jobs, newest first
    #[command(after_help = "Examples:\n  \
        ticketoverflow jobs list --state discarded --max 20\n  \
        ticketoverflow jobs list --before 0190163d-8694-739b-aea5-966c26f8ad90   the next page")]
    List(JobsListArgs),
    /// Show one job with its errors
    #[command(
        after_help = "Example:\n  ticketoverflow jobs show 0190163d-8694-739b-aea5-966c26f8ad90"
    )]
    Show(JobArgs),
    /// Send a finished job round again, or all dead letters
    #[command(after_help = "Examples:\n  \
        ticketoverflow jobs retry 0190163d-8694-739b-aea5-966c26f8ad90\n  \
        ticketoverflow jobs retry --all --kind render_ticket")]
    Retry(RetryArgs),
    /// Cancel a job; one that runs is asked to stop
    #[command(
        after_help = "Example:\n  ticketoverflow jobs cancel 0190163d-8694-739b-aea5-966c26f8ad90"
    )]
    Cancel(JobArgs),
    /// Stop taking jobs of a queue or lane, also after restarts
    #[command(after_help = "Example:\n  ticketoverflow jobs pause prints --lane later")]
    Pause(QueueArgs),
    /// Take jobs of a queue or lane again
    #[command(after_help = "Example:\n  ticketoverflow jobs resume prints")]
    Resume(QueueArgs),
}

/// Which jobs to list.
#[derive(Debug, Clone, ClapArgs)]
pub struct JobsListArgs {
    /// Common options.
    #[command(flatten)]
    pub ledger: LedgerArgs,
    /// available, scheduled, running, completed, cancelled or discarded
    #[arg(long)]
    pub state: Option<String>,
    /// prints, plans or system
    #[arg(long)]
    pub queue: Option<String>,
    /// render_ticket, render_plan …
    #[arg(long)]
    pub kind: Option<String>,
    /// Only those that are older than the job of this id: the last one of the page before
    #[arg(long, value_name = "ID")]
    pub before: Option<String>,
    /// List at most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub max: u32,
}

/// One job.
#[derive(Debug, Clone, ClapArgs)]
pub struct JobArgs {
    /// Common options.
    #[command(flatten)]
    pub ledger: LedgerArgs,
    /// The job's id
    pub id: String,
}

/// Which jobs to send round again.
#[derive(Debug, Clone, ClapArgs)]
pub struct RetryArgs {
    /// Common options.
    #[command(flatten)]
    pub ledger: LedgerArgs,
    /// The job's id
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub id: Option<String>,
    /// All dead letters that match, the newest first
    #[arg(long)]
    pub all: bool,
    /// Only of this kind: render_ticket, render_plan …
    #[arg(long, requires = "all")]
    pub kind: Option<String>,
    /// Only of this queue: prints, plans or system
    #[arg(long, requires = "all")]
    pub queue: Option<String>,
    /// The most jobs to send round again
    #[arg(long, requires = "all", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub max: u32,
}

/// One queue.
#[derive(Debug, Clone, ClapArgs)]
pub struct QueueArgs {
    /// Common options.
    #[command(flatten)]
    pub ledger: LedgerArgs,
    /// prints, plans or system
    pub queue: String,
    /// Only one lane: imminent, soon or later
    #[arg(long)]
    pub lane: Option<String>,
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check it, and print what is in force
    #[command(after_help = "Example:\n  ticketoverflow config check --config ticketoverflow.toml")]
    Check(ConfigArgs),
    /// Print the defaults with their comments
    #[command(after_help = "Example:\n  ticketoverflow config show > ticketoverflow.toml")]
    Show,
}

#[cfg(test)]
mod tests;
