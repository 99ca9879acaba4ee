//! Idempotency keys: a retried request has one effect and the same answer.
//!
//! The key is written in the transaction of the effect, so there is never one without the other,
//! whatever crashes; of two requests that race with one key, the ledger lets one through.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::again::{self, Broken};
use crate::clock::Timestamp;
use crate::context::{Context, Parts};
use crate::error::Error;
use crate::ports::StoreResult;

/// How long an answer is kept.
pub const KEPT_FOR: TimeDelta = TimeDelta::hours(24);

/// The most characters of a key.
pub const KEY_CHARS_MAX: usize = 255;

/// A hash of everything that makes one request another.
pub type Fingerprint = [u8; 32];

/// An answer that can be given again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers that belong to the answer, such as `ETag`.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

/// A key with the answer that was given under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// The client's key.
    pub key: String,
    /// Of the request that was answered.
    pub fingerprint: Fingerprint,
    /// The answer.
    pub answer: Answer,
    /// When it was given.
    pub created_at: Timestamp,
}

/// A key that a use case has to write together with its effect on a `T`.
pub struct Keyed<T> {
    key: String,
    fingerprint: Fingerprint,
    answer: Arc<dyn Fn(&T) -> Answer + Send + Sync>,
}

impl<T> Keyed<T> {
    /// A key of which `answer` gives the answer, once the effect is known.
    pub fn new(
        key: String,
        fingerprint: Fingerprint,
        answer: impl Fn(&T) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self {
            key,
            fingerprint,
            answer: Arc::new(answer),
        }
    }

    pub(crate) fn stored(&self, effect: &T, now: Timestamp) -> StoredKey {
        StoredKey {
            key: self.key.clone(),
            fingerprint: self.fingerprint,
            answer: (self.answer)(effect),
            created_at: now,
        }
    }
}

/// The result of a use case that may have happened before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered<T> {
    /// It happened now.
    Now(T),
    /// It had happened; this was the answer.
    Before(Answer),
}

/// What is known of a key when a request arrives with it.
#[derive(Debug)]
pub enum KeyState<'a> {
    /// Nothing: go on, and hold the guard until the answer is known.
    Fresh(KeyGuard<'a>),
    /// The request was answered before.
    Replay(Answer),
    /// The key belongs to another request.
    Reused,
    /// The same request is running.
    Running,
}

/// Looks a key up when a request arrives with it.
pub async fn begin<'a>(
    ctx: &'a Context,
    key: &str,
    fingerprint: &Fingerprint,
) -> Result<KeyState<'a>, Error> {
    let Some(guard) = ctx.keys_running.enter(key) else {
        return Ok(KeyState::Running);
    };
    match find(ctx, key).await? {
        None => Ok(KeyState::Fresh(guard)),
        Some(stored) if stored.fingerprint == *fingerprint => Ok(KeyState::Replay(stored.answer)),
        Some(_) => Ok(KeyState::Reused),
    }
}

/// Keeps an answer that had no effect, such as "sold out".
///
/// The request may have had its effect meanwhile, in another process or by a try whose outcome
/// nobody knew: perhaps its own ticket was the last one. Then that answer stands.
pub async fn remember(
    ctx: &Context,
    key: String,
    fingerprint: Fingerprint,
    answer: Answer,
) -> Result<Answered<()>, Error> {
    let refusal = StoredKey {
        key: key.clone(),
        fingerprint,
        answer,
        created_at: ctx.clock.now(),
    };
    if ctx.refusals.submit(refusal).await? {
        return Ok(Answered::Now(()));
    }
    find_winner(ctx, &key, &fingerprint).await
}

/// Writes a group of refusals in one transaction, and tells which are new: a crowd that is told
/// "sold out" must not keep the ledger from those who still buy.
pub(crate) async fn write_refusals(
    parts: Arc<Parts>,
    group: Vec<StoredKey>,
) -> StoreResult<Vec<bool>> {
    Ok(again::write(|_| insert_refusals(&parts, &group)).await?)
}

async fn insert_refusals(parts: &Parts, group: &[StoredKey]) -> Result<Vec<bool>, Broken> {
    let mut tx = parts.store.begin().await?;
    let expired_before = parts.clock.now() - KEPT_FOR;
    let fresh = tx.insert_keys(group, expired_before).await?;
    tx.commit().await.map_err(Broken::Committing)?;
    Ok(fresh)
}

/// The answer of the request that won a race with the same key.
pub(crate) async fn replay<T>(ctx: &Context, keyed: &Keyed<T>) -> Result<Answered<T>, Error> {
    find_winner(ctx, &keyed.key, &keyed.fingerprint).await
}

async fn find_winner<T>(
    ctx: &Context,
    key: &str,
    fingerprint: &Fingerprint,
) -> Result<Answered<T>, Error> {
    match find(ctx, key).await? {
        Some(stored) if stored.fingerprint == *fingerprint => Ok(Answered::Before(stored.answer)),
        // Another payload won, or the key was pruned in between: a retry will be told which.
        Some(_) | None => Err(Error::Busy),
    }
}

/// Deletes up to `max` keys that need not be kept any more.
pub async fn prune(ctx: &Context, max: u32) -> Result<u32, Error> {
    let mut tx = ctx.store.begin().await?;
    let pruned = tx.prune_keys(ctx.clock.now(), KEPT_FOR, max).await?;
    tx.commit().await?;
    Ok(pruned)
}

async fn find(ctx: &Context, key: &str) -> Result<Option<StoredKey>, Error> {
    let stored = ctx.key_lookups.submit(key.to_owned()).await??;
    let oldest = ctx.clock.now() - KEPT_FOR;
    Ok(stored.filter(|stored| stored.created_at > oldest))
}

/// The keys whose requests run in this process.
#[derive(Debug, Default)]
pub(crate) struct KeysRunning(Mutex<HashSet<String>>);

/// Ends the running of a key when it is dropped.
#[derive(Debug)]
pub struct KeyGuard<'a> {
    running: &'a KeysRunning,
    key: String,
}

impl KeysRunning {
    fn enter(&self, key: &str) -> Option<KeyGuard<'_>> {
        let fresh = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key.to_owned());
        fresh.then(|| KeyGuard {
            running: self,
            key: key.to_owned(),
        })
    }
}

impl Drop for KeyGuard<'_> {
    fn drop(&mut self) {
        self.running
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.key);
    }
}

impl<T> Clone for Keyed<T> {
    fn clone(&self) -> Self {
        Self {
            key: self.key.clone(),
            fingerprint: self.fingerprint,
            answer: Arc::clone(&self.answer),
        }
    }
}

impl<T> fmt::Debug for Keyed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyed")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
