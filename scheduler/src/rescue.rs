//! Takes jobs away from workers that were not heard of.

use domain::{Context, Error, jobs};

const BATCH: u32 = 500;

/// Rescues until a batch is not full.
pub(crate) async fn tick(ctx: &Context) -> Result<(), Error> {
    while jobs::rescue(ctx, BATCH).await? == BATCH {}
    Ok(())
}
