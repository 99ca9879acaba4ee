//! Requests that arrive together are done together, in groups. They are written in one transaction,
//! each caller being answered once its own row is durable (group commit), or read by one statement.
//!
//! A group holds what arrived while the group before it was being done, so nobody waits for a
//! timer: a lone request is done at once, a crowd shares one turn. Nothing that a group reads is
//! older than the requests in it.

use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::FutureExt;
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Mutex, Notify, mpsc, oneshot};
use tokio::time::timeout;

use crate::admission::Pace;
use crate::error::Error;
use crate::ports::{BATCH_MAX, StoreResult};

/// While a group is being done, another one is begun only for so many requests. A group that is
/// written costs the ledger as much as some fifty of its rows do, and more when each of them is for
/// another concert, so small ones beside each other would be dearer than one after the other.
const WORTH_ANOTHER: usize = 256;
/// And for fewer once it takes longer than groups do: it may wait for a lock that is none of
/// theirs.
const PATIENCE: Duration = Duration::from_millis(10);

/// Collects requests of one sort and does them in groups.
pub(crate) struct Groups<Request, Answer> {
    queue: mpsc::Sender<Waiting<Request, Answer>>,
    begun: Arc<Begun>,
}

/// The groups that are being done.
#[derive(Default)]
struct Begun {
    groups: AtomicUsize,
    /// A group has ended, or enough requests wait for another one.
    changed: Notify,
}

struct Waiting<Request, Answer> {
    request: Request,
    answer: oneshot::Sender<StoreResult<Answer>>,
}

impl<Request, Answer> Groups<Request, Answer>
where
    Request: Send + 'static,
    Answer: Send + 'static,
{
    /// Starts on a runtime; at most `waiting_max` requests wait, and `at_once` groups are done at a
    /// time, at a pace that `pace` is told. `work` gets up to [`BATCH_MAX`] requests and answers
    /// them in order; if it panics, those requests fail. The work ends when this value is dropped.
    pub(crate) fn start<Work, Worked>(
        runtime: &Handle,
        waiting_max: usize,
        at_once: usize,
        pace: Option<&Arc<Pace>>,
        work: Work,
    ) -> Self
    where
        Work: Fn(Vec<Request>) -> Worked + Send + Sync + 'static,
        Worked: Future<Output = StoreResult<Vec<Answer>>> + Send,
    {
        let (queue, waiting) = mpsc::channel(waiting_max);
        let (waiting, work) = (Arc::new(Mutex::new(waiting)), Arc::new(work));
        let begun = Arc::new(Begun::default());
        for _ in 0..at_once.max(1) {
            let (waiting, work) = (Arc::clone(&waiting), Arc::clone(&work));
            let (begun, pace) = (Arc::clone(&begun), pace.cloned());
            runtime.spawn(async move {
                let mut group = Vec::with_capacity(BATCH_MAX);
                while receive(&waiting, &mut group, &begun).await {
                    let (requests, answers): (Vec<_>, Vec<_>) =
                        group.drain(..).map(|one| (one.request, one.answer)).unzip();
                    let timed = pace.as_ref().map(|pace| pace.begin());
                    // The log has the panic; it fails this group and no later one.
                    let done = AssertUnwindSafe(work(requests)).catch_unwind().await;
                    if let (Some(pace), Some(timed)) = (&pace, timed) {
                        pace.end(timed);
                    }
                    begun.groups.fetch_sub(1, Ordering::SeqCst);
                    begun.changed.notify_one();
                    if let Ok(done) = done {
                        give(answers, done);
                    }
                }
            });
        }
        Self { queue, begun }
    }

    /// Hands a request in and waits until it is done. [`Error::Busy`] at once when the queue is
    /// full: nothing was done then.
    ///
    /// The request is handed in at the first poll; dropping the future later does not take it
    /// back. [`Error::Part`] when the work on its group panicked: whether it had an effect is
    /// unknown.
    pub(crate) async fn submit(&self, request: Request) -> Result<Answer, Error> {
        let (answer, answered) = oneshot::channel();
        self.queue
            .try_send(Waiting { request, answer })
            .map_err(|error| match error {
                TrySendError::Full(_) => Error::Busy,
                TrySendError::Closed(_) => broke_off(),
            })?;
        if self.queue.max_capacity() - self.queue.capacity() >= WORTH_ANOTHER {
            self.begun.changed.notify_one();
        }
        Ok(answered.await.map_err(|_| broke_off())??)
    }

    /// Waiting requests as a share of the most that may wait, 0 to 1.
    pub(crate) fn load(&self) -> f64 {
        let (all, free) = (self.queue.max_capacity(), self.queue.capacity());
        #[expect(
            clippy::cast_precision_loss,
            reason = "a ratio for people and thresholds"
        )]
        let share = (all - free) as f64 / all as f64;
        share
    }
}

