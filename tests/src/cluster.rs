//! A cluster of real processes in roles, to be killed one by one.

use std::fs::{self, OpenOptions};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::thread;

use cli::config::{Config, Mode, Role, Secret};
use tempfile::TempDir;

use crate::postgres::{Database, PostgresServer};
use crate::process::{self, Ended, Server};
use crate::redis;
use crate::wait::eventually;

/// How much of the log is shown of a test that fails.
const LOG_LINES: usize = 60;

/// Signs the tickets of every process.
const SIGNING_KEY: &str = "0707070707070707070707070707070707070707070707070707070707070707";

/// What a command of Redis may take. On a busy machine an answer is late, and a purchase that is
/// refused for it says nothing; a process that waits for a silent server still notices in time.
const REDIS_TIMEOUT_MS: u64 = 10_000;

/// What the processes of a cluster share: a database, keys in Redis, and a folder of files.
#[derive(Debug)]
pub struct Cluster {
    /// The ledger.
    pub database: Database,
    redis_url: String,
    redis_prefix: String,
    folder: TempDir,
}

impl Cluster {
    /// An empty one on the servers that tests share.
    pub async fn new() -> Self {
        Self::on(Database::new().await, redis::shared().url())
    }

    /// An empty one on a PostgreSQL of the test's own, to be broken.
    pub async fn on_postgres(server: Arc<PostgresServer>) -> Self {
        Self::on(Database::on(server).await, redis::shared().url())
    }

    /// One on a Redis of the test's own, to be broken.
    pub async fn on_redis(url: String) -> Self {
        Self::on(Database::new().await, url)
    }

    /// One on a database and a Redis.
    pub fn on(database: Database, redis_url: String) -> Self {
        Self {
            database,
            redis_url,
            redis_prefix: redis::prefix(),
            folder: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    /// Starts a process in roles, such as `api` or `worker,scheduler`.
    pub fn start(&self, roles: &str) -> Server {
        self.start_with(roles, &[])
    }

    /// As [`Cluster::start`], with settings such as `("WORKERS__GRACE_MS", "0")`.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start_with(&self, roles: &str, settings: &[(&str, &str)]) -> Server {
        self.start_by(&self.redis_url, roles, settings)
    }

    /// As [`Cluster::start_with`], with another way to the same Redis.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start_by(&self, redis_url: &str, roles: &str, settings: &[(&str, &str)]) -> Server {
        let args = ["run", "--listen", "127.0.0.1:0", "--roles", roles];
        let mut command = self.command_by(redis_url, &args);
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log());
        for (name, value) in settings {
            command.env(format!("TICKETOVERFLOW__{name}"), value);
        }
        command.stderr(log.expect("the folder can be written"));
        Server::of(&mut command)
    }

    /// Runs a command to its end.
    pub fn run(&self, args: &[&str]) -> Ended {
        Ended::of(&mut self.command(args))
    }

    /// As [`Cluster::run`], with settings as of [`Cluster::start_with`].
    pub fn run_with(&self, args: &[&str], settings: &[(&str, String)]) -> Ended {
        let mut command = self.command(args);
        for (name, value) in settings {
            command.env(format!("TICKETOVERFLOW__{name}"), value);
        }
        Ended::of(&mut command)
    }

    /// Whether a process keeps files in the folder that all share.
    pub fn has_files(&self) -> bool {
        self.folder.path().join("files").exists()
    }

    /// The configuration of a server in this process.
    pub fn config(&self, roles: &[Role]) -> Config {
        let mut config = Config::for_data_dir(self.folder.path());
        config.engine.mode = Mode::Cluster;
        config.engine.postgres_url = Secret(self.database.url().to_owned());
        config.engine.redis_url = Secret(self.redis_url.clone());
        config.engine.redis_prefix.clone_from(&self.redis_prefix);
        config.engine.redis_timeout_ms = REDIS_TIMEOUT_MS;
        config.engine.files_dir = self.folder.path().join("files");
        config.signing.key = Secret(SIGNING_KEY.into());
        config.server.roles = roles.to_vec();
        config
    }

    /// The audit, as an operator runs it.
    ///
    /// # Panics
    ///
    /// If an invariant of the ledger is broken.
    #[track_caller]
    pub fn assert_audit(&self) {
        let report = self.run(&["audit"]).success();
        assert!(report.contains("P1 oversold 0 ok"), "{report}");
        assert!(report.lines().all(|line| line.ends_with(" ok")), "{report}");
    }

    /// A number that a query gives.
    pub fn number(&self, query: &str) -> u64 {
        let text = self.database.sql(query);
        text.trim()
            .parse()
            .unwrap_or_else(|_| panic!("{query}: {text}"))
    }

    /// Waits until a query gives a number that is not 0.
    pub async fn until(&self, what: &str, query: &str) -> u64 {
        let found = || async { Some(self.number(query)).filter(|number| *number > 0) };
        eventually(what, found).await
    }

    /// What the processes said on standard error so far.
    pub fn said(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn command(&self, args: &[&str]) -> Command {
        self.command_by(&self.redis_url, args)
    }

    fn command_by(&self, redis_url: &str, args: &[&str]) -> Command {
        let mut command = process::command();
        command
            .args(args)
            .args(["--postgres-url", self.database.url()])
            .args(["--redis-url", redis_url])
            .env("TICKETOVERFLOW__ENGINE__REDIS_PREFIX", &self.redis_prefix)
            .env(
                "TICKETOVERFLOW__ENGINE__REDIS_TIMEOUT_MS",
                REDIS_TIMEOUT_MS.to_string(),
            )
            .env(
                "TICKETOVERFLOW__ENGINE__FILES_DIR",
                self.folder.path().join("files"),
            )
            .env("TICKETOVERFLOW__SIGNING__KEY", SIGNING_KEY);
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if thread::panicking() {
            let log = self.said();
            let lines: Vec<_> = log.lines().collect();
            let last = &lines[lines.len().saturating_sub(LOG_LINES)..];
            eprintln!("the end of the processes' log:\n{}", last.join("\n"));
        }
    }
}
