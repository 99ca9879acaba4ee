//! The seats of a house that has a layout: each where it is.
//!
//! One dotted path for each zone, status and shape, as with plain rows. Seats for wheelchairs are
//! squares, all others are round.

use domain::layout::{Layout, PlaceKind, Zone};

use super::geometry::{FOOT, MARGIN, WIDTH};
use super::seats::{FREE_SIZE, SOLD_SIZE, push_separated, tenths};
use crate::scene::{Anchor, Colour, Text, count};
use crate::sold::SoldSeats;
use crate::svg::{Writer, push_number, push_signed};
use crate::text::{Weight, clean};

/// Below the head.
const TOP: f32 = 270.0;
/// The most that a house may be high, in pixels.
const HEIGHT_MAX: f32 = 1_600.0;
/// Distance of neighbouring seats in the picture.
const PITCH_MIN: f32 = 1.2;
const PITCH_MAX: f32 = 44.0;
/// Zones that are named; more names than that would hide the seats.
const NAMES_MAX: usize = 200;
const NAME_SIZE: f32 = 16.0;
/// What a name takes, about.
const NAME_WIDTH: f32 = 90.0;

/// How a layout is brought into the picture.
pub(super) struct House<'a> {
    layout: &'a Layout,
    scale: f32,
    left: f32,
    /// Distance of neighbouring seats in the picture.
    pub(super) pitch: f32,
}

impl<'a> House<'a> {
    pub(super) fn of(layout: &'a Layout) -> Self {
        let [left, top, right, bottom] = layout.bounds;
        let (width, height) = ((right - left).max(1.0), (bottom - top).max(1.0));
        let scale = ((WIDTH - 2.0 * MARGIN) / width).min(HEIGHT_MAX / height);
        // A house of one seat would fill the picture with it.
        let scale = scale.min(PITCH_MAX / distance(layout));
        Self {
            layout,
            scale,
            left: (WIDTH - width * scale) / 2.0,
            pitch: (distance(layout) * scale).clamp(PITCH_MIN, PITCH_MAX),
        }
    }

    /// Width and height of the picture.
    pub(super) fn size(&self) -> [f32; 2] {
        let [_, top, _, bottom] = self.layout.bounds;
        [WIDTH, (TOP + (bottom - top) * self.scale + FOOT).ceil()]
    }

    /// Whether some seats are squares.
    pub(super) fn has_squares(&self) -> bool {
        let places = &self.layout.places;
        places
            .iter()
            .any(|place| place.kind == PlaceKind::Accessible)
    }

    /// Writes areas, seats and the names of the zones.
    pub(super) fn write(&self, writer: &mut Writer, sold: &SoldSeats) {
        for area in &self.layout.areas {
            let mut path = String::new();
            for (at, point) in area.outline.iter().enumerate() {
                let [x, y] = self.place(point[0], point[1]);
                path.push(if at == 0 { 'M' } else { 'L' });
                push_number(&mut path, x);
                path.push(' ');
                push_number(&mut path, y);
            }
            writer.raw("<path");
            writer.colour("fill", Colour(area.fill));
            writer.raw(&format!(" d=\"{path}z\"/>"));
            if let Some((words, [x, y])) = &area.text {
                push_name(writer, words, self.place(*x, *y), ink_on(area.fill));
            }
        }
        for zone in &self.layout.zones {
            self.zone(writer, zone, sold);
        }
        let named = self
            .layout
            .zones
            .iter()
            .filter(|zone| !zone.name.is_empty());
        for zone in named.take(NAMES_MAX) {
            let places = &self.layout.places[zone.seats.start as usize..zone.seats.end as usize];
            let count = count(places.len()).max(1.0);
            let middle = places.iter().map(|place| place.x).sum::<f32>() / count;
            // Above those seats that are below the name, so that a bent zone is named in its bow.
            let half = NAME_WIDTH / 2.0 / self.scale;
            let below = places
                .iter()
                .filter(|place| (place.x - middle).abs() <= half)
                .map(|place| place.y)
                .reduce(f32::min);
            let top = places.iter().map(|place| place.y).reduce(f32::min);
            let Some(top) = below.or(top) else {
                continue;
            };
            let [x, y] = self.place(middle, top);
            let above = y - self.pitch * 0.5 - 8.0;
            push_name(writer, &zone.name, [x, above], Colour::MUTED);
        }
    }

