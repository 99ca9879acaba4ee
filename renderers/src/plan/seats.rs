//! The dots of a seating plan and the names of its rows.

use domain::seat::row_name;

use super::geometry::Geometry;
use crate::scene::{Anchor, Colour, Item, Text};
use crate::sold::SoldSeats;
use crate::svg::{Writer, push_signed};
use crate::text::Weight;

/// Diameter of a free and of a sold seat, in distances of dots.
pub(super) const FREE_SIZE: f32 = 0.78;
pub(super) const SOLD_SIZE: f32 = 0.38;
/// Sizes that a shared dot can have, by the share of free seats.
pub(super) const LEVELS: u16 = 5;
/// Row names are this large where rows are far enough apart, and never smaller.
const NAME_SIZE: f32 = 13.0;
const NAME_SIZE_MIN: f32 = 9.0;

/// A row's course from seat to seat, in tenths of a pixel, written once for all rows.
struct Course {
    /// `m10 -2h0` for every column: the way from the column before, and a dot.
    steps: String,
    /// Where each column's step begins.
    starts: Vec<usize>,
    /// Each column's place.
    places: Vec<(i32, i32)>,
}

/// Writes all dots, and the names of the rows.
pub(super) fn rows(writer: &mut Writer, geometry: &Geometry, sold: &SoldSeats) {
    let course = Course::of(geometry);
    let mut levels = vec![None; geometry.columns.len()];
    for block in &geometry.blocks {
        let mut paths = vec![String::new(); usize::from(LEVELS) + 1];
        for row in block.clone() {
            row_levels(geometry, sold, row, &mut levels);
            course.push_row(&mut paths, tenths(geometry.rows[row]), &levels);
        }
        writer.raw(r#"<g fill="none" stroke-linecap="round" transform="scale(.1)">"#);
        for (level, path) in (0..).zip(&paths).filter(|(_, path)| !path.is_empty()) {
            writer.raw("<path");
            writer.colour(
                "stroke",
                if level == 0 {
                    Colour::SOLD
                } else {
                    Colour::FREE
                },
            );
            writer.length("stroke-width", size(level) * geometry.pitch * 10.0);
            writer.raw(" d=\"");
            writer.raw(path);
            writer.raw("\"/>");
        }
        writer.raw("</g>");
    }
    names(writer, geometry);
}

/// A dot's diameter in distances of dots: its area grows with the level.
pub(super) fn size(level: u16) -> f32 {
    let share = f32::from(level) / f32::from(LEVELS);
    if level == 0 {
        SOLD_SIZE
    } else {
        FREE_SIZE * share.sqrt().max(0.5)
    }
}

/// The level of each dot of a row, 0 when all its seats are sold; none where no seat is.
fn row_levels(geometry: &Geometry, sold: &SoldSeats, row: usize, levels: &mut [Option<u32>]) {
    let share = geometry.share;
    let first = u32::try_from(row).expect("a hall has fewer rows than seats") * share;
    let rows = first..(first + share).min(geometry.hall.rows());
    for (column, level) in (0..).zip(levels) {
        let (mut seats, mut free) = (0, 0);
        for row in rows.clone() {
            let range = geometry.seats(row, column);
            let length = range.end - range.start;
            seats += length;
            free += length - sold.count_in(range);
        }
        *level = (seats > 0).then(|| (free * u32::from(LEVELS)).div_ceil(seats.max(1)));
    }
}

impl Course {
    fn of(geometry: &Geometry) -> Self {
        let place = |(x, y): &(f32, f32)| (tenths(*x), tenths(*y));
        let places: Vec<_> = geometry.columns.iter().map(place).collect();
        let mut course = Self {
            steps: String::new(),
            starts: vec![0],
            places,
        };
        course.starts.extend(course.places.windows(2).map(|pair| {
            let start = course.steps.len();
            course.steps.push('m');
            push_signed(&mut course.steps, pair[1].0 - pair[0].0);
            push_separated(&mut course.steps, pair[1].1 - pair[0].1);
            course.steps.push_str("h0");
            start
        }));
        course.starts.push(course.steps.len());
        course
    }

    /// Adds a row to the path of each level, `y` being that of its ends.
    fn push_row(&self, paths: &mut [String], y: i32, levels: &[Option<u32>]) {
        let mut column = 0;
        for run in levels.chunk_by(|a, b| a == b) {
            if let Some(level) = run[0] {
                let path = &mut paths[level as usize];
                let place = self.places[column];
                path.push('M');
                push_signed(path, place.0);
                push_separated(path, y + place.1);
                path.push_str("h0");
                path.push_str(self.steps_between(column, column + run.len() - 1));
            }
            column += run.len();
        }
    }

    /// The steps after `first` up to and with `last`.
    fn steps_between(&self, first: usize, last: usize) -> &str {
        &self.steps[self.starts[first + 1]..self.starts[last + 1]]
    }
}

/// Adds a number after another one; a minus sign separates by itself.
pub(super) fn push_separated(out: &mut String, value: i32) {
    if value >= 0 {
        out.push(' ');
    }
    push_signed(out, value);
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "places in a picture of a few thousand pixels"
)]
pub(super) fn tenths(pixels: f32) -> i32 {
    (pixels * 10.0).round() as i32
}

/// Names the rows at both ends: every row, or as many as have room.
fn names(writer: &mut Writer, geometry: &Geometry) {
    let (Some(left), Some(right)) = (geometry.columns.first(), geometry.columns.last()) else {
        return;
    };
    let size = (geometry.pitch * 0.8).clamp(NAME_SIZE_MIN, NAME_SIZE);
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
            writer.items([&Item::Text(text.anchored(anchor).coloured(Colour::MUTED))]);
        }
    }
}
