//! The part of a ticket that is the same on all: rules, labels, and what the holder should know.

use std::sync::OnceLock;

use super::PAGE;
use crate::scene::{Anchor, Colour, Item, Rect, Rule, Text};
use crate::text::{Place, Weight};

pub(super) const LEFT: f32 = 40.0;
pub(super) const RIGHT: f32 = PAGE[0] - LEFT;
/// Where the page is folded; the ticket is above.
pub(super) const FOLD: f32 = PAGE[1] / 2.0;
/// The left column of the ticket.
pub(super) const COLUMN: f32 = 312.0;
/// The QR code's field with its quiet zone: 62 mm, right of the second fold.
pub(super) const CODE: Rect = Rect {
    x: RIGHT - 176.0,
    y: 178.0,
    width: 176.0,
    height: 176.0,
    radius: 6.0,
    colour: Colour::HAIRLINE,
    stroke: Some(0.75),
};
/// The field with row and seat.
pub(super) const SEAT: Rect = Rect {
    x: LEFT,
    y: 286.0,
    width: COLUMN,
    height: 56.0,
    radius: 6.0,
    colour: Colour::INK,
    stroke: None,
};
/// Where the seat's half of that field begins.
pub(super) const SEAT_MIDDLE: f32 = LEFT + COLUMN / 2.0;
/// The right column of the lower half.
pub(super) const DETAILS: f32 = CODE.x;
/// From one detail's label to the next.
pub(super) const DETAIL_STEP: f32 = 38.0;
pub(super) const DETAILS_TOP: f32 = FOLD + 72.0;

const NOTES: [(&str, &str); 4] = [
    (
        "Bring this page or show it on a screen.",
        "The code is read at the door. Keep it flat, clean and bright.",
    ),
    (
        "One code, one person, one entry.",
        "The first scan counts. Do not share pictures of the code.",
    ),
    (
        "Look again before you leave.",
        "If the concert changes, this print expires. Get the new one.",
    ),
    (
        "Fold it twice.",
        "Along the dashed line, then in half: seat and code stay outside.",
    ),
];

/// The items, made once.
pub(super) fn items() -> &'static [Item] {
    static ITEMS: OnceLock<Vec<Item>> = OnceLock::new();
    ITEMS.get_or_init(|| {
        let mut items = Vec::new();
        head(&mut items);
        fields(&mut items);
        fold(&mut items);
        notes(&mut items);
        details(&mut items);
        items
    })
}

/// A small heading over a field.
fn label(text: &str, x: f32, y: f32) -> Text {
    Text::label(text, (x, y), 7.0, Weight::Bold)
        .coloured(Colour::MUTED)
        .tracked(0.09)
}

fn head(items: &mut Vec<Item>) {
    // Wider tracking looks finer, but PDF readers take it for spaces between the letters.
    let brand = Text::label("TICKETOVERFLOW", (LEFT + 17.0, 50.0), 8.5, Weight::Bold).tracked(0.09);
    let admit = Text::label("ADMIT ONE", (RIGHT, 50.0), 8.5, Weight::Bold)
        .tracked(0.09)
        .anchored(Anchor::End)
        .coloured(Colour::ACCENT);
    // A ticket with two bites, as a mark.
    let mark = |x, y, width, height, colour| {
        Item::Rect(Rect {
            x,
            y,
            width,
            height,
            radius: 1.0,
            colour,
            stroke: None,
        })
    };
    items.extend([
        mark(LEFT, 42.5, 11.0, 9.0, Colour::ACCENT),
        mark(LEFT + 6.8, 42.5, 1.0, 2.2, Colour::WHITE),
        mark(LEFT + 6.8, 45.9, 1.0, 2.2, Colour::WHITE),
        mark(LEFT + 6.8, 49.3, 1.0, 2.2, Colour::WHITE),
        Item::Text(brand),
        Item::Text(admit),
        rule((LEFT, 60.0), (RIGHT, 60.0), 1.5, Colour::INK, None),
    ]);
}

fn fields(items: &mut Vec<Item>) {
    items.extend([
        Item::Text(label("DATE", LEFT, 182.0)),
        Item::Text(label("VENUE", LEFT, 225.0)),
        Item::Rect(SEAT),
        Item::Text(label("ROW", LEFT + 14.0, SEAT.y + 16.0).coloured(Colour::WHITE)),
        Item::Text(label("SEAT", SEAT_MIDDLE + 14.0, SEAT.y + 16.0).coloured(Colour::WHITE)),
        rule(
            (SEAT_MIDDLE, SEAT.y + 10.0),
            (SEAT_MIDDLE, SEAT.y + SEAT.height - 10.0),
            0.75,
            Colour::MUTED,
            None,
        ),
        Item::Text(label("HOLDER", LEFT, 361.0)),
        Item::Rect(CODE),
    ]);
}

/// The fold across, and marks at the edges for the fold down.
fn fold(items: &mut Vec<Item>) {
    let middle = PAGE[0] / 2.0;
    items.push(rule(
        (0.0, FOLD),
        (PAGE[0], FOLD),
        0.75,
        Colour::MUTED,
        Some((4, 4)),
    ));
    for (top, bottom) in [
        (0.0, 14.0),
        (FOLD - 7.0, FOLD + 7.0),
        (PAGE[1] - 14.0, PAGE[1]),
    ] {
        items.push(rule(
            (middle, top),
            (middle, bottom),
            0.75,
            Colour::MUTED,
            None,
        ));
    }
}

fn notes(items: &mut Vec<Item>) {
    let top = FOLD + 48.0;
    items.push(Item::Text(Text::label(
        "Good to know",
        (LEFT, top),
        13.0,
        Weight::Bold,
    )));
    let place = Place {
        width: 318.0,
        height: 30.0,
        sizes: &[9.0],
        line_size_min: 9.0,
        leading: 1.4,
        weight: Weight::Regular,
    };
    for (index, (title, text)) in NOTES.iter().enumerate() {
        let y = top + 26.0 + 42.0 * crate::scene::count(index);
        let number = (index + 1).to_string();
        items.extend([
            Item::Text(Text::label(&number, (LEFT, y), 9.5, Weight::Bold).coloured(Colour::ACCENT)),
            Item::Text(Text::label(title, (LEFT + 16.0, y), 9.5, Weight::Bold)),
            Item::Text(Text::fitted(text, (LEFT + 16.0, y + 13.0), &place).coloured(Colour::MUTED)),
        ]);
    }
}

fn details(items: &mut Vec<Item>) {
    let top = FOLD + 48.0;
    items.push(Item::Text(Text::label(
        "Ticket details",
        (DETAILS, top),
        13.0,
        Weight::Bold,
    )));
    for (index, name) in ["TICKET", "CONCERT", "DATE", "SEAT"].iter().enumerate() {
        let y = DETAILS_TOP + DETAIL_STEP * crate::scene::count(index);
        items.push(Item::Text(label(name, DETAILS, y)));
    }
}

fn rule(
    from: (f32, f32),
    to: (f32, f32),
    width: f32,
    colour: Colour,
    dash: Option<(u8, u8)>,
) -> Item {
    Item::Rule(Rule {
        from,
        to,
        width,
        colour,
        dash,
    })
}