    fn zone(&self, writer: &mut Writer, zone: &Zone, sold: &SoldSeats) {
        // Free and sold, round and square.
        let mut dots = [const { Dots::new() }; 4];
        for seat in zone.seats.clone() {
            let place = &self.layout.places[seat as usize];
            let square = place.kind == PlaceKind::Accessible;
            let which = usize::from(sold.contains(seat)) + 2 * usize::from(square);
            let [x, y] = self.place(place.x, place.y);
            dots[which].push(tenths(x), tenths(y));
        }
        writer.raw(r#"<g fill="none" transform="scale(.1)">"#);
        for (which, dots) in dots
            .iter()
            .enumerate()
            .filter(|(_, dots)| dots.last.is_some())
        {
            let (colour, size) = if which % 2 == 0 {
                (Colour::FREE, FREE_SIZE)
            } else {
                (Colour::SOLD, SOLD_SIZE)
            };
            let cap = if which < 2 { "round" } else { "square" };
            writer.raw("<path");
            writer.colour("stroke", colour);
            writer.raw(&format!(" stroke-linecap=\"{cap}\""));
            writer.length("stroke-width", size * self.pitch * 10.0);
            writer.raw(&format!(" d=\"{}\"/>", dots.path));
        }
        writer.raw("</g>");
    }

    fn place(&self, x: f32, y: f32) -> [f32; 2] {
        let [left, top, ..] = self.layout.bounds;
        [
            self.left + (x - left) * self.scale,
            TOP + (y - top) * self.scale,
        ]
    }
}

fn push_name(writer: &mut Writer, words: &str, [x, y]: [f32; 2], colour: Colour) {
    let words = clean(words);
    let text = Text::label(&words, (x, y), NAME_SIZE, Weight::Bold);
    writer.text(&text.anchored(Anchor::Middle).coloured(colour));
}

/// A path of zero-length lines, in tenths of a pixel.
struct Dots {
    path: String,
    last: Option<(i32, i32)>,
}

impl Dots {
    const fn new() -> Self {
        Self {
            path: String::new(),
            last: None,
        }
    }

    fn push(&mut self, x: i32, y: i32) {
        let (command, from) = self.last.map_or(('M', (0, 0)), |last| ('m', last));
        self.path.push(command);
        push_signed(&mut self.path, x - from.0);
        push_separated(&mut self.path, y - from.1);
        self.path.push_str("h0");
        self.last = Some((x, y));
    }
}

/// The distance of neighbours: the least one in a row, in the layout's units.
fn distance(layout: &Layout) -> f32 {
    let rows = layout.rows.iter().map(|row| {
        let places = &layout.places[row.seats.start as usize..row.seats.end as usize];
        places
            .windows(2)
            .map(|pair| (pair[1].x - pair[0].x).hypot(pair[1].y - pair[0].y))
            .fold(f32::INFINITY, f32::min)
    });
    let least = rows.fold(f32::INFINITY, f32::min);
    if least.is_finite() {
        least.max(0.01)
    } else {
        20.0
    }
}

/// Dark words on light, light words on dark.
fn ink_on(fill: [u8; 3]) -> Colour {
    let [red, green, blue] = fill.map(u32::from);
    // The weights of ITU-R BT.601, in thousandths.
    if red * 299 + green * 587 + blue * 114 > 140_000 {
        Colour::INK
    } else {
        Colour::WHITE
    }
}
