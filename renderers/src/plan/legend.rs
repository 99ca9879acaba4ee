//! What the dots of a plan mean, and what seats cost.

use domain::layout::{Layout, PlaceKind};

use super::field::CATEGORIES_MAX;
use super::frame::{self, Entry};
use super::geometry::Geometry;
use super::looks::{LEVELS, Look, Status};
use crate::document::PlanDocument;
use crate::language::Language;
use crate::scene::{Colour, Item};
use crate::text::clean;

/// For plain rows.
pub(super) fn of_rows(document: &PlanDocument, geometry: &Geometry) -> Vec<Item> {
    let height = geometry.size()[1];
    if geometry.share > 1 {
        let levels = (1..=LEVELS).rev().map(Look::of_level).collect();
        let entries = [
            entry(levels, "All free to few free"),
            entry(vec![Look::of_level(0)], "Sold out"),
        ];
        let note = format!("Each dot stands for up to {0} × {0} seats.", geometry.share);
        return frame::legend(height, geometry.pitch, &entries, &note);
    }
    let entries = statuses(document, None);
    let note = match document.language {
        Language::En if document.capacity > 0 => {
            "Row A is nearest to the stage; seat 1 is on the left."
        }
        _ => "",
    };
    frame::legend(height, geometry.pitch, &entries, note)
}

/// For a layout: also the kinds of seats that there are, and the categories with their prices.
pub(super) fn of_house(
    document: &PlanDocument,
    layout: &Layout,
    height: f32,
    pitch: f32,
) -> Vec<Item> {
    let words = &document.language.words().plan;
    // Where the colour says what a seat costs, its shape alone says what became of it.
    let coloured = layout.categories.len() > 1;
    let neutral = coloured.then_some(Colour::INK);
    let mut entries = statuses(document, neutral);
    let kinds = [
        (PlaceKind::Accessible, words.accessible),
        (PlaceKind::Companion, words.companion),
        (PlaceKind::RestrictedView, words.restricted),
    ];
    for (kind, words) in kinds {
        if layout.places.iter().any(|place| place.kind == kind) {
            entries.push(entry(
                vec![Look::of_seat(kind, Status::Free, neutral)],
                words,
            ));
        }
    }
    for (number, category) in (0_u8..).zip(&layout.categories).take(CATEGORIES_MAX) {
        if layout.places.iter().all(|place| place.category != number) {
            continue;
        }
        let colour = category.colour.map(Colour).filter(|_| coloured);
        let look = Look::of_seat(PlaceKind::Standard, Status::Free, colour);
        let name = clean(&category.name);
        match document.price_of(category) {
            Some(price) => {
                let words = format!("{name} – {}", clean(price));
                entries.push(entry(vec![look], &words));
            }
            None if coloured => entries.push(entry(vec![look], &name)),
            None => {}
        }
    }
    frame::legend(height, pitch, &entries, "")
}

fn statuses(document: &PlanDocument, free: Option<Colour>) -> Vec<Entry> {
    let words = &document.language.words().plan;
    let look = |status| vec![Look::of_seat(PlaceKind::Standard, status, free)];
    let mut entries = vec![entry(look(Status::Free), words.free)];
    if !document.held.is_empty() {
        entries.push(entry(look(Status::Held), words.held));
    }
    entries.push(entry(look(Status::Sold), words.sold));
    entries
}

fn entry(looks: Vec<Look>, words: &str) -> Entry {
    Entry {
        looks,
        words: words.to_owned(),
    }
}
