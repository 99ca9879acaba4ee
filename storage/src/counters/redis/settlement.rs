//! Waiting for a change: a change of this process is noticed at once, one of another process by
//! looking at the tally every few milliseconds, once for all who wait.

use std::sync::Arc;
use std::time::Duration;

use super::desk::Desk;
use super::remote::Tally;

const SETTLED_WAIT: Duration = Duration::from_millis(50);
const LOOK_EVERY: Duration = Duration::from_millis(10);

impl Desk {
    /// Waits until a seat is settled or returned, [`SETTLED_WAIT`] at most.
    pub(super) async fn settled(self: &Arc<Self>) {
        let changed = self.changed.notified();
        let _watcher = Watcher::begin(self);
        // A change that was noticed just before this costs the wait, nothing else.
        let _ = tokio::time::timeout(SETTLED_WAIT, changed).await;
    }

    /// Tells those who wait that something has changed.
    pub(super) fn has_changed(&self) {
        self.changed.notify_waiters();
    }

    /// Notes a tally, and tells those who wait if it is another one.
    pub(super) fn has_seen(&self, tally: Tally) {
        let before = self.state().tally.replace(tally);
        if before.is_some_and(|before| before != tally) {
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
