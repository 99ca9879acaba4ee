//! The dots of a plan: where each is, in which part of the picture, and how it looks now.

use std::ops::Range;

use domain::layout::{Layout, Place, PlaceKind};

use super::geometry::Geometry;
use super::house::House;
use super::looks::{LEVELS, Look, Status};
use crate::scene::Colour;
use domain::sold::SoldSeats;

/// Dots that are drawn together, and drawn again together when one of their seats was sold.
const CHUNK_DOTS: usize = 512;
/// Chunks of a picture: few enough for a browser.
const CHUNKS_MAX: usize = 160;
/// Colours of categories; more would not be told apart. Others are drawn like free seats.
pub(super) const CATEGORIES_MAX: usize = 8;

/// All dots of a plan.
pub(super) struct Field {
    /// Places in tenths of a pixel.
    pub(super) dots: Vec<[i32; 2]>,
    pub(super) chunks: Vec<Chunk>,
    /// How dots can look; [`Field::look_of`] gives the index.
    pub(super) looks: Vec<Look>,
    /// Distance of neighbouring dots in pixels.
    pub(super) pitch: f32,
    source: Source,
}

/// Neighbouring dots.
pub(super) struct Chunk {
    pub(super) dots: Range<usize>,
    /// The seats that they stand for.
    pub(super) seats: Range<u32>,
}

/// What a dot stands for.
enum Source {
    /// For a seat: that of its number. The first of its three looks.
    Seats(Vec<u8>),
    /// For neighbouring seats of plain rows.
    Shared(Box<Geometry>),
}

/// What became of the seats.
#[derive(Debug, Clone, Copy)]
pub(super) struct Statuses<'a> {
    pub(super) sold: &'a SoldSeats,
    pub(super) held: &'a SoldSeats,
}

impl Statuses<'_> {
    pub(super) fn of(&self, seat: u32) -> Status {
        if self.sold.contains(seat) {
            Status::Sold
        } else if self.held.contains(seat) {
            Status::Held
        } else {
            Status::Free
        }
    }
}

impl Field {
    /// The dots of plain rows.
    pub(super) fn of_rows(geometry: Geometry) -> Self {
        let columns = geometry.columns.len();
        let rows = 0..geometry.rows.len();
        let rows_of_chunk = (CHUNK_DOTS / columns.max(1)).max(1);
        let rows_of_chunk = rows_of_chunk.max(rows.len().div_ceil(CHUNKS_MAX));
        let mut dots = Vec::with_capacity(columns * rows.len());
        let mut chunks = Vec::new();
        for block in &geometry.blocks {
            for start in block.clone().step_by(rows_of_chunk) {
                let end = (start + rows_of_chunk).min(block.end);
                let first = dots.len();
                for row in start..end {
                    let filled = &geometry.columns[..geometry.filled(row)];
                    let y = geometry.rows[row];
                    dots.extend(filled.iter().map(|(x, bow)| [tenths(*x), tenths(y + bow)]));
                }
                chunks.push(Chunk {
                    dots: first..dots.len(),
                    seats: geometry.first_seat(start)..geometry.first_seat(end),
                });
            }
        }
        let pitch = geometry.pitch;
        let (looks, source) = if geometry.share == 1 {
            let looks = [Status::Free, Status::Held, Status::Sold]
                .map(|status| Look::of_seat(PlaceKind::Standard, status, None));
            (looks.to_vec(), Source::Seats(vec![0; dots.len()]))
        } else {
            let looks = (0..=LEVELS).map(Look::of_level).collect();
            (looks, Source::Shared(Box::new(geometry)))
        };
        Self {
            dots,
            chunks,
            looks,
            pitch,
            source,
        }
    }

    /// The dots of a house.
    pub(super) fn of_house(house: &House<'_>) -> Self {
        let layout = house.layout;
        let place = |place: &domain::layout::Place| house.place(place.x, place.y).map(tenths);
        let dots: Vec<_> = layout.places.iter().map(place).collect();
        let (looks, firsts) = looks(layout);
        Self {
            chunks: chunks(layout),
            dots,
            looks,
            pitch: house.pitch,
            source: Source::Seats(firsts),
        }
    }

    /// Which look a dot has.
    pub(super) fn look_of(&self, dot: usize, statuses: Statuses) -> usize {
        let number = u32::try_from(dot).expect("dots are no more than seats");
        match &self.source {
            Source::Seats(firsts) => usize::from(firsts[dot]) + statuses.of(number) as usize,
            Source::Shared(geometry) => {
                let columns = geometry.columns.len();
                let (mut seats, mut free) = (0, 0);
                for range in geometry.seats_behind(dot / columns, dot % columns) {
                    let length = range.end - range.start;
                    seats += length;
                    free += length - statuses.sold.count_in(range);
                }
                (free * u32::from(LEVELS)).div_ceil(seats.max(1)) as usize
            }
        }
    }
}

/// The looks of a layout's seats, three for each pair of kind and category, and the first of them
/// for each seat.
fn looks(layout: &Layout) -> (Vec<Look>, Vec<u8>) {
    let mut pairs: Vec<(PlaceKind, Option<Colour>)> = Vec::new();
    let mut looks = Vec::new();
    let firsts = layout.places.iter().map(|place| {
        let pair = (place.kind, category_colour(layout, place));
        let known = pairs.iter().position(|known| *known == pair);
        let at = known.unwrap_or_else(|| {
            pairs.push(pair);
            for status in [Status::Free, Status::Held, Status::Sold] {
                looks.push(Look::of_seat(pair.0, status, pair.1));
            }
            pairs.len() - 1
        });
        u8::try_from(3 * at).expect("four kinds and nine categories have 108 looks")
    });
    let firsts = firsts.collect();
    (looks, firsts)
}

/// The colour that says what a seat costs, if there is more than one.
pub(super) fn category_colour(layout: &Layout, place: &Place) -> Option<Colour> {
    let category = usize::from(place.category);
    let is_told = layout.categories.len() > 1 && category < CATEGORIES_MAX;
    let category = layout.categories.get(category).filter(|_| is_told)?;
    category.colour.map(Colour)
}

/// Rows of one zone that together have some hundred seats.
fn chunks(layout: &Layout) -> Vec<Chunk> {
    let large = CHUNK_DOTS.max(layout.places.len().div_ceil(CHUNKS_MAX));
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut zone = 0;
    for row in &layout.rows {
        let [start, end] = [row.seats.start, row.seats.end].map(|seat| seat as usize);
        let before = zone;
        while layout.zones[zone].seats.end < row.seats.end {
            zone += 1;
        }
        match chunks.last_mut() {
            Some(last) if zone == before && last.dots.len() + (end - start) <= large => {
                last.dots.end = end;
                last.seats.end = row.seats.end;
            }
            _ => chunks.push(Chunk {
                dots: start..end,
                seats: row.seats.clone(),
            }),
        }
    }
    chunks.retain(|chunk| !chunk.dots.is_empty());
    chunks
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "places in a picture of a few thousand pixels"
)]
pub(super) fn tenths(pixels: f32) -> i32 {
    // Nothing of a picture is left of it or above it, so cutting off is rounding.
    (pixels * 10.0 + 0.5) as i32
}
