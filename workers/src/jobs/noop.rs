//! Does nothing, and so shows what the platform itself costs.

use domain::job::{Claimed, Noop};
use tracing::Span;

use crate::job::{Job, JobContext, JobResult, Success, job_span};

impl Job for Noop {
    async fn run(&self, _ctx: &JobContext) -> JobResult {
        Ok(Success::nothing())
    }

    fn span(job: &Claimed) -> Span {
        job_span!("job.noop", job)
    }
}
