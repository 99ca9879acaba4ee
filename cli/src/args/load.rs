//! The command line of `load`, and of `audit`, which may look from outside, too.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::LedgerArgs;
use super::numbers::{between, time};

/// What to load with, or what to do with results.
#[derive(Debug, Clone, ClapArgs)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct LoadArgs {
    /// Something else than a run.
    #[command(subcommand)]
    pub command: Option<LoadCommand>,
    /// Options of a run.
    #[command(flatten)]
    pub run: LoadRunArgs,
}

/// What else there is than a run.
#[derive(Debug, Clone, Subcommand)]
pub enum LoadCommand {
    /// Add up the results of several generators that loaded one target
    #[command(after_help = "Example:\n  \
        ticketoverflow load merge a.json b.json --html both.html")]
    Merge(MergeArgs),
    /// Print the file of a built-in scenario, to begin one's own with; all names without one
    #[command(after_help = "Examples:\n  ticketoverflow load show\n  \
        ticketoverflow load show general > mine.toml")]
    Show(ShowArgs),
}

/// Where the result goes.
#[derive(Debug, Clone, ClapArgs)]
pub struct ResultArgs {
    /// Write the result as JSON to a file, `-` for standard output
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write a report with plots, a page that needs nothing else
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// Options of a run.
#[derive(Debug, Clone, ClapArgs)]
pub struct LoadRunArgs {
    /// small, presale, general, seating, evening, priority, rename, tour, or a file (.toml)
    #[arg(value_name = "SCENARIO", required = true)]
    pub scenario: Option<String>,
    /// The server, http://host:port
    #[arg(long, value_name = "URL", required = true)]
    pub target: Option<String>,
    /// So many times the seats, the customers and the arrivals
    #[arg(long, default_value_t = 1.0, value_parser = scale)]
    pub scale: f64,
    /// Have everybody come within this time (90s, 5m, 1h); with --closed or --rate max, end after it
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub duration: Option<f64>,
    /// Cut the run short after this time: nobody else comes, who is here has five seconds to leave,
    /// and audit and report follow
    #[arg(long, value_name = "TIME", default_value = "7h", value_parser = run_seconds)]
    pub duration_max: f64,
    /// Arrivals a second of the first crowd, the others follow; with --duration, as many come as
    /// both make. `max` is as fast as it goes
    #[arg(long, value_name = "N|max", value_parser = rate)]
    pub rate: Option<RateArg>,
    /// A closed loop: clients come again after a pause, and spare a slow server
    #[arg(long, conflicts_with = "rate")]
    pub closed: bool,
    /// The pause, instead of the scenario's
    #[arg(long, value_name = "TIME", value_parser = pause)]
    pub think: Option<f64>,
    /// Connections at a time
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub connections: u32,
    /// Threads that drive them
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub threads: u32,
    /// How often a customer asks again whom the server was too busy for (503, 409)
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub retries: u32,
    /// Chooses users and concerts; generators that run together each want another one
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Sell this concert, repeatable, instead of creating new ones
    #[arg(long, value_name = "ID")]
    pub concert: Vec<String>,
    /// More servers whose /metrics are read, such as workers; repeatable
    #[arg(long, value_name = "URL")]
    pub metrics: Vec<String>,
    /// The server's data folder, to look how large its files became; otherwise the server says
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Prints that the audit at the end reads, at most
    #[arg(long, default_value_t = 2_000)]
    pub prints_max: u64,
    /// Load a target on another machine. It may be put out of service
    #[arg(long)]
    pub i_own_this_target: bool,
    /// Where the result goes.
    #[command(flatten)]
    pub result: ResultArgs,
}

/// Which results to add up.
#[derive(Debug, Clone, ClapArgs)]
pub struct MergeArgs {
    /// Results, as --json wrote them
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Where the result goes.
    #[command(flatten)]
    pub result: ResultArgs,
}

/// Which scenario to print.
#[derive(Debug, Clone, ClapArgs)]
pub struct ShowArgs {
    /// Its name
    pub scenario: Option<String>,
}

/// Options of `audit`.
#[derive(Debug, Clone, ClapArgs)]
pub struct AuditArgs {
    /// Of the ledger.
    #[command(flatten)]
    pub ledger: LedgerArgs,
    /// Look from outside, at what any client may see of this server, http://host:port
    #[arg(long, value_name = "URL", conflicts_with_all = ["config", "data_dir", "postgres_url", "redis_url"])]
    pub target: Option<String>,
    /// From outside: look at this concert only; repeatable
    #[arg(long, value_name = "ID", requires = "target")]
    pub concert: Vec<String>,
    /// From outside: read at most so many prints
    #[arg(long, default_value_t = 10_000, requires = "target")]
    pub prints_max: u64,
}

/// How fast to go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RateArg {
    /// Arrivals a second.
    PerSecond(f64),
    /// As fast as it goes.
    Max,
}

fn scale(text: &str) -> Result<f64, String> {
    between(text, 0.000_001, 1_000.0)
}

fn rate(text: &str) -> Result<RateArg, String> {
    if text == "max" {
        return Ok(RateArg::Max);
    }
    between(text, 0.001, loadtest::scenario::RATE_MAX).map(RateArg::PerSecond)
}

fn seconds(text: &str) -> Result<f64, String> {
    time(text, 0.1, loadtest::scenario::SECONDS_MAX)
}

fn run_seconds(text: &str) -> Result<f64, String> {
    time(text, 0.1, loadtest::scenario::RUN_SECONDS_MAX)
}

fn pause(text: &str) -> Result<f64, String> {
    time(text, 0.0, 3_600.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units_and_limits() {
        assert_eq!(seconds("90"), Ok(90.0));
        assert_eq!(seconds("1.5m"), Ok(90.0));
        assert_eq!(seconds("6h"), Ok(21_600.0));
        assert!(seconds("7h").is_err() && seconds("soon").is_err() && seconds("0").is_err());
        assert_eq!(run_seconds("7h"), Ok(25_200.0));
        assert!(run_seconds("8h").is_err());
        assert_eq!(pause("0"), Ok(0.0));
        assert_eq!(rate("max"), Ok(RateArg::Max));
        assert!(rate("1e9").is_err());
    }
}
