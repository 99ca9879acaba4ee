//! What SQLite's errors mean to those who call.

use std::path::Path;

use domain::ports::StoreError;

use crate::error::OpenError;

/// Primary result codes of SQLite, <https://www.sqlite.org/rescode.html>.
const CORRUPT: i32 = 11;
const CONSTRAINT: i32 = 19;
const NOT_A_DATABASE: i32 = 26;
const CANNOT_OPEN: i32 = 14;
const READ_ONLY: i32 = 8;

/// The answer to a statement that failed.
pub(super) fn failed(error: sqlx::Error) -> StoreError {
    match primary_code(&error) {
        Some(CORRUPT | NOT_A_DATABASE) => StoreError::corrupt("the database file", error),
        Some(CONSTRAINT) => {
            tracing::debug!(%error, "a constraint refused a write");
            StoreError::Conflict("a row")
        }
        _ => StoreError::unavailable(error),
    }
}

/// The answer to a database that cannot be opened.
pub(super) fn open_failed(file: &Path, error: sqlx::Error) -> OpenError {
    match primary_code(&error) {
        Some(CORRUPT | NOT_A_DATABASE) => OpenError::Corrupt {
            file: file.into(),
            reason: error.to_string(),
        },
        Some(CANNOT_OPEN | READ_ONLY) => OpenError::Folder {
            folder: file.parent().unwrap_or(file).into(),
            source: std::io::Error::other(error),
        },
        _ => OpenError::Unavailable {
            file: file.into(),
            source: error.into(),
        },
    }
}

/// A write that touched another number of rows than it must.
pub(super) fn unexpected(place: &'static str, rows: u64) -> StoreError {
    StoreError::corrupt(place, anyhow::anyhow!("{rows} rows were written"))
}

fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let code = error.as_database_error()?.code()?;
    // The lowest byte of an extended code is the primary one.
    code.parse::<i32>().ok().map(|code| code & 0xff)
}
