//! A house that has a layout: how it is brought into the picture, and what is drawn beside the
//! seats.

use domain::layout::Layout;

use super::geometry::{FOOT, MARGIN, WIDTH};
use super::names::NAME_SIZE;
use crate::scene::{Anchor, Colour, Item, Shape, Text};
use crate::text::{Weight, clean};

/// Below the head.
const TOP: f32 = 270.0;
/// The most that a house may be high, in pixels.
const HEIGHT_MAX: f32 = 1_600.0;
/// Distance of neighbouring seats in the picture.
const PITCH_MIN: f32 = 1.2;
const PITCH_MAX: f32 = 44.0;
/// The most that words in an area are large.
const WORDS_SIZE_MAX: f32 = 30.0;
/// Between the house and the legend, beyond the foot of plain rows.
const CLEARANCE: f32 = 24.0;

/// How a layout is brought into the picture.
pub(super) struct House<'a> {
    pub(super) layout: &'a Layout,
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
        let house = (bottom - top) * self.scale;
        [WIDTH, (TOP + house + CLEARANCE + FOOT).ceil()]
    }

    /// Areas with their words, below the seats.
    pub(super) fn areas(&self) -> Vec<Item> {
        let mut items = Vec::new();
        for area in &self.layout.areas {
            let corners = area.outline.iter().map(|[x, y]| self.place(*x, *y));
            let corners: Vec<_> = corners.collect();
            let words = area.text.as_ref().map(|(words, [x, y])| {
                words_in(words, self.place(*x, *y), &corners, ink_on(area.fill))
            });
            items.push(Item::Shape(Shape {
                corners,
                colour: Colour(area.fill),
            }));
            items.extend(words);
        }
        items
    }

    pub(super) fn place(&self, x: f32, y: f32) -> [f32; 2] {
        let [left, top, ..] = self.layout.bounds;
        [
            self.left + (x - left) * self.scale,
            TOP + (y - top) * self.scale,
        ]
    }
}

/// Words in the middle of an area, as large as it has room for.
fn words_in(words: &str, [x, y]: [f32; 2], corners: &[[f32; 2]], colour: Colour) -> Item {
    let words = clean(words);
    let extent = |axis: usize| {
        let places = corners.iter().map(|corner| corner[axis]);
        let (low, high) = places.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), at| {
            (low.min(at), high.max(at))
        });
        high - low
    };
    let plain = Text::label(&words, (x, y), 1.0, Weight::Bold);
    let em: f32 = plain.lines().map(|(line, ..)| line.width).sum();
    let room = (extent(1) * 0.3).min(extent(0) * 0.8 / em.max(0.1));
    let size = room.clamp(NAME_SIZE, WORDS_SIZE_MAX);
    let text = Text::label(&words, (x, y + size * 0.35), size, Weight::Bold);
    Item::Text(text.anchored(Anchor::Middle).coloured(colour))
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
