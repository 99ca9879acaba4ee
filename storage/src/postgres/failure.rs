//! What PostgreSQL's errors mean to those who call.

use domain::ports::StoreError;
use sqlx::Error;

/// Serialization failure, deadlock.
const ROLLED_BACK: [&str; 2] = ["40001", "40P01"];

/// Shut down by an administrator, crashed, not up yet; idle for too long in a transaction, or
/// altogether; a primary that has become a standby.
const GONE: [&str; 6] = ["57P01", "57P02", "57P03", "57P05", "25P03", "25006"];

/// The classes of connection errors, violated constraints, and damage to the database.
const CONNECTION: &str = "08";
const CONSTRAINT: &str = "23";
const INTERNAL: &str = "XX";

/// The answer to a statement that failed.
pub(super) fn failed(error: Error) -> StoreError {
    if is_lost(&error) {
        return StoreError::interrupted(error);
    }
    match error {
        Error::ColumnDecode { .. } | Error::Decode(_) => StoreError::corrupt("the database", error),
        _ => match code(&error) {
            Some(code) if ROLLED_BACK.contains(&code.as_str()) => StoreError::interrupted(error),
            Some(code) if code.starts_with(INTERNAL) => StoreError::corrupt("the database", error),
            Some(code) if code.starts_with(CONSTRAINT) => {
                tracing::debug!(%error, "a constraint refused a write");
                StoreError::Conflict("a row")
            }
            _ => StoreError::unavailable(error),
        },
    }
}

/// Whether the connection is of no use any more, and another one may be.
pub(super) fn is_lost(error: &Error) -> bool {
    match error {
        Error::Io(_) | Error::Tls(_) | Error::Protocol(_) => true,
        _ => code(error)
            .is_some_and(|code| code.starts_with(CONNECTION) || GONE.contains(&code.as_str())),
    }
}

/// Whether a unique index refused a row.
pub(super) fn is_taken(error: &Error) -> bool {
    let error = error.as_database_error();
    error.is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

/// A write that touched another number of rows than it must.
pub(super) fn unexpected(place: &'static str, rows: u64) -> StoreError {
    StoreError::corrupt(place, anyhow::anyhow!("{rows} rows were written"))
}

fn code(error: &Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}
