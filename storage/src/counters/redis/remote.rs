//! The keys and the scripts.

use domain::ConcertId;
use domain::ports::{BucketPlan, Epoch};
use domain::seat::SeatNo;

use crate::redis::{Failure, Redis, Script};

/// Seats named by one command.
pub(super) const SEATS_MAX: usize = 1_000;

/// The counters in Redis.
#[derive(Debug)]
pub(super) struct Remote {
    pub(super) redis: Redis,
    take: Script,
    give_back: Script,
    tally: Script,
    condemn: Script,
    pub(super) begin: Script,
    pub(super) fill: Script,
    pub(super) publish: Script,
}

/// What is known of a concert as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) epoch: Epoch,
    /// Seats that were free when the epoch began.
    pub(super) stock: u32,
    /// Seats of them that are in the ledger now.
    pub(super) sold: u32,
    /// How often seats were put back.
    pub(super) returns: u32,
    pub(super) plan: BucketPlan,
}

/// What a bucket gave.
#[derive(Debug)]
pub(super) struct Portion {
    pub(super) seats: Vec<SeatNo>,
    /// Seats that are still free there.
    pub(super) left: u32,
}

impl Tally {
    /// Seats that are free or held.
    pub(super) fn unsold(&self) -> u32 {
        self.stock.saturating_sub(self.sold)
    }
}

impl Remote {
    pub(super) fn new(redis: Redis) -> Self {
        Self {
            redis,
            take: Script::new(include_str!("take.lua")),
            give_back: Script::new(include_str!("give_back.lua")),
            tally: Script::new(include_str!("tally.lua")),
            condemn: Script::new(include_str!("condemn.lua")),
            begin: Script::new(include_str!("begin.lua")),
            fill: Script::new(include_str!("fill.lua")),
            publish: Script::new(include_str!("publish.lua")),
        }
    }

    /// The key of what is known of a concert as a whole.
    pub(super) fn concert_key(&self, concert: ConcertId) -> String {
        format!("{}:{{{concert}}}", self.redis.prefix())
    }

    /// The keys of a bucket: its counter and its returned seats.
    pub(super) fn bucket_keys(
        &self,
        concert: ConcertId,
        epoch: Epoch,
        bucket: u32,
    ) -> (String, String) {
        let prefix = self.redis.prefix();
        let counter = format!("{prefix}:{{{concert}.{bucket}}}:{}", epoch.0);
        let returned = format!("{counter}:returned");
        (counter, returned)
    }

    pub(super) async fn tally(&self, concert: ConcertId) -> Result<Option<Tally>, Failure> {
        let mut command = redis::cmd("HMGET");
        command
            .arg(self.concert_key(concert))
            .arg(&["epoch", "stock", "sold", "returns", "capacity", "width"]);
        let fields: Vec<Option<u64>> = self.redis.run(&command).await?;
        Ok(Tally::of(fields))
    }

    /// Takes up to `wanted` seats of a bucket; nothing if there is no such bucket.
    pub(super) async fn take(
        &self,
        concert: ConcertId,
        epoch: Epoch,
        bucket: u32,
        wanted: u32,
    ) -> Result<Option<Portion>, Failure> {
        let (counter, returned) = self.bucket_keys(concert, epoch, bucket);
        let keys = [counter.as_str(), returned.as_str()];
        let answer: Option<Vec<u32>> = self.redis.eval(&self.take, &keys, &[wanted.into()]).await?;
        Ok(answer.as_deref().and_then(Portion::of))
    }

    /// Puts seats of a bucket back, if their epoch has not ended, and tells the others.
    pub(super) async fn give_back(
        &self,
        concert: ConcertId,
        epoch: Epoch,
        bucket: u32,
        seats: &[SeatNo],
    ) -> Result<(), Failure> {
        let (counter, returned) = self.bucket_keys(concert, epoch, bucket);
        let keys = [counter.as_str(), returned.as_str()];
        for seats in seats.chunks(SEATS_MAX) {
            let seats: Vec<u64> = seats.iter().map(|seat| seat.0.into()).collect();
            let put: bool = self.redis.eval(&self.give_back, &keys, &seats).await?;
            if put {
                // In this order: whoever sees the tally move finds the seats.
                self.add(concert, epoch, 0, 1).await?;
            }
        }
        Ok(())
    }

    /// Adds to the tally, if the epoch has not ended. Returns the tally that there is then.
    pub(super) async fn add(
        &self,
        concert: ConcertId,
        epoch: Epoch,
        sold: u32,
        returns: u32,
    ) -> Result<Option<Tally>, Failure> {
        let key = self.concert_key(concert);
        let args = [epoch.0, sold.into(), returns.into()];
        let fields: Option<Vec<Option<u64>>> = self.redis.eval(&self.tally, &[&key], &args).await?;
        Ok(fields.and_then(Tally::of))
    }

    /// Forgets a concert whose counters are incomplete, if they are still those of the epoch.
    pub(super) async fn condemn(&self, concert: ConcertId, epoch: Epoch) -> Result<bool, Failure> {
        let key = self.concert_key(concert);
        let gone: bool = self.redis.eval(&self.condemn, &[&key], &[epoch.0]).await?;
        if gone {
            tracing::warn!(concert.id = %concert, "seat counters were incomplete and are dropped");
        }
        Ok(gone)
    }
}

impl Tally {
    /// From the fields in the order of the struct; nothing if one is missing.
    fn of(fields: Vec<Option<u64>>) -> Option<Self> {
        let fields: Vec<_> = fields.into_iter().collect::<Option<_>>()?;
        let number = |at: usize| fields.get(at).and_then(|&field| u32::try_from(field).ok());
        Some(Self {
            epoch: Epoch(*fields.first()?),
            stock: number(1)?,
            sold: number(2)?,
            returns: number(3)?,
            plan: BucketPlan {
                capacity: number(4)?,
                // A bucket of no seats would make the number of buckets meaningless.
                width: number(5)?.max(1),
            },
        })
    }
}

impl Portion {
    fn of(answer: &[u32]) -> Option<Self> {
        let [left, first, fresh, returned @ ..] = answer else {
            return None;
        };
        let fresh = *first..first + fresh;
        Some(Self {
            seats: fresh.chain(returned.iter().copied()).map(SeatNo).collect(),
            left: *left,
        })
    }
}
