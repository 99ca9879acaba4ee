//! The page for a phone: one column, with a code that is as wide as the screen allows.

use super::cancelled::{Band, mark};
use super::number;
use super::set::{Setter, centred};
use crate::document::TicketDocument;
use crate::scene::{Anchor, Colour, Item, Rect};
use crate::text::{Place, Weight};

/// 5 × 10.6 inches, in points: the proportions of phones without their bars.
pub(super) const PAGE: [f32; 2] = [360.0, 764.0];
const LEFT: f32 = 24.0;
const RIGHT: f32 = PAGE[0] - LEFT;
const COLUMN: f32 = RIGHT - LEFT;
const BRAND: Rect = Rect {
    x: LEFT,
    y: 16.0,
    width: 140.0,
    height: 26.0,
    radius: 0.0,
    colour: Colour::WHITE,
    stroke: None,
};
const HEAD: Rect = Rect {
    x: 0.0,
    y: 56.0,
    width: PAGE[0],
    height: 118.0,
    radius: 0.0,
    colour: Colour::ACCENT,
    stroke: None,
};
const SEAT: Rect = Rect {
    x: LEFT,
    y: 284.0,
    width: COLUMN,
    height: 54.0,
    radius: 8.0,
    colour: Colour::INK,
    stroke: None,
};
pub(super) const CODE: Rect = Rect {
    x: (PAGE[0] - 268.0) / 2.0,
    y: 350.0,
    width: 268.0,
    height: 268.0,
    radius: 8.0,
    colour: Colour::HAIRLINE,
    stroke: Some(0.75),
};

const fn place(width: f32, height: f32, sizes: &'static [f32], line_size_min: f32) -> Place {
    Place {
        width,
        height,
        sizes,
        line_size_min,
        leading: 1.14,
        weight: Weight::Bold,
    }
}

const NAME: Place = place(
    COLUMN,
    96.0,
    &[
        34.0, 30.0, 26.0, 22.0, 19.0, 16.0, 14.0, 12.0, 10.0, 8.5, 7.5, 6.5, 5.5, 4.8, 4.2,
    ],
    22.0,
);
/// Below the mark of a cancelled concert.
const NAME_CANCELLED: Place = place(
    COLUMN,
    42.0,
    &[
        34.0, 30.0, 26.0, 22.0, 19.0, 16.0, 14.0, 12.0, 10.0, 8.5, 7.5, 6.5, 5.5, 4.8, 4.2, 3.5,
        3.0, 2.6,
    ],
    22.0,
);
const CANCELLED: Band = Band {
    field: Rect {
        height: 50.0,
        colour: Colour::INK,
        ..HEAD
    },
    word: (
        place(COLUMN, 24.0, &[23.0, 22.0, 21.0, 20.0], 20.0),
        (LEFT, HEAD.y + 23.0),
    ),
    note: (
        Place {
            weight: Weight::Regular,
            ..place(COLUMN, 10.0, &[9.0, 8.5, 8.0, 7.5, 7.0, 6.5, 6.0], 6.0)
        },
        (LEFT, HEAD.y + 34.0),
    ),
};
const NAME_BOTTOM: f32 = HEAD.y + HEAD.height - 20.0;
const DATE: Place = place(COLUMN, 20.0, &[17.0, 15.5, 14.0, 12.5, 11.0, 9.5], 9.5);
const VENUE: Place = place(
    COLUMN,
    36.0,
    &[
        17.0, 15.0, 13.0, 11.5, 10.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.2, 3.5, 3.0,
    ],
    11.5,
);
const SEAT_NAME: Place = place(
    0.0,
    25.0,
    &[25.0, 21.0, 18.0, 14.0, 12.0, 10.0, 8.0, 6.5, 5.0, 4.0, 3.2],
    12.0,
);
const ID: Place = Place {
    weight: Weight::Regular,
    ..place(COLUMN, 11.0, &[8.5, 8.0, 7.0, 6.0, 5.0], 5.0)
};
const HOLDER: Place = place(
    COLUMN,
    24.0,
    &[14.0, 13.0, 12.0, 11.0, 10.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.5],
    10.0,
);
const EMAIL: Place = Place {
    weight: Weight::Regular,
    ..place(COLUMN, 11.0, &[9.5, 8.5, 7.5, 6.5, 5.5, 4.5], 5.5)
};
/// The note about framed numbers, and where it stands.
pub(super) const NOTE: (Place, f32, f32) = (
    Place {
        weight: Weight::Regular,
        ..place(
            COLUMN,
            10.0,
            &[7.0, 6.5, 6.0, 5.5, 5.0, 4.5, 4.0, 3.5, 3.0, 2.6],
            2.6,
        )
    },
    LEFT,
    PAGE[1] - 10.0,
);
const ADVICE: Place = Place {
    leading: 1.3,
    weight: Weight::Regular,
    ..place(COLUMN, 24.0, &[8.5, 8.0, 7.5, 7.0], 7.0)
};

