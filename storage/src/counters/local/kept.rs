//! Which counters a process keeps.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use domain::ConcertId;

use super::ConcertCounters;

/// How much is kept. At a limit a quarter of it is given up: first counters of which nobody holds a
/// seat, and among these the ones that were used longest ago.
///
/// That costs no seat, whatever happens meanwhile, since counters are a hint. Who comes next has
/// them loaded from the ledger, which refuses a seat that was sold by then; and a seat that is
/// given back to counters that are gone is free in those that replace them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalLimits {
    /// Concerts.
    pub concerts_max: usize,
    /// Bytes of all their counters, as they were loaded.
    pub bytes_max: usize,
}

/// The counters of each concert, within limits.
#[derive(Debug, Default)]
pub(super) struct Kept {
    limits: LocalLimits,
    counters: HashMap<ConcertId, Arc<ConcertCounters>>,
    bytes: usize,
}

impl Default for LocalLimits {
    /// 50,000 concerts, or some 14,000 of the largest halls.
    fn default() -> Self {
        Self {
            concerts_max: 50_000,
            bytes_max: 128 * 1_024 * 1_024,
        }
    }
}

impl Kept {
    pub(super) fn within(limits: LocalLimits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    pub(super) fn get(&self, concert: ConcertId) -> Option<&Arc<ConcertCounters>> {
        self.counters.get(&concert)
    }

    /// Keeps a concert's counters; returns those that they replace, and those that make room.
    pub(super) fn insert(
        &mut self,
        concert: ConcertId,
        counters: Arc<ConcertCounters>,
    ) -> Vec<Arc<ConcertCounters>> {
        let mut gone = Vec::new();
        gone.extend(self.remove(concert));
        let bytes = counters.bytes;
        let LocalLimits {
            concerts_max,
            bytes_max,
        } = self.limits;
        if self.counters.len() >= concerts_max || self.bytes + bytes > bytes_max {
            self.make_room(bytes, &mut gone);
        }
        self.bytes += bytes;
        self.counters.insert(concert, counters);
        gone
    }

    fn make_room(&mut self, bytes: usize, gone: &mut Vec<Arc<ConcertCounters>>) {
        let concerts_left = self.limits.concerts_max / 4 * 3;
        let bytes_left = (self.limits.bytes_max / 4 * 3).saturating_sub(bytes);
        let order = |(&id, counters): (&ConcertId, &Arc<ConcertCounters>)| {
            let is_held = counters.held.load(Relaxed) > 0;
            (is_held, counters.used.load(Relaxed), id)
        };
        let mut order: Vec<_> = self.counters.iter().map(order).collect();
        order.sort_unstable();
        for (_, _, id) in order {
            if self.counters.len() <= concerts_left && self.bytes <= bytes_left {
                break;
            }
            gone.extend(self.remove(id));
        }
        tracing::debug!(
            concerts = self.counters.len(),
            bytes = self.bytes,
            "seat counters that were used longest ago have made room"
        );
    }

    fn remove(&mut self, concert: ConcertId) -> Option<Arc<ConcertCounters>> {
        let removed = self.counters.remove(&concert)?;
        self.bytes -= removed.bytes;
        Some(removed)
    }
}

#[cfg(test)]
mod tests {
    use domain::ids::{IdSource, SeededIds};
    use domain::ports::{Counters, Stock, Taken};
    use domain::seat::SeatNo;

    use super::super::LocalCounters;
    use super::*;

    /// A house of as many buckets as there can be.
    const LARGE: u32 = 20_000;

    struct Scene {
        counters: LocalCounters,
        ids: SeededIds,
    }

    impl Scene {
        fn within(concerts_max: usize, bytes_max: usize) -> Self {
            let limits = LocalLimits {
                concerts_max,
                bytes_max,
            };
            Self {
                counters: LocalCounters::within(limits),
                ids: SeededIds::new(3),
            }
        }

        async fn load(&self, stock: Stock) -> ConcertId {
            let concert = ConcertId(self.ids.next());
            self.counters.load(concert, stock, None).await.unwrap();
            concert
        }

        async fn load_some(&self, count: usize, seats: u32) -> Vec<ConcertId> {
            let mut loaded = Vec::new();
            for _ in 0..count {
                loaded.push(self.load(Stock::full(seats)).await);
            }
            loaded
        }

        async fn take(&self, concert: ConcertId) -> Taken {
            self.counters.take(concert, 7).await.unwrap()
        }

        /// A purchase from its beginning to its end.
        async fn sell(&self, concert: ConcertId) {
            let Taken::Seat(_, epoch) = self.take(concert).await else {
                panic!("a seat is free");
            };
            self.counters.settle_sold(concert, epoch, 1).await.unwrap();
        }

