//! Threads for work that keeps a processor busy: started when there is work, ended when there has
//! been none for a while, each with a stack that deep documents do not use up.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use domain::Timestamp;

/// Room for what is nested: address space only, until it is used.
const STACK_BYTES: usize = 16 << 20;

/// How long a thread waits for more work before it ends.
const IDLE_MAX: Duration = Duration::from_secs(5);

/// How much the threads give way to others of this process, in the steps of `nice(2)`: beside a
/// crowd that buys they have about a third of what each of its threads has, and by themselves all
/// there is.
const GIVES_WAY: i32 = 5;

/// One task in so many is the one that waits longest, however urgent the others are.
const SHARE: u32 = 10;

/// A task that waits.
struct Task {
    /// When its result is wanted; nothing for at once.
    due_at: Option<Timestamp>,
    run: Box<dyn FnOnce() + Send>,
}

/// At most so many threads.
#[derive(Clone)]
pub(super) struct Threads {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    more: Condvar,
    threads_max: usize,
}

#[derive(Default)]
struct State {
    /// In the order in which they came.
    tasks: VecDeque<Task>,
    /// Tasks taken, modulo a share.
    taken: u32,
    threads: usize,
    idle: usize,
}

impl Threads {
    pub(super) fn new(threads_max: usize) -> Self {
        Self {
            shared: Arc::new(Shared {
                state: Mutex::default(),
                more: Condvar::new(),
                threads_max,
            }),
        }
    }

    /// Runs a task as soon as a thread is free and nothing more urgent waits; one in ten goes
    /// first to the task that waits longest, so that none waits for ever. Fails when there is no
    /// thread and none can be started.
    pub(super) fn run(
        &self,
        due_at: Option<Timestamp>,
        task: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<()> {
        let mut state = self.shared.lock();
        // Those who are idle may have been called for tasks that they have not fetched yet.
        if state.idle <= state.tasks.len() && state.threads < self.shared.threads_max {
            let shared = Arc::clone(&self.shared);
            let started = thread::Builder::new()
                .name("render".into())
                .stack_size(STACK_BYTES)
                .spawn(move || {
                    give_way();
                    shared.work();
                });
            match started {
                Ok(_) => state.threads += 1,
                Err(error) if state.threads == 0 => return Err(error),
                // Those who are there will come to it.
                Err(_) => {}
            }
        }
        state.tasks.push_back(Task {
            due_at,
            run: Box::new(task),
        });
        drop(state);
        self.shared.more.notify_one();
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.shared.lock().threads
    }
}

/// Lowers the priority of this thread. Elsewhere than on Linux it would be that of the process.
fn give_way() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(GIVES_WAY) {
        tracing::debug!(%error, "a thread that draws keeps its priority");
    }
}

impl State {
    /// Takes the next task out. There are few: what may wait is limited.
    fn next(&mut self) -> Option<Task> {
        let places = self.tasks.iter().enumerate();
        // Of equally urgent ones the first.
        let urgent = places.min_by_key(|(_, task)| task.due_at);
        let (mut at, _) = urgent?;
        self.taken = (self.taken + 1) % SHARE;
        if self.taken == 0 {
            at = 0;
        }
        self.tasks.remove(at)
    }
}

impl Shared {
    fn work(&self) {
        let mut state = self.lock();
        loop {
            if let Some(task) = state.next() {
                drop(state);
                // Whoever waits for it hears that by the end of its channel.
                let _ = std::panic::catch_unwind(AssertUnwindSafe(task.run));
                state = self.lock();
                continue;
            }
            state.idle += 1;
            let (woken, waited) = self
                .more
                .wait_timeout(state, IDLE_MAX)
                .unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if waited.timed_out() && state.tasks.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use domain::clock::from_micros;

    use super::*;

    #[test]
    fn threads_are_started_for_work_and_no_more_than_may_be() {
        let threads = Threads::new(2);
        assert_eq!(threads.count(), 0, "an idle pool has no thread");
        let (go, gate) = mpsc::channel::<()>();
        let gate = Arc::new(Mutex::new(gate));
        let (said, heard) = mpsc::channel();
        for n in 0..4 {
            let (gate, said) = (Arc::clone(&gate), said.clone());
            let task = move || {
                let _ = gate.lock().unwrap().recv();
                said.send(n).unwrap();
            };
            threads.run(None, task).unwrap();
        }
        assert_eq!(threads.count(), 2);
        drop(go);
        let mut done: Vec<_> = heard.iter().take(4).collect();
        done.sort_unstable();
        assert_eq!(done, [0, 1, 2, 3]);
    }

    /// The order in which tasks are taken that all wait.
    fn order(due: &[Option<i64>]) -> Vec<usize> {
        let threads = Threads::new(1);
        let (go, gate) = mpsc::channel::<()>();
        let (said, heard) = mpsc::channel();
        let held = move || {
            let _ = gate.recv();
        };
        threads.run(None, held).unwrap();
        for (n, due_at) in due.iter().enumerate() {
            let said = said.clone();
            let due_at = due_at.map(from_micros);
            threads.run(due_at, move || said.send(n).unwrap()).unwrap();
        }
        drop(go);
        heard.iter().take(due.len()).collect()
    }

    #[test]
    fn the_most_urgent_task_is_next_and_of_equals_the_first() {
        let order = order(&[Some(9), Some(5), None, Some(5), None]);
        assert_eq!(order, [2, 4, 1, 3, 0]);
    }

    #[test]
    fn a_task_that_is_never_urgent_is_not_kept_waiting_for_ever() {
        let mut due = vec![Some(9)];
        due.extend([Some(1); 30]);
        let order = order(&due);
        let at = order.iter().position(|&n| n == 0).unwrap();
        assert!(at < SHARE as usize, "it was number {at}: {order:?}");
    }

    #[test]
    fn a_task_that_panics_does_not_end_its_thread() {
        let threads = Threads::new(1);
        threads.run(None, || panic!("on purpose")).unwrap();
        let (said, heard) = mpsc::channel();
        threads.run(None, move || said.send(()).unwrap()).unwrap();
        heard.recv().unwrap();
        assert_eq!(threads.count(), 1);
    }

    #[test]
    fn there_is_stack_for_what_is_deeply_nested() {
        fn descend(depth: usize) -> usize {
            let ballast = std::hint::black_box([depth; 128]);
            if depth == 0 {
                return 0;
            }
            descend(depth - 1) + ballast[7] - depth + 1
        }
        let (said, heard) = mpsc::channel();
        // About 8 MiB, four times what a thread has by itself.
        let task = move || said.send(descend(4_000)).unwrap();
        Threads::new(1).run(None, task).unwrap();
        assert_eq!(heard.recv().unwrap(), 4_000);
    }
}
