//! Draws a ticket and publishes it.
//!
//! Safe to repeat: the files' place and content follow from the ticket and the concert's version,
//! and publishing compares that version once more.

use domain::job::{Claimed, RenderTicket};
use domain::prints::{self, Effect, Format, Style};
use domain::ticket::Print;
use domain::{Error, tickets};
use tracing::Span;

use crate::job::{Job, JobContext, JobError, JobResult, Success, job_span};

impl Job for RenderTicket {
    async fn run(&self, ctx: &JobContext) -> JobResult {
        let id = self.ticket_id;
        let ticket = match tickets::find(ctx, id).await {
            Err(Error::NotFound(_)) => return Err(JobError::cancel("the ticket is gone")),
            found => found?,
        };
        if ticket.print != Print::Pending {
            return Ok(Success::nothing());
        }
        let Some(drawing) = prints::drawing(ctx, ticket).await? else {
            return Err(JobError::fail(
                "the ticket's concert or its holder is unknown",
            ));
        };
        let version = drawing.concert.version;
        ctx.check()?;
        ctx.report(None, "drawing");
        let (svg, pdf) = tokio::try_join!(
            ctx.renderer.ticket(drawing.clone(), Format::Svg),
            ctx.renderer.ticket(drawing, Format::Pdf),
        )?;
        ctx.check()?;
        ctx.report(Some(80), "storing");
        let (svg_key, pdf_key) = (
            prints::file_key(id, version, Format::Svg, Style::default()),
            prints::file_key(id, version, Format::Pdf, Style::default()),
        );
        tokio::try_join!(ctx.files.put(&svg_key, svg), ctx.files.put(&pdf_key, pdf))?;
        Ok(Success::with(Effect::PublishPrint {
            ticket_id: id,
            version,
        }))
    }

    fn span(job: &Claimed) -> Span {
        job_span!("job.render_ticket", job)
    }
}
