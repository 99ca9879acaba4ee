//! The door of one class: it counts who is inside.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use metrics::Counter;

use super::{Class, Pace, Reason, Shed};
use crate::ports::BATCH_MAX;

/// Groups of each writer that a slow ledger is left with, so that it always has a full one to
/// write: one that is written, one that waits, and one for what a concert's share takes off.
const GROUPS_MIN: usize = 3;

/// The longest that anybody is told to wait before asking again, in seconds.
const RETRY_AFTER_S_MAX: u32 = 30;

/// Counts the requests of a class that are under way, and lets in no more than it has places for.
#[derive(Debug)]
pub(super) struct Door {
    class: Class,
    max: usize,
    inside: AtomicUsize,
    queue: Option<Queue>,
    pace: Arc<Pace>,
    figures: Figures,
}

/// What requests wait for behind a door.
#[derive(Debug)]
struct Queue {
    patience: Duration,
    groups_at_once: usize,
}

/// Looked up once: a lookup by labels costs more than the rest of a refusal.
#[derive(Default)]
struct Figures {
    admitted: OnceLock<Counter>,
    shed: [OnceLock<Counter>; 3],
}

/// The right to be inside. Ends when it is dropped.
#[derive(Debug)]
pub struct Pass(Arc<Door>);

impl Door {
    /// A door that lets so many in.
    pub(super) fn new(class: Class, max: usize) -> Self {
        Self {
            class,
            max,
            inside: AtomicUsize::new(0),
            queue: None,
            pace: Arc::new(Pace::new()),
            figures: Figures::default(),
        }
    }

    /// A door before a queue that is written in groups. While that is slow, it lets in only as
    /// many as are written within `patience`.
    pub(super) fn before_a_queue(
        class: Class,
        max: usize,
        patience: Duration,
        groups_at_once: usize,
    ) -> Self {
        Self {
            queue: Some(Queue {
                patience,
                groups_at_once: groups_at_once.max(1),
            }),
            ..Self::new(class, max)
        }
    }

    pub(super) fn enter(self: &Arc<Self>) -> Result<Pass, Shed> {
        let before = self.inside.fetch_add(1, Ordering::Relaxed);
        let pass = Pass(Arc::clone(self));
        // Nobody looks at the clock while there is little to do.
        if before < self.places_min() || before < self.places() {
            self.figures.admitted(self.class).increment(1);
            return Ok(pass);
        }
        drop(pass);
        let reason = if before < self.max {
            Reason::Slow
        } else {
            Reason::Full
        };
        Err(self.shed(reason, before))
    }

    /// Counts somebody who is not let in, and says when to ask again.
    pub(super) fn shed(&self, reason: Reason, inside: usize) -> Shed {
        self.figures.shed(self.class, reason).increment(1);
        Shed {
            class: self.class,
            reason,
            inside,
            retry_after_s: self.retry_after_s(inside),
        }
    }

    /// Places that one user of them can have now, of a share in percent.
    pub(super) fn share(&self, percent: u32) -> usize {
        share(self.places(), percent)
    }

    /// Places that one user of them can have at any time.
    pub(super) fn share_at_least(&self, percent: u32) -> usize {
        share(self.places_min(), percent)
    }

    /// How many may be inside now.
    fn places(&self) -> usize {
        let places = self.queue.as_ref().map_or(self.max, |queue| {
            queue.written_in_time(self.pace.group_us())
        });
        places.clamp(self.places_min(), self.max)
    }

    /// How many may be inside, however slow the ledger is.
    fn places_min(&self) -> usize {
        let floor = self.queue.as_ref().map_or(self.max, Queue::floor);
        floor.min(self.max)
    }

    pub(super) fn inside(&self) -> usize {
        self.inside.load(Ordering::Relaxed)
    }

    pub(super) fn pace(&self) -> &Arc<Pace> {
        &self.pace
    }

    /// When those who are inside will have been written.
    fn retry_after_s(&self, inside: usize) -> u32 {
        let Some(queue) = &self.queue else {
            return 1;
        };
        let groups = inside.div_ceil(BATCH_MAX * queue.groups_at_once) as u64;
        let seconds = (groups * self.pace.group_us()).div_ceil(1_000_000);
        u32::try_from(seconds)
            .unwrap_or(RETRY_AFTER_S_MAX)
            .clamp(1, RETRY_AFTER_S_MAX)
    }
}

