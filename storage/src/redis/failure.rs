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
    /// Nothing was said in time.
    silent: bool,
}

impl Failure {
    pub(crate) fn of(error: &RedisError) -> Self {
        Self {
            message: format!("redis: {error}"),
            kind: Some(error.kind()),
            silent: is_timeout(error),
        }
    }

    pub(crate) fn slow(after: Duration) -> Self {
        Self {
            silent: true,
            ..Self::plain(format!("no answer within {} ms", after.as_millis()))
        }
    }

    pub(super) fn plain(message: impl std::fmt::Display) -> Self {
        Self {
            message: format!("redis: {message}"),
            kind: None,
            silent: false,
        }
    }

    /// What a server failed to say to a greeting in TLS: one that does not speak it does not
    /// understand the greeting, and waits for more.
    pub(super) fn of_greeting(mut self) -> Self {
        if self.silent {
            self.message += "; does the server speak TLS at that port?";
        }
        self
    }

    /// Whether the server said so.
    pub(super) fn is(&self, kind: ServerErrorKind) -> bool {
        self.kind == Some(ErrorKind::Server(kind))
    }
}

/// Whether time ran out. The client of a cluster tells it in words, of the last node that it tried.
fn is_timeout(error: &RedisError) -> bool {
    error.is_timeout()
        || error
            .detail()
            .is_some_and(|detail| detail.contains("timed out"))
}

impl From<Failure> for CountersError {
    fn from(failure: Failure) -> Self {
        Self(failure.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_whose_nodes_are_silent_may_not_speak_tls() {
        let told = |detail: &str| {
            let error = RedisError::from((ErrorKind::Io, "No connection", detail.to_owned()));
            Failure::of(&error).of_greeting().to_string()
        };
        let hint = "does the server speak TLS";
        assert!(told("Io: timed out").contains(hint));
        assert!(!told("Io: connection refused").contains(hint));
    }
}
