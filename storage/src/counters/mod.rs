//! Bucketed seat counters.

mod local;
mod redis;

pub use self::local::{LocalCounters, LocalLimits};
pub use self::redis::RedisCounters;
