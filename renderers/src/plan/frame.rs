//! What surrounds the rows: names and figures above, the stage, the legend below.

use super::geometry::{Geometry, MARGIN, WIDTH};
use super::house::House;
use super::seats::{LEVELS, size};
use crate::document::PlanDocument;
use crate::scene::{Anchor, Colour, Item, Rect, Text};
use crate::svg::{Writer, push_number};
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

/// The head: what, where and when, and how many seats are left.
pub(super) fn items(document: &PlanDocument, [width, height]: [f32; 2], sold: u32) -> Vec<Item> {
    let mut items = vec![Item::Rect(Rect {
        x: 0.0,
        y: 0.0,
        width,
        height,
        radius: 0.0,
        colour: Colour::WHITE,
        stroke: None,
    })];
    let name = Text::fitted(&document.concert_name, (MARGIN, NAME_BOTTOM), &NAME);
    let rise = name.depth();
    let date = document.date.format("%A, %-d %B %Y").to_string();
    let venue = Text::fitted(&document.venue, (MARGIN, 162.0), &VENUE);
    let drop = venue.fitted.size * 0.9;
    items.extend([
        Item::Text(name.lowered(-rise)),
        Item::Text(venue.lowered(drop)),
        Item::Text(
            Text::label(&date, (MARGIN, 218.0), 20.0, Weight::Regular).coloured(Colour::MUTED),
        ),
    ]);
    figures(&mut items, document.capacity, sold);
    items
}

fn figures(items: &mut Vec<Item>, capacity: u32, sold: u32) {
    let right = WIDTH - MARGIN;
    let free = format!("{} free", grouped(capacity.saturating_sub(sold)));
    let detail = format!("{} of {} sold", grouped(sold), grouped(capacity));
    let filled = if capacity == 0 {
        0.0
    } else {
        ratio(sold, capacity) * BAR.width
    };
    items.extend([
        Item::Text(
            Text::label(&free, (right, 120.0), 48.0, Weight::Bold)
                .anchored(Anchor::End)
                .coloured(if sold < capacity {
                    Colour::FREE
                } else {
                    Colour::MUTED
                }),
        ),
        Item::Rect(BAR),
        Item::Text(
            Text::label(&detail, (right, 190.0), 20.0, Weight::Regular)
                .anchored(Anchor::End)
                .coloured(Colour::MUTED),
        ),
    ]);
    if filled > 0.0 {
        // Never shorter than its round ends.
        let width = filled.max(BAR.height);
        items.push(Item::Rect(Rect {
            width,
            colour: Colour::INK,
            ..BAR
        }));
    }
}

/// The stage, whose front is bent like the rows.
pub(super) fn stage(writer: &mut Writer, geometry: &Geometry) {
    let half = (geometry.width() * 0.36).clamp(170.0, 430.0);
    let (left, right) = (WIDTH / 2.0 - half, WIDTH / 2.0 + half);
    let front = STAGE_TOP + STAGE_DEPTH;
    let mut path = String::new();
    for (command, numbers) in [
        ('M', &[left + 34.0, STAGE_TOP][..]),
        ('L', &[right - 34.0, STAGE_TOP]),
        ('L', &[right, front]),
        ('Q', &[WIDTH / 2.0, front + half * 0.12, left, front]),
    ] {
        path.push(command);
        for (index, number) in numbers.iter().enumerate() {
            if index > 0 {
                path.push(' ');
            }
            push_number(&mut path, *number);
        }
    }
    writer.raw("<path");
    writer.colour("fill", Colour::INK);
    writer.raw(&format!(" d=\"{path}z\"/>"));
    let label = Text::label("STAGE", (WIDTH / 2.0, STAGE_TOP + 45.0), 22.0, Weight::Bold);
    writer.text(
        &label
            .tracked(0.2)
            .anchored(Anchor::Middle)
            .coloured(Colour::WHITE),
    );
    if geometry.hall.capacity == 0 {
        let text = Text::label(
            "This hall has no seats.",
            (WIDTH / 2.0, 420.0),
            22.0,
            Weight::Regular,
        );
        writer.text(&text.anchored(Anchor::Middle).coloured(Colour::MUTED));
    }
}

/// What the dots of plain rows mean.
pub(super) fn legend(writer: &mut Writer, geometry: &Geometry) {
    let note = if geometry.share == 1 {
        format!(
            "Row {} is nearest to the stage; seat 1 is on the left.",
            domain::seat::row_name(0)
        )
    } else {
        format!("Each dot stands for up to {0} × {0} seats.", geometry.share)
    };
    explain(
        writer,
        geometry.size()[1],
        geometry.pitch,
        geometry.share == 1,
        &note,
    );
}

/// What the dots of a layout mean.
pub(super) fn legend_of_house(writer: &mut Writer, house: &House<'_>) {
    let note = if house.has_squares() {
        "Squares have room for wheelchairs."
    } else {
        ""
    };
    explain(writer, house.size()[1], house.pitch, true, note);
}

fn explain(writer: &mut Writer, height: f32, pitch: f32, is_seat_each: bool, note: &str) {
    let y = height - 52.0;
    let pitch = pitch.clamp(18.0, 30.0);
    let mut x = MARGIN;
    let entries: &[(&[u16], &str)] = if is_seat_each {
        &[(&[LEVELS], "Free"), (&[0], "Sold")]
    } else {
        &[
            (&[LEVELS, 4, 3, 2, 1], "All free to few free"),
            (&[0], "Sold out"),
        ]
    };
    for (levels, words) in entries {
        for level in *levels {
            let radius = size(*level) * pitch / 2.0;
            writer.raw("<circle");
            writer.length("cx", x + pitch / 2.0);
            writer.length("cy", y - 7.0);
            writer.length("r", radius);
            writer.colour(
                "fill",
                if *level == 0 {
                    Colour::SOLD
                } else {
                    Colour::FREE
                },
            );
            writer.raw("/>");
            x += pitch;
        }
        let text = Text::label(words, (x + 8.0, y), 20.0, Weight::Regular);
        x += 8.0
            + text
                .lines()
                .map(|(line, ..)| text.width_of(line))
                .sum::<f32>()
            + 44.0;
        writer.text(&text);
    }
    let text = Text::label(note, (WIDTH - MARGIN, y), 18.0, Weight::Regular);
    writer.text(&text.anchored(Anchor::End).coloured(Colour::MUTED));
}

fn ratio(part: u32, whole: u32) -> f32 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a share between nought and one"
    )]
    let ratio = (f64::from(part) / f64::from(whole)) as f32;
    ratio
}

/// The number with a comma before every three digits.
fn grouped(number: u32) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
