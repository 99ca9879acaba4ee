//! Why a ledger cannot be opened. Read by the person who started the program, so every message
//! says the way out.

use std::path::PathBuf;

/// Why a ledger cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process serves from this folder.
    #[error(
        "the data directory {0} is in use by another process; \
         stop that one, or choose another directory with --data-dir"
    )]
    InUse(PathBuf),
    /// There is nothing to inspect.
    #[error("there is no ledger at {0}; check --data-dir, or start the service once to create it")]
    Missing(PathBuf),
    /// The folder cannot be written.
    #[error("the data directory {folder} cannot be written; check that it belongs to this user")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// The file is no database, or damaged.
    #[error(
        "the database {file} is damaged or no database at all ({reason}); \
         restore it from a backup, or move it away to begin with an empty ledger"
    )]
    Corrupt {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A newer binary wrote it.
    #[error(
        "the database {database} has schema {found}, this program knows {known}; \
         install the version of the program that last used it, or a newer one"
    )]
    Newer {
        /// The file or the address.
        database: String,
        /// The version that the database has.
        found: i64,
        /// The newest version that this binary knows.
        known: i64,
    },
    /// It has not been migrated yet, and this access does not migrate.
    #[error(
        "the database {database} has schema {found}, this program needs {known}; \
         run `ticketoverflow migrate`"
    )]
    Older {
        /// The file or the address.
        database: String,
        /// The version that the database has.
        found: i64,
        /// The newest version that this binary knows.
        known: i64,
    },
    /// A migration failed or was altered after it had been applied.
    #[error("the database {database} cannot be migrated; nothing of the failed migration was kept")]
    Migration {
        /// The file or the address.
        database: String,
        /// What failed.
        #[source]
        source: anyhow::Error,
    },
    /// Something else: busy, out of memory, disk full.
    #[error("the database {file} cannot be opened; try again, and check the disk's free space")]
    Unavailable {
        /// The file.
        file: PathBuf,
        /// What failed.
        #[source]
        source: anyhow::Error,
    },
    /// The URL of a database cannot be understood.
    #[error(
        "the URL of the database cannot be used: {0}; \
         it looks like postgres://user:password@host1:5432,host2:5432/database"
    )]
    Address(String),
    /// The URL of Redis cannot be understood.
    #[error("the URL of Redis cannot be used: {0}")]
    Redis(String),
    /// The thread that serves the connection to Redis cannot be started.
    #[error(
        "the operating system refuses another thread; raise the numbers of processes and of \
         open files that this user may have (`ulimit -u`, `ulimit -n`)"
    )]
    Thread(#[source] std::io::Error),
    /// The settings of an object store cannot be used.
    #[error("the object store {place} cannot be used: {reason}")]
    ObjectStore {
        /// Bucket and endpoint.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// A pooler stands before the server that keeps no session for a connection.
    #[error(
        "the database {database} is reached through a pooler, {found}; have the URL name PostgreSQL \
         itself, or set pool_mode = session and ignore_startup_parameters = extra_float_digits in \
         pgbouncer.ini"
    )]
    Pooler {
        /// The address, without the password.
        database: String,
        /// How it was noticed.
        found: &'static str,
    },
    /// No server answers there, or none that can write, or it refuses us.
    #[error(
        "the database {database} cannot be reached; check that it runs, \
         and the address, user and password of its URL"
    )]
    Unreachable {
        /// The address, without the password.
        database: String,
        /// What failed.
        #[source]
        source: anyhow::Error,
    },
}
