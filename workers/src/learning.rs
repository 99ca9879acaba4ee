//! What this process learns about how long jobs take is told to others, and what others have learned
//! is taken over: a scheduler runs no job, and after a start nothing is known.

use std::sync::Arc;
use std::time::Duration;

use domain::{Context, Error, Outage, jobs};
use tokio_util::sync::CancellationToken;

/// How often.
const INTERVAL: Duration = Duration::from_secs(5);

/// How long the last time may take, when the process stops.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// Tells and learns until the process stops.
pub(crate) async fn run(ctx: Arc<Context>, stop: CancellationToken) {
    let mut outage = Outage::of("telling how long jobs take");
    loop {
        match exchange(&ctx).await {
            Ok(()) => outage.worked(),
            Err(error) => {
                outage.failed(&error);
            }
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(INTERVAL) => {}
        }
    }
    // It is learned again if this fails.
    let _ = tokio::time::timeout(LAST_WAIT, jobs::tell_others(&ctx)).await;
}

async fn exchange(ctx: &Context) -> Result<(), Error> {
    jobs::tell_others(ctx).await?;
    jobs::learn_from_others(ctx).await
}
