//! Real Redis servers: one alone, a cluster, and a master and a replica under Sentinel.
//!
//! Each is started on a free port by a thread that lives as long as the process, and dies with it,
//! however it ends. The shared ones are started when the first test asks for them; a test that
//! breaks its server starts one of its own.

mod cluster;
mod sentinels;
mod server;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub use self::cluster::RedisCluster;
pub use self::sentinels::{EncryptedSentinel, RedisSentinels};
pub use self::server::RedisServer;

/// What a command may take in a test that is not about time: on a busy machine, an answer is late.
pub const PATIENCE: Duration = Duration::from_millis(PATIENCE_MS);

/// The same in milliseconds.
pub const PATIENCE_MS: u64 = 60_000;

/// The server that tests share which do it no harm.
pub fn shared() -> &'static RedisServer {
    static SHARED: OnceLock<RedisServer> = OnceLock::new();
    SHARED.get_or_init(RedisServer::start)
}

/// The cluster that tests share which do it no harm.
pub fn shared_cluster() -> &'static RedisCluster {
    static SHARED: OnceLock<RedisCluster> = OnceLock::new();
    SHARED.get_or_init(RedisCluster::start)
}

/// A prefix for keys that no other test uses.
pub fn prefix() -> String {
    static PREFIXES: AtomicU32 = AtomicU32::new(0);
    format!("test{}", PREFIXES.fetch_add(1, Ordering::Relaxed))
}
