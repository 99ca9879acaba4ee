//! Looks that are shared: many who ask the same at once are answered by one look, and yet by
//! nothing that is older than their question.
//!
//! Whoever asks waits for a look that began after that. While one is under way, all who come
//! meanwhile share the next, so there is one at a time, however many ask.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The fewest entries that are gone through for those that nobody waits for any more.
const ENTRIES_TIDY: usize = 1_024;

/// Shared looks at things that a key names.
pub(crate) struct Looks<Key, Seen>(Mutex<Known<Key, Seen>>);

struct Known<Key, Seen> {
    looks: HashMap<Key, Weak<Look<Seen>>>,
    /// Entries at which those are removed that nobody waits for any more: twice as many as were
    /// left the last time, or a crowd at very many things would go through all of them each time.
    tidy_at: usize,
}

struct Look<Seen> {
    /// Looks that were begun.
    begun: AtomicU64,
    /// What was seen last, and by which look.
    seen: tokio::sync::Mutex<(u64, Option<Seen>)>,
}

impl<Key: Eq + Hash, Seen: Clone> Looks<Key, Seen> {
    /// What `look` sees, or what another one saw that began after this was called.
    pub(crate) async fn share<Looking>(&self, key: Key, look: impl FnOnce() -> Looking) -> Seen
    where
        Looking: Future<Output = Seen>,
    {
        let shared = self.of(key);
        let begun_before = shared.begun.load(SeqCst);
        let mut last = shared.seen.lock().await;
        if let (by, Some(seen)) = &*last
            && *by > begun_before
        {
            return seen.clone();
        }
        // Whoever gives up in the middle has begun a look that nobody sees; the next one begins
        // another.
        let number = shared.begun.fetch_add(1, SeqCst) + 1;
        let seen = look().await;
        *last = (number, Some(seen.clone()));
        seen
    }

    fn of(&self, key: Key) -> Arc<Look<Seen>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(look) = known.looks.get(&key).and_then(Weak::upgrade) {
            return look;
        }
        if known.looks.len() >= known.tidy_at {
            known.looks.retain(|_, look| look.strong_count() > 0);
            known.tidy_at = ENTRIES_TIDY.max(2 * known.looks.len());
        }
        let look = Arc::new(Look {
            begun: AtomicU64::new(0),
            seen: tokio::sync::Mutex::new((0, None)),
        });
        known.looks.insert(key, Arc::downgrade(&look));
        look
    }
}

impl<Key, Seen> Default for Looks<Key, Seen> {
    fn default() -> Self {
        Self(Mutex::new(Known {
            looks: HashMap::new(),
            tidy_at: ENTRIES_TIDY,
        }))
    }
}

impl<Key, Seen> fmt::Debug for Looks<Key, Seen> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Looks").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::*;

    /// Looks at a number that grows, through a gate.
    #[derive(Default)]
    struct Scene {
        looks: Looks<u8, u64>,
        number: AtomicU64,
        begun: AtomicU64,
        gate: Option<Semaphore>,
    }

    impl Scene {
        async fn see(&self) -> u64 {
            let look = || async {
                self.begun.fetch_add(1, SeqCst);
                let seen = self.number.load(SeqCst);
                if let Some(gate) = &self.gate {
                    gate.acquire().await.unwrap().forget();
                }
                seen
            };
            self.looks.share(1, look).await
        }

        async fn until_begun(&self, looks: u64) {
            while self.begun.load(SeqCst) < looks {
                tokio::task::yield_now().await;
            }
        }
    }

    fn gated() -> Arc<Scene> {
        Arc::new(Scene {
            gate: Some(Semaphore::new(0)),
            ..Scene::default()
        })
    }

    #[tokio::test]
    async fn those_who_come_during_a_look_share_the_next_one_and_see_what_is_newer() {
        let scene = gated();
        let see = || {
            let scene = Arc::clone(&scene);
            tokio::spawn(async move { scene.see().await })
        };
        let first = see();
        scene.until_begun(1).await;
        scene.number.store(7, SeqCst);
        let others: Vec<_> = (0..50).map(|_| see()).collect();
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
        scene.gate.as_ref().unwrap().add_permits(2);
        assert_eq!(first.await.unwrap(), 0);
        for other in others {
            assert_eq!(other.await.unwrap(), 7);
        }
        assert_eq!(scene.begun.load(SeqCst), 2);
    }

    #[tokio::test]
    async fn looks_that_nobody_waits_for_are_forgotten() {
        let looks = Looks::<usize, usize>::default();
        for key in 0..10 * ENTRIES_TIDY {
            assert_eq!(looks.share(key, || async { key }).await, key);
            assert!(looks.0.lock().unwrap().looks.len() <= ENTRIES_TIDY);
        }
    }

    #[tokio::test]
    async fn nobody_is_answered_by_a_look_that_ended_before() {
        let scene = Scene::default();
        for number in 0..5 {
            scene.number.store(number, SeqCst);
            assert_eq!(scene.see().await, number);
        }
        assert_eq!(scene.begun.load(SeqCst), 5);
    }

    #[tokio::test]
    async fn a_look_that_is_given_up_leaves_the_others_to_look() {
        let scene = gated();
        let first = tokio::spawn({
            let scene = Arc::clone(&scene);
            async move { scene.see().await }
        });
        scene.until_begun(1).await;
        let second = tokio::spawn({
            let scene = Arc::clone(&scene);
            async move { scene.see().await }
        });
        first.abort();
        scene.number.store(3, SeqCst);
        scene.gate.as_ref().unwrap().add_permits(1);
        assert_eq!(second.await.unwrap(), 3);
    }
}
