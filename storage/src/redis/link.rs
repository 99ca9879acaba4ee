//! Keeps one connection open, and opens the next one when it is lost.
//!
//! Connections are opened, and their sockets are served, by one runtime, whichever runtime the
//! callers are on: theirs may end before this does.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redis::{Cmd, Value};
use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::connection::Connection;
use super::failure::Failure;
use super::url::RedisUrl;

/// The pauses between attempts to connect: the first one, doubled up to the last one.
pub(super) const PAUSE_MIN: Duration = Duration::from_millis(20);
pub(super) const PAUSE_MAX: Duration = Duration::from_secs(1);

pub(super) struct Link {
    url: RedisUrl,
    command_time: Duration,
    runtime: Handle,
    state: Mutex<State>,
    /// An attempt to connect has ended.
    tried: Notify,
}

struct State {
    open: Option<Connection>,
    /// Counts connections, so that whoever met a broken one does not throw its successor away.
    number: u64,
    connecting: bool,
    failures: u32,
    /// No attempt before this moment, because of this.
    pause: Option<(Instant, Failure)>,
}

impl Link {
    pub(super) fn new(url: RedisUrl, command_time: Duration, runtime: Handle) -> Arc<Self> {
        Arc::new(Self {
            url,
            command_time,
            runtime,
            state: Mutex::new(State {
                open: None,
                number: 0,
                connecting: false,
                failures: 0,
                pause: None,
            }),
            tried: Notify::new(),
        })
    }

    pub(super) fn url(&self) -> &RedisUrl {
        &self.url
    }

    pub(super) fn command_time(&self) -> Duration {
        self.command_time
    }

    /// Why a command was not answered for so long.
    pub(super) fn silent(&self, after: Duration) -> Failure {
        let failure = Failure::slow(after);
        if self.url.tls.is_some() && self.state().open.is_none() {
            return failure.of_greeting();
        }
        failure
    }

    pub(super) async fn send(self: &Arc<Self>, command: &Cmd) -> Result<Value, Failure> {
        let (mut connection, number) = self.connection().await?;
        let answer = connection.send(command).await;
        answer.and_then(Value::extract_error).map_err(|error| {
            if connection.is_broken_by(&error) {
                self.lose(number);
            }
            Failure::of(&error)
        })
    }

    async fn connection(self: &Arc<Self>) -> Result<(Connection, u64), Failure> {
        loop {
            let tried = self.tried.notified();
            if let Some(open) = self.open_or_begin()? {
                return Ok(open);
            }
            tried.await;
        }
    }

    /// The open connection; nothing while the next one is being opened; an error while it is too
    /// early to try again.
    fn open_or_begin(self: &Arc<Self>) -> Result<Option<(Connection, u64)>, Failure> {
        let mut state = self.state();
        if let Some(open) = &state.open {
            return Ok(Some((open.clone(), state.number)));
        }
        if let Some((until, failure)) = &state.pause
            && *until > Instant::now()
        {
            return Err(failure.clone());
        }
        if !state.connecting {
            state.connecting = true;
            let attempt = Attempt {
                link: Arc::clone(self),
                done: false,
            };
            self.runtime.spawn(async move { attempt.run().await });
        }
        Ok(None)
    }

    fn lose(&self, number: u64) {
        let mut state = self.state();
        if state.number == number {
            state.open = None;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An attempt to connect; however it ends, the next one may begin.
struct Attempt {
    link: Arc<Link>,
    done: bool,
}

impl Attempt {
    async fn run(mut self) {
        let opened = Connection::open(&self.link.url, self.link.command_time).await;
        self.done = true;
        let mut state = self.link.state();
        match opened {
            Ok(connection) => {
                state.open = Some(connection);
                state.number += 1;
                state.pause = None;
                if std::mem::take(&mut state.failures) > 0 {
                    tracing::info!(redis = %self.link.url, "redis is back");
                }
            }
            Err(failure) => {
                if state.failures == 0 {
                    tracing::warn!(redis = %self.link.url, error = %failure, "redis cannot be reached");
                }
                let pause = pause(state.failures);
                state.failures = state.failures.saturating_add(1);
                state.pause = Some((Instant::now() + pause, failure));
            }
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let mut state = self.link.state();
        state.connecting = false;
        if !self.done {
            // The runtime has ended; without a pause those who wait would ask for ever.
            let failure = Failure::plain("the process ends");
            state.pause = Some((Instant::now() + PAUSE_MAX, failure));
        }
        drop(state);
        self.link.tried.notify_waiters();
    }
}

/// How long to wait after so many failures.
pub(crate) fn pause(failures: u32) -> Duration {
    PAUSE_MIN
        .saturating_mul(1 << failures.min(16))
        .min(PAUSE_MAX)
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}
