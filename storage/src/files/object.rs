//! Files as objects: in a folder, in an S3-compatible store, in memory for tests.

use std::error::Error as _;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::ports::{FileError, Files};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{Error, ObjectStore, ObjectStoreExt};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::S3Place;
use super::breaker::Breaker;
use super::s3::OPERATION_TIME;

/// Files of a folder that are read at a time, and as many that are written. Each takes a thread
/// that keeps memory of its own, and a crowd that downloads is served no faster by more of them.
/// Whoever comes beyond waits, readers for readers only.
const AT_ONCE_MAX: usize = 16;
/// How long one waits for a place: thousands go by meanwhile, unless the disk hangs. Whoever has
/// waited in vain fails.
const PLACE_WAIT_MAX: Duration = Duration::from_secs(10);

/// Files in an object store.
#[derive(Debug, Clone)]
pub struct ObjectFiles {
    store: Arc<dyn ObjectStore>,
    breaker: Arc<Breaker>,
    /// How long it may take to answer, if it is across a network.
    patience: Option<Duration>,
    /// For what is read at a time and for what is written, if threads do it.
    places: Option<Arc<Places>>,
}

/// Room for those who read a folder's files, and for those who write and delete them.
#[derive(Debug)]
struct Places {
    reading: Semaphore,
    writing: Semaphore,
}

impl ObjectFiles {
    /// Files in a folder, which is created if missing. A file is written beside its place and
    /// renamed, so readers see the whole of it or nothing. It is not forced to the disk: after a
    /// power failure a half file is found out by its missing end, and rendered again.
    pub fn on_disk(folder: &FilePath) -> Result<Self, FileError> {
        let failed = |reason: String| FileError {
            key: folder.display().to_string(),
            reason,
        };
        std::fs::create_dir_all(folder).map_err(|error| failed(error.to_string()))?;
        let store = LocalFileSystem::new_with_prefix(folder)
            .map_err(|error| failed(error.to_string()))?
            .with_automatic_cleanup(true);
        Ok(Self {
            store: Arc::new(store),
            breaker: Arc::new(Breaker::new(folder.display())),
            patience: None,
            places: Some(Arc::new(Places {
                reading: Semaphore::new(AT_ONCE_MAX),
                writing: Semaphore::new(AT_ONCE_MAX),
            })),
        })
    }

    /// Files in an S3-compatible store. A store that is away fails whoever asks within seconds,
    /// and those who ask soon afterwards at once.
    pub fn in_s3(place: &S3Place) -> Result<Self, FileError> {
        let name = place.to_string();
        let failed = |reason| FileError {
            key: name.clone(),
            reason,
        };
        let (_, prefix) = place.bucket_and_prefix().map_err(failed)?;
        let store = PrefixStore::new(place.connect().map_err(failed)?, prefix);
        Ok(Self {
            store: Arc::new(store),
            breaker: Arc::new(Breaker::new(name)),
            patience: Some(OPERATION_TIME),
            places: None,
        })
    }

    /// Files that are gone with the process.
    pub fn in_memory() -> Self {
        Self {
            store: Arc::new(InMemory::new()),
            breaker: Arc::new(Breaker::new("memory")),
            patience: None,
            places: None,
        }
    }

    /// Writes, reads and deletes a file that nobody else uses.
    pub async fn try_out(&self, key: &str) -> Result<(), FileError> {
        let bytes = Bytes::from_static(b"ticketoverflow");
        self.put(key, bytes.clone()).await?;
        let read = self.get(key).await?;
        self.delete(key).await?;
        if read != Some(bytes) {
            return Err(self.failed(key, "what was written is not what is read"));
        }
        Ok(())
    }

    /// Does one thing within its time; nothing when there is no such object.
    async fn ask<T>(
        &self,
        key: &str,
        doing: impl Future<Output = Result<T, Error>>,
    ) -> Result<Option<T>, FileError> {
        let done = match self.patience {
            None => Ok(doing.await),
            Some(patience) => {
                let enter = self.breaker.enter(patience);
                enter.map_err(|reason| self.failed(key, reason))?;
                timeout(patience, doing).await
            }
        };
        let (away, error) = match done {
            Ok(Ok(done)) => {
                self.breaker.answered();
                return Ok(Some(done));
            }
            Ok(Err(Error::NotFound { .. })) => {
                self.breaker.answered();
                return Ok(None);
            }
            // What is not of any of its other kinds: no connection, or a failure of the server.
            Ok(Err(error)) => (matches!(error, Error::Generic { .. }), words(&error)),
            Err(_) => (true, format!("no answer within {OPERATION_TIME:?}")),
        };
        if away {
            self.breaker.failed(&error);
        } else {
            self.breaker.answered();
        }
        Err(self.failed(key, error))
    }

