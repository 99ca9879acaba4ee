//! Counters and wakeups that several processes share, and what becomes of a sale when Redis is
//! flushed, restarted, failed over, silent or gone.

// Always so; it tells the lints that this is a test and may `unwrap`.
#![cfg(test)]

mod faults;
mod impostors;
mod races;
mod sales;
mod wakeups;

use std::time::Duration;

use storage::Redis;
use storage::counters::RedisCounters;

/// The counters of a process of its own.
fn counters(url: &str, prefix: &str) -> RedisCounters {
    RedisCounters::new(Redis::new(url.parse().unwrap(), prefix))
}

/// The limit of one command is half a second; the rest is for a busy machine. Two hundred that each
/// waited for theirs would take longer.
const QUICKLY: Duration = Duration::from_secs(30);
