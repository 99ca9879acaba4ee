//! The files as the domain uses them: it is noted when none can be kept.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::{Health, Part};
use crate::context::Parts;
use crate::ports::{FileError, Files};

/// The same parts with files of which it is noted whether they can be kept.
pub(crate) fn with_noted_files(mut parts: Parts, health: &Arc<Health>) -> Parts {
    parts.files = Arc::new(NotedFiles {
        files: parts.files,
        health: Arc::clone(health),
    });
    parts
}

struct NotedFiles {
    files: Arc<dyn Files>,
    health: Arc<Health>,
}

#[async_trait]
impl Files for NotedFiles {
    async fn put(&self, key: &str, bytes: Bytes) -> Result<(), FileError> {
        let put = self.files.put(key, bytes).await;
        match &put {
            Ok(()) => self.health.worked(Part::Files),
            Err(error) => self.health.met(Part::Files, error.to_string()),
        }
        put
    }

    /// What cannot be read is drawn again, and tried to be kept then.
    async fn get(&self, key: &str) -> Result<Option<Bytes>, FileError> {
        self.files.get(key).await
    }

    async fn delete(&self, key: &str) -> Result<(), FileError> {
        self.files.delete(key).await
    }
}
