//! Seat counters within one process.
//!
//! The life of a seat: *free* in a bucket or on the list of returned seats; *held* by whoever took
//! it; then sold, or returned. `held` is raised before a seat leaves its place and lowered after
//! it was settled or put back, so a seat that is not sold is at every moment in its place or
//! counted as held.
//!
//! "Sold out" is final for a buyer, so it must be proven. Whoever finds every bucket empty, then
//! the list empty, then nobody holding a seat, and then that no seat was returned since before the
//! first look, has seen a moment at which every seat was sold: buckets only ever run down, and a
//! seat that came back in between raised `returns` before its holder stopped being counted.
//!
//! Counters that nobody has used for long make room for others. They are `Unknown` then, and loaded
//! from the ledger by the next buyer, as after a start.

mod kept;

use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use domain::ConcertId;
use domain::ids::mix;
use domain::ports::{Counted, Counters, CountersError, Epoch, Stock, Taken};
use domain::seat::SeatNo;
use tokio::sync::Notify;

use self::kept::Kept;

pub use self::kept::LocalLimits;

const SETTLED_WAIT: Duration = Duration::from_millis(50);

/// The counters of the concerts that were sold here lately, 9 KiB each and four bytes a returned
/// seat at the most. See [`LocalLimits`].
#[derive(Debug, Default)]
pub struct LocalCounters {
    concerts: RwLock<Kept>,
    /// One sequence for all concerts, so it also grows for each. It is the time, too, by which it
    /// is known who was used last: room is needed only when counters are loaded.
    epochs: AtomicU64,
}

/// The counters of one concert and epoch.
#[derive(Debug)]
struct ConcertCounters {
    epoch: Epoch,
    /// The last epoch of any concert when somebody last wanted a seat here.
    used: AtomicU64,
    /// Memory that this takes, as it was loaded.
    bytes: usize,
    buckets: Box<[Bucket]>,
    returned: Mutex<Vec<SeatNo>>,
    /// The length of the list above, to be read without its lock.
    returned_len: AtomicU32,
    held: AtomicU32,
    /// How often a seat was put back.
    returns: AtomicU64,
    settled: Notify,
}

/// Seats of one bucket, on cache lines of its own.
#[derive(Debug)]
#[repr(align(128))]
struct Bucket {
    /// The next seat to sell. Runs past `end` by no more than threads that race for the last one.
    next: AtomicU32,
    end: u32,
}

thread_local! {
    /// Where this thread begins to look for a seat; spread over the threads.
    static HOME: u64 = {
        static THREADS: AtomicU64 = AtomicU64::new(0);
        mix(THREADS.fetch_add(1, SeqCst))
    };
}

#[async_trait]
impl Counters for LocalCounters {
    /// Differs from redis: each thread begins at a bucket of its own instead of a random one.
    /// Threads disturb each other as little, and the seats of one group commit lie side by side:
    /// a few pages of the ledger are written for them instead of one for nearly every seat.
    async fn take(&self, concert: ConcertId, _random: u64) -> Result<Taken, CountersError> {
        Ok(match self.find(concert) {
            Some(counters) => {
                counters.use_at(self.epochs.load(Relaxed));
                counters.take(HOME.with(|home| *home))
            }
            None => Taken::Unknown,
        })
    }

    async fn give_back(
        &self,
        concert: ConcertId,
        seat: SeatNo,
        epoch: Epoch,
    ) -> Result<(), CountersError> {
        if let Some(counters) = self.find_epoch(concert, epoch) {
            counters.give_back(seat);
        }
        Ok(())
    }

    async fn settle_sold(
        &self,
        concert: ConcertId,
        epoch: Epoch,
        seats: u32,
    ) -> Result<(), CountersError> {
        if let Some(counters) = self.find_epoch(concert, epoch) {
            counters.release(seats);
        }
        Ok(())
    }

