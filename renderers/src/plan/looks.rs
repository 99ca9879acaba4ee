//! How a seat looks: by its kind and by what became of it, in shape as well as in colour.

use domain::layout::PlaceKind;

use crate::scene::Colour;

/// Sizes that a shared dot can have, by the share of free seats.
pub(super) const LEVELS: u8 = 5;
/// Diameter of a free and of a sold seat, in distances of dots.
pub(super) const FREE_SIZE: f32 = 0.78;
const SOLD_SIZE: f32 = 0.38;

/// What became of a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Free,
    Held,
    Sold,
}

/// A dot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Look {
    pub(super) colour: Colour,
    pub(super) square: bool,
    /// Diameter or side, in distances of dots.
    pub(super) size: f32,
    /// Diameter or side of the white hole in it, in distances of dots.
    pub(super) hole: f32,
}

impl Look {
    /// The look of a seat. Free seats have the colour of their category, if it has one.
    ///
    /// Free seats are large, held ones are rings, sold ones are small; places for wheelchairs are
    /// squares, those beside them are squares with a hole, and where the view is restricted there
    /// is a small hole.
    pub(super) fn of_seat(kind: PlaceKind, status: Status, category: Option<Colour>) -> Self {
        let square = matches!(kind, PlaceKind::Accessible | PlaceKind::Companion);
        let free_hole = match kind {
            PlaceKind::Standard | PlaceKind::Accessible => 0.0,
            PlaceKind::Companion => 0.34,
            PlaceKind::RestrictedView => 0.24,
        };
        let (colour, size, hole) = match status {
            Status::Free => (category.unwrap_or(Colour::FREE), FREE_SIZE, free_hole),
            Status::Held => (Colour::HELD, FREE_SIZE, 0.5),
            Status::Sold => (Colour::SOLD, SOLD_SIZE, 0.0),
        };
        Self {
            colour,
            square,
            size,
            hole,
        }
    }

    /// The look of a dot that stands for several seats: its area grows with the free ones.
    pub(super) fn of_level(level: u8) -> Self {
        let share = f32::from(level) / f32::from(LEVELS);
        let (colour, size) = match level {
            0 => (Colour::SOLD, SOLD_SIZE),
            _ => (Colour::FREE, FREE_SIZE * share.sqrt().max(0.5)),
        };
        Self {
            colour,
            square: false,
            size,
            hole: 0.0,
        }
    }
}
