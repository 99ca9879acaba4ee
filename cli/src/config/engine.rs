//! Section `[engine]`: where the ledger, the counters and the files are.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{anyhow, bail};
use serde::Deserialize;
use storage::FilesPlace;
use storage::files::S3Place;

use super::Secret;

/// Section `[engine]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineConfig {
    /// Which engine.
    pub mode: Mode,
    /// The folder of the embedded engine.
    pub data_dir: PathBuf,
    /// The ledger of a cluster.
    pub postgres_url: Secret,
    /// Counters and wakeups of a cluster.
    pub redis_url: Secret,
    /// Begins every key and channel in Redis.
    pub redis_prefix: String,
    /// What a command of Redis may take.
    pub redis_timeout_ms: u64,
    /// The folder of a cluster's rendered files, which all of its processes share.
    pub files_dir: PathBuf,
    /// Where a cluster's rendered files are instead, `s3://bucket/prefix`.
    pub files_url: String,
    /// How much longer each write takes than it would: for tests of what happens then.
    pub slow_commits_ms: u64,
    /// How that store is reached.
    pub s3: S3Config,
}

/// An engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// One process, one folder.
    Embedded,
    /// Any number of processes on PostgreSQL and Redis.
    Cluster,
}

/// Section `[engine.s3]`, see [`S3Place`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3Config {
    /// `https://host:port`; empty for Amazon's endpoint of the region.
    pub endpoint: String,
    /// The region that signatures are made for.
    pub region: String,
    /// Who asks.
    pub access_key_id: String,
    /// Signs what is asked.
    pub secret_access_key: Secret,
    /// Whether the bucket stands in the path and not in the name of the host.
    pub path_style: bool,
    /// Whether an endpoint without TLS will do.
    pub allow_http: bool,
    /// A file of PEM certificates to trust; empty for the system's.
    pub root_certificates: PathBuf,
}

impl EngineConfig {
    /// What a command of Redis may take.
    pub fn redis_timeout(&self) -> Duration {
        Duration::from_millis(self.redis_timeout_ms)
    }

    /// Where a cluster's rendered files are.
    pub fn files(&self) -> anyhow::Result<FilesPlace<'_>> {
        let (folder, url) = (&self.files_dir, &self.files_url);
        match (folder.as_os_str().is_empty(), url.is_empty()) {
            (false, true) => Ok(FilesPlace::Folder(folder)),
            (true, false) => {
                let place = self.s3.at(url);
                place
                    .check()
                    .map_err(|error| anyhow!("engine.files_url or [engine.s3]: {error}"))?;
                Ok(FilesPlace::S3(place))
            }
            (true, true) => bail!(
                "neither engine.files_dir nor engine.files_url is set; a cluster needs a folder \
                 that all processes share, or a store such as s3://bucket"
            ),
            (false, false) => {
                bail!("both engine.files_dir and engine.files_url are set; leave one empty")
            }
        }
    }

    /// What only shows when several settings of a cluster are looked at together.
    pub(super) fn check_cluster(&self) -> anyhow::Result<()> {
        for (setting, value, flag) in [
            ("engine.postgres_url", &self.postgres_url, "--postgres-url"),
            ("engine.redis_url", &self.redis_url, "--redis-url"),
        ] {
            if value.0.is_empty() {
                bail!("{setting} is not set, and a cluster needs it; give it, or {flag}");
            }
        }
        if self.redis_timeout_ms == 0 {
            bail!("engine.redis_timeout_ms is 0, in which no server answers; the default is 500");
        }
        self.files().map(drop)
    }
}

impl S3Config {
    fn at(&self, url: &str) -> S3Place {
        S3Place {
            url: url.to_owned(),
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            access_key_id: self.access_key_id.clone(),
            secret_access_key: self.secret_access_key.0.clone(),
            path_style: self.path_style,
            allow_http: self.allow_http,
            root_certificates: self.root_certificates.clone(),
        }
    }
}
