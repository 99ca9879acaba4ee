//! The A4 page. It is folded along its middle and then in half, so that seat and code are outside:
//! each has a quarter of the page to itself, and no crease runs through either.

use super::cancelled::{Band, mark};
use super::number;
use super::set::{Setter, centred, exact_date};
use crate::document::TicketDocument;
use crate::scene::{Anchor, Colour, Item, Rect, Role, Rule, Text, count};
use crate::text::{Place, Weight};

/// A4, in points.
pub(super) const PAGE: [f32; 2] = [595.28, 841.89];
const LEFT: f32 = 40.0;
const RIGHT: f32 = PAGE[0] - LEFT;
/// Where the page is folded; the ticket is above.
pub(super) const FOLD: f32 = PAGE[1] / 2.0;
/// The left column of the ticket, which ends before the second fold.
const COLUMN: f32 = 246.0;
/// The QR code's field with its quiet zone: 68 mm, right of the second fold.
pub(super) const CODE: Rect = Rect {
    x: RIGHT - 192.0,
    y: 172.0,
    width: 192.0,
    height: 192.0,
    radius: 6.0,
    colour: Colour::HAIRLINE,
    stroke: Some(0.75),
};
/// The field with section, row and seat.
const SEAT: Rect = Rect {
    x: LEFT,
    y: 286.0,
    width: COLUMN,
    height: 56.0,
    radius: 6.0,
    colour: Colour::INK,
    stroke: None,
};
const BRAND: Rect = Rect {
    x: LEFT,
    y: 26.0,
    width: 170.0,
    height: 28.0,
    radius: 0.0,
    colour: Colour::WHITE,
    stroke: None,
};
/// The right column of the lower half.
const DETAILS: f32 = CODE.x;
/// From one detail's label to the next.
const DETAIL_STEP: f32 = 38.0;
const DETAILS_TOP: f32 = FOLD + 72.0;
const NOTES_TOP: f32 = FOLD + 48.0;
const TERMS_TOP: f32 = NOTES_TOP + 214.0;

/// A large text in small steps of size; the last of them hold whatever comes.
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
    RIGHT - LEFT,
    94.0,
    &[
        40.0, 36.0, 32.0, 28.0, 24.0, 20.0, 17.0, 14.0, 12.0, 10.0, 8.5, 7.5, 6.5, 5.5, 5.0,
    ],
    20.0,
);
/// Below the mark of a cancelled concert.
const NAME_CANCELLED: Place = place(
    RIGHT - LEFT,
    38.0,
    &[
        30.0, 26.0, 22.0, 20.0, 17.0, 14.0, 12.0, 10.0, 8.5, 7.5, 6.5, 5.5, 5.0, 4.5, 4.0, 3.5, 3.0,
    ],
    20.0,
);
const CANCELLED: Band = Band {
    field: Rect {
        x: LEFT,
        y: 70.0,
        width: RIGHT - LEFT,
        height: 40.0,
        radius: 6.0,
        colour: Colour::INK,
        stroke: None,
    },
    word: (
        place(246.0, 28.0, &[27.0, 25.0, 23.0, 21.0], 21.0),
        (LEFT + 14.0, 99.5),
    ),
    note: (
        Place {
            leading: 1.25,
            weight: Weight::Regular,
            ..place(225.0, 26.0, &[9.5, 9.0, 8.5, 8.0, 7.5, 7.0], 9.5)
        },
        (RIGHT - 14.0 - 225.0, 78.5),
    ),
};
/// The last baseline of the name.
const NAME_BOTTOM: f32 = 152.0;
const DATE: Place = place(
    COLUMN,
    20.0,
    &[17.0, 16.0, 15.0, 14.0, 13.0, 12.0, 10.5],
    10.5,
);
const VENUE: Place = place(
    COLUMN,
    46.0,
    &[
        17.0, 16.0, 15.0, 14.0, 13.0, 12.0, 10.5, 9.0, 8.0, 7.0, 6.0, 5.0, 4.2, 3.5, 3.0,
    ],
    12.0,
);
const SEAT_NAME: Place = place(
    0.0,
    27.0,
    &[
        27.0, 22.0, 18.0, 16.0, 14.0, 12.0, 10.0, 8.0, 6.5, 5.0, 4.0, 3.2,
    ],
    12.0,
);
const HOLDER: Place = place(
    COLUMN,
    26.0,
    &[
        14.0, 13.0, 12.0, 11.0, 10.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.5, 4.0, 3.5,
    ],
    10.0,
);
const EMAIL: Place = Place {
    weight: Weight::Regular,
    ..place(COLUMN, 11.0, &[9.5, 8.5, 7.5, 6.5, 5.5, 4.5], 6.5)
};
const ID: Place = Place {
    weight: Weight::Regular,
    ..place(CODE.width, 11.0, &[8.0, 7.5, 7.0, 6.0, 5.0], 6.0)
};
const DETAIL: Place = Place {
    weight: Weight::Regular,
    ..place(RIGHT - DETAILS, 14.0, &[8.8, 8.0, 7.0, 6.0, 5.0], 6.0)
};
const ADVICE: Place = Place {
    leading: 1.4,
    weight: Weight::Regular,
    ..place(300.0, 26.0, &[9.0, 8.5, 8.0, 7.0], 8.0)
};
const TERMS: Place = Place {
    leading: 1.35,
    weight: Weight::Regular,
    ..place(
        RIGHT - LEFT,
        88.0,
        &[7.5, 7.0, 6.5, 6.0, 5.5, 5.0, 4.5, 4.0],
        7.5,
    )
};
/// The note about framed numbers, and where it stands.
pub(super) const NOTE: (Place, f32, f32) = (
    Place {
        weight: Weight::Regular,
        ..place(RIGHT - LEFT, 10.0, &[7.5, 7.0, 6.0, 5.0], 5.0)
    },
    LEFT,
    PAGE[1] - 26.0,
);

