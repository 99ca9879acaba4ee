//! The schema of a PostgreSQL ledger: which migrations there are, which a database has, and
//! applying the rest.

use sqlx::PgConnection;

use crate::error::OpenError;
use crate::schema::{self, APPLIED, Listed, SchemaReport};

/// Every migration, in order.
const MIGRATIONS: [Listed; 9] = [
    (
        1,
        "ledger",
        include_str!("../../../migrations/postgres/0001_ledger.sql"),
    ),
    (
        2,
        "ticket_slots",
        include_str!("../../../migrations/postgres/0002_ticket_slots.sql"),
    ),
    (
        3,
        "layouts",
        include_str!("../../../migrations/postgres/0003_layouts.sql"),
    ),
    (
        4,
        "job_control",
        include_str!("../../../migrations/postgres/0004_job_control.sql"),
    ),
    (
        5,
        "job_losses",
        include_str!("../../../migrations/postgres/0005_job_losses.sql"),
    ),
    (
        6,
        "sold_side_by_side",
        include_str!("../../../migrations/postgres/0006_sold_side_by_side.sql"),
    ),
    (
        7,
        "shows",
        include_str!("../../../migrations/postgres/0007_shows.sql"),
    ),
    (
        8,
        "recent_sales",
        include_str!("../../../migrations/postgres/0008_recent_sales.sql"),
    ),
    (
        9,
        "service_times",
        include_str!("../../../migrations/postgres/0009_service_times.sql"),
    ),
];

const HAS_MIGRATIONS: &str = "
    select to_regclass('_sqlx_migrations') is not null";

/// Reads a database without changing it; an empty one has nothing applied.
pub(super) async fn read_from(conn: &mut PgConnection) -> Result<SchemaReport, sqlx::Error> {
    let begun: bool = sqlx::query_scalar(HAS_MIGRATIONS)
        .fetch_one(&mut *conn)
        .await?;
    let mut applied = Vec::new();
    if begun {
        applied = sqlx::query_scalar(APPLIED).fetch_all(conn).await?;
    }
    Ok(SchemaReport::of(applied, &MIGRATIONS))
}

/// Applies what is missing, each migration in a transaction of its own. Several processes may do
/// it at once: the driver has them wait for each other.
pub(super) async fn migrate(conn: &mut PgConnection, database: &str) -> Result<(), OpenError> {
    let unread = |source: sqlx::Error| OpenError::Unreachable {
        database: database.into(),
        source: source.into(),
    };
    read_from(conn)
        .await
        .map_err(unread)?
        .demand_known(database)?;
    let applied = schema::migrator(&MIGRATIONS)
        .run_direct(None, conn, false)
        .await;
    applied.map_err(|source| OpenError::Migration {
        database: database.into(),
        source: source.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_in_the_list() {
        assert_eq!(schema::files(&MIGRATIONS), schema::folder("postgres"));
    }
}
