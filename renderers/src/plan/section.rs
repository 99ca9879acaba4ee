//! One section of a plan with an element for each seat, for those who choose one.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::Range;

use domain::layout::PlaceKind;
use domain::seat::{Hall, SeatLabel, SeatNo, row_name};

use super::field::{Statuses, category_colour};
use super::geometry::Geometry;
use super::looks::{Look, Status};
use super::{check, statuses_of};
use crate::document::PlanDocument;
use crate::error::RenderError;
use crate::scene::{Anchor, Colour, Text};
use crate::svg::{Page, Writer, push_escaped, push_number};
use crate::text::{Weight, clean};

/// Seats that are drawn one by one: a browser bears so many elements.
pub(super) const SEATS_MAX: u32 = 20_000;
/// Seats of a section of plain rows, about.
const ROWS_SEATS: u32 = 1_500;
const WIDTH: f32 = 1_600.0;
const MARGIN: f32 = 64.0;
/// Below the heading, with room for the name of a row that runs downwards.
const TOP: f32 = 150.0;
const PITCH_MAX: f32 = 44.0;

/// A part of a house that can be drawn by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its name, which no other section has: that of a zone, or `A–F` for plain rows.
    pub name: String,
    /// Its seats.
    pub seats: Range<u32>,
}

/// The sections of a plan. A zone without a name is called by its number, counted from 1; of zones
/// with one name the second is called `Stalls (2)`, and so on.
pub fn plan_sections(document: &PlanDocument) -> Vec<Section> {
    if let Some(layout) = &document.layout {
        let mut names = Names::default();
        let zones = (1..).zip(&layout.zones);
        let taken = zones.filter(|(_, zone)| !zone.seats.is_empty());
        let named = taken.map(|(number, zone)| {
            let name = match clean(&zone.name) {
                name if name.is_empty() => i32::to_string(&number),
                name => name.into_owned(),
            };
            Section {
                name: names.unique(name),
                seats: zone.seats.clone(),
            }
        });
        return named.collect();
    }
    let hall = Hall::of(document.capacity);
    let rows = (ROWS_SEATS / hall.seats_per_row).max(1);
    let starts = (0..hall.rows()).step_by(rows as usize);
    let sections = starts.map(|first| {
        let end = (first + rows).min(hall.rows());
        let seat = |row: u32| (row * hall.seats_per_row).min(hall.capacity);
        Section {
            name: format!("{}–{}", row_name(first), row_name(end - 1)),
            seats: seat(first)..seat(end),
        }
    });
    sections.collect()
}

/// Names that are given, and the last number that was tried with each.
#[derive(Default)]
struct Names(HashMap<String, u32>);

impl Names {
    /// The name, with the first number that tells it from those before.
    fn unique(&mut self, name: String) -> String {
        let Some(mut number) = self.0.get(&name).copied() else {
            self.0.insert(name.clone(), 1);
            return name;
        };
        // A number is tried once for each name, so all this ends after as many as there are names.
        loop {
            number += 1;
            let numbered = format!("{name} ({number})");
            if !self.0.contains_key(&numbered) {
                self.0.insert(name, number);
                self.0.insert(numbered.clone(), 1);
                return numbered;
            }
        }
    }
}

/// One section as SVG: every seat an element with the id `seat-{number}`, the class `free`, `held`
/// or `sold`, and a `<title>` that says where it is. The number is that of the ledger. The words
/// that say how many are free are in a group of the class `count`.
///
/// `<desc>` is that of the whole plan. Fails as [`super::plan_svg`] does, with
/// [`RenderError::NoSection`], or with [`RenderError::SizeOutOfRange`] for a section of more than
/// 20,000 seats.
pub fn plan_section_svg(document: &PlanDocument, name: &str) -> Result<Vec<u8>, RenderError> {
    check(document)?;
    let sections = plan_sections(document);
    let wanted = clean(name);
    let section = sections.into_iter().find(|section| section.name == wanted);
    let section = section.ok_or_else(|| RenderError::NoSection(name.to_owned()))?;
    let seats = section.seats.end - section.seats.start;
    if seats > SEATS_MAX {
        return Err(RenderError::SizeOutOfRange {
            what: "the number of the section's seats",
            value: seats,
            min: 1,
            max: SEATS_MAX,
        });
    }
    let places = places(document, &section.seats);
    Ok(write(document, &section, &places).into_bytes())
}

