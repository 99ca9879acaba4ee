//! Writes PDF through printpdf.

mod canvas;

use std::collections::BTreeMap;

use printpdf::{
    FontId, FontMetrics, Mm, ParsedFont, PdfDocument, PdfDocumentInfo, PdfFont, PdfFontMetricsStub,
    PdfPage, PdfSaveOptions, Pt,
};

use self::canvas::Canvas;
use super::fonts::{Fonts, Used};
use super::{Sheet, failed};
use crate::error::RenderError;
use crate::scene::Item;
use crate::text::Face;

/// One page with `items` drawn in order.
pub(crate) fn write<'a>(
    sheet: &Sheet,
    items: impl Iterator<Item = &'a Item>,
) -> Result<Vec<u8>, RenderError> {
    let mut canvas = Canvas::new(sheet.size[1]);
    items.for_each(|item| canvas.draw(item));

    let mut document = PdfDocument::new(sheet.title);
    document.metadata.info = PdfDocumentInfo {
        document_title: sheet.title.to_owned(),
        creator: "TicketOverflow".to_owned(),
        producer: "TicketOverflow".to_owned(),
        ..PdfDocumentInfo::default()
    };
    let (ops, fonts) = canvas.finish();
    document.resources.fonts.map = embed(&fonts)?;
    let [width, height] = sheet.size.map(|points| Mm::from(Pt(points)));
    document.pages.push(PdfPage::new(width, height, ops));
    save(&document)
}

/// The resource name of a typeface.
fn name(face: &Face) -> FontId {
    FontId(face.name.clone())
}

fn embed(fonts: &Fonts) -> Result<BTreeMap<FontId, PdfFont>, RenderError> {
    let embedded = fonts.iter().map(|used| {
        let font = PdfFont::new(parsed(used)?);
        Ok((name(Face::of(used.face)), font))
    });
    embedded.collect()
}

fn parsed(used: &Used) -> Result<ParsedFont, RenderError> {
    let face = Face::of(used.face);
    let (bytes, name) = used.subset()?;
    let widths = (0..)
        .zip(&used.glyphs)
        .map(|(glyph, (_, width))| (glyph, *width));
    let metrics = face.vertical();
    let mut font = ParsedFont::with_glyph_data(
        bytes,
        0,
        Some(name),
        BTreeMap::new(),
        widths.collect(),
        face.units_per_em,
        FontMetrics {
            ascent: metrics.ascent,
            descent: metrics.descent,
        },
    );
    font.pdf_font_metrics = PdfFontMetricsStub {
        units_per_em: face.units_per_em,
        x_min: metrics.bounds[0],
        y_min: metrics.bounds[1],
        x_max: metrics.bounds[2],
        y_max: metrics.bounds[3],
        us_weight_class: face.weight_class(),
        ..PdfFontMetricsStub::default()
    };
    Ok(font)
}

/// Serialises without what printpdf makes up anew each time.
fn save(document: &PdfDocument) -> Result<Vec<u8>, RenderError> {
    // `secure` would drop the operators that the canvas writes itself.
    let options = PdfSaveOptions {
        secure: false,
        subset_fonts: false,
        image_optimization: None,
        ..PdfSaveOptions::default()
    };
    let mut raw = document.to_lopdf_document(&options, &mut Vec::new());
    "1.7".clone_into(&mut raw.version);
    // The file identifier is optional and random; the dates would say 1970.
    raw.trailer.remove(b"ID");
    if let Ok(info) = raw.trailer.get(b"Info")
        && let Ok(id) = info.as_reference()
        && let Ok(info) = raw.get_object_mut(id)
        && let Ok(info) = info.as_dict_mut()
    {
        for key in ["CreationDate", "ModDate", "GTS_PDFXVersion", "Identifier"] {
            info.remove(key.as_bytes());
        }
    }
    raw.compress();
    let mut bytes = Vec::new();
    raw.save_to(&mut bytes)
        .map_err(|error| failed("pdf", &error))?;
    Ok(bytes)
}
