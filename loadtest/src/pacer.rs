//! An alarm clock that is right to a tenth of a millisecond. The runtime's own timer rounds up to
//! whole ones, and what it adds would be measured as latency.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// Arrivals are put on a grid of this width, so that a high rate does not need an alarm each.
pub(crate) const GRID: Duration = Duration::from_micros(200);

/// A thread that wakes others.
#[derive(Debug)]
pub(crate) struct Pacer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    alarms: Mutex<Alarms>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Alarms {
    /// By time, and then by order, because a sender cannot be compared.
    due: BinaryHeap<Reverse<(Instant, u64)>>,
    senders: std::collections::HashMap<u64, oneshot::Sender<()>>,
    next: u64,
    ended: bool,
}

impl Pacer {
    pub(crate) fn start() -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let thread = std::thread::Builder::new().name("pacer".into()).spawn({
            let shared = Arc::clone(&shared);
            move || shared.run()
        })?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Returns at a moment, or at once if it has passed.
    pub(crate) async fn until(&self, moment: Instant) {
        if moment <= Instant::now() {
            return;
        }
        let (sender, woken) = oneshot::channel();
        {
            let mut alarms = self.shared.lock();
            let number = alarms.next;
            alarms.next += 1;
            let earlier = alarms
                .due
                .peek()
                .is_none_or(|Reverse((due, _))| moment < *due);
            alarms.due.push(Reverse((moment, number)));
            alarms.senders.insert(number, sender);
            if earlier {
                self.shared.changed.notify_one();
            }
        }
        // The other side only goes away with the generator.
        let _ = woken.await;
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Alarms> {
        self.alarms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut alarms = self.lock();
        while !alarms.ended {
            let now = Instant::now();
            while let Some(&Reverse((due, number))) = alarms.due.peek()
                && due <= now
            {
                alarms.due.pop();
                if let Some(sender) = alarms.senders.remove(&number) {
                    // Who does not wait any more needs no waking.
                    let _ = sender.send(());
                }
            }
            let wait = match alarms.due.peek() {
                Some(Reverse((due, _))) => due.saturating_duration_since(now),
                None => Duration::from_mins(1),
            };
            let waited = self.changed.wait_timeout(alarms, wait);
            alarms = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Pacer {
    fn drop(&mut self) {
        self.shared.lock().ended = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // It has nothing to say.
            let _ = thread.join();
        }
    }
}
