//! Bucketed atomic counters: where contention goes, so that the ledger need not see it.
//!
//! A concert's seats are cut into buckets, contiguous ranges of about [`SEATS_PER_BUCKET`]. A
//! bucket's counter *is* the next seat that it sells; returned seats go to a free list. Counters
//! may be lost or wrong at any instant: the ledger's unique index decides, and the counters are
//! rebuilt from it.

use async_trait::async_trait;

use crate::ids::ConcertId;
use crate::seat::SeatNo;

/// Seats that one bucket holds, about.
pub(super) const SEATS_PER_BUCKET: u32 = 256;
/// The most buckets of one concert.
pub(super) const BUCKETS_MAX: u32 = 64;

/// Hands out seats.
#[async_trait]
pub trait Counters: Send + Sync + 'static {
    /// Takes a seat: from the bucket that `random` points at (or one that suits the engine
    /// better), else from the others in turn, else
    /// from the free list, so that the last seat is always sold. `Unknown` when the concert is
    /// not loaded.
    async fn take(&self, concert: ConcertId, random: u64) -> Result<Taken, CountersError>;

    /// Returns a seat that was taken and not sold. Ignored if the counters have been rebuilt
    /// since: the rebuild knew the seat as free.
    async fn give_back(
        &self,
        concert: ConcertId,
        seat: SeatNo,
        epoch: Epoch,
    ) -> Result<(), CountersError>;

    /// Tells that so many taken seats are now in the ledger.
    async fn settle_sold(
        &self,
        concert: ConcertId,
        epoch: Epoch,
        seats: u32,
    ) -> Result<(), CountersError>;

    /// Replaces a concert's counters, unless they are not those of `replaces` any more (`None`:
    /// there were none).
    async fn load(
        &self,
        concert: ConcertId,
        stock: Stock,
        replaces: Option<Epoch>,
    ) -> Result<(), CountersError>;

    /// Seats that are free and seats that are taken but not settled, with the epoch; `None` when
    /// the concert is not loaded.
    async fn count(&self, concert: ConcertId) -> Result<Option<Counted>, CountersError>;

    /// Waits until a taken seat of the concert is settled or given back, 50 ms at most.
    async fn settled(&self, concert: ConcertId);

    /// Does on no seat what sales do, and fails if they would: the counters cannot be reached, or
    /// refuse to be written.
    async fn try_out(&self) -> Result<(), CountersError>;

    /// Tells others what this process has kept to itself: seats that it holds for nobody, and sales
    /// that it has not settled. To be called before the process ends; takes a second at most, and
    /// what cannot be told by then is found by a reconciler.
    async fn close(&self);
}

/// What a concert's counters hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Seats that can be taken.
    pub free: u32,
    /// Seats that were taken and neither sold nor given back.
    pub held: u32,
    /// The counters' epoch.
    pub epoch: Epoch,
}

/// The answer to a take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// This seat is the caller's, to sell or to give back.
    Seat(SeatNo, Epoch),
    /// Nothing is free now, but this many seats are taken and not settled: one may come back.
    Held(u32),
    /// Nothing is free and nothing can come back.
    SoldOut,
    /// The concert's counters must be loaded first.
    Unknown,
}

/// A generation of a concert's counters; it fences what outlived a rebuild.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

/// Counters cannot be reached; a sale waits, the ledger is unharmed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the seat counters are unavailable: {0}")]
pub struct CountersError(pub String);

/// How a concert's seats are cut into buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BucketPlan {
    /// Seats of the concert.
    pub capacity: u32,
    /// Seats of every bucket but the last. At least 1.
    pub width: u32,
}

/// The free seats of a concert, bucket by bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stock {
    /// How the seats are cut.
    pub plan: BucketPlan,
    /// For each bucket, the first seat that it has not sold; everything after it is free too.
    pub next: Vec<SeatNo>,
    /// Free seats that lie before their bucket's `next`.
    pub returned: Vec<SeatNo>,
}

impl BucketPlan {
    /// About one bucket for every [`SEATS_PER_BUCKET`] seats, 1 to [`BUCKETS_MAX`].
    pub fn of(capacity: u32) -> Self {
        let buckets = capacity.div_ceil(SEATS_PER_BUCKET).clamp(1, BUCKETS_MAX);
        Self {
            capacity,
            width: capacity.div_ceil(buckets).max(1),
        }
    }

    /// The number of buckets, at least 1.
    pub fn buckets(&self) -> u32 {
        self.capacity.div_ceil(self.width).max(1)
    }

    /// The seats of a bucket, `start..end`.
    pub fn range(&self, bucket: u32) -> std::ops::Range<u32> {
        let start = (bucket * self.width).min(self.capacity);
        start..(start + self.width).min(self.capacity)
    }
}

impl Stock {
    /// Everything is free.
    pub fn full(capacity: u32) -> Self {
        let plan = BucketPlan::of(capacity);
        let next = (0..plan.buckets())
            .map(|bucket| SeatNo(plan.range(bucket).start))
            .collect();
        Self {
            plan,
            next,
            returned: Vec::new(),
        }
    }

    /// The number of free seats.
    pub fn free(&self) -> u32 {
        let ahead: u32 = (0u32..)
            .zip(&self.next)
            .map(|(bucket, next)| self.plan.range(bucket).end.saturating_sub(next.0))
            .sum();
        ahead + u32::try_from(self.returned.len()).expect("no more seats than a capacity")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_cover_every_seat_once() {
        for capacity in [
            0, 1, 255, 256, 257, 3_000, 16_384, 16_385, 80_000, 1_000_000,
        ] {
            let plan = BucketPlan::of(capacity);
            assert!((1..=BUCKETS_MAX).contains(&plan.buckets()), "{capacity}");
            let mut seats = 0;
            for bucket in 0..plan.buckets() {
                assert_eq!(plan.range(bucket).start, seats);
                seats = plan.range(bucket).end;
            }
            assert_eq!(seats, capacity);
            assert_eq!(Stock::full(capacity).free(), capacity);
        }
    }
}
