//! A house that has a layout: how it is brought into the picture, and what is drawn beside the
//! seats.

use domain::layout::{Layout, Place};

use super::geometry::{FOOT, MARGIN, WIDTH};
use crate::scene::{Anchor, Colour, Item, Rect, Shape, Text, count};
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
/// The size of names where seats are nearer to each other than this.
const SMALL_NAME: f32 = 13.0;
const PITCH_NAMED_ABOVE: f32 = 9.0;

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
        [WIDTH, (TOP + (bottom - top) * self.scale + FOOT).ceil()]
    }

    /// Areas with their words, below the seats.
    pub(super) fn areas(&self) -> Vec<Item> {
        let mut items = Vec::new();
        for area in &self.layout.areas {
            let corners = area.outline.iter().map(|[x, y]| self.place(*x, *y));
            items.push(Item::Shape(Shape {
                corners: corners.collect(),
                colour: Colour(area.fill),
            }));
            if let Some((words, [x, y])) = &area.text {
                items.push(name(words, self.place(*x, *y), ink_on(area.fill)));
            }
        }
        items
    }

    /// The names of the zones: above them, or where seats are small in their middle, on paper.
    pub(super) fn names(&self) -> Vec<Item> {
        let zones = self.layout.zones.iter();
        let named = zones.filter(|zone| !zone.name.is_empty()).take(NAMES_MAX);
        named
            .flat_map(|zone| {
                let seats = zone.seats.start as usize..zone.seats.end as usize;
                self.name_of(&zone.name, &self.layout.places[seats])
            })
            .collect()
    }

    fn name_of(&self, words: &str, places: &[Place]) -> Vec<Item> {
        let mean = |coordinate: fn(&Place) -> f32| {
            places.iter().map(coordinate).sum::<f32>() / count(places.len()).max(1.0)
        };
        let middle = mean(|place| place.x);
        if self.pitch < PITCH_NAMED_ABOVE && !places.is_empty() {
            let [x, y] = self.place(middle, mean(|place| place.y));
            let words = clean(words);
            let text = Text::label(&words, (x, y + 4.5), SMALL_NAME, Weight::Bold);
            return on_paper(text.anchored(Anchor::Middle));
        }
        // Above those seats that are below the name, so that a bent zone is named in its bow.
        let words = clean(words);
        let text = Text::label(&words, (0.0, 0.0), NAME_SIZE, Weight::Bold);
        let half = f32::midpoint(width_of(&text), self.pitch) / self.scale;
        let below = places
            .iter()
            .filter(|place| (place.x - middle).abs() <= half)
            .map(|place| place.y)
            .reduce(f32::min);
        let top = places.iter().map(|place| place.y).reduce(f32::min);
        let Some(top) = below.or(top) else {
            return Vec::new();
        };
        let [x, y] = self.place(middle, top);
        let above = y - self.pitch * 0.5 - 8.0;
        let text = text.anchored(Anchor::Middle).coloured(Colour::MUTED);
        vec![Item::Text(Text {
            x,
            y: above,
            ..text
        })]
    }

    pub(super) fn place(&self, x: f32, y: f32) -> [f32; 2] {
        let [left, top, ..] = self.layout.bounds;
        [
            self.left + (x - left) * self.scale,
            TOP + (y - top) * self.scale,
        ]
    }
}

/// A name that is read on whatever lies below it.
fn on_paper(text: Text) -> Vec<Item> {
    let width = width_of(&text);
    let size = text.fitted.size;
    let paper = Rect {
        x: text.x - width / 2.0 - 4.0,
        y: text.y - size,
        width: width + 8.0,
        height: size * 1.3,
        radius: 4.0,
        colour: Colour::WHITE,
        stroke: None,
    };
    vec![Item::Rect(paper), Item::Text(text)]
}

fn width_of(text: &Text) -> f32 {
    text.lines().map(|(line, ..)| text.width_of(line)).sum()
}

fn name(words: &str, [x, y]: [f32; 2], colour: Colour) -> Item {
    let words = clean(words);
    let text = Text::label(&words, (x, y), NAME_SIZE, Weight::Bold);
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