    /// A place to read or to write, as soon as there is one, where they are limited.
    async fn place(
        &self,
        key: &str,
        of: fn(&Places) -> &Semaphore,
    ) -> Result<Option<SemaphorePermit<'_>>, FileError> {
        let Some(places) = self.places.as_deref().map(of) else {
            return Ok(None);
        };
        if let Ok(place) = timeout(PLACE_WAIT_MAX, places.acquire()).await {
            return Ok(Some(place.expect("it is never closed")));
        }
        let error = format!(
            "{AT_ONCE_MAX} other files are in the way for {PLACE_WAIT_MAX:?}: the disk hangs, or \
             is too slow for so many"
        );
        self.breaker.failed(&error);
        Err(self.failed(key, error))
    }

    fn failed(&self, key: &str, reason: impl std::fmt::Display) -> FileError {
        FileError {
            key: key.to_owned(),
            reason: format!("{}: {reason}", self.breaker.place()),
        }
    }
}

#[async_trait]
impl Files for ObjectFiles {
    async fn put(&self, key: &str, bytes: Bytes) -> Result<(), FileError> {
        let path = path(key)?;
        let _place = self.place(key, |places| &places.writing).await?;
        let put = self.ask(key, self.store.put(&path, bytes.into())).await?;
        // As a store answers that has no such bucket.
        put.map(drop)
            .ok_or_else(|| self.failed(key, "there is no such place"))
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, FileError> {
        let path = path(key)?;
        let _place = self.place(key, |places| &places.reading).await?;
        // It may also vanish between being found and being read.
        self.ask(key, async { self.store.get(&path).await?.bytes().await })
            .await
    }

    async fn delete(&self, key: &str) -> Result<(), FileError> {
        let path = path(key)?;
        let _place = self.place(key, |places| &places.writing).await?;
        self.ask(key, self.store.delete(&path)).await.map(drop)
    }
}

/// An error with what led to it, of which it repeats some.
fn words(error: &Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        cause = error.source();
    }
    words
}

fn path(key: &str) -> Result<Path, FileError> {
    Path::parse(key).map_err(|error| FileError {
        key: key.to_owned(),
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_finds_a_folder_busy_waits_for_a_place_and_writers_not_for_readers() {
        let folder = tempfile::tempdir().unwrap();
        let files = ObjectFiles::on_disk(folder.path()).unwrap();
        let bytes = Bytes::from_static(b"bytes");
        let places = files.places.as_deref().unwrap();
        let readers = places.reading.try_acquire_many(16).unwrap();
        files.put("a", bytes.clone()).await.unwrap();
        let mut read = std::pin::pin!(files.get("a"));
        tokio::select! {
            biased;
            read = &mut read => panic!("{read:?} is read by a seventeenth reader"),
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
        }
        drop(readers);
        assert_eq!(read.await.unwrap(), Some(bytes));
        let writers = places.writing.try_acquire_many(16).unwrap();
        let mut deleted = std::pin::pin!(files.delete("a"));
        assert!(futures::poll!(&mut deleted).is_pending());
        assert!(files.get("a").await.unwrap().is_some());
        drop(writers);
        deleted.await.unwrap();
        assert_eq!(files.get("a").await.unwrap(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_for_a_disk_that_hangs_is_told_so() {
        let folder = tempfile::tempdir().unwrap();
        let files = ObjectFiles::on_disk(folder.path()).unwrap();
        let places = files.places.as_deref().unwrap();
        let hang = places.reading.try_acquire_many(16).unwrap();
        let error = files.get("a").await.unwrap_err();
        assert!(error.reason.ends_with("is too slow for so many"), "{error}");
        let is_away = || files.breaker.enter(PLACE_WAIT_MAX).is_err();
        assert!(is_away(), "the log tells of it");
        drop(hang);
        assert_eq!(files.get("a").await.unwrap(), None);
        assert!(!is_away());
    }
}