/// The process ends, or the work panicked.
fn broke_off() -> Error {
    Error::Part("the work on a group of requests broke off".into())
}

/// Takes what waits, or waits for it; `false` when nothing will come any more. One at a time waits
/// here; the groups that were begun before have their turn first.
async fn receive<Request, Answer>(
    waiting: &Mutex<mpsc::Receiver<Waiting<Request, Answer>>>,
    group: &mut Vec<Waiting<Request, Answer>>,
    begun: &Begun,
) -> bool {
    let mut waiting = waiting.lock().await;
    let enough = async {
        while begun.groups.load(Ordering::SeqCst) > 0 && waiting.len() < WORTH_ANOTHER {
            begun.changed.notified().await;
        }
    };
    // Out of patience is as good as enough.
    let _ = timeout(PATIENCE, enough).await;
    let received = waiting.recv_many(group, BATCH_MAX).await > 0;
    begun.groups.fetch_add(1, Ordering::SeqCst);
    received
}

/// A caller that hung up does not want its answer.
fn give<Answer>(
    callers: Vec<oneshot::Sender<StoreResult<Answer>>>,
    done: StoreResult<Vec<Answer>>,
) {
    match done {
        Ok(answers) => {
            debug_assert_eq!(answers.len(), callers.len(), "every request has its answer");
            for (caller, answer) in callers.into_iter().zip(answers) {
                let _ = caller.send(Ok(answer));
            }
        }
        Err(error) => {
            for caller in callers {
                let _ = caller.send(Err(error.clone()));
            }
        }
    }
}

