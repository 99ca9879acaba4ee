//! Hints that there is work.

mod local;
mod redis;

pub use self::local::LocalWakeups;
pub use self::redis::RedisWakeups;
