//! The schema: which migrations there are, which a database has, and applying the rest.

use std::borrow::Cow;
use std::path::Path;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqlSafeStr, SqliteConnection};

use super::failure::open_failed;
use crate::error::OpenError;

/// Every migration, in order. Listed by hand instead of with `sqlx::migrate!`, which would
/// compile the driver, SQLite included, a second time for the build machine. A test compares the
/// list with the folder.
const MIGRATIONS: [(i64, &str, &str); 4] = [
    (
        1,
        "ledger",
        include_str!("../../../migrations/sqlite/0001_ledger.sql"),
    ),
    (
        2,
        "ticket_slots",
        include_str!("../../../migrations/sqlite/0002_ticket_slots.sql"),
    ),
    (
        3,
        "layouts",
        include_str!("../../../migrations/sqlite/0003_layouts.sql"),
    ),
    (
        4,
        "job_control",
        include_str!("../../../migrations/sqlite/0004_job_control.sql"),
    ),
];

const HAS_MIGRATIONS: &str = "
    select count(*)
      from sqlite_schema
     where type = 'table'
       and name = '_sqlx_migrations'";

const APPLIED: &str = "
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

    /// Reads a database without changing it; one that does not exist yet has nothing applied.
    pub(crate) async fn read(file: &Path) -> Result<Self, OpenError> {
        if !file.exists() {
            return Ok(Self::of(Vec::new()));
        }
        let failed = |error| open_failed(file, error);
        let options = SqliteConnectOptions::new()
            .filename(file)
            .disable_statement_logging();
        let mut conn = options.connect().await.map_err(failed)?;
        let report = Self::read_from(&mut conn).await.map_err(failed);
        // It was only read; a failure to close it loses nothing.
        let _ = conn.close().await;
        report
    }

    pub(super) async fn read_from(conn: &mut SqliteConnection) -> Result<Self, sqlx::Error> {
        let tables: i64 = sqlx::query_scalar(HAS_MIGRATIONS)
            .fetch_one(&mut *conn)
            .await?;
        if tables == 0 {
            return Ok(Self::of(Vec::new()));
        }
        Ok(Self::of(
            sqlx::query_scalar(APPLIED).fetch_all(&mut *conn).await?,
        ))
    }

    /// Refuses a database that this binary cannot work with as it is.
    pub(super) fn demand_current(&self, file: &Path) -> Result<(), OpenError> {
        self.demand_known(file)?;
        if self.pending().is_empty() {
            return Ok(());
        }
        Err(OpenError::Older {
            file: file.into(),
            found: self.applied.last().copied().unwrap_or(0),
            known: Self::newest(),
        })
    }

    pub(super) fn demand_known(&self, file: &Path) -> Result<(), OpenError> {
        match self.unknown().last() {
            None => Ok(()),
            Some(&found) => Err(OpenError::Newer {
                file: file.into(),
                found,
                known: Self::newest(),
            }),
        }
    }

    fn of(applied: Vec<i64>) -> Self {
        let known = MIGRATIONS.map(|(version, name, _)| (version, name));
        Self {
            applied,
            known: known.into(),
        }
    }

    fn newest() -> i64 {
        MIGRATIONS[MIGRATIONS.len() - 1].0
    }
}

/// Applies what is missing, each migration in a transaction of its own.
pub(super) async fn migrate(conn: &mut SqliteConnection, file: &Path) -> Result<(), OpenError> {
    SchemaReport::read_from(conn)
        .await
        .map_err(|error| open_failed(file, error))?
        .demand_known(file)?;
    let migrations = MIGRATIONS.map(|(version, name, sql)| {
        Migration::new(
            version,
            Cow::Borrowed(name),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    });
    let migrator = Migrator::with_migrations(migrations.into());
    let applied = migrator.run_direct(None, conn, false).await;
    applied.map_err(|error| match error {
        MigrateError::Execute(error) => open_failed(file, error),
        other => OpenError::Migration {
            file: file.into(),
            source: other.into(),
        },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    #[test]
    fn every_file_of_the_folder_is_in_the_list() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations/sqlite");
        let files: BTreeSet<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let listed: BTreeSet<_> = MIGRATIONS
            .iter()
            .map(|(version, name, _)| format!("{version:04}_{name}.sql"))
            .collect();
        assert_eq!(files, listed);
        assert!(MIGRATIONS.is_sorted_by_key(|(version, ..)| *version));
    }
}