    async fn load(
        &self,
        concert: ConcertId,
        stock: Stock,
        replaces: Option<Epoch>,
    ) -> Result<(), CountersError> {
        let mut concerts = self
            .concerts
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let current = concerts.get(concert).map(|counters| counters.epoch);
        if current != replaces {
            return Ok(());
        }
        let epoch = Epoch(self.epochs.fetch_add(1, SeqCst) + 1);
        let gone = concerts.insert(concert, Arc::new(ConcertCounters::new(epoch, stock)));
        // Buyers want the lock; they need not wait until the memory is free.
        drop(concerts);
        for counters in gone {
            counters.settled.notify_waiters();
        }
        Ok(())
    }

    async fn count(&self, concert: ConcertId) -> Result<Option<Counted>, CountersError> {
        Ok(self.find(concert).map(|counters| counters.count()))
    }

    async fn settled(&self, concert: ConcertId) {
        if let Some(counters) = self.find(concert) {
            // A notification that came just before this costs the wait, nothing else.
            let _ = tokio::time::timeout(SETTLED_WAIT, counters.settled.notified()).await;
        }
    }

    /// There are no others.
    async fn try_out(&self) -> Result<(), CountersError> {
        Ok(())
    }

    async fn close(&self) {}
}

impl LocalCounters {
    /// Counters with other limits than the usual ones.
    pub fn within(limits: LocalLimits) -> Self {
        Self {
            concerts: RwLock::new(Kept::within(limits)),
            epochs: AtomicU64::default(),
        }
    }

    fn find(&self, concert: ConcertId) -> Option<Arc<ConcertCounters>> {
        let concerts = self.concerts.read().unwrap_or_else(PoisonError::into_inner);
        concerts.get(concert).cloned()
    }

    fn find_epoch(&self, concert: ConcertId, epoch: Epoch) -> Option<Arc<ConcertCounters>> {
        self.find(concert)
            .filter(|counters| counters.epoch == epoch)
    }
}

impl ConcertCounters {
    fn new(epoch: Epoch, stock: Stock) -> Self {
        let buckets = (0u32..).zip(&stock.next).map(|(bucket, next)| Bucket {
            next: AtomicU32::new(next.0),
            end: stock.plan.range(bucket).end,
        });
        let buckets: Box<[_]> = buckets.collect();
        let bytes = size_of::<Self>()
            + size_of_val::<[Bucket]>(&buckets)
            + size_of_val(stock.returned.as_slice());
        Self {
            epoch,
            used: AtomicU64::new(epoch.0),
            bytes,
            buckets,
            returned_len: AtomicU32::new(len(&stock.returned)),
            returned: Mutex::new(stock.returned),
            held: AtomicU32::new(0),
            returns: AtomicU64::new(0),
            settled: Notify::new(),
        }
    }

    /// Nearly always it was used in the same epoch: a value that is only read stays in every core's
    /// cache.
    fn use_at(&self, epoch: u64) {
        if self.used.load(Relaxed) != epoch {
            self.used.store(epoch, Relaxed);
        }
    }

    fn take(&self, random: u64) -> Taken {
        let returns = self.returns.load(SeqCst);
        let buckets = self.buckets.len();
        let first =
            usize::try_from(random % buckets as u64).expect("less than a number of buckets");
        let (before, from) = self.buckets.split_at(first);
        for bucket in from.iter().chain(before) {
            if bucket.next.load(SeqCst) >= bucket.end {
                continue;
            }
            breathe();
            self.held.fetch_add(1, SeqCst);
            let seat = bucket.next.fetch_add(1, SeqCst);
            if seat < bucket.end {
                return Taken::Seat(SeatNo(seat), self.epoch);
            }
            self.lower_held(1);
        }
        if let Some(seat) = self.take_returned() {
            return Taken::Seat(seat, self.epoch);
        }
        breathe();
        let held = self.held.load(SeqCst);
        if held == 0 && self.returns.load(SeqCst) == returns {
            return Taken::SoldOut;
        }
        Taken::Held(held.max(1))
    }

