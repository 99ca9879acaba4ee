//! What is known of the job that a task runs, to those who draw for it: how urgent it is; and from
//! them, how long it kept its place and did nothing but wait for a thread.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use domain::Timestamp;

tokio::task_local! {
    static CURRENT: Arc<Current>;
}

/// A run of a job.
#[derive(Debug)]
pub(crate) struct Current {
    due_at: Timestamp,
    state: Mutex<State>,
}

/// The drawings of a run: those that wait for a thread and those that have one.
#[derive(Debug, Default)]
struct State {
    waiting: u32,
    drawing: u32,
    /// Since when there are only such as wait.
    idle_since: Option<Instant>,
    idle: Duration,
}

/// A drawing, from its order to its end.
#[derive(Debug)]
pub(crate) struct Drawing {
    of: Option<Arc<Current>>,
    begun: bool,
}

impl Current {
    pub(crate) fn due(due_at: Timestamp) -> Arc<Self> {
        Arc::new(Self {
            due_at,
            state: Mutex::default(),
        })
    }

    /// Runs something as this job.
    pub(crate) async fn scope<T>(self: &Arc<Self>, run: impl Future<Output = T>) -> T {
        CURRENT.scope(Arc::clone(self), run).await
    }

    /// How long all its drawings that were under way waited for a thread.
    pub(crate) fn idle(&self) -> Duration {
        let state = self.lock();
        let now = state.idle_since.map_or(Duration::ZERO, |at| at.elapsed());
        state.idle + now
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        let is_idle = state.waiting > 0 && state.drawing == 0;
        if is_idle {
            state.idle_since.get_or_insert_with(Instant::now);
        } else if let Some(since) = state.idle_since.take() {
            state.idle += since.elapsed();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drawing {
    /// A drawing that waits for a thread from now on, for the job that this task runs, if it runs
    /// one.
    pub(crate) fn ordered() -> Self {
        let of = CURRENT.try_with(Arc::clone).ok();
        if let Some(current) = &of {
            current.change(|state| state.waiting += 1);
        }
        Self { of, begun: false }
    }

    /// When it is due; nothing for one that somebody waits for himself.
    pub(crate) fn due_at(&self) -> Option<Timestamp> {
        self.of.as_ref().map(|current| current.due_at)
    }

    /// It has a thread.
    pub(crate) fn begin(&mut self) {
        self.begun = true;
        if let Some(current) = &self.of {
            current.change(|state| {
                state.waiting -= 1;
                state.drawing += 1;
            });
        }
    }
}

impl Drop for Drawing {
    fn drop(&mut self) {
        if let Some(current) = &self.of {
            current.change(|state| {
                if self.begun {
                    state.drawing -= 1;
                } else {
                    state.waiting -= 1;
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::clock::from_micros;

    use super::*;

    const TICK: Duration = Duration::from_millis(2);

    #[tokio::test]
    async fn only_the_time_in_which_every_drawing_waits_is_idle() {
        let current = Current::due(from_micros(7));
        let before = Instant::now();
        current
            .scope(async {
                let (mut one, mut two) = (Drawing::ordered(), Drawing::ordered());
                assert_eq!(one.due_at(), Some(from_micros(7)));
                std::thread::sleep(TICK);
                one.begin();
                let waited = current.idle();
                assert!(waited >= TICK && waited <= before.elapsed());
                std::thread::sleep(TICK);
                assert_eq!(current.idle(), waited, "one is drawn");
                drop(one);
                std::thread::sleep(TICK);
                assert!(current.idle() >= waited + TICK, "the other one waits again");
                two.begin();
                let waited = current.idle();
                drop(two);
                std::thread::sleep(TICK);
                assert_eq!(current.idle(), waited, "nothing is left to wait for");
            })
            .await;
    }

    #[tokio::test]
    async fn a_drawing_that_is_given_up_does_not_wait_for_ever() {
        let current = Current::due(from_micros(7));
        current.scope(async { drop(Drawing::ordered()) }).await;
        let waited = current.idle();
        std::thread::sleep(TICK);
        assert_eq!(current.idle(), waited);
        assert_eq!(Drawing::ordered().due_at(), None, "outside of any job");
    }
}
