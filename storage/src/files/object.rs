//! Files as objects: on disk for the embedded engine, in memory for tests.

use std::path::Path as FilePath;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use domain::ports::{FileError, Files};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt};

/// Files in an object store.
#[derive(Debug, Clone)]
pub struct ObjectFiles {
    store: Arc<dyn ObjectStore>,
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
        })
    }

    /// Files that are gone with the process.
    pub fn in_memory() -> Self {
        Self {
            store: Arc::new(InMemory::new()),
        }
    }
}

#[async_trait]
impl Files for ObjectFiles {
    async fn put(&self, key: &str, bytes: Bytes) -> Result<(), FileError> {
        let put = self.store.put(&path(key)?, bytes.into()).await;
        put.map(drop).map_err(|error| failed(key, &error))
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, FileError> {
        let found = match self.store.get(&path(key)?).await {
            Ok(found) => found.bytes().await,
            Err(error) => Err(error),
        };
        match found {
            Ok(bytes) => Ok(Some(bytes)),
            // It may also vanish between being found and being read.
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(key, &error)),
        }
    }

    async fn delete(&self, key: &str) -> Result<(), FileError> {
        match self.store.delete(&path(key)?).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed(key, &error)),
        }
    }
}

fn path(key: &str) -> Result<Path, FileError> {
    Path::parse(key).map_err(|error| FileError {
        key: key.to_owned(),
        reason: error.to_string(),
    })
}

fn failed(key: &str, error: &Error) -> FileError {
    FileError {
        key: key.to_owned(),
        reason: error.to_string(),
    }
}
