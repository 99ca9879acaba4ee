//! The command line of `load`, and of `audit`, which may look from outside, too.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};
use loadtest::Trust;

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
    #[command(
        after_help = "Example, of two generators that sell one concert at the same time:\n  \
        ticketoverflow load general --target URL --concert ID --seed 1 --json a.json\n  \
        ticketoverflow load general --target URL --concert ID --seed 2 --json b.json\n  \
        ticketoverflow load merge a.json b.json --html both.html"
    )]
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

/// Whom to trust behind https://.
#[derive(Debug, Clone, Default, ClapArgs)]
pub struct TlsArgs {
    /// Trust certificates of the issuers in this PEM file, instead of those that this machine trusts
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Trust any certificate: whoever answers is taken for the target
    #[arg(long, conflicts_with = "ca")]
    pub insecure: bool,
}

impl TlsArgs {
    /// Whose certificates are good.
    pub fn trust(&self) -> Trust {
        match &self.ca {
            Some(file) => Trust::Issuers(file.clone()),
            None if self.insecure => Trust::Anybody,
            None => Trust::System,
        }
    }
}

/// Options of a run.
#[derive(Debug, Clone, ClapArgs)]
pub struct LoadRunArgs {
    /// small, presale, general, seating, evening, priority, rename, tour (`load show` says what each
    /// is), or a file (.toml)
    #[arg(value_name = "SCENARIO", required = true)]
    pub scenario: Option<String>,
    /// The server, http://host:port or https://host, with a base path or without
    #[arg(long, value_name = "URL", required = true)]
    pub target: Option<String>,
    /// Multiply seats, customers and arrivals a second, such as 0.1 for a tenth of each
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = scale)]
    pub scale: f64,
    /// Have all customers come within this time (90s, 5m, 1h), 6h at most; with --closed or --rate
    /// max, nobody begins a visit after it
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub duration: Option<f64>,
    /// Cut the run short after this time: nobody else comes, who is here has five seconds to leave,
    /// and audit and report follow
    #[arg(long, value_name = "TIME", default_value = "7h", value_parser = run_seconds)]
    pub duration_max: f64,
    /// Customers who arrive in a second, of the first crowd; the others follow in proportion. With
    /// --duration, rate × duration of them come, otherwise as many as the scenario has. `max` is as
    /// fast as the server answers, on all connections
    #[arg(long, value_name = "N|max", value_parser = rate)]
    pub rate: Option<RateArg>,
    /// A closed loop: the scenario's clients each come again after their visit and a pause, and so
    /// spare a slow server
    #[arg(long, conflicts_with = "rate")]
    pub closed: bool,
    /// The pause of a client between two visits and in the step `think`, instead of the scenario's
    #[arg(long, value_name = "TIME", value_parser = pause)]
    pub think: Option<f64>,
    /// Connections at a time, at most; customers wait for a free one, and that counts as latency
    #[arg(long, value_name = "N", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub connections: u32,
    /// Threads of the generator; more if it warns that it was slow
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub threads: u32,
    /// How often a customer asks again whom the server was too busy for (503, 409)
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub retries: u32,
    /// Chooses users and concerts; generators that run together each want another one
    #[arg(long, value_name = "N", default_value_t = 1)]
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
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    pub prints_max: u64,
    /// Load a target on another machine. It may be put out of service
    #[arg(long)]
    pub i_own_this_target: bool,
    /// Whom to trust.
    #[command(flatten)]
    pub tls: TlsArgs,
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
    /// Look from outside, at what any client may see of this server, http://host:port or https://host
    #[arg(long, value_name = "URL", conflicts_with_all = ["config", "data_dir", "postgres_url", "redis_url"])]
    pub target: Option<String>,
    /// From outside: trust certificates of the issuers in this PEM file
    #[arg(long, value_name = "FILE", requires = "target")]
    pub ca: Option<PathBuf>,
    /// From outside: trust any certificate
    #[arg(long, conflicts_with = "ca", requires = "target")]
    pub insecure: bool,
    /// From outside: look at this concert only; repeatable
    #[arg(long, value_name = "ID", requires = "target")]
    pub concert: Vec<String>,
    /// From outside: read at most so many prints
    #[arg(long, value_name = "N", default_value_t = 10_000, requires = "target")]
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
        assert_eq!(seconds("8h"), Err("it is 0.1s to 6h".into()));
        assert_eq!(run_seconds("7h"), Ok(25_200.0));
        assert!(run_seconds("8h").is_err());
        assert_eq!(pause("0"), Ok(0.0));
        assert_eq!(rate("max"), Ok(RateArg::Max));
        assert!(rate("1e9").is_err());
    }
}