fn share(places: usize, percent: u32) -> usize {
    (places * percent as usize / 100).max(1)
}

impl Queue {
    fn floor(&self) -> usize {
        GROUPS_MIN * BATCH_MAX * self.groups_at_once
    }

    /// How many requests are written within the patience, when groups take so long. Small groups
    /// take less, and then more seem to fit than do; but as soon as there is a crowd the groups are
    /// full.
    fn written_in_time(&self, group_us: u64) -> usize {
        let patience_us = u64::try_from(self.patience.as_micros()).unwrap_or(u64::MAX);
        let groups = (BATCH_MAX * self.groups_at_once) as u64;
        let requests = patience_us.saturating_mul(groups) / group_us.max(1);
        usize::try_from(requests).unwrap_or(usize::MAX)
    }
}

impl Figures {
    fn admitted(&self, class: Class) -> &Counter {
        self.admitted.get_or_init(
            || metrics::counter!("ticketoverflow_admitted_total", "class" => class.name()),
        )
    }

    fn shed(&self, class: Class, reason: Reason) -> &Counter {
        self.shed[reason as usize].get_or_init(|| {
            metrics::counter!(
                "ticketoverflow_shed_total",
                "class" => class.name(),
                "reason" => reason.name(),
            )
        })
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::Relaxed);
    }
}

impl std::fmt::Debug for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Figures").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(500);

    fn door(max: usize) -> Arc<Door> {
        Arc::new(Door::before_a_queue(Class::Purchases, max, PATIENCE, 1))
    }

    fn crowd(door: &Arc<Door>, size: usize) -> (Vec<Pass>, Option<Shed>) {
        let mut passes = Vec::new();
        for _ in 0..size {
            match door.enter() {
                Ok(pass) => passes.push(pass),
                Err(shed) => return (passes, Some(shed)),
            }
        }
        (passes, None)
    }

    async fn write_groups(door: &Door, ms: u64) {
        for _ in 0..40 {
            let begun = door.pace.begin();
            tokio::time::advance(Duration::from_millis(ms)).await;
            door.pace.end(begun);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_house_refuses_until_somebody_leaves() {
        let door = Arc::new(Door::new(Class::Plans, 2));
        let (mut passes, shed) = crowd(&door, 3);
        let shed = shed.unwrap();
        assert_eq!(
            (passes.len(), shed.reason, shed.inside),
            (2, Reason::Full, 2)
        );
        assert!(shed.to_string().contains("admission.plans_max"), "{shed}");
        passes.pop();
        assert!(door.enter().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_fast_ledger_has_every_place() {
        let door = door(20_000);
        write_groups(&door, 20).await;
        let (passes, shed) = crowd(&door, 30_000);
        assert_eq!((passes.len(), shed.unwrap().reason), (20_000, Reason::Full));
        assert_eq!(door.share(75), 15_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_ledger_has_as_many_places_as_it_writes_in_time() {
        let door = door(20_000);
        write_groups(&door, 50).await;
        let (passes, shed) = crowd(&door, 30_000);
        let shed = shed.unwrap();
        // Ten groups in half a second, give or take what the mean rounds.
        assert!((9_990..=10_010).contains(&passes.len()), "{}", passes.len());
        assert_eq!((shed.reason, shed.retry_after_s), (Reason::Slow, 1));
        assert!(shed.to_string().contains("admission.wait_max_ms"), "{shed}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_slowest_ledger_still_has_full_groups_to_write() {
        let door = door(20_000);
        write_groups(&door, 5_000).await;
        let (passes, shed) = crowd(&door, 30_000);
        assert_eq!((passes.len(), shed.unwrap().retry_after_s), (3_000, 15));
        assert_eq!((door.share(75), door.share_at_least(75)), (2_250, 2_250));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stalled_ledger_is_noticed_at_once_and_forgotten_when_it_recovers() {
        let door = door(20_000);
        write_groups(&door, 10).await;
        let begun = door.pace.begin();
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(crowd(&door, 30_000).0.len(), 3_000);
        door.pace.end(begun);
        write_groups(&door, 10).await;
        assert_eq!(crowd(&door, 30_000).0.len(), 20_000);
    }
}
