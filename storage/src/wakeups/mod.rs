//! Hints that there is work.

mod local;

pub use self::local::LocalWakeups;
