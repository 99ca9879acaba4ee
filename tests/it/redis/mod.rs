//! Counters and wakeups that several processes share, and what becomes of a sale when Redis is
//! flushed, restarted, failed over, silent or gone.

// Always so; it tells the lints that this is a test and may `unwrap`.
#![cfg(test)]

mod faults;
mod impostors;
mod races;
mod repeats;
mod sales;
mod wakeups;

use std::time::Duration;

use domain::ConcertId;
use domain::ports::{Counters, Stock};
use storage::Redis;
use storage::counters::RedisCounters;
use tests::eventually;
use tests::redis::PATIENCE;

/// What a command may take by default.
const COMMAND_TIME: Duration = Duration::from_millis(500);

/// The counters of a process of its own, to which servers are not silent.
fn counters(url: &str, prefix: &str) -> RedisCounters {
    RedisCounters::new(connect(url, prefix))
}

fn connect(url: &str, prefix: &str) -> Redis {
    Redis::start(url.parse().unwrap(), prefix, PATIENCE).unwrap()
}

/// The counters of a process of its own, which gives up on a silent server.
fn impatient_counters(url: &str, prefix: &str) -> RedisCounters {
    RedisCounters::new(Redis::start(url.parse().unwrap(), prefix, COMMAND_TIME).unwrap())
}

/// Loads the counters of who may have been too impatient to be answered.
async fn loaded(counters: &RedisCounters, concert: ConcertId, stock: Stock) {
    let loaded = || async { counters.load(concert, stock.clone(), None).await.ok() };
    eventually("the counters are loaded", loaded).await;
}

/// [`COMMAND_TIME`]; the rest is for a busy machine. Two hundred that each waited for theirs would
/// take longer.
const QUICKLY: Duration = Duration::from_secs(30);
