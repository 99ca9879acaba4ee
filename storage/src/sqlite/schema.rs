//! The schema of a SQLite ledger: which migrations there are, which a database has, and applying
//! the rest.

use std::path::Path;

use sqlx::migrate::MigrateError;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::failure::open_failed;
use crate::error::OpenError;
use crate::schema::{self, APPLIED, Listed, SchemaReport};

/// Every migration, in order.
const MIGRATIONS: [Listed; 7] = [
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
    (
        5,
        "job_losses",
        include_str!("../../../migrations/sqlite/0005_job_losses.sql"),
    ),
    (
        6,
        "sold_side_by_side",
        include_str!("../../../migrations/sqlite/0006_sold_side_by_side.sql"),
    ),
    (
        7,
        "shows",
        include_str!("../../../migrations/sqlite/0007_shows.sql"),
    ),
];

const HAS_MIGRATIONS: &str = "
    select count(*)
      from sqlite_schema
     where type = 'table'
       and name = '_sqlx_migrations'";

/// Reads a database without changing it; one that does not exist yet has nothing applied.
pub(crate) async fn read(file: &Path) -> Result<SchemaReport, OpenError> {
    if !file.exists() {
        return Ok(SchemaReport::of(Vec::new(), &MIGRATIONS));
    }
    let failed = |error| open_failed(file, error);
    let options = SqliteConnectOptions::new()
        .filename(file)
        .disable_statement_logging();
    let mut conn = options.connect().await.map_err(failed)?;
    let report = read_from(&mut conn).await.map_err(failed);
    // It was only read; a failure to close it loses nothing.
    let _ = conn.close().await;
    report
}

pub(super) async fn read_from(conn: &mut SqliteConnection) -> Result<SchemaReport, sqlx::Error> {
    let tables: i64 = sqlx::query_scalar(HAS_MIGRATIONS)
        .fetch_one(&mut *conn)
        .await?;
    let mut applied = Vec::new();
    if tables > 0 {
        applied = sqlx::query_scalar(APPLIED).fetch_all(&mut *conn).await?;
    }
    Ok(SchemaReport::of(applied, &MIGRATIONS))
}

/// Applies what is missing, each migration in a transaction of its own.
pub(super) async fn migrate(conn: &mut SqliteConnection, file: &Path) -> Result<(), OpenError> {
    let database = file.display().to_string();
    read_from(conn)
        .await
        .map_err(|error| open_failed(file, error))?
        .demand_known(&database)?;
    let applied = schema::migrator(&MIGRATIONS)
        .run_direct(None, conn, false)
        .await;
    applied.map_err(|error| match error {
        MigrateError::Execute(error) => open_failed(file, error),
        other => OpenError::Migration {
            database,
            source: other.into(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_in_the_list() {
        assert_eq!(schema::files(&MIGRATIONS), schema::folder("sqlite"));
    }
}