/// What is the same on all tickets of a language and a brand.
pub(super) fn paper(document: &TicketDocument, set: &Setter) -> Vec<Item> {
    let mut items = set.brand(document, &BRAND);
    let labels = set.labels();
    if document.cancelled {
        items.extend(mark(document, set, &CANCELLED));
    } else {
        let admit = set
            .capitals(labels.admit_one, (RIGHT, 50.0), 8.5)
            .anchored(Anchor::End)
            .coloured(set.accent);
        items.push(Item::Text(admit.ranked(3)));
    }
    items.extend([
        rule((LEFT, 62.0), (RIGHT, 62.0), 2.0, set.accent, None),
        Item::Text(set.label(labels.when, (LEFT, 180.0)).ranked(10)),
        Item::Text(set.label(labels.place, (LEFT, 224.0)).ranked(20)),
        Item::Rect(SEAT),
        Item::Text(set.label(labels.holder, (LEFT, 361.0)).ranked(60)),
        Item::Rect(CODE),
    ]);
    fold(&mut items);
    notes(&mut items, document, set);
    terms(&mut items, document, set);
    items
}

/// What differs from ticket to ticket.
pub(super) fn face(document: &TicketDocument) -> Vec<Item> {
    let set = &Setter::of(document);
    let name = if document.cancelled {
        &NAME_CANCELLED
    } else {
        &NAME
    };
    let mut items = vec![
        Item::Text(set.title(&document.concert_name, (LEFT, NAME_BOTTOM), name)),
        Item::Text(
            set.text(&set.date(document), (LEFT, 202.0), &DATE)
                .ranked(11),
        ),
        Item::Text(
            set.hanging(&document.venue, (LEFT, 230.0), &VENUE)
                .ranked(21),
        ),
    ];
    items.extend(set.doors(document, (LEFT + COLUMN, 180.0)).map(Item::Text));
    items.extend(set.seat(document, &SEAT, &SEAT_NAME));
    let name = set.hanging(&document.holder_name, (LEFT, 367.0), &HOLDER);
    let below = (LEFT, name.y + name.depth() + 13.5);
    let email = set.text(&document.holder_email, below, &EMAIL);
    items.push(Item::Text(name.ranked(61)));
    items.push(Item::Text(email.coloured(Colour::MUTED).ranked(62)));
    items.extend(numbers(document, set).into_iter().map(Item::Text));
    items
}