        async fn are_kept(&self, concerts: &[ConcertId]) -> Vec<bool> {
            let mut kept = Vec::new();
            for &concert in concerts {
                kept.push(self.counters.count(concert).await.unwrap().is_some());
            }
            kept
        }

        fn size(&self) -> (usize, usize) {
            let kept = self.counters.concerts.read().unwrap();
            (kept.counters.len(), kept.bytes)
        }
    }

    #[tokio::test]
    async fn those_that_were_used_longest_ago_make_room() {
        let scene = Scene::within(8, usize::MAX);
        let first = scene.load_some(8, 5).await;
        // The first ones sell.
        scene.sell(first[0]).await;
        scene.sell(first[1]).await;
        let ninth = scene.load(Stock::full(5)).await;
        let kept = scene.are_kept(&first).await;
        assert_eq!(kept, [true, true, false, false, true, true, true, true]);
        assert_eq!(scene.are_kept(&[ninth]).await, [true]);
        assert_eq!(scene.take(first[2]).await, Taken::Unknown);
    }

    #[tokio::test]
    async fn counters_of_which_a_seat_is_held_go_last() {
        let scene = Scene::within(8, usize::MAX);
        let first = scene.load_some(8, 5).await;
        // Their seats are on the way to the ledger when all the others are used.
        scene.take(first[0]).await;
        scene.take(first[1]).await;
        for _ in 0..50 {
            for concert in scene.load_some(2, 5).await {
                scene.sell(concert).await;
            }
        }
        assert_eq!(scene.are_kept(&first[..3]).await, [true, true, false]);
        // Seats that nobody ever settles do not keep the others out for good.
        for _ in 0..20 {
            let other = scene.load(Stock::full(5)).await;
            scene.take(other).await;
            assert!(scene.size().0 <= 8);
        }
        assert_eq!(scene.are_kept(&first[..2]).await, [false, false]);
    }

    #[tokio::test]
    async fn a_hundred_thousand_large_houses_take_no_more_than_their_bytes() {
        let bytes_max = 4 * 1_024 * 1_024;
        let scene = Scene::within(1_000_000, bytes_max);
        for _ in 0..100_000 {
            let last = scene.load(Stock::full(LARGE)).await;
            scene.sell(last).await;
            let (concerts, bytes) = scene.size();
            assert!(bytes <= bytes_max && concerts <= bytes_max / 8_192);
        }
        assert!(scene.size().1 > bytes_max / 2, "what fits is kept");
    }

    #[tokio::test]
    async fn seats_that_came_back_take_their_part_of_the_bytes() {
        let scene = Scene::within(1_000, 1_024 * 1_024);
        for _ in 0..100 {
            let returned = (0..LARGE).map(SeatNo).collect();
            let stock = Stock {
                returned,
                ..Stock::full(LARGE)
            };
            scene.load(stock).await;
            assert!(scene.size().0 <= 12);
        }
    }

    #[tokio::test]
    async fn replaced_counters_count_once() {
        let scene = Scene::within(8, usize::MAX);
        let concert = scene.load(Stock::full(LARGE)).await;
        let size = scene.size();
        for _ in 0..20 {
            let counted = scene.counters.count(concert).await.unwrap().unwrap();
            let (stock, epoch) = (Stock::full(LARGE), Some(counted.epoch));
            scene.counters.load(concert, stock, epoch).await.unwrap();
            assert_eq!(scene.size(), size);
        }
    }

    #[tokio::test]
    async fn seat_of_counters_that_are_gone_is_neither_lost_nor_counted_twice() {
        let scene = Scene::within(4, usize::MAX);
        let concert = scene.load(Stock::full(1)).await;
        let Taken::Seat(seat, epoch) = scene.take(concert).await else {
            panic!("a seat is free");
        };
        for _ in 0..9 {
            let other = scene.load(Stock::full(1)).await;
            scene.take(other).await;
        }
        assert_eq!(scene.take(concert).await, Taken::Unknown);
        let counters = &scene.counters;
        counters.load(concert, Stock::full(1), None).await.unwrap();
        counters.give_back(concert, seat, epoch).await.unwrap();
        let counted = counters.count(concert).await.unwrap().unwrap();
        assert_eq!((counted.free, counted.held), (1, 0));
        assert!(matches!(scene.take(concert).await, Taken::Seat(..)));
        counters.settle_sold(concert, epoch, 1).await.unwrap();
        assert_eq!(scene.take(concert).await, Taken::Held(1));
    }
}
