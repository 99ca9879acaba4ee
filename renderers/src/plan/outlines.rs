//! Where each section of a plan is, for pages: outlines that nobody sees, but that can be clicked,
//! name the section and say which seats it has.

use std::fmt::Write as _;
use std::ops::Range;

use domain::layout::{Layout, Row};

use super::geometry::Geometry;
use super::house::House;
use super::section::{SEATS_MAX, Section, plan_sections};
use crate::document::PlanDocument;
use crate::svg::{push_escaped, push_number, push_value};

/// Sections that are outlined. The next ones have only their names and seats, in paths without
/// corners, so that pages can still list them.
const OUTLINED_MAX: usize = 1_000;
/// Sections that are in the picture at all: a megabyte of names. Pages learn from `data-sections`
/// that there are more.
const NAMED_MAX: usize = 10_000;
/// Corners along a row, and rows whose ends are corners: enough for the bow of an arc.
const CORNERS: usize = 8;

/// The outlines as markup. Each is a path with the section's name in `data-section`, its seats in
/// `data-seats` (the first one and the one after the last), and its name as a title. Their group
/// says in `data-sections` how many sections the house has, and in `data-seats-max` how many seats
/// a section may have that is drawn seat by seat.
pub(super) fn markup(document: &PlanDocument) -> String {
    let sections = plan_sections(document);
    let mut out = String::with_capacity(sections.len().min(OUTLINED_MAX) * 400);
    write!(
        out,
        "<g class=\"sections\" data-sections=\"{}\" data-seats-max=\"{SEATS_MAX}\" \
         fill=\"none\" pointer-events=\"all\"",
        sections.len()
    )
    .expect("a string takes all");
    if let Some(layout) = &document.layout {
        let house = House::of(layout);
        let place = |seat: u32| {
            let place = &layout.places[seat as usize];
            house.place(place.x, place.y)
        };
        push_pitch(&mut out, house.pitch);
        for section in sections.iter().take(OUTLINED_MAX) {
            let rows = rows_of(layout, &section.seats);
            let corners = if rows.iter().any(|row| row.name.is_empty()) {
                // People stand in a field, not in rows.
                around(section.seats.clone().map(place))
            } else {
                let rows: Vec<_> = rows.iter().map(|row| row.seats.clone()).collect();
                along(&rows, place)
            };
            push_outline(&mut out, section, &corners);
        }
    } else {
        let geometry = Geometry::of(document.capacity);
        let length = geometry.hall.seats_per_row.max(1);
        let place = |seat: u32| {
            let share = geometry.share;
            let (row, column) = (seat / length / share, seat % length / share);
            let (x, bow) = geometry.columns[column as usize];
            [x, geometry.rows[row as usize] + bow]
        };
        push_pitch(&mut out, geometry.pitch);
        for section in sections.iter().take(OUTLINED_MAX) {
            let Range { start, end } = section.seats;
            let firsts = (start..end).step_by(length as usize);
            let rows: Vec<_> = firsts
                .map(|first| first..(first + length).min(end))
                .collect();
            push_outline(&mut out, section, &along(&rows, place));
        }
    }
    for section in sections.iter().take(NAMED_MAX).skip(OUTLINED_MAX) {
        push_name(&mut out, section);
        out.push_str("/>");
    }
    out.push_str("</g>");
    out
}

/// The rows with these seats. Rows are in the order of their seats, and none is in two zones.
fn rows_of<'a>(layout: &'a Layout, seats: &Range<u32>) -> &'a [Row] {
    let first = layout
        .rows
        .partition_point(|row| row.seats.start < seats.start);
    let end = layout
        .rows
        .partition_point(|row| row.seats.end <= seats.end);
    &layout.rows[first..end.max(first)]
}

/// The strokes are as wide as a seat, so that the outline goes around the outer ones.
fn push_pitch(out: &mut String, pitch: f32) {
    out.push_str(" stroke-linejoin=\"round\" stroke-width=\"");
    push_number(out, pitch);
    out.push_str("\">");
}

fn push_outline(out: &mut String, section: &Section, corners: &[[f32; 2]]) {
    push_name(out, section);
    out.push_str(" d=\"");
    for (index, [x, y]) in corners.iter().enumerate() {
        out.push(if index == 0 { 'M' } else { 'L' });
        push_number(out, *x);
        out.push(' ');
        push_number(out, *y);
    }
    out.push_str("z\"><title>");
    push_escaped(out, &section.name);
    out.push_str("</title></path>");
}

/// The start of a section's path, before its corners.
fn push_name(out: &mut String, section: &Section) {
    let Range { start, end } = section.seats;
    out.push_str("<path data-section=\"");
    push_value(out, &section.name);
    write!(out, "\" data-seats=\"{start} {end}\"").expect("a string takes all");
}

/// Along the first row, down the ends, back along the last row, and up the beginnings.
fn along(rows: &[Range<u32>], place: impl Fn(u32) -> [f32; 2]) -> Vec<[f32; 2]> {
    let rows: Vec<_> = rows.iter().filter(|row| !row.is_empty()).collect();
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return Vec::new();
    };
    let between = &rows[1.min(rows.len())..rows.len().saturating_sub(1).max(1)];
    let step = between.len().div_ceil(CORNERS).max(1);
    let ends = between.iter().step_by(step);
    let seats = corners(first)
        .chain(ends.clone().map(|row| row.end - 1))
        .chain(corners(last).rev())
        .chain(ends.rev().map(|row| row.start));
    seats.map(place).collect()
}

/// Some seats of a row, its first and its last one among them.
fn corners(row: &Range<u32>) -> impl DoubleEndedIterator<Item = u32> {
    let (start, last) = (row.start, row.end - 1);
    let parts = u32::try_from(CORNERS - 1)
        .expect("a few corners")
        .min(last - start)
        .max(1);
    (0..=parts).map(move |part| start + (last - start) * part / parts)
}

fn around(places: impl Iterator<Item = [f32; 2]>) -> Vec<[f32; 2]> {
    let bounds = places.fold(None, |bounds: Option<[f32; 4]>, [x, y]| {
        let [l, t, r, b] = bounds.unwrap_or([x, y, x, y]);
        Some([l.min(x), t.min(y), r.max(x), b.max(y)])
    });
    let Some([left, top, right, bottom]) = bounds else {
        return Vec::new();
    };
    vec![[left, top], [right, top], [right, bottom], [left, bottom]]
}
