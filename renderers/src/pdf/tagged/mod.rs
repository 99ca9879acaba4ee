//! Writes PDF 1.7 by ourselves: tagged (ISO 32000-1, 14.8), with what PDF/A-2a (ISO 19005-2) and
//! PDF/UA-1 (ISO 14289-1) ask for: a structure tree in reading order, alternative texts, a
//! language, a text for every glyph, embedded fonts, a colour profile and metadata. Nothing in it
//! depends on the time or on chance; the file's identifier is made of its content.
//!
//! What all tickets share is a [`Prepared`] beginning of the page: its operators are written and
//! compressed once, with its glyphs at the beginning of each subset.

mod canvas;
mod embed;
mod structure;

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::OutputIntentSubtype;
use pdf_writer::{Filter, Finish, Name, Pdf, Ref, Settings, TextStr};
use sha2::{Digest, Sha256};

use self::canvas::Canvas;
use super::{Sheet, failed};
use crate::error::RenderError;
use crate::scene::Item;

/// sRGB, as a matrix and a curve (ICC.1:2022).
const COLOURS: &[u8] = include_bytes!("../../../assets/srgb.icc");

const CATALOG: Ref = Ref::new(1);
const PAGES: Ref = Ref::new(2);
const PAGE: Ref = Ref::new(3);
const SHARED_CONTENT: Ref = Ref::new(4);
const OWN_CONTENT: Ref = Ref::new(5);
const METADATA: Ref = Ref::new(6);
const PROFILE: Ref = Ref::new(7);
const INFO: Ref = Ref::new(8);
const FIRST_FREE: i32 = 9;

/// The beginning of a page, written once.
pub(crate) struct Prepared {
    canvas: Canvas,
    content: Vec<u8>,
}

impl Prepared {
    /// `height` is the page's, in points.
    pub(crate) fn new(height: f32, items: &[Item]) -> Self {
        let mut canvas = Canvas::new(height);
        for item in items {
            canvas.draw(item);
        }
        let content = compressed(&canvas.take_content(), Compression::best());
        Self { canvas, content }
    }
}

/// One page: what was prepared, and `items` drawn upon it in order.
pub(crate) fn write(
    sheet: &Sheet,
    prepared: &Prepared,
    items: &[Item],
) -> Result<Vec<u8>, RenderError> {
    let mut canvas = prepared.canvas.clone();
    for item in items {
        canvas.draw(item);
    }
    let content = compressed(&canvas.take_content(), Compression::default());

    let mut pdf = Pdf::with_settings_and_capacity(Settings { pretty: false }, 64 * 1024);
    pdf.set_version(1, 7);
    let mut refs = Refs(FIRST_FREE);
    let tree = structure::write(&mut pdf, &mut refs, &canvas.tags, PAGE);
    let fonts = embed::fonts(&mut pdf, &mut refs, &canvas.fonts)?;
    let pictures = embed::pictures(&mut pdf, &mut refs, &canvas.pictures);
    pdf.stream(SHARED_CONTENT, &prepared.content)
        .filter(Filter::FlateDecode);
    pdf.stream(OWN_CONTENT, &content)
        .filter(Filter::FlateDecode);

    let [width, height] = sheet.size;
    let mut page = pdf.page(PAGE);
    page.parent(PAGES);
    page.media_box(pdf_writer::Rect::new(0.0, 0.0, width, height));
    page.contents_array([SHARED_CONTENT, OWN_CONTENT]);
    page.struct_parents(0);
    // Readers step through form fields as the structure has them (PDF/UA-1, 7.18.3).
    page.pair(Name(b"Tabs"), Name(b"S"));
    let mut resources = page.resources();
    let mut names = resources.fonts();
    for (name, font) in &fonts {
        names.pair(Name(name.as_bytes()), *font);
    }
    names.finish();
    if !pictures.is_empty() {
        let mut names = resources.x_objects();
        for (name, picture) in &pictures {
            names.pair(Name(name.as_bytes()), *picture);
        }
    }
    resources.finish();
    page.finish();
    pdf.pages(PAGES).kids([PAGE]).count(1);
    describe(&mut pdf, sheet, tree);
    let digest = Sha256::digest(pdf.as_bytes())[..16].to_vec();
    pdf.set_file_id((digest.clone(), digest));
    Ok(pdf.finish())
}

/// The catalog, and what the file says about itself.
fn describe(pdf: &mut Pdf, sheet: &Sheet, tree: Ref) {
    let metadata = metadata(sheet);
    pdf.metadata(METADATA, metadata.as_bytes());
    pdf.icc_profile(PROFILE, COLOURS).n(3);
    let mut info = pdf.document_info(INFO);
    info.title(TextStr(sheet.title));
    info.producer(TextStr("TicketOverflow"));
    info.finish();
    let mut catalog = pdf.catalog(CATALOG);
    catalog.pages(PAGES);
    catalog.lang(TextStr(sheet.language));
    catalog.metadata(METADATA);
    catalog.mark_info().marked(true);
    catalog.viewer_preferences().display_doc_title(true);
    let mut intents = catalog.output_intents();
    intents
        .push()
        .subtype(OutputIntentSubtype::PDFA)
        .output_condition_identifier(TextStr("sRGB"))
        .info(TextStr("sRGB IEC61966-2.1"))
        .dest_output_profile(PROFILE);
    intents.finish();
    catalog.pair(Name(b"StructTreeRoot"), tree);
}

/// XMP (ISO 16684-1) with the conformance that the file claims.
fn metadata(sheet: &Sheet) -> String {
    let mut title = String::with_capacity(sheet.title.len());
    crate::svg::push_escaped(&mut title, sheet.title);
    format!(
        "<?xpacket begin=\"\u{FEFF}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\
         <x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\
         <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\
         <rdf:Description rdf:about=\"\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" \
         xmlns:pdf=\"http://ns.adobe.com/pdf/1.3/\" \
         xmlns:pdfaid=\"http://www.aiim.org/pdfa/ns/id/\" \
         xmlns:pdfuaid=\"http://www.aiim.org/pdfua/ns/id/\">\
         <dc:title><rdf:Alt><rdf:li xml:lang=\"x-default\">{title}</rdf:li></rdf:Alt></dc:title>\
         <dc:language><rdf:Bag><rdf:li>{}</rdf:li></rdf:Bag></dc:language>\
         <pdf:Producer>TicketOverflow</pdf:Producer>\
         <pdfaid:part>2</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance>\
         <pdfuaid:part>1</pdfuaid:part>\
         </rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end=\"r\"?>",
        sheet.language
    )
}

/// Hands out numbers of objects.
struct Refs(i32);

impl Refs {
    fn next(&mut self) -> Ref {
        let next = Ref::new(self.0);
        self.0 += 1;
        next
    }
}

fn compressed(bytes: &[u8], level: Compression) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::with_capacity(bytes.len() / 2 + 64), level);
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.expect("memory takes all bytes")
}
