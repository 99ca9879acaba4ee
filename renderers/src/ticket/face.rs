//! The part of a ticket that differs: the concert, the seat, the holder, the code.

use domain::seat::SeatLabel;

use super::PAGE;
use super::paper::{
    CODE, COLUMN, DETAIL_STEP, DETAILS, DETAILS_TOP, LEFT, RIGHT, SEAT, SEAT_MIDDLE,
};
use crate::document::TicketDocument;
use crate::error::RenderError;
use crate::qr::{self, QUIET_ZONE};
use crate::scene::{Anchor, Colour, Item, Modules, Text, count};
use crate::svg::Words;
use crate::text::{Place, Weight};

const NAME: Place = Place {
    width: RIGHT - LEFT,
    height: 94.0,
    sizes: &[
        40.0, 36.0, 32.0, 28.0, 24.0, 20.0, 17.0, 14.0, 12.0, 10.0, 8.5, 7.5, 6.5, 5.5, 5.0,
    ],
    line_size_min: 20.0,
    leading: 1.16,
    weight: Weight::Bold,
};
/// The last baseline of the name.
const NAME_BOTTOM: f32 = 156.0;

const DATE: Place = Place {
    width: COLUMN,
    height: 20.0,
    sizes: &[18.0, 16.0, 14.0],
    line_size_min: 14.0,
    leading: 1.1,
    weight: Weight::Bold,
};

const VENUE: Place = Place {
    width: COLUMN,
    height: 46.0,
    sizes: &[
        18.0, 16.0, 14.0, 12.0, 10.5, 9.0, 8.0, 7.0, 6.0, 5.0, 4.2, 3.5,
    ],
    line_size_min: 12.0,
    leading: 1.12,
    weight: Weight::Bold,
};

const PLACE_NAME: Place = Place {
    width: COLUMN / 2.0 - 28.0,
    height: 31.0,
    sizes: &[27.0, 22.0, 18.0, 14.0, 12.0, 10.0, 8.0, 6.5, 5.0],
    line_size_min: 12.0,
    leading: 1.1,
    weight: Weight::Bold,
};

const HOLDER: Place = Place {
    width: COLUMN,
    height: 26.0,
    sizes: &[14.0, 13.0, 12.0, 11.0, 10.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.5],
    line_size_min: 10.0,
    leading: 1.15,
    weight: Weight::Bold,
};

const EMAIL: Place = Place {
    width: COLUMN,
    height: 11.0,
    sizes: &[9.5, 8.5, 7.5, 6.5, 5.5, 4.5],
    line_size_min: 6.5,
    leading: 1.15,
    weight: Weight::Regular,
};

const NUMBER: Place = Place {
    width: CODE.width,
    height: 11.0,
    sizes: &[8.5, 8.0, 7.5, 7.0, 6.0, 5.0],
    line_size_min: 6.0,
    leading: 1.1,
    weight: Weight::Bold,
};

const DETAIL: Place = Place {
    width: RIGHT - DETAILS,
    height: 14.0,
    sizes: &[8.8, 8.0, 7.0, 6.0, 5.0],
    line_size_min: 6.0,
    leading: 1.2,
    weight: Weight::Regular,
};

const MISSING_NOTE: &str = "A framed number stands for a character that this print has no \
                            letterform for: its Unicode code point.";

/// The items. With outlines and a character that no typeface has, a note explains the frames.
pub(super) fn items(document: &TicketDocument, words: Words) -> Result<Vec<Item>, RenderError> {
    let mut texts = concert(document);
    texts.extend(seat(document));
    texts.extend(holder(document));
    texts.extend(numbers(document));
    if words == Words::Outlines && texts.iter().any(Text::has_missing) {
        let at = (LEFT, PAGE[1] - 40.0);
        texts.push(Text::label(MISSING_NOTE, at, 7.5, Weight::Regular).coloured(Colour::MUTED));
    }
    let mut items: Vec<_> = texts.into_iter().map(Item::Text).collect();
    items.push(Item::Modules(code(&document.code)?));
    Ok(items)
}

fn concert(document: &TicketDocument) -> Vec<Text> {
    let name = Text::fitted(&document.concert_name, (LEFT, NAME_BOTTOM), &NAME);
    let rise = name.depth();
    let date = document.date.format("%A, %-d %B %Y").to_string();
    let venue = Text::fitted(&document.venue, (LEFT, 230.0), &VENUE);
    let drop = venue.fitted.size * 0.95;
    vec![
        name.lowered(-rise),
        Text::fitted(&date, (LEFT, 203.0), &DATE),
        venue.lowered(drop),
    ]
}

fn seat(document: &TicketDocument) -> [Text; 2] {
    let row = match &document.seat_section {
        Some(section) => &format!("{section} {}", document.seat_row),
        None => &document.seat_row,
    };
    [(row, LEFT), (&document.seat_number, SEAT_MIDDLE)].map(|(text, x)| {
        let text = Text::fitted(text, (x + 14.0, SEAT.y + 45.0), &PLACE_NAME);
        let rise = text.depth();
        text.lowered(-rise).coloured(Colour::WHITE)
    })
}

fn holder(document: &TicketDocument) -> [Text; 2] {
    let name = Text::fitted(&document.holder_name, (LEFT, 367.0), &HOLDER);
    let drop = name.fitted.size * 0.95;
    let name = name.lowered(drop);
    let below = (LEFT, name.y + name.depth() + 13.5);
    let email = Text::fitted(&document.holder_email, below, &EMAIL).coloured(Colour::MUTED);
    [name, email]
}

/// The ticket's number below the code, and the details in the lower half.
fn numbers(document: &TicketDocument) -> Vec<Text> {
    let below = (CODE.x + CODE.width / 2.0, CODE.y + CODE.height + 16.0);
    let mut texts =
        vec![Text::fitted(&document.ticket_id, below, &NUMBER).anchored(Anchor::Middle)];
    let seat = SeatLabel {
        section: document.seat_section.clone(),
        row: document.seat_row.clone(),
        number: document.seat_number.clone(),
    };
    let seat = seat.to_string();
    let details = [
        &document.ticket_id,
        &document.concert_id,
        &iso(document),
        &seat,
    ];
    for (index, detail) in details.into_iter().enumerate() {
        let y = DETAILS_TOP + DETAIL_STEP * count(index) + 14.0;
        texts.push(Text::fitted(detail, (DETAILS, y), &DETAIL));
    }
    texts
}

fn iso(document: &TicketDocument) -> String {
    document.date.format("%Y-%m-%d").to_string()
}

/// The code in the middle of its field, which is at least as large as the quiet zone needs.
pub(super) fn code(code: &str) -> Result<Modules, RenderError> {
    let symbol = qr::encode(code)?;
    let size = CODE.width / f32::from(symbol.side + 2 * QUIET_ZONE);
    let edge = size * f32::from(QUIET_ZONE);
    Ok(Modules {
        x: CODE.x + edge,
        y: CODE.y + edge,
        size,
        runs: symbol.runs,
    })
}
