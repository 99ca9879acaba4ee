//! The places for jobs in a pool. A job has one from its claim until its outcome is written.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use metrics::Gauge;
use tokio::sync::Notify;

/// The places of one pool. One claimer takes them; whoever holds one gives it back by dropping it.
/// When a pool shrinks, places go as they are given back: no job is interrupted.
#[derive(Debug)]
pub(crate) struct Slots {
    all: AtomicUsize,
    taken: AtomicUsize,
    /// Wakes the claimer; keeps one wakeup for it while it is busy.
    changed: Notify,
    /// Set when a finished job may have made another one ready.
    nudged: AtomicBool,
    running: Gauge,
}

/// A taken place.
#[derive(Debug)]
pub(crate) struct Slot(Arc<Slots>);

impl Slots {
    pub(crate) fn new(all: usize, running: Gauge) -> Arc<Self> {
        Arc::new(Self {
            all: AtomicUsize::new(all),
            taken: AtomicUsize::new(0),
            changed: Notify::new(),
            nudged: AtomicBool::new(false),
            running,
        })
    }

    /// Changes the number of places.
    pub(crate) fn resize(&self, all: usize) {
        self.all.store(all, Ordering::Release);
        self.changed.notify_one();
    }

    /// How many places there are.
    pub(crate) fn all(&self) -> usize {
        self.all.load(Ordering::Acquire)
    }

    /// How many are taken; for a while more than there are, when there were more.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Acquire)
    }

    pub(crate) fn free(&self) -> usize {
        self.all().saturating_sub(self.taken())
    }

    pub(crate) fn take(self: &Arc<Self>) -> Slot {
        self.taken.fetch_add(1, Ordering::AcqRel);
        self.running.increment(1.0);
        Slot(Arc::clone(self))
    }

    /// Whether all places are free.
    pub(crate) fn are_idle(&self) -> bool {
        self.taken() == 0
    }

    /// Whether so many places are free that a claim fills half of the pool.
    pub(crate) fn are_half_free(&self) -> bool {
        self.free() * 2 >= self.all()
    }

    /// Waits until one of the questions above may have another answer.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Makes the claimer look for jobs soon.
    pub(crate) fn nudge(&self) {
        self.nudged.store(true, Ordering::Release);
        self.changed.notify_one();
    }

    /// Whether there was a nudge since the last time.
    pub(crate) fn take_nudge(&self) -> bool {
        self.nudged.swap(false, Ordering::AcqRel)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let slots = &self.0;
        let taken = slots.taken.fetch_sub(1, Ordering::AcqRel) - 1;
        slots.running.decrement(1.0);
        let all = slots.all();
        let free = all.saturating_sub(taken);
        // Places come back one by one, so each of these is met exactly, unless the pool is resized
        // just now: that is told by itself.
        if taken == 0 || free == 1 || free == all.div_ceil(2) {
            slots.changed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(all: usize) -> Arc<Slots> {
        Slots::new(all, Gauge::noop())
    }

    #[tokio::test]
    async fn the_claimer_hears_of_the_first_of_half_and_of_all_places() {
        for all in [1, 2, 3, 8, 9] {
            let slots = slots(all);
            let mut held: Vec<_> = (0..all).map(|_| slots.take()).collect();
            let mut heard = Vec::new();
            while held.pop().is_some() {
                if futures::FutureExt::now_or_never(slots.changed()).is_some() {
                    heard.push(slots.free());
                }
            }
            let mut expected = vec![1, all.div_ceil(2), all];
            expected.dedup();
            assert_eq!(heard, expected, "of {all}");
            assert!(slots.are_idle());
        }
    }

    #[test]
    fn places_of_a_pool_that_shrinks_go_as_they_are_given_back() {
        let slots = slots(4);
        let mut held: Vec<_> = (0..4).map(|_| slots.take()).collect();
        slots.resize(2);
        for (taken, free) in [(4, 0), (3, 0), (2, 0), (1, 1), (0, 2)] {
            assert_eq!((slots.taken(), slots.free()), (taken, free));
            held.pop();
        }
        slots.resize(0);
        assert_eq!((slots.free(), slots.are_idle()), (0, true));
    }

    #[tokio::test]
    async fn the_claimer_hears_of_a_resize() {
        let slots = slots(0);
        slots.resize(1);
        slots.changed().await;
        assert_eq!(slots.free(), 1);
    }

    #[test]
    fn half_free_is_what_the_name_says() {
        for (all, taken, half_free) in [(1, 0, true), (1, 1, false), (3, 1, true), (3, 2, false)] {
            let slots = slots(all);
            let _held: Vec<_> = (0..taken).map(|_| slots.take()).collect();
            assert_eq!(slots.are_half_free(), half_free, "{taken} of {all}");
        }
    }
}
