//! Counters and wakeups that several processes share, and what becomes of a sale when Redis is
//! flushed, restarted, failed over, silent or gone.

// Always so; it tells the lints that this is a test and may `unwrap`.
#![cfg(test)]

mod faults;
mod races;
mod sales;
mod wakeups;

use storage::Redis;
use storage::counters::RedisCounters;

/// The counters of a process of its own.
fn counters(url: &str, prefix: &str) -> RedisCounters {
    RedisCounters::new(Redis::new(url.parse().unwrap(), prefix))
}
