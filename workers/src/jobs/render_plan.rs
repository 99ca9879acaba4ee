//! Draws a concert's seating plan and publishes it.
//!
//! Safe to repeat: every claim writes a file of its own, and a plan that shows less than the
//! published one is not published.

use std::sync::Arc;

use domain::Context;
use domain::ids::ConcertId;
use domain::job::{Claimed, RenderPlan};
use domain::plans::{self, Plan};
use domain::ports::StoreResult;
use domain::prints::Effect;
use tracing::Span;

use crate::job::{Job, JobContext, JobError, JobResult, Success, job_span};

impl Job for RenderPlan {
    async fn run(&self, ctx: &JobContext) -> JobResult {
        let id = self.concert_id;
        // Before the seats are read: a sale in between makes the plan older, never younger.
        let read_at = ctx.clock.now();
        let Some(drawing) = plans::drawing(ctx, id).await? else {
            return Err(JobError::cancel("the concert is gone"));
        };
        let (version, sold) = (drawing.concert.version, drawing.sold.count());
        ctx.check()?;
        ctx.report(None, "drawing");
        let bytes = ctx.renderer.plan(drawing).await?;
        ctx.check()?;
        ctx.report(Some(80), "storing");
        let before = ctx.store.read().await?.find_plan(id).await?;
        let file = plans::file_key(id, version, ctx.claim().token);
        ctx.files.put(&file, bytes).await?;
        let files: Vec<_> = before
            .map(|plan| plan.file)
            .into_iter()
            .chain([file.clone()])
            .collect();
        let plan = Plan {
            concert_id: id,
            version,
            sold,
            file,
            read_at,
        };
        Ok(Success::with(Effect::PublishPlan(plan)).then(tidy(ctx.shared(), id, files)))
    }

    fn span(job: &Claimed) -> Span {
        job_span!("job.render_plan", job)
    }
}

/// Deletes those of a plan's files that nobody is pointed to: the one before, or this run's own
/// when it was not published. A file that stays by mistake costs space, nothing else.
async fn tidy(ctx: Arc<Context>, id: ConcertId, files: Vec<String>) {
    let published = match published_file(&ctx, id).await {
        Ok(published) => published,
        Err(error) => {
            tracing::debug!(error = error.chain(), concert.id = %id, "plan files are kept");
            return;
        }
    };
    for file in files {
        if Some(&file) != published.as_ref()
            && let Err(error) = ctx.files.delete(&file).await
        {
            tracing::debug!(%error, concert.id = %id, "an old plan file is kept");
        }
    }
}

async fn published_file(ctx: &Context, id: ConcertId) -> StoreResult<Option<String>> {
    let plan = ctx.store.read().await?.find_plan(id).await?;
    Ok(plan.map(|plan| plan.file))
}
