//! The ledger in PostgreSQL, counters and wakeups in Redis, files in a folder that all share: for
//! any number of processes.

use std::io;
use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;

use crate::counters::RedisCounters;
use crate::error::OpenError;
use crate::files::ObjectFiles;
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
    /// Rendered files, the same folder for every process.
    pub files: &'a Path,
    /// Names this start of this process among all others.
    pub process: Uuid,
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
    let files = ObjectFiles::on_disk(places.files).map_err(|source| OpenError::Folder {
        folder: places.files.into(),
        source: io::Error::other(source),
    })?;
    let redis = Redis::new(url, places.redis_prefix);
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
