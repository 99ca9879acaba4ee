//! Drawing, on threads of its own and no more of them than there are cores: it is the one thing
//! here that keeps a processor busy, and it must not keep anybody else waiting.

mod plans;
mod threads;

use std::collections::HashMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use domain::concert::Status;
use domain::job::Queue;
use domain::plans::PlanDrawing;
use domain::ports::{RenderError, Renderer};
use domain::prints::{Format, PrintDrawing};
use renderers::{Brand, Language, OnMissing, PlanDocument, Sheet, TicketDocument};
use tokio::sync::{Semaphore, oneshot};
use tracing::Span;

use crate::config::Config;
use crate::current::Drawing;
use crate::handler::panic_words;

use self::plans::KeptPlans;
use self::threads::Threads;

/// The resolution of tickets for screens.
const DPI: u32 = 150;

/// Draws tickets and plans, so many at a time, and lets so many wait.
pub struct RenderPool {
    threads: Threads,
    /// One permit for each drawing that is made or waits.
    places: Arc<Semaphore>,
    plans: Arc<KeptPlans>,
    branding: Arc<Branding>,
}

/// How tickets look.
#[derive(Debug, Clone, Default)]
pub struct Branding {
    /// What a venue adds to its tickets that has nothing of its own.
    pub usual: VenueBrand,
    /// What other venues add, by their names as concerts give them.
    pub venues: HashMap<String, VenueBrand>,
    /// What becomes of characters that no typeface has.
    pub on_missing: OnMissing,
}

/// What a venue adds to its tickets.
#[derive(Debug, Clone, Default)]
pub struct VenueBrand {
    /// Its colour and logo.
    pub brand: Option<Brand>,
    /// Its conditions of sale.
    pub terms: Option<String>,
}

impl RenderPool {
    /// A pool with the configured number of threads.
    pub fn new(config: &Config) -> Self {
        let threads = config.threads();
        // Jobs find a place whatever else is drawn: each print is drawn in two formats at once.
        let of_jobs = 2 * config.places_max(Queue::Prints) + config.places_max(Queue::Plans);
        let places = threads
            .saturating_add(config.renders_waiting_max)
            .saturating_add(of_jobs as usize);
        Self {
            threads: Threads::new(threads),
            places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
            plans: Arc::default(),
            branding: Arc::default(),
        }
    }

    /// The same pool, drawing tickets that look so.
    #[must_use]
    pub fn branded(self, branding: Branding) -> Self {
        let branding = Arc::new(branding);
        Self { branding, ..self }
    }

    async fn draw<Draw>(
        &self,
        kind: &'static str,
        format: Format,
        draw: Draw,
    ) -> Result<Bytes, RenderError>
    where
        Draw: FnOnce() -> Result<Vec<u8>, renderers::RenderError> + Send + 'static,
    {
        let place = Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_| RenderError::Busy)?;
        let span = Span::current();
        let (answer, answered) = oneshot::channel();
        let mut drawing = Drawing::ordered();
        let due_at = drawing.due_at();
        let task = move || {
            if answer.is_closed() {
                return;
            }
            // From here on it is drawn to the end, wanted or not.
            drawing.begin();
            let _span = span.entered();
            let began = Instant::now();
            let drawn = std::panic::catch_unwind(AssertUnwindSafe(draw));
            metrics::histogram!(
                "ticketoverflow_render_seconds",
                "kind" => kind, "format" => format.extension()
            )
            .record(began.elapsed());
            drop((place, drawing));
            // Nobody may be waiting for it any more.
            let _ = answer.send(drawn);
        };
        self.threads
            .run(due_at, task)
            .map_err(|error| RenderError::Failed(error.to_string()))?;
        match answered.await {
            Ok(Ok(Ok(bytes))) => Ok(bytes.into()),
            Ok(Ok(Err(error))) => Err(refused(&error)),
            Ok(Err(panic)) => Err(RenderError::Failed(format!(
                "it panicked: {}",
                panic_words(panic.as_ref())
            ))),
            Err(_) => Err(RenderError::Failed("the process stops".into())),
        }
    }
}

