//! What surrounds the rows: names and figures above, the stage, the legend below.

use domain::seat::row_name;

use super::geometry::{Geometry, MARGIN, WIDTH};
use super::looks::Look;
use crate::document::PlanDocument;
use crate::language::Language;
use crate::scene::{Anchor, Colour, Item, Rect, Shape, Text, count};
use crate::text::{Place, Weight};

const NAME: Place = Place {
    width: 1040.0,
    height: 104.0,
    sizes: &[
        54.0, 48.0, 42.0, 36.0, 30.0, 26.0, 22.0, 18.0, 15.0, 13.0, 11.0, 9.5, 8.0,
    ],
    line_size_min: 26.0,
    leading: 1.16,
    weight: Weight::Bold,
};
/// The last baseline of the name.
const NAME_BOTTOM: f32 = 142.0;

const VENUE: Place = Place {
    width: 1040.0,
    height: 34.0,
    sizes: &[26.0, 23.0, 20.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.5, 6.5, 5.5],
    line_size_min: 13.0,
    leading: 1.1,
    weight: Weight::Regular,
};

/// The bar that shows how much is sold.
const BAR: Rect = Rect {
    x: WIDTH - MARGIN - 340.0,
    y: 146.0,
    width: 340.0,
    height: 12.0,
    radius: 6.0,
    colour: Colour::HAIRLINE,
    stroke: None,
};

const STAGE_TOP: f32 = 250.0;
const STAGE_DEPTH: f32 = 62.0;
/// Straight pieces that the front of the stage is made of.
const BOW_STEPS: u8 = 24;
/// Row names are this large where rows are far enough apart, and never smaller.
const ROW_NAME: f32 = 13.0;
const ROW_NAME_MIN: f32 = 9.0;

/// The head: what, where and when.
pub(super) fn head(document: &PlanDocument, [width, height]: [f32; 2]) -> Vec<Item> {
    let name = Text::fitted(&document.concert_name, (MARGIN, NAME_BOTTOM), &NAME);
    let rise = name.depth();
    let date = document.language.date(document.date);
    let venue = Text::fitted(&document.venue, (MARGIN, 162.0), &VENUE);
    let drop = venue.fitted.size * 0.9;
    let date = Text::label(&date, (MARGIN, 218.0), 20.0, Weight::Regular);
    vec![
        Item::Rect(Rect {
            x: 0.0,
            y: 0.0,
            width,
            height,
            radius: 0.0,
            colour: Colour::WHITE,
            stroke: None,
        }),
        Item::Text(name.lowered(-rise)),
        Item::Text(venue.lowered(drop)),
        Item::Text(date.coloured(Colour::MUTED)),
    ]
}

/// How many seats are left.
pub(super) fn figures(document: &PlanDocument, sold: u32) -> Vec<Item> {
    let capacity = document.capacity;
    let words = &document.language.words().plan;
    let right = WIDTH - MARGIN;
    let grouped = |number| document.language.grouped(number);
    let free = grouped(capacity.saturating_sub(sold));
    let (sold_words, all) = (grouped(sold), grouped(capacity));
    let (free, detail) = if document.language == Language::En {
        (
            format!("{free} free"),
            format!("{sold_words} of {all} sold"),
        )
    } else {
        (
            format!("{free} {}", words.free.to_lowercase()),
            format!("{}: {sold_words} / {all}", words.sold),
        )
    };
    let filled = if capacity == 0 {
        0.0
    } else {
        ratio(sold, capacity) * BAR.width
    };
    let colour = if sold < capacity {
        Colour::FREE
    } else {
        Colour::MUTED
    };
    let free = Text::label(&free, (right, 120.0), 48.0, Weight::Bold);
    let detail = Text::label(&detail, (right, 190.0), 20.0, Weight::Regular);
    let mut items = vec![
        Item::Text(free.anchored(Anchor::End).coloured(colour)),
        Item::Rect(BAR),
        Item::Text(detail.anchored(Anchor::End).coloured(Colour::MUTED)),
    ];
    if filled > 0.0 {
        // Never shorter than its round ends.
        let width = filled.max(BAR.height);
        items.push(Item::Rect(Rect {
            width,
            colour: Colour::INK,
            ..BAR
        }));
    }
    items
}