/// What is the same on all tickets of a language and a brand.
pub(super) fn paper(document: &TicketDocument, set: &Setter) -> Vec<Item> {
    let labels = set.labels();
    let mut items = set.brand(document, &BRAND);
    let colour = set.accent;
    items.push(Item::Rect(Rect { colour, ..HEAD }));
    if document.cancelled {
        items.extend(mark(document, set, &CANCELLED));
    } else {
        let admit = set
            .capitals(labels.admit_one, (RIGHT, 38.0), 8.5)
            .anchored(Anchor::End)
            .coloured(set.accent);
        items.push(Item::Text(admit.ranked(3)));
    }
    items.extend([
        Item::Text(set.label(labels.when, (LEFT, 194.0)).ranked(10)),
        Item::Text(set.label(labels.place, (LEFT, 234.0)).ranked(20)),
        Item::Rect(SEAT),
        Item::Rect(CODE),
        Item::Text(set.label(labels.holder, (LEFT, 678.0)).ranked(60)),
    ]);
    let (_, advice) = document.language.words().notes[1];
    let advice = set.text(advice, (LEFT, PAGE[1] - 26.0), &ADVICE);
    items.push(Item::Text(advice.coloured(Colour::MUTED).ranked(90)));
    items
}

/// What differs from ticket to ticket.
pub(super) fn face(document: &TicketDocument) -> Vec<Item> {
    let set = &Setter::of(document);
    let place = if document.cancelled {
        &NAME_CANCELLED
    } else {
        &NAME
    };
    let name = set.title(&document.concert_name, (LEFT, NAME_BOTTOM), place);
    let mut items = vec![
        Item::Text(name.coloured(Colour::WHITE)),
        Item::Text(
            set.text(&set.date(document), (LEFT, 215.0), &DATE)
                .ranked(11),
        ),
        Item::Text(
            set.hanging(&document.venue, (LEFT, 238.0), &VENUE)
                .ranked(21),
        ),
    ];
    items.extend(set.doors(document, (RIGHT, 194.0)).map(Item::Text));
    items.extend(set.seat(document, &SEAT, &SEAT_NAME));
    let (middle, bottom) = (PAGE[0] / 2.0, CODE.y + CODE.height);
    let mut id_at = bottom + 16.0;
    if let Some(short) = number::short(&document.ticket_id) {
        let words = format!("{} {short}", set.labels().number);
        let text = set.words(&words, (middle, bottom + 20.0), 15.0, Weight::Bold);
        items.push(Item::Text(centred(text).ranked(70)));
        id_at = bottom + 34.0;
    }
    let id = centred(set.text(&document.ticket_id, (middle, id_at), &ID));
    items.push(Item::Text(id.coloured(Colour::MUTED).ranked(71)));
    let holder = set.hanging(&document.holder_name, (LEFT, 683.0), &HOLDER);
    let below = (LEFT, holder.y + holder.depth() + 13.0);
    let email = set.text(&document.holder_email, below, &EMAIL);
    items.push(Item::Text(holder.ranked(61)));
    items.push(Item::Text(email.coloured(Colour::MUTED).ranked(62)));
    items
}
