//! Why a use case did not do what was asked.

use crate::admission::Shed;
use crate::hours::WrongHours;
use crate::ports::{CountersError, FileError, RenderError, StoreError};

/// What a caller can do about it decides the variant.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Nothing of that id; the word says what was looked for.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// Not possible as things are; asking again does not help until they change.
    #[error("{0}")]
    Refused(Refusal),
    /// Every seat left is in somebody else's purchase; one may come back. Ask again soon.
    #[error("every seat left is being bought right now")]
    Held,
    /// The concert has another version than the caller expects.
    #[error("the concert is at version {current} now")]
    VersionMoved {
        /// The version that it has.
        current: u32,
    },
    /// Too much is waiting already; nothing was done. Ask again later.
    #[error("too many requests are waiting")]
    Busy,
    /// Not let in, see [`crate::admission`]; nothing was done. Ask again later.
    #[error("{0}")]
    Shed(Shed),
    /// The ledger failed. Whether the request had an effect is unknown until it is read again.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something else that is needed failed: counters, files, drawing.
    #[error("a part of the service failed: {0}")]
    Part(String),
}

/// Why something is not possible as things are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No seat is left, or the venue closed the sale.
    #[error("the concert is sold out")]
    SoldOut,
    /// The concert will not take place.
    #[error("the concert is cancelled")]
    Cancelled,
    /// The job is in a state from which it cannot go there.
    #[error("the job's state does not allow it")]
    JobState,
    /// A show cannot have these hours on its concert's day.
    #[error("{0}")]
    Hours(WrongHours),
    /// Its concert cannot move to that day, on which the show would have these hours.
    #[error("{0}; say other hours of the show first")]
    HoursThen(WrongHours),
}

impl Error {
    /// With everything that led to it in one line, for a log.
    pub fn chain(&self) -> String {
        match self {
            Self::Store(error) => error.chain(),
            other => other.to_string(),
        }
    }
}

impl From<CountersError> for Error {
    fn from(error: CountersError) -> Self {
        Self::Part(error.to_string())
    }
}

impl From<FileError> for Error {
    fn from(error: FileError) -> Self {
        Self::Part(error.to_string())
    }
}

impl From<RenderError> for Error {
    fn from(error: RenderError) -> Self {
        match error {
            RenderError::Busy => Self::Busy,
            RenderError::Undrawable(_) | RenderError::Failed(_) => Self::Part(error.to_string()),
        }
    }
}
