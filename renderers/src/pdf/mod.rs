//! Writes PDF through printpdf, with our own shaping and font subsets.
//!
//! Every glyph carries the text it stands for, in the font's ToUnicode table or, where the same
//! glyph stands for several texts, in an ActualText span: searching and copying give back the
//! words in logical order, also for characters that are drawn as a code point.

mod canvas;
mod fonts;

use printpdf::{Mm, PdfDocument, PdfDocumentInfo, PdfPage, PdfSaveOptions, Pt};

use self::canvas::Canvas;
use crate::error::RenderError;
use crate::scene::Item;

/// One page of `page` points with `items` drawn in order.
pub(crate) fn write<'a>(
    page: [f32; 2],
    title: &str,
    items: impl Iterator<Item = &'a Item>,
) -> Result<Vec<u8>, RenderError> {
    let mut canvas = Canvas::new(page[1]);
    items.for_each(|item| canvas.draw(item));

    let mut document = PdfDocument::new(title);
    document.metadata.info = PdfDocumentInfo {
        document_title: title.to_owned(),
        creator: "TicketOverflow".to_owned(),
        producer: "TicketOverflow".to_owned(),
        ..PdfDocumentInfo::default()
    };
    let (ops, fonts) = canvas.finish();
    document.resources.fonts.map = fonts.embed()?;
    let [width, height] = page.map(|points| Mm::from(Pt(points)));
    document.pages.push(PdfPage::new(width, height, ops));
    save(&document)
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

fn failed(backend: &'static str, reason: &impl ToString) -> RenderError {
    RenderError::Backend {
        backend,
        reason: reason.to_string(),
    }
}