/// The ticket's number below the code, and the details in the lower half.
fn numbers(document: &TicketDocument, set: &Setter) -> Vec<Text> {
    let middle = CODE.x + CODE.width / 2.0;
    let bottom = CODE.y + CODE.height;
    let mut texts = Vec::new();
    let mut id_at = bottom + 20.0;
    if let Some(short) = number::short(&document.ticket_id) {
        let words = format!("{} {short}", set.labels().number);
        let text = set.words(&words, (middle, bottom + 19.0), 13.0, Weight::Bold);
        texts.push(centred(text).ranked(70));
        id_at = bottom + 32.0;
    }
    let id = set.text(&document.ticket_id, (middle, id_at), &ID);
    texts.push(centred(id).coloured(Colour::MUTED).ranked(71));
    let details = [
        document.ticket_id.clone(),
        document.concert_id.clone(),
        exact_date(document),
        set.seat_line(document),
    ];
    for (index, detail) in details.iter().enumerate() {
        let y = DETAILS_TOP + DETAIL_STEP * count(index) + 14.0;
        let rank = detail_rank(index) + 1;
        texts.push(set.text(detail, (DETAILS, y), &DETAIL).ranked(rank));
    }
    texts
}

fn detail_rank(index: usize) -> u8 {
    130 + 2 * u8::try_from(index).expect("four details")
}

/// The fold across, and marks at the edges for the fold down.
fn fold(items: &mut Vec<Item>) {
    let middle = PAGE[0] / 2.0;
    let dash = Some((4, 4));
    items.push(rule(
        (0.0, FOLD),
        (PAGE[0], FOLD),
        0.75,
        Colour::MUTED,
        dash,
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

fn notes(items: &mut Vec<Item>, document: &TicketDocument, set: &Setter) {
    let heading = |words: &str, x: f32, rank: u8| {
        let text = set.words(words, (x, NOTES_TOP), 13.0, Weight::Bold);
        Item::Text(text.with_role(Role::Heading).ranked(rank))
    };
    items.push(heading(set.labels().good_to_know, LEFT, 80));
    let notes = &document.language.words().notes;
    for (index, (title, advice)) in notes.iter().enumerate() {
        let y = NOTES_TOP + 26.0 + 42.0 * count(index);
        let number = (index + 1).to_string();
        let rank = 90 + 3 * u8::try_from(index).expect("four notes");
        let (number, title) = (
            set.words(&number, (LEFT, y), 9.5, Weight::Bold)
                .coloured(set.accent),
            set.words(title, (LEFT + 16.0, y), 9.5, Weight::Bold),
        );
        let advice = set.text(advice, (LEFT + 16.0, y + 13.0), &ADVICE);
        items.extend([
            Item::Text(number.ranked(rank)),
            Item::Text(title.ranked(rank + 1)),
            Item::Text(advice.coloured(Colour::MUTED).ranked(rank + 2)),
        ]);
    }
    let labels = set.labels();
    items.push(heading(labels.details, DETAILS, 129));
    for (index, name) in [labels.ticket, labels.concert, labels.date, labels.seat]
        .iter()
        .enumerate()
    {
        let y = DETAILS_TOP + DETAIL_STEP * count(index);
        let label = set.label(name, (DETAILS, y)).ranked(detail_rank(index));
        items.push(Item::Text(label));
    }
}

fn terms(items: &mut Vec<Item>, document: &TicketDocument, set: &Setter) {
    let Some(terms) = &document.terms else { return };
    let line = ((LEFT, TERMS_TOP - 14.0), (RIGHT, TERMS_TOP - 14.0));
    items.push(rule(line.0, line.1, 0.5, Colour::HAIRLINE, None));
    let heading = set
        .label(set.labels().terms, (LEFT, TERMS_TOP))
        .with_role(Role::Heading);
    items.push(Item::Text(heading.ranked(150)));
    let text = set.hanging(terms, (LEFT, TERMS_TOP + 6.0), &TERMS);
    items.push(Item::Text(text.coloured(Colour::MUTED).ranked(151)));
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