/// The stage, whose front is bent like the rows, and the names of the rows.
pub(super) fn hall(geometry: &Geometry, language: Language) -> Vec<Item> {
    let half = (geometry.width() * 0.36).clamp(170.0, 430.0);
    let (left, right) = (WIDTH / 2.0 - half, WIDTH / 2.0 + half);
    let front = STAGE_TOP + STAGE_DEPTH;
    let mut corners = vec![[left + 34.0, STAGE_TOP], [right - 34.0, STAGE_TOP]];
    // The front, from right to left.
    corners.extend((0..=BOW_STEPS).map(|step| {
        let share = f32::from(step) / f32::from(BOW_STEPS);
        let x = right + (left - right) * share;
        [x, front + half * 0.24 * share * (1.0 - share)]
    }));
    let words = language.words().plan.stage;
    let label = Text::label(words, (WIDTH / 2.0, STAGE_TOP + 45.0), 22.0, Weight::Bold);
    let tracking = if language.has_capitals() { 0.2 } else { 0.0 };
    let mut items = vec![
        Item::Shape(Shape {
            corners,
            colour: Colour::INK,
        }),
        Item::Text(
            label
                .tracked(tracking)
                .anchored(Anchor::Middle)
                .coloured(Colour::WHITE),
        ),
    ];
    if geometry.hall.capacity == 0 {
        let words = "This hall has no seats.";
        let text = Text::label(words, (WIDTH / 2.0, 420.0), 22.0, Weight::Regular);
        let text = text.anchored(Anchor::Middle).coloured(Colour::MUTED);
        items.push(Item::Text(text));
    }
    row_names(&mut items, geometry);
    items
}

/// Names the rows at both ends: every row, or as many as have room.
fn row_names(items: &mut Vec<Item>, geometry: &Geometry) {
    let (Some(left), Some(right)) = (geometry.columns.first(), geometry.columns.last()) else {
        return;
    };
    let size = (geometry.pitch * 0.8).clamp(ROW_NAME_MIN, ROW_NAME);
    let gap = geometry.pitch * 0.5 + 14.0;
    let mut free_from = f32::NEG_INFINITY;
    for (row, y) in (0..).zip(&geometry.rows) {
        if *y < free_from {
            continue;
        }
        free_from = y + size * 1.25;
        let name = row_name(row * geometry.share);
        let ends = [(left.0 - gap, Anchor::End), (right.0 + gap, Anchor::Start)];
        // The last row may end before its right name.
        let is_full =
            geometry.hall.seats_in_row(row * geometry.share) == geometry.hall.seats_per_row;
        for (x, anchor) in ends.into_iter().take(if is_full { 2 } else { 1 }) {
            let text = Text::label(&name, (x, y + size * 0.36), size, Weight::Regular);
            items.push(Item::Text(text.anchored(anchor).coloured(Colour::MUTED)));
        }
    }
}

/// An entry of the legend: how it looks, and what that means.
pub(super) struct Entry {
    pub(super) looks: Vec<Look>,
    pub(super) words: String,
}

/// What the dots mean, below the picture; entries that have no room in a line begin another one.
pub(super) fn legend(height: f32, pitch: f32, entries: &[Entry], note: &str) -> Vec<Item> {
    let pitch = pitch.clamp(18.0, 30.0);
    let mut items = Vec::new();
    let (mut x, mut y) = (MARGIN, height - 82.0);
    for entry in entries {
        let text = Text::label(&entry.words, (0.0, 0.0), 18.0, Weight::Regular);
        let width: f32 = text.lines().map(|(line, ..)| text.width_of(line)).sum();
        let needed = pitch * count(entry.looks.len()) + 8.0 + width;
        if x + needed > WIDTH - MARGIN && x > MARGIN {
            (x, y) = (MARGIN, y + 30.0);
        }
        for look in &entry.looks {
            dot(&mut items, look, (x + pitch / 2.0, y - 6.0), pitch);
            x += pitch;
        }
        items.push(Item::Text(Text {
            x: x + 8.0,
            y,
            ..text
        }));
        x += 8.0 + width + 36.0;
    }
    let note = Text::label(note, (MARGIN, height - 18.0), 16.0, Weight::Regular);
    items.push(Item::Text(note.coloured(Colour::MUTED)));
    items
}

fn dot(items: &mut Vec<Item>, look: &Look, (x, y): (f32, f32), pitch: f32) {
    let mut block = |size: f32, colour: Colour| {
        let side = size * pitch;
        items.push(Item::Rect(Rect {
            x: x - side / 2.0,
            y: y - side / 2.0,
            width: side,
            height: side,
            radius: if look.square { 0.0 } else { side / 2.0 },
            colour,
            stroke: None,
        }));
    };
    block(look.size, look.colour);
    if look.hole > 0.0 {
        block(look.hole, Colour::WHITE);
    }
}

fn ratio(part: u32, whole: u32) -> f32 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a share between nought and one"
    )]
    let ratio = (f64::from(part) / f64::from(whole)) as f32;
    ratio
}
