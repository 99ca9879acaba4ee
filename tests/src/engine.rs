//! Which engine the servers of a test are on, and what a server is on.
//!
//! A test with the attribute `every_engine` runs on each; others are on the embedded engine.

use std::future::Future;
use std::path::Path;

use cli::config::{Config, Mode, Role, Secret};
use tempfile::TempDir;

use crate::postgres::Database;
use crate::redis;

/// The variable that says how many seconds of load each fault of a cluster is given.
const SECONDS: &str = "TICKETOVERFLOW_TEST_SECONDS";

/// Enough for every fault to happen.
const SECONDS_DEFAULT: u64 = 2;

/// The variable that says how many seconds the soak takes.
const SOAK_SECONDS: &str = "TICKETOVERFLOW_TEST_SOAK_SECONDS";

/// Enough to see what grows with every request; what grows slowly shows in half an hour.
const SOAK_SECONDS_DEFAULT: u64 = 20;

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

tokio::task_local! {
    /// The engine of the test that runs.
    static ENGINE: Engine;
}

impl Engine {
    /// The engine of the test that asks.
    pub fn of_this_test() -> Self {
        ENGINE.try_with(|engine| *engine).unwrap_or(Self::Embedded)
    }

    /// Runs a test on this engine.
    pub async fn during(self, test: impl Future<Output = ()>) {
        Box::pin(ENGINE.scope(self, test)).await;
    }

    /// As [`Engine::during`], for a test that is not `async`.
    pub fn during_call(self, test: impl FnOnce()) {
        ENGINE.sync_scope(self, test);
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
    let seconds = variable(SECONDS, SECONDS_DEFAULT);
    u32::try_from(seconds).unwrap_or_else(|_| panic!("{SECONDS}={seconds}: it is too much"))
}

/// How many seconds the soak takes.
///
/// # Panics
///
/// If it is no number.
pub fn soak_seconds() -> u64 {
    variable(SOAK_SECONDS, SOAK_SECONDS_DEFAULT)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the tests' own switches, read here only"
)]
fn variable(name: &str, default: u64) -> u64 {
    let Ok(text) = std::env::var(name) else {
        return default;
    };
    text.parse()
        .unwrap_or_else(|_| panic!("{name}={text}: it is a number"))
}

impl Home {
    /// An empty one of this test's engine.
    pub async fn new() -> Self {
        Self::of(tempfile::tempdir().expect("a temporary folder")).await
    }

    /// An empty one with this folder.
    pub async fn of(folder: TempDir) -> Self {
        let cluster = match Engine::of_this_test() {
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
