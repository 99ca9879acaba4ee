//! The ticket: one A4 page whose upper half is the ticket and whose lower half explains it.

mod face;
mod paper;

use std::sync::OnceLock;

use resvg::tiny_skia::Pixmap;

use crate::document::TicketDocument;
use crate::error::RenderError;
use crate::svg::{Page, Words, Writer};
use crate::text::clean;
use crate::{pdf, raster};

/// A4, in points.
const PAGE: [f32; 2] = [595.28, 841.89];
const PAGE_MM: Page<'static> = Page {
    width: "210mm",
    height: "297mm",
    view: PAGE,
};

/// The resolution whose empty paper is kept ready.
const DPI_USUAL: u32 = 150;
const DPI_MIN: u32 = 36;
const DPI_MAX: u32 = 600;

/// The ticket as SVG, A4 portrait.
///
/// The root's direct child `<desc>` is the ticket's id. Every text is a `<text>` element; one that
/// needed several lines, or was cut, stands in full in a `<title>` beside it.
///
/// Fails with [`RenderError::CodeTooLong`] only.
pub fn ticket_svg(document: &TicketDocument) -> Result<Vec<u8>, RenderError> {
    static PAPER: OnceLock<String> = OnceLock::new();
    let paper = PAPER.get_or_init(|| {
        let mut writer = Writer::new(Words::Text);
        writer.items(paper::items());
        writer.into_markup()
    });
    let items = face::items(document, Words::Text)?;
    let mut writer = Writer::new(Words::Text);
    writer.open(&PAGE_MM, &clean(&document.ticket_id));
    writer.raw(paper);
    writer.items(&items);
    Ok(writer.finish().into_bytes())
}

/// The ticket as PDF 1.7, one A4 page, with selectable text and embedded font subsets.
///
/// Fails with [`RenderError::CodeTooLong`], or with [`RenderError::Backend`] on a defect.
pub fn ticket_pdf(document: &TicketDocument) -> Result<Vec<u8>, RenderError> {
    let items = face::items(document, Words::Outlines)?;
    let title = format!("{} – ticket {}", document.concert_name, document.ticket_id);
    pdf::write(PAGE, &clean(&title), paper::items().iter().chain(&items))
}

/// The ticket as an opaque PNG with indexed colours: an A4 page, `dpi` (36 to 600) pixels an inch.
///
/// 150 is the usual resolution and the fastest. Fails with [`RenderError::SizeOutOfRange`] or
/// [`RenderError::CodeTooLong`], or with [`RenderError::Backend`] on a defect.
pub fn ticket_png(document: &TicketDocument, dpi: u32) -> Result<Vec<u8>, RenderError> {
    if !(DPI_MIN..=DPI_MAX).contains(&dpi) {
        let (min, max) = (DPI_MIN, DPI_MAX);
        return Err(RenderError::SizeOutOfRange {
            what: "dpi",
            value: dpi,
            min,
            max,
        });
    }
    let items = face::items(document, Words::Outlines)?;
    let mut pixmap = blank_paper(dpi)?;
    let mut writer = Writer::new(Words::Outlines);
    writer.open(&PAGE_MM, "");
    writer.items(&items);
    raster::draw(&writer.finish(), &mut pixmap)?;
    raster::encode(&pixmap, Some(dpi))
}

/// What all tickets share, drawn. Kept for the usual resolution.
fn blank_paper(dpi: u32) -> Result<Pixmap, RenderError> {
    static USUAL: OnceLock<Pixmap> = OnceLock::new();
    if dpi == DPI_USUAL
        && let Some(pixmap) = USUAL.get()
    {
        return Ok(pixmap.clone());
    }
    let mut pixmap = raster::blank(PAGE.map(|points| raster::pixels(points, dpi)))?;
    let mut writer = Writer::new(Words::Outlines);
    writer.open(&PAGE_MM, "");
    writer.items(paper::items());
    raster::draw(&writer.finish(), &mut pixmap)?;
    if dpi == DPI_USUAL {
        return Ok(USUAL.get_or_init(|| pixmap).clone());
    }
    Ok(pixmap)
}

#[cfg(test)]
mod tests;
