//! One section of a house, with an element for every seat, as it sells.

use bytes::Bytes;

use crate::context::Context;
use crate::error::Error;
use crate::ids::ConcertId;
use crate::looks::Looks;
use crate::plans::{Plan, PlanDrawing};
use crate::ports::RenderError;
use crate::{concerts, layouts, seat_status, shows};

/// Bytes of a section's name at most: no house has a longer one, and what is asked for at the same
/// time is remembered by it.
const NAME_BYTES_MAX: usize = 4_096;

/// Drawings of sections that are shared: of a concert, by the name of the section.
pub(crate) type SectionLooks = Looks<(ConcertId, String), Result<(Bytes, Plan), Error>>;

/// One section of a concert's plan, drawn from the seats that are sold now. Those who ask for the
/// same one share a drawing that began after each of them asked. [`Error::NotFound`]
/// (`"section"`) when there is none of that name, or it has too many seats to be drawn so.
pub async fn fetch(ctx: &Context, id: ConcertId, section: String) -> Result<(Bytes, Plan), Error> {
    if section.len() > NAME_BYTES_MAX {
        return Err(Error::NotFound("section"));
    }
    let key = (id, section.clone());
    let draw = || draw(ctx, id, section);
    ctx.sections().share(key, draw).await
}

async fn draw(ctx: &Context, id: ConcertId, section: String) -> Result<(Bytes, Plan), Error> {
    let offer = concerts::find(ctx, id).await?;
    let moment = seat_status::sold(ctx, &offer).await?;
    let drawing = PlanDrawing {
        layout: layouts::of(ctx, &offer.concert).await?,
        show: shows::of(ctx, &offer.concert).await?,
        concert: offer.concert.into(),
        sold: (*moment.sold).clone(),
        section: Some(section),
    };
    let plan = Plan {
        concert_id: id,
        version: drawing.concert.version,
        sold: drawing.sold.count(),
        file: String::new(),
        read_at: moment.read_at,
    };
    match ctx.renderer.plan(drawing).await {
        Ok(bytes) => Ok((bytes, plan)),
        Err(RenderError::Undrawable(_)) => Err(Error::NotFound("section")),
        Err(error) => Err(error.into()),
    }
}
