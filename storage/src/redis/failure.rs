//! Why Redis did not answer as it should.

use std::time::Duration;

use domain::ports::CountersError;
use redis::{ErrorKind, RedisError, ServerErrorKind};

/// Why Redis did not answer as it should. Holds no password.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    message: String,
    kind: Option<ErrorKind>,
}

impl Failure {
    pub(crate) fn of(error: &RedisError) -> Self {
        Self {
            message: format!("redis: {error}"),
            kind: Some(error.kind()),
        }
    }

    pub(crate) fn slow(after: Duration) -> Self {
        Self::plain(format!("no answer within {} ms", after.as_millis()))
    }

    pub(super) fn plain(message: impl std::fmt::Display) -> Self {
        Self {
            message: format!("redis: {message}"),
            kind: None,
        }
    }

    /// Whether the server said so.
    pub(super) fn is(&self, kind: ServerErrorKind) -> bool {
        self.kind == Some(ErrorKind::Server(kind))
    }
}

impl From<Failure> for CountersError {
    fn from(failure: Failure) -> Self {
        Self(failure.message)
    }
}
