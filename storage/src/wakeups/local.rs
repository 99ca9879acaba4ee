//! Wakeups within one process.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use domain::job::Queue;
use domain::ports::Wakeups;
use tokio::sync::Notify;

/// Wakeups of every queue.
#[derive(Debug, Default)]
pub struct LocalWakeups {
    prints: Bell,
    plans: Bell,
    system: Bell,
}

/// Wakes everybody who waits, or the next one who will.
#[derive(Debug, Default)]
struct Bell {
    notify: Notify,
    waiting: AtomicUsize,
}

/// Counts one that waits, also if it gives up.
struct Waiting<'a>(&'a AtomicUsize);

impl LocalWakeups {
    fn of(&self, queue: Queue) -> &Bell {
        match queue {
            Queue::Prints => &self.prints,
            Queue::Plans => &self.plans,
            Queue::System => &self.system,
        }
    }
}

#[async_trait]
impl Wakeups for LocalWakeups {
    fn wake(&self, queue: Queue) {
        let bell = self.of(queue);
        if bell.waiting.load(Ordering::SeqCst) > 0 {
            bell.notify.notify_waiters();
        } else {
            bell.notify.notify_one();
        }
    }

    async fn woken(&self, queue: Queue) {
        let bell = self.of(queue);
        // From here on it hears both sorts of notification, so none falls between.
        let notified = bell.notify.notified();
        let _waiting = Waiting::begin(&bell.waiting);
        notified.await;
    }
}

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
