//! The ports of `domain`, implemented: the ledger in SQLite or PostgreSQL, counters and wakeups
//! within the process or in Redis, files on disk or in S3.
//!
//! Invariant: an engine remembers and compares, it decides nothing. What becomes of a job or a
//! print is computed in `domain` and only stored here.

mod cluster;
pub mod counters;
mod embedded;
mod error;
pub mod files;
pub mod postgres;
mod prices;
mod redis;
mod schema;
mod slow;
pub mod sqlite;
mod tls;
mod twins;
pub mod wakeups;

pub use self::cluster::{ClusterPlaces, FilesPlace, OpenedCluster, open_cluster, open_files};
pub use self::embedded::{Access, Opened, check, is_served, migrate, open_embedded, schema};
pub use self::error::OpenError;
pub use self::redis::{Failure as RedisFailure, Redis, RedisUrl, UrlError as RedisUrlError};
pub use self::schema::SchemaReport;
pub use self::slow::SlowStore;
