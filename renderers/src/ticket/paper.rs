//! The part of a ticket that is the same on all of a kind: made once, in every format.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::set::Setter;
use super::{a4, phone, size, texts};
use crate::brand::Brand;
use crate::document::{Sheet, TicketDocument};
use crate::language::Language;
use crate::pdf::tagged::Prepared;
use crate::raster::{self, Canvas};
use crate::scene::{Colour, Item, Text};
use crate::svg::{self, Writer};

/// The resolution whose empty paper is kept ready.
const DPI_USUAL: u32 = 150;
/// Kinds of paper that are kept: with its pixels one takes about 2 MB. At the limit the one that
/// was not used for longest goes.
const KEPT_MAX: usize = 32;

/// What all tickets of a kind share.
pub(super) struct Paper {
    kind: Kind,
    items: Vec<Item>,
    svg: OnceLock<String>,
    rare_letters: OnceLock<String>,
    pdf: OnceLock<Prepared>,
    pixels: OnceLock<Canvas>,
}

#[derive(PartialEq, Eq)]
struct Kind {
    sheet: Sheet,
    language: Language,
    cancelled: bool,
    brand: Option<Brand>,
    /// Who speaks the logo's name; empty without one.
    venue: String,
    terms: Option<String>,
}

impl Paper {
    /// The paper for a ticket, from those that are kept or a new one.
    pub(super) fn of(document: &TicketDocument) -> Arc<Self> {
        static KEPT: Mutex<Vec<Arc<Paper>>> = Mutex::new(Vec::new());
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = kept.iter().position(|paper| paper.kind.is_of(document)) {
            let paper = kept.remove(at);
            kept.push(Arc::clone(&paper));
            return paper;
        }
        let paper = Arc::new(Self::new(document));
        if kept.len() >= KEPT_MAX {
            kept.remove(0);
        }
        kept.push(Arc::clone(&paper));
        paper
    }

    fn new(document: &TicketDocument) -> Self {
        let set = Setter::of(document);
        let items = match document.sheet {
            Sheet::A4 => a4::paper(document, &set),
            Sheet::Phone => phone::paper(document, &set),
        };
        Self {
            kind: Kind::of(document),
            items: set.finish(items, size(document.sheet)[0]),
            svg: OnceLock::new(),
            rare_letters: OnceLock::new(),
            pdf: OnceLock::new(),
            pixels: OnceLock::new(),
        }
    }

    pub(super) fn items(&self) -> &[Item] {
        &self.items
    }

    /// The texts, whose letters need typefaces.
    pub(super) fn letters(&self) -> impl Iterator<Item = &Text> {
        texts(&self.items)
    }

    /// As markup with words.
    pub(super) fn svg(&self) -> &str {
        self.svg.get_or_init(|| {
            let mut writer = Writer::new();
            writer.items(&self.items);
            writer.into_markup()
        })
    }

    /// Typefaces for what only large ones have, as rules.
    pub(super) fn rare_letters(&self) -> &str {
        self.rare_letters
            .get_or_init(|| svg::rare_letters(texts(&self.items)))
    }

    /// As the beginning of a PDF page.
    pub(super) fn pdf(&self) -> &Prepared {
        let height = size(self.kind.sheet)[1];
        self.pdf.get_or_init(|| Prepared::new(height, &self.items))
    }

    /// Drawn, to draw the rest upon. Pictures are left out.
    pub(super) fn pixels(&self, dpi: u32) -> Canvas {
        if dpi != DPI_USUAL {
            return self.draw(dpi);
        }
        self.pixels.get_or_init(|| self.draw(dpi)).clone()
    }

    fn draw(&self, dpi: u32) -> Canvas {
        let page = size(self.kind.sheet);
        let brand = self.kind.brand.as_ref().and_then(|brand| brand.colour);
        let accent = brand.map(|colour| Colour(colour.on_paper()));
        let pixels = page.map(|points| raster::pixels(points, dpi));
        let mut canvas = Canvas::new(pixels, Canvas::colours(accent));
        canvas.draw(&self.items, page);
        canvas
    }
}

impl Kind {
    fn of(document: &TicketDocument) -> Self {
        Self {
            sheet: document.sheet,
            language: document.language,
            cancelled: document.cancelled,
            brand: document.brand.clone(),
            venue: spoken_venue(document).to_owned(),
            terms: document.terms.clone(),
        }
    }

    fn is_of(&self, document: &TicketDocument) -> bool {
        self.sheet == document.sheet
            && self.language == document.language
            && self.cancelled == document.cancelled
            && self.brand == document.brand
            && self.venue == spoken_venue(document)
            && self.terms == document.terms
    }
}

fn spoken_venue(document: &TicketDocument) -> &str {
    let brand = document.brand.as_ref();
    if brand.is_some_and(|brand| brand.logo.is_some()) {
        &document.venue
    } else {
        ""
    }
}
