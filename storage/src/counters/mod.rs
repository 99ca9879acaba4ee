//! Bucketed seat counters.

mod local;
mod redis;

pub use self::local::LocalCounters;
pub use self::redis::RedisCounters;
