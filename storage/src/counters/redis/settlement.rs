//! Waiting for a change: a change of this process is noticed at once, one of another process by
//! looking at the tally every few milliseconds, once for all who wait.

use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use domain::ports::Epoch;
use tokio::time::Instant;

use super::desk::{Desk, State};
use super::remote::Tally;

/// While many others are left, sold seats are settled once nothing was sold for so long. Who counts
/// them twice and finds nothing moved believes that nobody will settle them, so this is short.
const QUIET: Duration = Duration::from_millis(500);
/// And after so many looks at the latest, however many are sold. To add to the tally takes Redis
/// several times as long as to read it.
const LOOKS_MAX: u32 = 8;
/// With fewer unsold seats than this, what is sold is settled at once: "sold out" depends on it.
pub(super) const MANY_UNSOLD: u32 = 2_048;
/// So many sold seats are settled along with the next visit to Redis, also while many are left: the
/// tally of a concert that sells fast is not far from the truth when the last seats come.
const WORTH: u32 = 32;
/// How old a tally may be that the clerk relies on while many seats are left.
const RECENT: Duration = Duration::from_millis(200);

const SETTLED_WAIT: Duration = Duration::from_millis(50);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The tally that was seen last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) tally: Tally,
    at: Instant,
}

/// Sold seats that Redis does not know of.
#[derive(Debug, Default)]
pub(super) struct Unsettled {
    seats: Vec<(Epoch, u32)>,
    /// They are to be settled even if there is nothing else to do.
    due: bool,
    /// A seat was sold since the last look.
    grows: bool,
    /// Somebody sees to it that they will be.
    watched: bool,
}

impl Unsettled {
    fn add(&mut self, epoch: Epoch, seats: u32) {
        self.grows = true;
        match self.seats.last_mut() {
            Some((last, settled)) if *last == epoch => *settled += seats,
            _ => self.seats.push((epoch, seats)),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    pub(super) fn is_due(&self) -> bool {
        self.due && !self.seats.is_empty()
    }

    fn count(&self) -> u32 {
        self.seats.iter().map(|&(_, seats)| seats).sum()
    }

    fn take(&mut self) -> Vec<(Epoch, u32)> {
        self.due = false;
        std::mem::take(&mut self.seats)
    }
}

impl Seen {
    /// Whether nothing that matters can have happened since: that a seat was returned or that the
    /// last one was sold matters when few are left.
    pub(super) fn is_recent(&self) -> bool {
        self.tally.unsold() >= MANY_UNSOLD && self.at.elapsed() < RECENT
    }
}

impl State {
    /// Seats that are free or held, as far as is known here; none before the first look.
    pub(super) fn unsold(&self) -> u32 {
        let seen = self.seen.map_or(0, |seen| seen.tally.unsold());
        seen.saturating_sub(self.unsettled.count())
    }

    /// What a visit to Redis settles.
    pub(super) fn take_unsettled(&mut self) -> Vec<(Epoch, u32)> {
        let unsettled = &self.unsettled;
        let may_wait = self.told.is_empty() && self.unsold() >= MANY_UNSOLD;
        if may_wait && !unsettled.due && unsettled.count() < WORTH {
            return Vec::new();
        }
        self.unsettled.take()
    }
}

impl Desk {
    /// Settles seats, soon: the writer of a group does not wait for Redis. Seats of several groups
    /// are settled together.
    pub(super) fn settle_sold(self: &Arc<Self>, epoch: Epoch, seats: u32) {
        let mut state = self.state();
        state.unsettled.add(epoch, seats);
        if state.unsold() < MANY_UNSOLD {
            state.unsettled.due = true;
            self.call_clerk(state);
        } else if !state.unsettled.watched {
            state.unsettled.watched = true;
            self.runtime.spawn(Arc::clone(self).settle_late());
        }
    }

    async fn settle_late(self: Arc<Self>) {
        for _ in 0..LOOKS_MAX {
            tokio::time::sleep(QUIET).await;
            if !std::mem::take(&mut self.state().unsettled.grows) {
                break;
            }
        }
        let mut state = self.state();
        state.unsettled.watched = false;
        self.settle_now(state);
    }

    fn settle_now(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        if !state.unsettled.is_empty() {
            state.unsettled.due = true;
            self.call_clerk(state);
        }
    }

    /// Waits until a seat is settled or returned, [`SETTLED_WAIT`] at most. Who comes here found no
    /// seat, so fewer are left than was believed: what was sold here is settled at once.
    pub(super) async fn settled(self: &Arc<Self>) {
        let changed = self.changed.notified();
        self.settle_now(self.state());
        let _watcher = Watcher::begin(self);
        // A change that was noticed just before this costs the wait, nothing else.
        let _ = tokio::time::timeout(SETTLED_WAIT, changed).await;
    }

    /// Tells those who wait that something has changed.
    pub(super) fn has_changed(&self) {
        self.changed.notify_waiters();
    }

    /// The tally that was seen last, if it can be relied on.
    pub(super) fn recent_tally(&self) -> Option<Tally> {
        let seen = self.state().seen?;
        seen.is_recent().then_some(seen.tally)
    }

    /// Notes a tally, and tells those who wait if it is another one.
    pub(super) fn has_seen(&self, tally: Tally) {
        let at = Instant::now();
        let before = self.state().seen.replace(Seen { tally, at });
        if before.is_some_and(|before| before.tally != tally) {
            self.has_changed();
        }
    }

    async fn watch(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            {
                let mut state = self.state();
                if state.watchers == 0 {
                    state.watching = false;
                    return;
                }
            }
            // Without a tally there is nothing to wait for; `take` will tell why.
            if let Ok(Some(tally)) = self.remote.tally(self.concert).await {
                self.has_seen(tally);
            }
        }
    }
}

/// Counts one that waits, also if it gives up.
struct Watcher<'a>(&'a Desk);

