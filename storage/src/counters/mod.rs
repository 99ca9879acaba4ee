//! Bucketed seat counters.

mod local;

pub use self::local::LocalCounters;
