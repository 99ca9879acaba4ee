//! Seating layouts: where each seat of a house is and what it is called.
//!
//! A layout is written as JSON in the format of pretix's seating plans, of which ours is a
//! superset: such files can be uploaded unchanged. `schema.json` describes the format. Seats are
//! numbered in the order of the document, so that a seat's number is its place in the ledger's
//! unique index; an area with a capacity has its places after the rows of its zone.

mod format;
mod general;
pub mod houses;
mod read;
mod shapes;

use std::ops::Range;

use crate::ids::LayoutId;
use crate::seat::{SeatLabel, SeatNo};

pub use self::read::{InvalidLayout, Mistake};

/// The format as a JSON Schema (draft 2020-12).
pub const SCHEMA: &str = include_str!("schema.json");

/// The most bytes of a layout's document.
pub const LAYOUT_BYTES_MAX: usize = 32 * 1024 * 1024;

/// A layout, read and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// What the house calls it.
    pub name: String,
    /// Where each seat is, in the order of seat numbers.
    pub places: Vec<Place>,
    /// The zones, such as stalls and balcony, with their seats.
    pub zones: Vec<Zone>,
    /// Rows, in the order of their seats.
    pub rows: Vec<Row>,
    /// What is drawn beside the seats: a stage, walls, bars.
    pub areas: Vec<Area>,
    /// What seats cost, by [`Place::category`].
    pub categories: Vec<Category>,
    /// Where people look: the best seats are near it.
    pub focal_point: Option<[f32; 2]>,
    /// Left, top, right and bottom of everything, in the document's units.
    pub bounds: [f32; 4],
}

/// A seat.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// To the right, in the document's units.
    pub x: f32,
    /// Downwards.
    pub y: f32,
    /// What is written on it.
    pub number: Box<str>,
    /// For whom it is.
    pub kind: PlaceKind,
    /// The index of its category; [`NO_CATEGORY`] for none.
    pub category: u8,
}

/// The category of places that have none.
pub const NO_CATEGORY: u8 = u8::MAX;

/// A price category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// Its name.
    pub name: String,
    /// The colour of its free seats: red, green, blue.
    pub colour: Option<[u8; 3]>,
    /// What a seat costs, as people write it.
    pub price: Option<String>,
}

/// What sort of a seat it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceKind {
    /// A seat like others.
    #[default]
    Standard,
    /// Room for a wheelchair.
    Accessible,
    /// Beside an accessible one.
    Companion,
    /// Something is in the way.
    RestrictedView,
}

/// A part of the house.
#[derive(Debug, Clone, PartialEq)]
pub struct Zone {
    /// Its name; may be empty.
    pub name: String,
    /// The storey it is on, where the house names them.
    pub level: Option<String>,
    /// Its seats.
    pub seats: Range<u32>,
}

/// A row of seats, or the places of an area where people stand.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its name; empty where people stand.
    pub name: String,
    /// Its seats.
    pub seats: Range<u32>,
}

/// Something that is drawn and is no seat.
#[derive(Debug, Clone, PartialEq)]
pub struct Area {
    /// Its outline, at least three points.
    pub outline: Vec<[f32; 2]>,
    /// How it is filled: red, green, blue.
    pub fill: [u8; 3],
    /// The words in it, and where their middle is.
    pub text: Option<(String, [f32; 2])>,
}

/// A layout as the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLayout {
    /// Its id.
    pub id: LayoutId,
    /// Its name.
    pub name: String,
    /// The number of its seats.
    pub seats: u32,
    /// The document as it was uploaded.
    pub document: Vec<u8>,
}

impl Layout {
    /// Reads a document and checks it: [`InvalidLayout`] names each place that is wrong.
    pub fn parse(document: &[u8]) -> Result<Self, InvalidLayout> {
        read::read(document)
    }

    /// The number of seats.
    pub fn seats(&self) -> u32 {
        u32::try_from(self.places.len()).expect("a layout has no more seats than a concert may")
    }

    /// What a seat is called; `None` for one that the layout does not have.
    pub fn label(&self, seat: SeatNo) -> Option<SeatLabel> {
        let place = self.places.get(seat.0 as usize)?;
        let row = self.rows.partition_point(|row| row.seats.end <= seat.0);
        let zone = self.zones.partition_point(|zone| zone.seats.end <= seat.0);
        let section = self.zones.get(zone).map(|zone| zone.name.clone());
        Some(SeatLabel {
            section: section.filter(|name| !name.is_empty()),
            row: self.rows.get(row)?.name.clone(),
            number: place.number.to_string(),
        })
    }
}

#[cfg(test)]
mod tests;