impl fmt::Debug for RenderPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RenderPool")
            .field("places", &self.places.available_permits())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Renderer for RenderPool {
    async fn ticket(&self, drawing: PrintDrawing, format: Format) -> Result<Bytes, RenderError> {
        let branding = Arc::clone(&self.branding);
        self.draw("ticket", format, move || {
            let document = ticket_document(drawing, &branding);
            if format != Format::Svg {
                count_missing(&document);
            }
            match format {
                Format::Svg => renderers::ticket_svg(&document),
                Format::Pdf => renderers::ticket_pdf(&document),
                Format::Png => renderers::ticket_png(&document, DPI),
            }
        })
        .await
    }

    async fn plan(&self, mut drawing: PlanDrawing) -> Result<Bytes, RenderError> {
        let plans = Arc::clone(&self.plans);
        self.draw("plan", Format::Svg, move || {
            let section = drawing.section.take();
            let document = plan_document(drawing);
            match section {
                Some(section) => renderers::plan_section_svg(&document, &section),
                None => plans.draw(document),
            }
        })
        .await
    }
}

/// Counts characters that no typeface has, so that an operator learns which font to add: the
/// ticket shows their code points, with a note, and admits as well.
fn count_missing(document: &TicketDocument) {
    let missing = renderers::ticket_missing(document);
    if !missing.is_empty() {
        metrics::counter!("ticketoverflow_render_missing_glyphs_total")
            .increment(missing.len() as u64);
        let ticket = &document.ticket_id;
        let codes: Vec<_> = missing
            .iter()
            .map(|c| format!("U+{:04X}", u32::from(*c)))
            .collect();
        let codes = codes.join(" ");
        tracing::info!(
            ticket.id = ticket,
            characters = codes,
            "drawn as code points"
        );
    }
}

fn ticket_document(drawing: PrintDrawing, branding: &Branding) -> TicketDocument {
    let concert = drawing.concert;
    let venue = branding.venues.get(concert.venue.as_str());
    let venue = venue.unwrap_or(&branding.usual);
    let show = &drawing.show;
    let terms = show.terms.as_ref();
    TicketDocument {
        begins: show.starts_at,
        doors: show.doors_at,
        time_zone: show.time_zone.map(|zone| zone.name().to_owned()),
        terms: terms
            .map(|terms| terms.as_str().to_owned())
            .or_else(|| venue.terms.clone()),
        brand: venue.brand.clone(),
        on_missing: branding.on_missing,
        ticket_id: drawing.ticket.id.to_string(),
        concert_id: concert.id.to_string(),
        concert_name: concert.name.to_string(),
        venue: concert.venue.to_string(),
        date: concert.date,
        seat_section: drawing.seat.section,
        seat_row: drawing.seat.row,
        seat_number: drawing.seat.number,
        holder_name: drawing.holder.name,
        holder_email: drawing.holder.email,
        code: drawing.code,
        cancelled: concert.status == Status::Cancelled,
        language: Language::of_tag(drawing.style.language).unwrap_or_default(),
        sheet: if drawing.style.phone {
            Sheet::Phone
        } else {
            Sheet::A4
        },
    }
}

fn plan_document(drawing: PlanDrawing) -> PlanDocument {
    let concert = drawing.concert;
    let prices = drawing.show.prices.iter();
    PlanDocument {
        prices: prices
            .map(|(category, price)| (category.to_owned(), price.to_owned()))
            .collect(),
        concert_id: concert.id.to_string(),
        concert_name: concert.name.to_string(),
        venue: concert.venue.to_string(),
        date: concert.date,
        layout: drawing.layout,
        capacity: concert.capacity,
        sold: drawing.sold,
        ..PlanDocument::default()
    }
}

/// A document that cannot be drawn now cannot be drawn later; a defect may be gone by then.
fn refused(error: &renderers::RenderError) -> RenderError {
    use renderers::RenderError as Drawing;
    match error {
        Drawing::CodeTooLong { .. }
        | Drawing::SeatOutOfRange { .. }
        | Drawing::CapacityTooLarge { .. }
        | Drawing::LayoutDiffers { .. }
        | Drawing::SizeOutOfRange { .. }
        | Drawing::NoGlyph { .. }
        | Drawing::Logo(_)
        | Drawing::Picture(_)
        | Drawing::Colour(_)
        | Drawing::NoSection(_) => RenderError::Undrawable(error.to_string()),
        Drawing::Backend { .. } | Drawing::Fonts(_) => RenderError::Failed(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
