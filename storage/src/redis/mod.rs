//! Connections to Redis: one server, one watched by Sentinel, or a cluster.
//!
//! Nothing in Redis is the truth. A connection is opened when it is first needed and again when it
//! is lost, every command has a time limit, and while Redis is away commands fail at once instead
//! of queueing up.

mod connection;
mod failure;
mod link;
mod script;
mod url;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use domain::RuntimeThread;
use futures::future::try_join_all;
use redis::{Cmd, FromRedisValue, ServerErrorKind};
use tokio::runtime::Handle;

pub(crate) use self::connection::server_for_messages;
pub use self::failure::Failure;
use self::link::Link;
pub(crate) use self::link::pause;
pub(crate) use self::script::Script;
pub use self::url::{RedisUrl, UrlError};

/// Slots of a cluster that are tried; with so many each of some ten shards is met more often than not.
const SLOTS_TRIED: u32 = 16;
/// How long what was tried is kept.
const TRIED_KEPT_MS: u64 = 10_000;

/// A Redis, and the prefix of every key and channel that is used there. Clones share the connection.
#[derive(Clone)]
pub struct Redis {
    link: Arc<Link>,
    prefix: Arc<str>,
    /// Serves the connection: a crowd elsewhere must not make a server look silent that is not.
    thread: Arc<RuntimeThread>,
}

impl Redis {
    /// Starts a thread for the connections; nothing is sent yet. Fails when there cannot be
    /// another thread. Whoever shares counters and wakeups uses the same `prefix`, in which `{` and
    /// `}` mean nothing good: they would put every key on one shard. A command has `command_time`,
    /// the wait for a connection included.
    pub fn start(url: RedisUrl, prefix: &str, command_time: Duration) -> io::Result<Self> {
        let thread = RuntimeThread::start("redis")?;
        Ok(Self {
            link: Link::new(url, command_time, thread.runtime().clone()),
            prefix: prefix.replace(['{', '}'], "").into(),
            thread: Arc::new(thread),
        })
    }

    /// Asks the server whether it is there.
    pub async fn ping(&self) -> Result<(), Failure> {
        self.run::<()>(&redis::cmd("PING")).await
    }

    /// Writes something that is soon gone by a script, as sales do. A server that answers may refuse
    /// this: it is out of memory, a replica, or allows no scripts. Of a cluster several slots are
    /// tried.
    pub async fn try_out(&self) -> Result<(), Failure> {
        let script = Script::new(include_str!("try_out.lua"));
        let slots = if self.url().is_cluster() {
            SLOTS_TRIED
        } else {
            1
        };
        let tries = (0..slots).map(|slot| {
            let (key, script) = (format!("{}:{{try-out.{slot}}}", self.prefix()), &script);
            async move {
                self.eval::<u32>(script, &[key.as_str()], &[TRIED_KEPT_MS])
                    .await
            }
        });
        try_join_all(tries).await?;
        Ok(())
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Where the connection is served; it outlives any one caller.
    pub(crate) fn runtime(&self) -> &Handle {
        self.thread.runtime()
    }

    pub(crate) fn url(&self) -> &RedisUrl {
        self.link.url()
    }

    pub(crate) fn command_time(&self) -> Duration {
        self.link.command_time()
    }

    /// Runs a command once. After an error it is unknown whether it had its effect.
    ///
    /// Commands that are polled together, as by `join_all`, travel together.
    pub(crate) async fn run<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Failure> {
        let time = self.command_time();
        let answered = tokio::time::timeout(time, self.link.send(command)).await;
        let value = answered.map_err(|_| self.link.silent(time))??;
        redis::from_redis_value(value).map_err(|error| Failure::of(&error.into()))
    }

    /// Runs a script, whose keys must all be in one slot.
    pub(crate) async fn eval<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[&str],
        args: &[u64],
    ) -> Result<T, Failure> {
        match self.run(&script.by_digest(keys, args)).await {
            // A server that was restarted has forgotten its scripts; sending the text restores it.
            Err(failure) if failure.is(ServerErrorKind::NoScript) => {
                self.run(&script.by_text(keys, args)).await
            }
            done => done,
        }
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("url", self.url())
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}
