//! The ticket: an A4 page whose upper half is the ticket and whose lower half explains it, or a
//! page of a phone's proportions.

mod a4;
mod cancelled;
mod number;
mod paper;
mod phone;
mod set;

use std::collections::BTreeSet;

use self::paper::Paper;
use self::set::Setter;
use crate::document::{OnMissing, Sheet, TicketDocument};
use crate::error::RenderError;
use crate::qr::{self, QUIET_ZONE};
use crate::scene::{Colour, Item, Modules, Rect, Text};
use crate::svg::{Page, Writer};
use crate::text::clean;
use crate::{pdf, raster};

const DPI_MIN: u32 = 36;
const DPI_MAX: u32 = 600;

/// The ticket as SVG.
///
/// The root's direct child `<desc>` is the ticket's id. Every text is a `<text>` element; one that
/// needed several lines, or was cut, stands in full in a `<title>` beside it. The typefaces of all
/// letters that our fonts have, or those that were added, are embedded, so that no viewer needs any.
///
/// Fails with [`RenderError::CodeTooLong`] only.
pub fn ticket_svg(document: &TicketDocument) -> Result<Vec<u8>, RenderError> {
    let paper = Paper::of(document);
    let face = face(document, Glyphs::Viewer)?;
    let mut writer = Writer::new();
    let page = page(document);
    writer.open(&page, &clean(&document.ticket_id));
    let all = paper.letters().chain(texts(&face));
    writer.fonts(all, texts(&face), paper.rare_letters());
    writer.raw(paper.svg());
    writer.items(&face);
    Ok(writer.finish().into_bytes())
}

/// The ticket as PDF: one page with selectable text and embedded font subsets, tagged for
/// assistive technology (PDF/UA-1) and fit to be kept (PDF/A-2a).
///
/// Fails with [`RenderError::CodeTooLong`], with [`RenderError::NoGlyph`] if the document wants
/// that, or with [`RenderError::Backend`] on a defect.
pub fn ticket_pdf(document: &TicketDocument) -> Result<Vec<u8>, RenderError> {
    ticket_pdf_by(document, pdf::Backend::Tagged)
}

/// The ticket as PDF by one of the two back ends; [`ticket_pdf`] takes the tagged one.
pub fn ticket_pdf_by(
    document: &TicketDocument,
    backend: pdf::Backend,
) -> Result<Vec<u8>, RenderError> {
    let face = face(document, Glyphs::Ours)?;
    let title = format!("{} – {}", document.concert_name, document.ticket_id);
    let sheet = pdf::Sheet {
        size: size(document.sheet),
        title: &clean(&title),
        language: document.language.tag(),
    };
    let paper = Paper::of(document);
    match backend {
        pdf::Backend::Tagged => pdf::tagged::write(&sheet, paper.pdf(), &face),
        pdf::Backend::Printpdf => pdf::printed::write(&sheet, paper.items().iter().chain(&face)),
    }
}

/// The ticket as an opaque PNG, `dpi` (36 to 600) pixels an inch: A4, or 5 × 10.6 inches for a
/// phone. Colours are indexed unless a brand brings its own.
///
/// 150 is the usual resolution and the fastest. Fails with [`RenderError::SizeOutOfRange`],
/// [`RenderError::CodeTooLong`] or [`RenderError::NoGlyph`], or with [`RenderError::Backend`] on
/// a defect.
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
    let face = face(document, Glyphs::Ours)?;
    let paper = Paper::of(document);
    let mut canvas = paper.pixels(dpi);
    let page = size(document.sheet);
    canvas.draw(&face, page);
    let is_picture = |item: &&Item| matches!(item, Item::Picture(_));
    if paper.items().iter().find(is_picture).is_none() {
        return raster::encode(&canvas, Some(dpi));
    }
    let pixmap = canvas.with_pictures(paper.items(), page);
    let pixmap = pixmap.ok_or_else(|| RenderError::Backend {
        backend: "png",
        reason: "the picture is empty".to_owned(),
    })?;
    raster::encode_colours(&pixmap, Some(dpi))
}

/// The characters of a document that no typeface has. In PDF and PNG they are drawn as their
/// code points.
pub fn ticket_missing(document: &TicketDocument) -> Vec<char> {
    let items = dynamic(document);
    let missing: BTreeSet<char> = texts(&items).flat_map(Text::missing).collect();
    missing.into_iter().collect()
}

/// Width and height in points.
fn size(sheet: Sheet) -> [f32; 2] {
    match sheet {
        Sheet::A4 => a4::PAGE,
        Sheet::Phone => phone::PAGE,
    }
}

fn page(document: &TicketDocument) -> Page<'static> {
    let (width, height) = match document.sheet {
        Sheet::A4 => ("210mm", "297mm"),
        Sheet::Phone => ("360", "764"),
    };
    Page {
        width,
        height,
        view: size(document.sheet),
        language: document.language.tag(),
    }
}

/// Whose letterforms are seen: ours, or also those of the viewer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Glyphs {
    Ours,
    Viewer,
}

/// What differs from ticket to ticket. With our letterforms only and a character that no typeface has, a note
/// explains the frames.
fn face(document: &TicketDocument, glyphs: Glyphs) -> Result<Vec<Item>, RenderError> {
    let mut items = dynamic(document);
    let set = Setter::of(document);
    if glyphs == Glyphs::Ours {
        let missing = texts(&items).find_map(|text| Some((text.missing().next()?, text)));
        match (missing, document.on_missing) {
            (None, _) => {}
            (Some(_), OnMissing::Frame) => items.push(note(document, &set)),
            (Some((character, text)), OnMissing::Refuse) => {
                let text = text.source.clone();
                return Err(RenderError::NoGlyph { character, text });
            }
        }
    }
    let field = match document.sheet {
        Sheet::A4 => a4::CODE,
        Sheet::Phone => phone::CODE,
    };
    let spoken = document.language.words().labels.number;
    let code = code(
        &document.code,
        &field,
        format!("QR: {spoken} {}", document.ticket_id),
    )?;
    items.push(Item::Modules(code));
    Ok(set.finish(items, size(document.sheet)[0]))
}

/// The texts of a ticket, before they are mirrored.
fn dynamic(document: &TicketDocument) -> Vec<Item> {
    match document.sheet {
        Sheet::A4 => a4::face(document),
        Sheet::Phone => phone::face(document),
    }
}

fn note(document: &TicketDocument, set: &Setter) -> Item {
    let place = match document.sheet {
        Sheet::A4 => &a4::NOTE,
        Sheet::Phone => &phone::NOTE,
    };
    let at = (place.1, place.2);
    let note = document.language.words().missing;
    Item::Text(set.text(note, at, &place.0).coloured(Colour::MUTED))
}

/// The code in the middle of its field, which is at least as large as the quiet zone needs.
fn code(code: &str, field: &Rect, spoken: String) -> Result<Modules, RenderError> {
    let symbol = qr::encode(code)?;
    let size = field.width / f32::from(symbol.side + 2 * QUIET_ZONE);
    let edge = size * f32::from(QUIET_ZONE);
    Ok(Modules {
        x: field.x + edge,
        y: field.y + edge,
        size,
        side: symbol.side,
        runs: symbol.runs,
        spoken,
    })
}

fn texts(items: &[Item]) -> impl Iterator<Item = &Text> {
    items.iter().filter_map(|item| match item {
        Item::Text(text) => Some(text),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