/// Where the seats are, in units of their own, and how far neighbours are apart.
fn places(document: &PlanDocument, seats: &Range<u32>) -> (Vec<[f32; 2]>, f32) {
    if let Some(layout) = &document.layout {
        let places = &layout.places[seats.start as usize..seats.end as usize];
        let places: Vec<_> = places.iter().map(|place| [place.x, place.y]).collect();
        let pairs = places.windows(2);
        let apart = pairs.map(|pair| (pair[1][0] - pair[0][0]).hypot(pair[1][1] - pair[0][1]));
        let least = apart
            .filter(|apart| *apart > 0.0)
            .fold(f32::INFINITY, f32::min);
        return (places, if least.is_finite() { least } else { 20.0 });
    }
    let geometry = Geometry::plain(document.capacity);
    let columns = geometry.columns.len();
    let place = |seat: u32| {
        let (row, column) = (seat as usize / columns, seat as usize % columns);
        let (x, bow) = geometry.columns[column];
        [x, geometry.rows[row] + bow]
    };
    (seats.clone().map(place).collect(), geometry.pitch)
}

fn write(document: &PlanDocument, section: &Section, places: &(Vec<[f32; 2]>, f32)) -> String {
    let (places, apart) = places;
    let start = [
        f32::INFINITY,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NEG_INFINITY,
    ];
    let [left, top, right, bottom] = places.iter().fold(start, |[l, t, r, b], [x, y]| {
        [l.min(*x), t.min(*y), r.max(*x), b.max(*y)]
    });
    let scale = ((WIDTH - 2.0 * MARGIN) / (right - left).max(1.0)).min(PITCH_MAX / apart);
    let pitch = apart * scale;
    let height = (TOP + (bottom - top) * scale + MARGIN).ceil();
    let sold = document.sold.count();
    let description = format!("{}|{}|{sold}", document.concert_id, document.capacity);
    let page = Page {
        width: "1600",
        height: &height.to_string(),
        view: [WIDTH, height],
        language: document.language.tag(),
    };
    let mut writer = Writer::with_capacity(places.len() * 160);
    writer.open(&page, &clean(&description));
    let heading = Text::label(&clean(&section.name), (MARGIN, 64.0), 36.0, Weight::Bold);
    writer.text(&heading);
    let free = section
        .seats
        .clone()
        .filter(|seat| statuses_of(document).of(*seat) == Status::Free);
    let count = format!(
        "{} {}",
        free.count(),
        document.language.words().plan.free.to_lowercase()
    );
    let count = Text::label(&count, (WIDTH - MARGIN, 64.0), 24.0, Weight::Regular);
    // A page that follows the sale has a newer number, and takes this one away.
    writer.raw("<g class=\"count\">");
    writer.text(&count.anchored(Anchor::End).coloured(Colour::MUTED));
    writer.raw("</g>");
    let shift = (WIDTH - (right - left) * scale) / 2.0;
    let mut markup = String::with_capacity(places.len() * 160);
    for (seat, [x, y]) in section.seats.clone().zip(places) {
        let at = [shift + (x - left) * scale, TOP + (y - top) * scale];
        push_seat(&mut markup, document, seat, at, pitch);
    }
    writer.raw(&markup);
    let at = |[x, y]: [f32; 2]| [shift + (x - left) * scale, TOP + (y - top) * scale];
    for (name, row) in rows(document, section) {
        let places = &places[row.start as usize..row.end as usize];
        if let [first, .., _] = places {
            writer.text(&row_label(&name, at(*first), at(places[1]), pitch));
        }
    }
    writer.finish()
}