impl<'a> Watcher<'a> {
    fn begin(desk: &'a Arc<Desk>) -> Self {
        let mut state = desk.state();
        state.watchers += 1;
        if !state.watching {
            state.watching = true;
            desk.runtime.spawn(Arc::clone(desk).watch());
        }
        Self(desk)
    }
}

impl Drop for Watcher<'_> {
    fn drop(&mut self) {
        self.0.state().watchers -= 1;
    }
}

#[cfg(test)]
mod tests {
    use domain::ports::BucketPlan;
    use tokio::sync::oneshot;

    use super::*;

    const EPOCH: Epoch = Epoch(7);

    fn seen(unsold: u32) -> Seen {
        let tally = Tally {
            epoch: EPOCH,
            stock: unsold,
            sold: 0,
            returns: 0,
            plan: BucketPlan {
                capacity: unsold,
                width: 256,
            },
        };
        let at = Instant::now();
        Seen { tally, at }
    }

    /// What a visit settles of so many sold seats.
    fn settled(state: &mut State, sold: u32) -> u32 {
        state.unsettled = Unsettled::default();
        state.unsettled.add(EPOCH, sold);
        state.take_unsettled().iter().map(|&(_, seats)| seats).sum()
    }

    #[tokio::test]
    async fn a_few_sold_seats_wait_while_many_are_unsold() {
        let mut state = State::default();
        assert_eq!(settled(&mut state, 1), 1, "nothing is known");
        state.seen = Some(seen(MANY_UNSOLD + WORTH));
        assert_eq!(settled(&mut state, WORTH - 1), 0);
        assert_eq!(settled(&mut state, WORTH), WORTH);
        state.unsettled.add(EPOCH, 1);
        assert_eq!(state.take_unsettled(), []);
        state.unsettled.due = true;
        assert_eq!(state.take_unsettled(), [(EPOCH, 1)]);
        assert!(!state.unsettled.due);
    }

    #[tokio::test]
    async fn no_sold_seat_waits_when_the_last_ones_are_sold_or_somebody_counts() {
        let mut state = State::default();
        state.seen = Some(seen(MANY_UNSOLD));
        assert_eq!(settled(&mut state, 1), 1, "one fewer than that are left");
        state.seen = Some(seen(MANY_UNSOLD + 1));
        state.told.push(oneshot::channel().0);
        assert_eq!(settled(&mut state, 1), 1);
    }
}