    fn take_returned(&self) -> Option<SeatNo> {
        if self.returned_len.load(SeqCst) == 0 {
            return None;
        }
        self.held.fetch_add(1, SeqCst);
        let mut returned = self.returned();
        let seat = returned.pop();
        self.returned_len.store(len(&returned), SeqCst);
        drop(returned);
        if seat.is_none() {
            self.lower_held(1);
        }
        seat
    }

    fn give_back(&self, seat: SeatNo) {
        let mut returned = self.returned();
        returned.push(seat);
        self.returned_len.store(len(&returned), SeqCst);
        drop(returned);
        breathe();
        self.returns.fetch_add(1, SeqCst);
        self.release(1);
    }

    fn release(&self, seats: u32) {
        self.lower_held(seats);
        self.settled.notify_waiters();
    }

    /// Stops at zero: whoever settles a seat twice must not make the counter run round.
    fn lower_held(&self, seats: u32) {
        let lower = |held: u32| Some(held.saturating_sub(seats));
        // Never refused, since `lower` always has an answer.
        let _ = self.held.fetch_update(SeqCst, SeqCst, lower);
    }

    fn count(&self) -> Counted {
        let free = self.buckets.iter().map(|bucket| {
            let next = bucket.next.load(SeqCst);
            bucket.end.saturating_sub(next)
        });
        Counted {
            free: free.sum::<u32>() + self.returned_len.load(SeqCst),
            held: self.held.load(SeqCst),
            epoch: self.epoch,
        }
    }

    fn returned(&self) -> MutexGuard<'_, Vec<SeatNo>> {
        self.returned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn len(seats: &[SeatNo]) -> u32 {
    u32::try_from(seats.len()).expect("no more seats than a capacity")
}

/// Where a race would be lost: the tests let other threads run here.
#[inline]
fn breathe() {
    #[cfg(test)]
    std::thread::yield_now();
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    const THREADS: usize = 4;

    /// Sells a small concert to threads that give every other seat back. Returns the faults that
    /// they found; a thread that panicked instead would let the others wait for its seat.
    fn race(seats: u32, round: u64) -> u32 {
        let counters = ConcertCounters::new(Epoch(1), Stock::full(seats));
        let sold: Vec<_> = (0..seats).map(|_| AtomicU32::new(0)).collect();
        let start = Barrier::new(THREADS);
        let faults = AtomicU32::new(0);
        thread::scope(|scope| {
            for buyer in 0..THREADS as u64 {
                let (counters, sold, start, faults) = (&counters, &sold, &start, &faults);
                scope.spawn(move || {
                    start.wait();
                    faults.fetch_add(buy(counters, sold, round + buyer), SeqCst);
                });
            }
        });
        let counted = counters.count();
        assert_eq!((counted.free, counted.held), (0, 0));
        faults.into_inner()
    }

    /// Buys until nothing is left. A fault is a seat that does not exist or was sold before, and
    /// a seat that was still to be sold when it was said that none is.
    fn buy(counters: &ConcertCounters, sold: &[AtomicU32], mut random: u64) -> u32 {
        let mut faults = 0;
        loop {
            random = domain::ids::mix(random);
            let taken = counters.take(random);
            // A purchase takes a while, in which others look for seats.
            thread::yield_now();
            match taken {
                Taken::Seat(seat, _) if random.is_multiple_of(2) => counters.give_back(seat),
                Taken::Seat(seat, _) => {
                    let first = sold
                        .get(seat.0 as usize)
                        .is_some_and(|sales| sales.fetch_add(1, SeqCst) == 0);
                    faults += u32::from(!first);
                    counters.release(1);
                }
                Taken::Held(_) => thread::yield_now(),
                Taken::SoldOut => {
                    let early = sold.iter().any(|sales| sales.load(SeqCst) == 0);
                    return faults + u32::from(early);
                }
                Taken::Unknown => unreachable!("these counters are loaded"),
            }
        }
    }

    #[test]
    fn last_seats_of_a_race_are_sold_once_and_sold_out_is_never_early() {
        for round in 0..2_000 {
            let seats = 1 + u32::try_from(round % 3).unwrap();
            assert_eq!(race(seats, round * 17), 0, "round {round}");
        }
    }
}