/// The rows of a section by their names, with their seats counted from its first one. Where people
/// stand there are none.
fn rows(document: &PlanDocument, section: &Section) -> Vec<(String, Range<u32>)> {
    let Range { start, end } = section.seats;
    if let Some(layout) = &document.layout {
        let rows = layout.rows.iter().filter(|row| !row.name.is_empty());
        let own = rows.filter(|row| start <= row.seats.start && row.seats.end <= end);
        let named = own.map(|row| {
            let seats = row.seats.start - start..row.seats.end - start;
            (clean(&row.name).into_owned(), seats)
        });
        return named.collect();
    }
    let length = Hall::of(document.capacity).seats_per_row;
    let starts = (start..end).step_by(length as usize);
    let named = starts.map(|first| {
        let seats = first - start..(first + length).min(end) - start;
        (row_name(first / length), seats)
    });
    named.collect()
}

/// A row's name before its first seat, in the direction of the row.
fn row_label(name: &str, first: [f32; 2], second: [f32; 2], pitch: f32) -> Text {
    let [x, y] = [second[0] - first[0], second[1] - first[1]];
    let length = x.hypot(y).max(0.1);
    let away = pitch * 1.1 / length;
    let size = (pitch * 0.5).clamp(8.0, 18.0);
    let at = (first[0] - x * away, first[1] - y * away + size * 0.36);
    let text = Text::label(name, at, size, Weight::Regular);
    text.anchored(Anchor::Middle).coloured(Colour::MUTED)
}

fn push_seat(out: &mut String, document: &PlanDocument, seat: u32, [x, y]: [f32; 2], pitch: f32) {
    let statuses: Statuses = statuses_of(document);
    let status = statuses.of(seat);
    let place = document
        .layout
        .as_ref()
        .map(|layout| &layout.places[seat as usize]);
    let kind = place.map_or(PlaceKind::Standard, |place| place.kind);
    let layout = document.layout.as_ref();
    let colour = place
        .zip(layout)
        .and_then(|(place, layout)| category_colour(layout, place));
    let look = Look::of_seat(kind, status, colour);
    let class = match status {
        Status::Free => "free",
        Status::Held => "held",
        Status::Sold => "sold",
    };
    write!(out, "<g id=\"seat-{seat}\" class=\"{class}\"><title>").expect("a string takes all");
    push_escaped(out, &clean(&spoken(document, seat)));
    out.push_str("</title>");
    let mut block = |size: f32, colour: Colour| {
        let side = size * pitch;
        out.push_str("<rect");
        for (name, value) in [("x", x - side / 2.0), ("y", y - side / 2.0)]
            .into_iter()
            .chain([("width", side), ("height", side)])
            .chain((!look.square).then_some(("rx", side / 2.0)))
        {
            out.push(' ');
            out.push_str(name);
            out.push_str("=\"");
            push_number(out, value);
            out.push('"');
        }
        crate::svg::push_colour_of(out, "fill", colour);
        out.push_str("/>");
    };
    block(look.size, look.colour);
    if look.hole > 0.0 {
        block(look.hole, Colour::WHITE);
    }
    out.push_str("</g>");
}

/// Where a seat is, and what it costs.
fn spoken(document: &PlanDocument, seat: u32) -> String {
    let layout = document.layout.as_ref();
    let label = layout.and_then(|layout| layout.label(SeatNo(seat)));
    let label = label.unwrap_or_else(|| Hall::of(document.capacity).label(SeatNo(seat)));
    let SeatLabel {
        section,
        row,
        number,
    } = label;
    let words = document.language.seat(section.as_deref(), &row, &number);
    let category = layout.and_then(|layout| {
        let place = &layout.places[seat as usize];
        layout.categories.get(usize::from(place.category))
    });
    match category.and_then(|category| document.price_of(category)) {
        Some(price) => format!("{words} – {price}"),
        None => words,
    }
}
