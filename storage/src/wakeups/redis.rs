//! Wakeups for all processes that share a Redis, by publish and subscribe.
//!
//! Whoever waits in this process is woken at once, without Redis. For the others, the queues that
//! were woken within a few milliseconds make one message. A message that is lost costs the time
//! until a worker looks by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use domain::job::Queue;
use domain::ports::Wakeups;
use futures::StreamExt;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::LocalWakeups;
use crate::redis::{Failure, Redis, pause, server_for_messages};

/// The pause between two messages.
const GATHER: Duration = Duration::from_millis(2);
/// A line that was silent for so long is tried.
const SILENCE: Duration = Duration::from_secs(5);

/// Wakeups that all processes with the same Redis and prefix share.
#[derive(Debug)]
pub struct RedisWakeups {
    shared: Arc<Shared>,
    tasks: [AbortHandle; 2],
}

#[derive(Debug)]
struct Shared {
    here: LocalWakeups,
    redis: Redis,
    channel: String,
    /// Stands in every message of this process, so that it does not wake itself twice.
    process: Uuid,
    /// Queues that the others must hear of, a bit each.
    untold: AtomicU8,
    news: Notify,
}

impl RedisWakeups {
    /// Wakeups through this Redis. `process` is unlike that of any other process. The work is done
    /// on the thread that serves the connection until this is dropped; Redis may be away for any
    /// time.
    pub fn new(redis: Redis, process: Uuid) -> Self {
        let runtime = redis.runtime().clone();
        let shared = Arc::new(Shared {
            here: LocalWakeups::default(),
            channel: format!("{}:wakeups", redis.prefix()),
            redis,
            process,
            untold: AtomicU8::new(0),
            news: Notify::new(),
        });
        let tell = runtime.spawn(Arc::clone(&shared).tell());
        let listen = runtime.spawn(Arc::clone(&shared).listen());
        Self {
            shared,
            tasks: [tell.abort_handle(), listen.abort_handle()],
        }
    }
}

impl Drop for RedisWakeups {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

#[async_trait]
impl Wakeups for RedisWakeups {
    fn wake(&self, queue: Queue) {
        self.shared.here.wake(queue);
        self.shared.untold.fetch_or(bit(queue), Ordering::SeqCst);
        self.shared.news.notify_one();
    }

    async fn woken(&self, queue: Queue) {
        self.shared.here.woken(queue).await;
    }
}

impl Shared {
    /// Tells the others, for ever.
    async fn tell(self: Arc<Self>) {
        loop {
            self.news.notified().await;
            let untold = self.untold.swap(0, Ordering::SeqCst);
            let queues = Queue::ALL
                .into_iter()
                .filter(|&queue| untold & bit(queue) != 0);
            let message = queues.fold(self.process.to_string(), |message, queue| {
                message + " " + queue.as_str()
            });
            let mut command = redis::cmd("PUBLISH");
            command.arg(&self.channel).arg(message);
            if let Err(failure) = self.redis.run::<()>(&command).await {
                tracing::debug!(error = %failure, "a wakeup was not sent");
            }
            sleep(GATHER).await;
        }
    }

    /// Listens to the others, for ever.
    async fn listen(self: Arc<Self>) {
        let (mut attempt, mut failures, mut subscribed) = (0, 0, false);
        loop {
            let heard = self
                .subscribe(attempt, &mut subscribed, &mut failures)
                .await;
            if let Err(failure) = heard {
                tracing::debug!(error = %failure, "wakeups of other processes are not heard");
            }
            sleep(pause(failures)).await;
            failures = failures.saturating_add(1);
            attempt = attempt.wrapping_add(1);
        }
    }

    /// Listens on one connection until it is lost.
    async fn subscribe(
        &self,
        attempt: usize,
        before: &mut bool,
        failures: &mut u32,
    ) -> Result<(), Failure> {
        let client =
            server_for_messages(self.redis.url(), attempt, self.redis.command_time()).await?;
        let connecting = self.in_time(client.get_async_pubsub());
        let (mut sink, mut messages) = connecting.await?.split();
        self.in_time(sink.subscribe(&self.channel)).await?;
        *failures = 0;
        if std::mem::replace(before, true) {
            // What was said in between is lost; whoever waits looks once for nothing.
            for queue in Queue::ALL {
                self.here.wake(queue);
            }
        }
        loop {
            match timeout(SILENCE, messages.next()).await {
                Ok(Some(message)) => self.hear(message.get_payload_bytes()),
                Ok(None) => return Ok(()),
                Err(_) => self.in_time(sink.ping::<()>()).await?,
            }
        }
    }

    fn hear(&self, message: &[u8]) {
        let message = String::from_utf8_lossy(message);
        let mut words = message.split(' ');
        if words.next() == Some(self.process.to_string().as_str()) {
            return;
        }
        for queue in words.filter_map(Queue::parse) {
            self.here.wake(queue);
        }
    }

    /// One step of subscribing, or the answer of a silent line: nobody waits for it, so it has
    /// twice the time of a command.
    async fn in_time<T>(
        &self,
        step: impl Future<Output = redis::RedisResult<T>>,
    ) -> Result<T, Failure> {
        let time = 2 * self.redis.command_time();
        let done = timeout(time, step).await;
        done.map_err(|_| Failure::slow(time))?
            .map_err(|error| Failure::of(&error))
    }
}

fn bit(queue: Queue) -> u8 {
    match queue {
        Queue::Prints => 1,
        Queue::Plans => 2,
        Queue::System => 4,
    }
}
