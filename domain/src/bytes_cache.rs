//! Bytes that are kept in memory under names, as many as fit.

use std::fmt;
use std::future::Future;

use bytes::Bytes;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};

/// Entries that a cache is laid out for; there can be more.
const ENTRIES: usize = 1_000;
/// Looks for one edition while others ask for another one; who finds it replaced so many times
/// makes it for itself.
const LOOKS_MAX: u32 = 4;

/// A cache with a limit in bytes. An edition of what is under a name never changes, so nothing in it
/// is ever out of date. Of each name only the edition is kept that was asked for last, since the
/// ones before it are of no use any more; what nobody asks for makes room.
pub struct BytesCache(Cache<String, Kept, Weight>);

#[derive(Debug, Clone)]
struct Kept {
    edition: String,
    bytes: Bytes,
}

#[derive(Clone)]
struct Weight;

impl BytesCache {
    /// An empty cache of so many bytes. A value that is larger is not kept.
    ///
    /// # Panics
    ///
    /// Never: the options are complete.
    pub fn new(bytes_max: u64) -> Self {
        let options = OptionsBuilder::new()
            .estimated_items_capacity(ENTRIES)
            .weight_capacity(bytes_max)
            // A shard holds nothing that is larger than its own part of the bytes.
            .shards(1)
            .build()
            .expect("the options are complete");
        let hashes = DefaultHashBuilder::default();
        Self(Cache::with_options(
            options,
            Weight,
            hashes,
            DefaultLifecycle::default(),
        ))
    }

    /// An edition of what is under a name. If it is not there, one of those who ask makes it, and
    /// the others wait; `None` and errors are not kept.
    pub async fn get_or_make<Making, Error>(
        &self,
        name: &str,
        edition: &str,
        make: impl FnOnce() -> Making,
    ) -> Result<Option<Bytes>, Error>
    where
        Making: Future<Output = Result<Option<Bytes>, Error>>,
    {
        for _ in 0..LOOKS_MAX {
            let guard = match self.0.get_value_or_guard_async(name).await {
                Ok(kept) if kept.edition == edition => return Ok(Some(kept.bytes)),
                Ok(_) => {
                    // Unless somebody replaced it by now.
                    self.0.remove_if(name, |kept| kept.edition != edition);
                    continue;
                }
                Err(guard) => guard,
            };
            let made = make().await?;
            if let Some(bytes) = &made {
                let (edition, bytes) = (edition.to_owned(), bytes.clone());
                // Refused only if somebody else wrote it meanwhile, and then it is there.
                let _ = guard.insert(Kept { edition, bytes });
            }
            return Ok(made);
        }
        make().await
    }

    /// Bytes that are kept, with their names and editions.
    pub fn bytes(&self) -> u64 {
        self.0.weight()
    }
}

impl Weighter<String, Kept> for Weight {
    fn weight(&self, name: &String, kept: &Kept) -> u64 {
        (name.len() + kept.edition.len() + kept.bytes.len()) as u64
    }
}

impl fmt::Debug for BytesCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BytesCache")
            .field("bytes", &self.bytes())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use super::*;

    async fn ask(cache: &BytesCache, name: &str, bytes: usize, made: &AtomicUsize) -> usize {
        let make = || async {
            made.fetch_add(1, SeqCst);
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(Some(Bytes::from(vec![7; bytes])))
        };
        cache
            .get_or_make(name, "first", make)
            .await
            .unwrap()
            .unwrap()
            .len()
    }

    #[tokio::test]
    async fn one_of_many_makes_what_is_missing() {
        let (cache, made) = (Arc::new(BytesCache::new(1_000)), Arc::default());
        let asking = (0..50).map(|_| {
            let (cache, made) = (Arc::clone(&cache), Arc::clone(&made));
            tokio::spawn(async move { ask(&cache, "a", 100, &made).await })
        });
        for asked in asking.collect::<Vec<_>>() {
            assert_eq!(asked.await.unwrap(), 100);
        }
        assert_eq!(made.load(SeqCst), 1);
    }

    #[tokio::test]
    async fn large_values_are_kept_as_long_as_they_fit() {
        let (cache, made) = (BytesCache::new(1_000_000), AtomicUsize::new(0));
        for round in 1..=3 {
            ask(&cache, "large", 600_000, &made).await;
            assert_eq!(made.load(SeqCst), 1, "round {round}");
        }
        for number in 0..9 {
            ask(&cache, &number.to_string(), 400_000, &made).await;
            assert!(cache.bytes() <= 1_000_000);
        }
        assert!(cache.bytes() > 0);
        ask(&cache, "too large", 2_000_000, &made).await;
        assert!(cache.bytes() <= 1_000_000);
    }

    #[tokio::test]
    async fn what_is_not_there_is_looked_for_again() {
        let cache = BytesCache::new(1_000);
        let missing = || async { Ok::<_, Infallible>(None) };
        assert_eq!(cache.get_or_make("a", "1", missing).await.unwrap(), None);
        let failing = || async { Err("away") };
        assert_eq!(cache.get_or_make("a", "1", failing).await, Err("away"));
        assert_eq!(ask(&cache, "a", 10, &AtomicUsize::new(0)).await, 10);
    }

    #[tokio::test]
    async fn an_edition_makes_way_for_the_next_one() {
        let (cache, made) = (Arc::new(BytesCache::new(1_000)), Arc::default());
        let asking = (0..200).map(|at| {
            let (cache, made) = (Arc::clone(&cache), Arc::<AtomicUsize>::clone(&made));
            let edition = ["first", "then"][at % 2];
            tokio::spawn(async move {
                let make = || async {
                    made.fetch_add(1, SeqCst);
                    tokio::task::yield_now().await;
                    Ok::<_, Infallible>(Some(Bytes::from(edition)))
                };
                let bytes = cache.get_or_make("plan", edition, make).await.unwrap();
                assert_eq!(bytes.as_deref(), Some(edition.as_bytes()));
            })
        });
        for asked in asking.collect::<Vec<_>>() {
            asked.await.unwrap();
        }
        assert!(made.load(SeqCst) < 200, "some share one");
        let make = || async { Ok::<_, Infallible>(Some(Bytes::from("third"))) };
        cache.get_or_make("plan", "third", make).await.unwrap();
        let kept = "plan".len() + "third".len() + "third".len();
        assert_eq!(cache.bytes(), kept as u64, "only the last is kept");
    }
}
