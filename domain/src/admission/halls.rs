//! What this process knows of each concert on sale: how many buy there, and whether it is sold out.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, timeout};

use super::AdmissionLimits;
use crate::error::Error;
use crate::ids::ConcertId;

/// How long a buyer waits while others load the concert's counters.
const LOADING_WAIT_MAX: Duration = Duration::from_secs(3);

/// The halls of the concerts that were bought from here.
#[derive(Debug)]
pub(crate) struct Halls {
    known: RwLock<HashMap<ConcertId, Arc<Hall>>>,
    start: Instant,
    share_percent: u32,
    believed: Duration,
}

/// One concert, as a crowd meets it.
#[derive(Debug)]
pub(crate) struct Hall {
    start: Instant,
    believed_us: u64,
    inside: AtomicUsize,
    /// When it was last proven that no seat is left, and when somebody was last sent to look
    /// again, in microseconds since `start`; 0 for never.
    proven_us: AtomicU64,
    looked_us: AtomicU64,
    loading: Mutex<()>,
}

/// A place in a hall. Ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Place<'a>(&'a Hall);

impl Halls {
    /// Halls that are kept; at the limit those go where nobody is buying.
    const HALLS_MAX: usize = 50_000;

    pub(super) fn new(limits: &AdmissionLimits) -> Self {
        Self {
            known: RwLock::default(),
            start: Instant::now(),
            share_percent: limits.concert_share_percent,
            believed: Duration::from_millis(limits.sold_out_believed_ms),
        }
    }

    /// The hall of a concert that somebody bought from.
    pub(crate) fn find(&self, concert: ConcertId) -> Option<Arc<Hall>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&concert).cloned()
    }

    /// The hall of a concert that there is.
    pub(crate) fn open(&self, concert: ConcertId) -> Arc<Hall> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= Self::HALLS_MAX {
            known.retain(|_, hall| hall.inside.load(Ordering::Relaxed) > 0);
        }
        let hall = known.entry(concert).or_insert_with(|| {
            Arc::new(Hall {
                start: self.start,
                believed_us: micros(self.believed),
                inside: AtomicUsize::new(0),
                proven_us: AtomicU64::new(0),
                looked_us: AtomicU64::new(0),
                loading: Mutex::default(),
            })
        });
        Arc::clone(hall)
    }

    /// The part of the places that one concert can take.
    pub(super) fn share_percent(&self) -> u32 {
        self.share_percent
    }
}

impl Hall {
    /// After this many times that a proof is believed, nobody could look again, and it counts
    /// for nothing.
    const PROOFS_MISSED_MAX: u64 = 4;

    /// A place of at least `least` and now `places`, or the number that is taken when all are.
    pub(super) fn enter(
        &self,
        least: usize,
        places: impl FnOnce() -> usize,
    ) -> Result<Place<'_>, usize> {
        let before = self.inside.fetch_add(1, Ordering::Relaxed);
        let place = Place(self);
        if before < least || before < places() {
            Ok(place)
        } else {
            Err(before)
        }
    }

    /// It was proven that no seat is left.
    pub(crate) fn sold_out(&self) {
        let now = self.now_us();
        self.looked_us.store(now, Ordering::Relaxed);
        self.proven_us.store(now, Ordering::Relaxed);
    }

    /// Somebody got a seat.
    pub(crate) fn not_sold_out(&self) {
        // Nearly always it was not: a value that is only read stays in every core's cache.
        if self.proven_us.load(Ordering::Relaxed) != 0 {
            self.proven_us.store(0, Ordering::Relaxed);
        }
    }

    /// Whether it was proven a moment ago that no seat is left. Every so often somebody is told no
    /// and so looks again: a seat may have come back, also by way of another process.
    pub(crate) fn is_sold_out(&self) -> bool {
        let proven = self.proven_us.load(Ordering::Relaxed);
        if proven == 0 {
            return false;
        }
        let now = self.now_us();
        if now.saturating_sub(proven) > self.believed_us * Self::PROOFS_MISSED_MAX {
            return false;
        }
        let looked = self.looked_us.load(Ordering::Relaxed);
        if now.saturating_sub(looked) <= self.believed_us {
            return true;
        }
        let looks =
            self.looked_us
                .compare_exchange(looked, now, Ordering::Relaxed, Ordering::Relaxed);
        looks.is_err()
    }

    /// A turn to load the concert's counters. Whoever waited for it finds them loaded;
    /// [`Error::Busy`] for whoever waited as long as for any seat, as the ledger is away then: a
    /// crowd that tried one after the other would wait for hours.
    pub(crate) async fn loading(&self) -> Result<MutexGuard<'_, ()>, Error> {
        let turn = timeout(LOADING_WAIT_MAX, self.loading.lock()).await;
        turn.map_err(|_| Error::Busy)
    }

    fn now_us(&self) -> u64 {
        micros(self.start.elapsed()).max(1)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::Relaxed);
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;
    use uuid::Uuid;

    use super::*;

    const BELIEVED: Duration = Duration::from_millis(500);

    fn hall() -> Arc<Hall> {
        Halls::new(&AdmissionLimits::default()).open(ConcertId(Uuid::from_u128(1)))
    }

    #[tokio::test(start_paused = true)]
    async fn a_proof_is_believed_for_a_while_and_then_one_looks_again() {
        let hall = hall();
        assert!(!hall.is_sold_out());
        hall.sold_out();
        tokio::time::advance(BELIEVED).await;
        assert!(hall.is_sold_out());
        tokio::time::advance(BELIEVED / 10).await;
        assert!(!hall.is_sold_out(), "one looks");
        assert!(hall.is_sold_out(), "the others do not");
        hall.sold_out();
        assert!(hall.is_sold_out());
    }

    #[tokio::test(start_paused = true)]
    async fn a_seat_that_came_back_ends_it() {
        let hall = hall();
        hall.sold_out();
        hall.not_sold_out();
        assert!(!hall.is_sold_out());
    }

    #[tokio::test(start_paused = true)]
    async fn a_proof_that_nobody_could_repeat_ends() {
        let hall = hall();
        hall.sold_out();
        let mut lookers = 0;
        for _ in 0..40 {
            tokio::time::advance(BELIEVED / 10).await;
            lookers += u32::from(!hall.is_sold_out());
        }
        assert_eq!(lookers, 3);
        tokio::time::advance(BELIEVED / 10).await;
        assert!(!hall.is_sold_out() && !hall.is_sold_out());
    }

    #[tokio::test(start_paused = true)]
    async fn all_who_wait_for_others_to_load_give_up_together() {
        let hall = hall();
        let loads = hall.loading().await.unwrap();
        let begun = Instant::now();
        let waited = join_all((0..5).map(|_| hall.loading())).await;
        assert!(waited.iter().all(|turn| matches!(turn, Err(Error::Busy))));
        // Paused time goes on by a millisecond more.
        let waited = begun.elapsed().as_millis();
        assert!((3_000..=3_010).contains(&waited), "{waited} ms");
        drop(loads);
        assert!(hall.loading().await.is_ok(), "the next one has a turn");
    }

    #[tokio::test(start_paused = true)]
    async fn a_concert_has_its_share_and_no_more() {
        let hall = hall();
        let places: Vec<_> = (0..3).map(|_| hall.enter(1, || 3).unwrap()).collect();
        assert_eq!(hall.enter(1, || 3).err(), Some(3));
        drop(places);
        assert!(hall.enter(1, || 3).is_ok());
    }
}
