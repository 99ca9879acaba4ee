//! Which engine the servers of this run are on, and what a server is on.
//!
//! The same tests run on each: `TICKETOVERFLOW_TEST_ENGINE=cluster cargo test …`. Without it, on
//! the embedded engine.

use std::path::Path;

use cli::config::{Config, Mode, Role, Secret};
use tempfile::TempDir;

use crate::postgres::Database;
use crate::redis;

/// The variable that chooses the engine.
const VARIABLE: &str = "TICKETOVERFLOW_TEST_ENGINE";

/// The variable that says how many seconds of load each fault of a cluster is given.
const SECONDS: &str = "TICKETOVERFLOW_TEST_SECONDS";

/// Enough for every fault to happen.
const SECONDS_DEFAULT: u32 = 2;

/// An engine, with the number of processes that serve HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// One process on a folder.
    Embedded,
    /// PostgreSQL and Redis, and so many servers whom clients ask in turn.
    Cluster {
        /// Servers.
        servers: usize,
    },
}

/// What outlives a server: its folder, and in a cluster its database and its keys in Redis.
/// Removed when dropped.
#[derive(Debug)]
pub struct Home {
    folder: TempDir,
    cluster: Option<(Database, String)>,
}

impl Engine {
    /// The engine of this run.
    ///
    /// # Panics
    ///
    /// If nobody knows an engine of that name.
    pub fn of_this_run() -> Self {
        match variable(VARIABLE).as_str() {
            "" | "embedded" => Self::Embedded,
            "cluster" => Self::Cluster { servers: 1 },
            "cluster-of-three" => Self::Cluster { servers: 3 },
            other => panic!("{VARIABLE}={other}: it is embedded, cluster or cluster-of-three"),
        }
    }

    /// The number of processes that serve HTTP.
    pub fn servers(self) -> usize {
        match self {
            Self::Embedded => 1,
            Self::Cluster { servers } => servers,
        }
    }
}

/// How many seconds of load each fault of a cluster is given, about.
///
/// # Panics
///
/// If it is no number.
pub fn seconds() -> u32 {
    match variable(SECONDS).as_str() {
        "" => SECONDS_DEFAULT,
        text => text
            .parse()
            .unwrap_or_else(|_| panic!("{SECONDS}={text}: it is a number")),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the tests' own switches, read here only"
)]
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

impl Home {
    /// An empty one of this run's engine.
    pub async fn new() -> Self {
        Self::of(tempfile::tempdir().expect("a temporary folder")).await
    }

    /// An empty one with this folder.
    pub async fn of(folder: TempDir) -> Self {
        let cluster = match Engine::of_this_run() {
            Engine::Embedded => None,
            Engine::Cluster { .. } => Some((Database::new().await, redis::prefix())),
        };
        Self { folder, cluster }
    }

    /// The folder of files, and of the embedded engine's ledger.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The configuration of a server here.
    pub fn config(&self) -> Config {
        let mut config = Config::for_data_dir(self.path());
        if let Some((database, prefix)) = &self.cluster {
            config.engine.mode = Mode::Cluster;
            config.engine.postgres_url = Secret(database.url().to_owned());
            config.engine.redis_url = Secret(redis::shared().url());
            config.engine.redis_prefix.clone_from(prefix);
            config.engine.redis_timeout_ms = redis::PATIENCE_MS;
            config.engine.files_dir = self.path().join("files");
            config.signing.key_file = self.path().join("signing.key");
        }
        config
    }

    /// The configuration of another server beside the first one: it serves HTTP, no more.
    pub fn config_beside(config: &Config) -> Config {
        let mut beside = config.clone();
        beside.server.roles = vec![Role::Api];
        beside
    }
}
