//! Seat counters in Redis, for any number of processes.
//!
//! Each bucket has keys of its own with the epoch in their names, and a hash tag of its own, so
//! that a cluster spreads one hot concert over its shards; a script touches one bucket or the
//! concert's tally, never two slots. Seats of a bucket are free or out, in one step.
//!
//! "Sold out" is proven by the tally alone: it knows how many seats were free when the epoch began
//! and how many of them were reported sold. Once these are equal no seat can come back, and no
//! look at the buckets, however many and however late, needs to agree with another.
//!
//! What is lost or old here costs time: a concert without a tally is `Unknown` and is loaded from
//! the ledger, one that misses a bucket is made so, and a seat that an old copy hands out again is
//! refused by the ledger.

mod clerk;
mod desk;
mod known;
mod load;
mod remote;
mod reserve;
mod settlement;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use domain::ConcertId;
use domain::ports::{Counted, Counters, CountersError, Epoch, Stock, Taken};
use domain::seat::SeatNo;
use futures::future::{join_all, try_join_all};

use self::desk::Desk;
use self::remote::{Remote, Tally};
use crate::redis::{Failure, Redis};

/// Concerts that a process remembers something of; at the limit it forgets those nobody is busy
/// with, which costs a round trip each. Where more than half as many are busy, it lets twice as
/// many as these come before it goes through them again.
const DESKS_MAX: usize = 10_000;
/// Times that a count begins anew because the counters were replaced meanwhile.
const COUNTS_MAX: u32 = 4;
/// How long a process that ends waits for Redis.
const CLOSE_TIME: Duration = Duration::from_secs(1);

/// Counters that all processes with the same Redis and prefix share.
#[derive(Debug)]
pub struct RedisCounters {
    remote: Arc<Remote>,
    desks: RwLock<Desks>,
}

#[derive(Debug)]
struct Desks {
    open: HashMap<ConcertId, Arc<Desk>>,
    tidy_at: usize,
}

impl RedisCounters {
    /// Counters in this Redis. Their work is done on the thread that serves its connection.
    pub fn new(redis: Redis) -> Self {
        Self {
            remote: Arc::new(Remote::new(redis)),
            desks: RwLock::default(),
        }
    }

    fn desk(&self, concert: ConcertId) -> Arc<Desk> {
        let desks = self.desks.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(desk) = desks.open.get(&concert) {
            return Arc::clone(desk);
        }
        drop(desks);
        let mut desks = self.desks.write().unwrap_or_else(PoisonError::into_inner);
        if desks.open.len() >= desks.tidy_at {
            desks.open.retain(|_, desk| Arc::strong_count(desk) > 1);
            desks.tidy_at = DESKS_MAX.max(2 * desks.open.len());
        }
        let desk = desks
            .open
            .entry(concert)
            .or_insert_with(|| Desk::new(concert, Arc::clone(&self.remote)));
        Arc::clone(desk)
    }

    /// Counts the buckets of one epoch; nothing if one of them is missing.
    async fn count_free(&self, concert: ConcertId, tally: Tally) -> Result<Option<u32>, Failure> {
        if tally.unsold() == 0 {
            return Ok(Some(0));
        }
        let buckets = 0..tally.plan.buckets();
        let looks = buckets.map(|bucket| self.remote.take(concert, tally.epoch, bucket, 0));
        let looks = try_join_all(looks).await?;
        Ok(looks
            .into_iter()
            .map(|look| look.map(|look| look.left))
            .sum())
    }
}

impl Default for Desks {
    fn default() -> Self {
        Self {
            open: HashMap::new(),
            tidy_at: DESKS_MAX,
        }
    }
}

#[async_trait]
impl Counters for RedisCounters {
    /// Differs from local: callers of one process that come together share a round trip; a concert
    /// whose counters are incomplete is `Unknown` too; and only one of the callers that come
    /// together hears `Unknown`, the others are told to wait for it, as if a seat were held.
    async fn take(&self, concert: ConcertId, random: u64) -> Result<Taken, CountersError> {
        self.desk(concert).take(random).await
    }

    async fn give_back(
        &self,
        concert: ConcertId,
        seat: SeatNo,
        epoch: Epoch,
    ) -> Result<(), CountersError> {
        Ok(self.desk(concert).give_back(&[seat], epoch).await?)
    }

    /// Differs from local: held seats are not counted one by one but are what is neither free nor
    /// sold, so a seat that is settled twice makes another one look sold, until a reconciler finds
    /// that the ledger has sold fewer. Nor is Redis waited for: what it says now or fails to say
    /// changes nothing about the sale.
    async fn settle_sold(
        &self,
        concert: ConcertId,
        epoch: Epoch,
        seats: u32,
    ) -> Result<(), CountersError> {
        self.desk(concert).settle_sold(epoch, seats);
        Ok(())
    }

    async fn load(
        &self,
        concert: ConcertId,
        stock: Stock,
        replaces: Option<Epoch>,
    ) -> Result<(), CountersError> {
        self.remote.load(concert, &stock, replaces).await?;
        self.desk(concert).has_changed();
        Ok(())
    }

    async fn count(&self, concert: ConcertId) -> Result<Option<Counted>, CountersError> {
        self.desk(concert).is_settled().await;
        for _ in 0..COUNTS_MAX {
            let Some(tally) = self.remote.tally(concert).await? else {
                return Ok(None);
            };
            if let Some(free) = self.count_free(concert, tally).await? {
                return Ok(Some(Counted {
                    free,
                    held: tally.unsold().saturating_sub(free),
                    epoch: tally.epoch,
                }));
            }
            if self.remote.condemn(concert, tally.epoch).await? {
                return Ok(None);
            }
        }
        Err(CountersError("they are being replaced all the time".into()))
    }

    async fn settled(&self, concert: ConcertId) {
        self.desk(concert).settled().await;
    }

    async fn try_out(&self) -> Result<(), CountersError> {
        Ok(self.remote.redis.try_out().await?)
    }

    async fn close(&self) {
        let desks: Vec<_> = {
            let desks = self.desks.read().unwrap_or_else(PoisonError::into_inner);
            desks.open.values().map(Arc::clone).collect()
        };
        let closed = join_all(desks.iter().map(Desk::close));
        if tokio::time::timeout(CLOSE_TIME, closed).await.is_err() {
            tracing::warn!(
                "Redis was not told of all seats; they look held until they are counted"
            );
        }
    }
}
