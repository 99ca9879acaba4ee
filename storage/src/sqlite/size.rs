//! How large the ledger is.

use domain::ports::StoreResult;
use domain::size::LedgerSize;
use sqlx::SqliteConnection;

use super::failure::failed;
use super::rows;
use super::wal::WalGuard;

/// Pages that deleted rows left are counted: they are part of the file until they are used again.
const MEASURE_SIZE: &str = "
    select (select page_count from pragma_page_count)
               * (select page_size from pragma_page_size),
           (select count(*) from (select 1 from concerts limit ?1)),
           (select coalesce(sum(sold), 0) from sales),
           (select count(*) from (select 1 from jobs limit ?1)),
           (select count(*) from (select 1 from finished_jobs limit ?1)),
           (select count(*) from (select 1 from idempotency_keys limit ?1)),
           (select count(*) from (select 1 from plans limit ?1))";

/// The log is measured as a file: it keeps its length when it begins anew.
pub(super) async fn measure_size(
    conn: &mut SqliteConnection,
    wal: &WalGuard,
    max: u32,
) -> StoreResult<LedgerSize> {
    let row = sqlx::query(MEASURE_SIZE)
        .bind(max)
        .fetch_one(conn)
        .await
        .map_err(failed)?;
    let figure = |at| rows::total(&row, at, "measure_size");
    Ok(LedgerSize {
        bytes: figure(0)?,
        log_bytes: wal.bytes(),
        concerts: figure(1)?,
        tickets: figure(2)?,
        jobs: figure(3)?,
        finished_jobs: figure(4)?,
        idempotency_keys: figure(5)?,
        plans: figure(6)?,
    })
}
