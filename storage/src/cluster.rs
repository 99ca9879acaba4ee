//! The ledger in PostgreSQL, counters and wakeups in Redis, files in a folder that all share or in
//! an S3-compatible store: for any number of processes.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::counters::RedisCounters;
use crate::error::OpenError;
use crate::files::{ObjectFiles, S3Place};
use crate::postgres::{Options, PostgresStore};
use crate::redis::{Redis, RedisUrl};
use crate::wakeups::RedisWakeups;

/// Where the parts of a cluster are.
#[derive(Debug, Clone)]
pub struct ClusterPlaces<'a> {
    /// The ledger; several hosts where the primary may move.
    pub postgres_url: &'a str,
    /// Counters and wakeups.
    pub redis_url: &'a str,
    /// Begins every key and channel in Redis; one for each ledger.
    pub redis_prefix: &'a str,
    /// What a command of Redis may take.
    pub redis_timeout: Duration,
    /// Rendered files.
    pub files: FilesPlace<'a>,
    /// Names this start of this process among all others.
    pub process: Uuid,
}

/// Where a cluster's rendered files are, the same for every process.
#[derive(Debug, Clone)]
pub enum FilesPlace<'a> {
    /// In a folder that all share.
    Folder(&'a Path),
    /// In an S3-compatible store.
    S3(S3Place),
}

/// The ports of a cluster.
#[derive(Debug)]
pub struct OpenedCluster {
    /// The ledger.
    pub store: Arc<PostgresStore>,
    /// Seat counters.
    pub counters: Arc<RedisCounters>,
    /// Hints that there is work.
    pub wakeups: Arc<RedisWakeups>,
    /// Rendered files.
    pub files: Arc<ObjectFiles>,
}

/// Opens a cluster's parts. The ledger must be there and migrated; Redis may come later.
pub async fn open_cluster(
    places: ClusterPlaces<'_>,
    options: Options,
) -> Result<OpenedCluster, OpenError> {
    let url: RedisUrl = places
        .redis_url
        .parse()
        .map_err(|error: crate::RedisUrlError| OpenError::Redis(error.to_string()))?;
    let store = PostgresStore::open(places.postgres_url, options).await?;
    let files = open_files(&places.files)?;
    let redis =
        Redis::start(url, places.redis_prefix, places.redis_timeout).map_err(OpenError::Thread)?;
    if let Err(error) = redis.ping().await {
        tracing::warn!(%error, "Redis does not answer yet; purchases wait for it");
    }
    Ok(OpenedCluster {
        store: Arc::new(store),
        counters: Arc::new(RedisCounters::new(redis.clone())),
        wakeups: Arc::new(RedisWakeups::new(redis, places.process)),
        files: Arc::new(files),
    })
}

/// Opens the rendered files of a cluster. A folder must be there; a store may come later.
pub fn open_files(place: &FilesPlace<'_>) -> Result<ObjectFiles, OpenError> {
    match place {
        FilesPlace::Folder(folder) => {
            ObjectFiles::on_disk(folder).map_err(|source| OpenError::Folder {
                folder: folder.to_path_buf(),
                source: io::Error::other(source),
            })
        }
        FilesPlace::S3(place) => {
            ObjectFiles::in_s3(place).map_err(|error| OpenError::ObjectStore {
                place: place.to_string(),
                reason: error.reason,
            })
        }
    }
}
