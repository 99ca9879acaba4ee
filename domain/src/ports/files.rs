//! Rendered files. They may be lost at any time: whoever misses one renders it again.

use async_trait::async_trait;
use bytes::Bytes;

/// Keeps files under keys such as `tickets/0190…/v3/ticket.svg`.
#[async_trait]
pub trait Files: Send + Sync + 'static {
    /// Writes a file; readers see the whole of it or nothing.
    async fn put(&self, key: &str, bytes: Bytes) -> Result<(), FileError>;

    /// The file, or `None` when there is none.
    async fn get(&self, key: &str) -> Result<Option<Bytes>, FileError>;

    /// Removes a file. A file that is not there is no error.
    async fn delete(&self, key: &str) -> Result<(), FileError>;
}

/// The file store failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the file store failed on {key}: {reason}")]
pub struct FileError {
    /// The file.
    pub key: String,
    /// What it said.
    pub reason: String,
}