impl<Request, Answer> fmt::Debug for Groups<Request, Answer> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Groups")
            .field("free", &self.queue.capacity())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;
    use tokio::task::JoinHandle;
    use tokio::time::Instant;

    use super::*;
    use crate::ports::StoreError;

    /// Groups whose worker reports that it has begun and then waits to be let on.
    struct Gated {
        groups: Arc<Groups<u32, usize>>,
        begun: Arc<Semaphore>,
        gate: Arc<Semaphore>,
    }

    impl Gated {
        fn start(waiting_max: usize, fails: bool) -> Self {
            Self::of(waiting_max, 1, fails)
        }

        fn at_once(at_once: usize, waiting_max: usize) -> Self {
            Self::of(waiting_max, at_once, false)
        }

        fn of(waiting_max: usize, at_once: usize, fails: bool) -> Self {
            let (begun, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
            let groups = Groups::start(&Handle::current(), waiting_max, at_once, None, {
                let (begun, gate) = (Arc::clone(&begun), Arc::clone(&gate));
                move |group: Vec<u32>| {
                    let (begun, gate) = (Arc::clone(&begun), Arc::clone(&gate));
                    async move {
                        begun.add_permits(1);
                        gate.acquire().await.unwrap().forget();
                        if fails {
                            return Err(StoreError::Conflict("test"));
                        }
                        Ok(group.iter().map(|_| group.len()).collect())
                    }
                }
            });
            Self {
                groups: Arc::new(groups),
                begun,
                gate,
            }
        }

        fn submit(&self, n: u32) -> JoinHandle<Result<usize, Error>> {
            let groups = Arc::clone(&self.groups);
            tokio::spawn(async move { groups.submit(n).await })
        }

        /// Submits one request and waits until the worker has it in hand.
        async fn occupy(&self) -> JoinHandle<Result<usize, Error>> {
            let first = self.submit(0);
            self.begun.acquire().await.unwrap().forget();
            first
        }

        async fn until_waiting(&self, requests: usize) {
            let queue = &self.groups.queue;
            while queue.max_capacity() - queue.capacity() < requests {
                tokio::task::yield_now().await;
            }
        }
    }

    #[tokio::test]
    async fn requests_that_arrive_during_a_turn_share_the_next_one() {
        let gated = Gated::start(100, false);
        let first = gated.occupy().await;
        let others: Vec<_> = (1..=9).map(|n| gated.submit(n)).collect();
        gated.until_waiting(9).await;
        gated.gate.add_permits(2);
        assert_eq!(first.await.unwrap().unwrap(), 1);
        for other in others {
            assert_eq!(other.await.unwrap().unwrap(), 9);
        }
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let gated = Gated::start(1, false);
        let first = gated.occupy().await;
        let second = gated.submit(1);
        gated.until_waiting(1).await;
        assert!(gated.groups.load() >= 1.0);
        assert!(matches!(gated.groups.submit(2).await, Err(Error::Busy)));
        gated.gate.add_permits(2);
        assert!(first.await.unwrap().is_ok() && second.await.unwrap().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_group_that_takes_long_holds_nobody_up() {
        let gated = Gated::at_once(2, 1_000);
        let first = gated.occupy().await;
        let second = gated.submit(1);
        gated.begun.acquire().await.unwrap().forget();
        gated.gate.add_permits(2);
        assert_eq!(second.await.unwrap().unwrap(), 1);
        assert_eq!(first.await.unwrap().unwrap(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_small_group_waits_for_the_one_before_it_and_a_large_one_does_not() {
        let gated = Gated::at_once(2, 1_000);
        let first = gated.occupy().await;
        let few: Vec<_> = (1..WORTH_ANOTHER).map(|_| gated.submit(0)).collect();
        gated.until_waiting(WORTH_ANOTHER - 1).await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(
            gated.begun.available_permits(),
            0,
            "no other group is begun"
        );
        let one_more = gated.submit(0);
        gated.begun.acquire().await.unwrap().forget();
        gated.gate.add_permits(2);
        assert_eq!(first.await.unwrap().unwrap(), 1);
        for other in few.into_iter().chain([one_more]) {
            assert_eq!(other.await.unwrap().unwrap(), WORTH_ANOTHER);
        }
        let alone = gated.submit(0);
        gated.gate.add_permits(1);
        assert_eq!(alone.await.unwrap().unwrap(), 1, "groups go on afterwards");
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_fails_its_group_and_the_next_one_is_done() {
        let groups = Groups::start(
            &Handle::current(),
            9,
            2,
            None,
            |group: Vec<u32>| async move {
                assert!(!group.contains(&13), "a panic on purpose");
                Ok(group)
            },
        );
        for _ in 0..3 {
            assert!(matches!(groups.submit(13).await, Err(Error::Part(_))));
        }
        let next = Instant::now();
        assert_eq!(groups.submit(7).await.unwrap(), 7);
        assert_eq!(
            next.elapsed(),
            Duration::ZERO,
            "nothing counts as being done"
        );
    }

    #[tokio::test]
    async fn an_error_reaches_every_caller_of_the_group() {
        let gated = Gated::start(9, true);
        let first = gated.occupy().await;
        let others: Vec<_> = (1..=3).map(|n| gated.submit(n)).collect();
        gated.until_waiting(3).await;
        gated.gate.add_permits(2);
        assert!(first.await.unwrap().is_err());
        for other in others {
            assert!(matches!(
                other.await.unwrap(),
                Err(Error::Store(StoreError::Conflict(_)))
            ));
        }
    }
}
