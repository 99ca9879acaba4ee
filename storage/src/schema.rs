//! Where a ledger's schema stands, whichever engine keeps it: what is applied, what is known, and
//! what to do about the difference.

use std::borrow::Cow;

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use crate::error::OpenError;

/// A migration: its number, its name and its statements.
///
/// Each engine lists its own by hand instead of with `sqlx::migrate!`, which would compile the
/// drivers, SQLite included, a second time for the build machine. A test compares the lists with
/// the folders.
pub(crate) type Listed = (i64, &'static str, &'static str);

/// Whether a database has any migration at all is asked first, in the engine's own way.
pub(crate) const APPLIED: &str = "
    select version
      from _sqlx_migrations
     where success
     order by version";

/// Where a database stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaReport {
    /// Versions that were applied to the database.
    pub applied: Vec<i64>,
    /// Versions that this binary knows, with their names.
    pub known: Vec<(i64, &'static str)>,
}

impl SchemaReport {
    /// Known versions that are not applied yet.
    pub fn pending(&self) -> Vec<(i64, &'static str)> {
        let known = self.known.iter().copied();
        known
            .filter(|(version, _)| !self.applied.contains(version))
            .collect()
    }

    /// Applied versions that this binary does not know.
    pub fn unknown(&self) -> Vec<i64> {
        let applied = self.applied.iter().copied();
        applied
            .filter(|version| self.known.iter().all(|(known, _)| known != version))
            .collect()
    }

    pub(crate) fn of(applied: Vec<i64>, listed: &[Listed]) -> Self {
        let known = listed.iter().map(|(version, name, _)| (*version, *name));
        Self {
            applied,
            known: known.collect(),
        }
    }

    /// Refuses a database that this binary cannot work with as it is.
    pub(crate) fn demand_current(&self, database: &str) -> Result<(), OpenError> {
        self.demand_known(database)?;
        if self.pending().is_empty() {
            return Ok(());
        }
        Err(OpenError::Older {
            database: database.into(),
            found: self.applied.last().copied().unwrap_or(0),
            known: self.newest(),
        })
    }

    /// Refuses a database that a newer binary wrote.
    pub(crate) fn demand_known(&self, database: &str) -> Result<(), OpenError> {
        match self.unknown().last() {
            None => Ok(()),
            Some(&found) => Err(OpenError::Newer {
                database: database.into(),
                found,
                known: self.newest(),
            }),
        }
    }

    fn newest(&self) -> i64 {
        self.known.last().map_or(0, |(version, _)| *version)
    }
}

/// What applies the migrations of a list.
pub(crate) fn migrator(listed: &[Listed]) -> Migrator {
    let migrations = listed.iter().map(|&(version, name, sql)| {
        Migration::new(
            version,
            Cow::Borrowed(name),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    });
    Migrator::with_migrations(migrations.collect())
}

/// Names of the files that a list stands for, in order.
#[cfg(test)]
pub(crate) fn files(listed: &[Listed]) -> Vec<String> {
    listed
        .iter()
        .map(|(version, name, _)| format!("{version:04}_{name}.sql"))
        .collect()
}

/// Names of the files of an engine's folder, in order.
#[cfg(test)]
pub(crate) fn folder(engine: &str) -> Vec<String> {
    let folder = format!("{}/../migrations/{engine}", env!("CARGO_MANIFEST_DIR"));
    let entries = std::fs::read_dir(folder).expect("it is a folder of the workspace");
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("it can be listed").file_name())
        .map(|file| file.to_string_lossy().into_owned())
        .collect();
    files.sort();
    files
}
