//! How large the ledger is.

use domain::ports::StoreResult;
use domain::size::LedgerSize;
use sqlx::PgConnection;

use super::failure::failed;
use super::rows;

/// The server adds up the sizes of the database's files. Its write-ahead log is not among them:
/// what is kept of that is a matter of the server's settings.
const MEASURE_SIZE: &str = "
    select pg_database_size(current_database()),
           (select count(*) from (select 1 from concerts limit $1) as one),
           (select coalesce(sum(sold), 0)::bigint from sold),
           (select count(*) from (select 1 from jobs limit $1) as one),
           (select count(*) from (select 1 from finished_jobs limit $1) as one),
           (select count(*) from (select 1 from idempotency_keys limit $1) as one),
           (select count(*) from (select 1 from plans limit $1) as one)";

pub(super) async fn measure_size(conn: &mut PgConnection, max: u32) -> StoreResult<LedgerSize> {
    let row = sqlx::query(MEASURE_SIZE)
        .bind(i64::from(max))
        .fetch_one(conn)
        .await
        .map_err(failed)?;
    let figure = |at| rows::total(&row, at, "measure_size");
    Ok(LedgerSize {
        bytes: figure(0)?,
        log_bytes: 0,
        concerts: figure(1)?,
        tickets: figure(2)?,
        jobs: figure(3)?,
        finished_jobs: figure(4)?,
        idempotency_keys: figure(5)?,
        plans: figure(6)?,
    })
}
