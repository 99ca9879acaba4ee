//! PostgreSQL servers of this process's own, stopped, whatever happens, when the process ends.
//!
//! One is shared, and started when the first test asks for a database; a test that breaks its
//! server starts one of its own.

mod pooler;
mod server;
mod stranger;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use storage::postgres::{Options, PostgresStore};

pub use self::pooler::Pooler;
pub use self::server::PostgresServer;
pub use self::stranger::Stranger;

/// A role that the server knows from the beginning.
const ROLE: &str = "ledger";

/// The database with an up-to-date schema that others are copied from.
const TEMPLATE: &str = "migrated";

/// How long a busy machine may take to open a connection.
const CONNECT_PATIENCE: Duration = Duration::from_mins(1);

/// The options of a store in a test that is not about time.
pub fn options() -> Options {
    Options {
        acquire_timeout: CONNECT_PATIENCE,
        connect_timeout: CONNECT_PATIENCE,
        ..Options::default()
    }
}

/// A database of one test. Dropped with this value.
#[derive(Debug)]
pub struct Database {
    server: Arc<PostgresServer>,
    name: String,
    url: String,
}

impl Database {
    /// An empty ledger.
    pub async fn new() -> Self {
        Self::on(shared()).await
    }

    /// An empty ledger on a server.
    pub async fn on(server: Arc<PostgresServer>) -> Self {
        server
            .migrated
            .get_or_init(async || {
                let template = server.url(TEMPLATE);
                server.run("createdb", &[TEMPLATE]);
                PostgresStore::migrate(&template, options())
                    .await
                    .expect("an empty database can be migrated");
            })
            .await;
        Self::create(server, &["--template", TEMPLATE])
    }

    /// A database without anything in it.
    pub fn empty() -> Self {
        Self::create(shared(), &[])
    }

    /// The server that it is on.
    pub fn server(&self) -> &PostgresServer {
        &self.server
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it is, by way of other addresses: each a host with its port, all of one server.
    pub fn url_by(&self, hosts: &str) -> String {
        format!("postgres://{ROLE}@{hosts}/{}", self.name)
    }

    /// The server's socket.
    pub fn socket(&self) -> PathBuf {
        self.server.socket()
    }

    /// Runs statements and gives what they print, a line a row.
    pub fn sql(&self, statements: &str) -> String {
        let (database, each) = (self.name.as_str(), "--command");
        let quiet = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"];
        let args = [
            &quiet[..],
            &["--set", "ON_ERROR_STOP=1"],
            &["--dbname", database, each],
        ];
        let args = [args.concat(), vec![statements]].concat();
        let output = self.server.run("psql", &args).stdout;
        String::from_utf8(output).expect("the server speaks UTF-8")
    }

    /// Ends every connection to it, as a restart or a fail-over does.
    pub fn hang_up(&self) {
        self.sql(
            "select count(pg_terminate_backend(pid))
               from pg_stat_activity
              where datname = current_database()
                and pid <> pg_backend_pid()",
        );
    }

    /// How many of its connections wait for a lock.
    ///
    /// # Panics
    ///
    /// If the server does not tell.
    pub fn waiting(&self) -> u32 {
        let waiting = self.sql(
            "select count(*)
               from pg_stat_activity
              where datname = current_database()
                and wait_event_type = 'Lock'",
        );
        waiting.trim().parse().expect("a number")
    }

    fn create(server: Arc<PostgresServer>, args: &[&str]) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        server.run("createdb", &[args, &[&name]].concat());
        Self {
            url: server.url(&name),
            name,
            server,
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // What is left of a failed test goes with the server.
        let _ = self
            .server
            .command("dropdb", &["--force", &self.name])
            .output();
    }
}

/// The server that tests share which do it no harm.
fn shared() -> Arc<PostgresServer> {
    static SHARED: OnceLock<Arc<PostgresServer>> = OnceLock::new();
    Arc::clone(SHARED.get_or_init(PostgresServer::start))
}
