//! The mark on tickets of a concert that will not take place.

use super::set::Setter;
use crate::document::TicketDocument;
use crate::scene::{Colour, Item, Rect, Role};
use crate::text::Place;

/// Where a sheet has its mark.
pub(super) struct Band {
    /// The dark field.
    pub(super) field: Rect,
    /// The word, and where its baseline begins.
    pub(super) word: (Place, (f32, f32)),
    /// What it means for the holder, and where it hangs.
    pub(super) note: (Place, (f32, f32)),
}

/// The mark in the language of the ticket: one word, as large as a headline, and what it means.
pub(super) fn mark(document: &TicketDocument, set: &Setter, band: &Band) -> [Item; 3] {
    let (word, note) = document.language.words().cancelled;
    let word = if document.language.has_capitals() {
        word.to_uppercase()
    } else {
        word.to_owned()
    };
    let word = set.text(&word, band.word.1, &band.word.0);
    let note = set.hanging(note, band.note.1, &band.note.0);
    [
        Item::Rect(band.field.clone()),
        Item::Text(
            word.with_role(Role::Heading)
                .coloured(Colour::WHITE)
                .ranked(1),
        ),
        Item::Text(note.coloured(Colour::WHITE).ranked(2)),
    ]
}
