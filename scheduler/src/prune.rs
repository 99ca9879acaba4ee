//! Deletes what was kept long enough, a little at a time, so that buyers do not wait for it.

use std::time::Duration;

use chrono::TimeDelta;
use domain::{Context, Error, jobs, keys};

const BATCH: u32 = 1_000;

/// The rest that the ledger's writer gets between two batches.
const PAUSE: Duration = Duration::from_millis(20);

/// Deletes finished jobs and idempotency keys until nothing old is left.
pub(crate) async fn tick(ctx: &Context, jobs_kept: TimeDelta) -> Result<(), Error> {
    while jobs::prune(ctx, jobs_kept, BATCH).await? == BATCH {
        tokio::time::sleep(PAUSE).await;
    }
    while keys::prune(ctx, BATCH).await? == BATCH {
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}
