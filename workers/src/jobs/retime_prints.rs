//! Moves the due time of prints that wait for a concert whose date, hour or zone was changed.
//!
//! Safe to repeat: what was moved is not due at the old time any more.

use std::time::Duration;

use domain::job::{Claimed, RetimePrints};
use domain::retime::Retiming;
use tracing::Span;

use crate::job::{Job, JobContext, JobResult, Success, job_span};

/// The rest that the ledger's writer gets between two pages.
const PAUSE: Duration = Duration::from_millis(5);

impl Job for RetimePrints {
    async fn run(&self, ctx: &JobContext) -> JobResult {
        let mut retiming = Retiming::of(self);
        while retiming.step(ctx).await? {
            ctx.check()?;
            ctx.report(None, &format!("{} prints moved", retiming.moved));
            tokio::time::sleep(PAUSE).await;
        }
        if retiming.moved > 0 {
            let (concert, moved) = (self.concert_id, retiming.moved);
            tracing::info!(concert.id = %concert, moved, "prints have another due time");
        }
        Ok(Success::nothing())
    }

    fn span(job: &Claimed) -> Span {
        job_span!("job.retime_prints", job)
    }
}
