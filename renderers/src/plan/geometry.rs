//! Where things are in a seating plan. Lengths in pixels of a picture 1600 pixels wide.

use std::ops::Range;

use domain::seat::Hall;

use crate::scene::count;

pub(super) const WIDTH: f32 = 1600.0;
pub(super) const MARGIN: f32 = 64.0;
/// Dots closer than this are shared by several seats.
const PITCH_MIN: f32 = 3.0;
/// The least distance of shared dots.
const PITCH_SHARED: f32 = 6.0;
/// The largest distance of dots, in small halls.
const PITCH_MAX: f32 = 44.0;
/// Distance of rows, in distances of columns.
const ROW_PITCH: f32 = 1.1;
/// Width of an aisle beyond the usual distance: in distances of columns, and at least in pixels.
const AISLE: f32 = 1.2;
const AISLE_MIN: f32 = 12.0;
/// Columns from which on two aisles run towards the stage.
const AISLE_COLUMNS: usize = 20;
/// Rows of dots between aisles that run across, and how many blocks there are at most.
const BLOCK_ROWS: usize = 12;
const BLOCKS_MAX: usize = 4;
/// Room for the rows, between the names of the rows.
const ROWS_WIDTH: f32 = 1350.0;
/// The ends of the first row: below the stage.
const ROWS_TOP: f32 = 400.0;
/// Below the last row: the legend.
pub(super) const FOOT: f32 = 112.0;

/// The hall as a grid of dots. A dot is one seat, or `share` × `share` neighbouring seats.
pub(super) struct Geometry {
    pub(super) hall: Hall,
    /// Seats on a side of the square that a dot stands for.
    pub(super) share: u32,
    /// Distance of neighbouring dots.
    pub(super) pitch: f32,
    /// Where each column is: x, and how far the bow of the rows brings it down.
    pub(super) columns: Vec<(f32, f32)>,
    /// The y of each row of dots at its ends.
    pub(super) rows: Vec<f32>,
    /// Rows of dots that stand together, between the aisles that run across.
    pub(super) blocks: Vec<Range<usize>>,
}

impl Geometry {
    pub(super) fn of(capacity: u32) -> Self {
        let hall = Hall::of(capacity);
        let columns = |share| hall.seats_per_row.div_ceil(share) as usize;
        let share = if pitch(columns(1)) >= PITCH_MIN {
            1
        } else {
            let fits = |share: &u32| pitch(columns(*share)) >= PITCH_SHARED;
            (2..hall.seats_per_row).find(fits).unwrap_or(1)
        };
        Self::shared(hall, share)
    }

    /// With a dot for every seat, however close they are.
    pub(super) fn plain(capacity: u32) -> Self {
        Self::shared(Hall::of(capacity), 1)
    }

    fn shared(hall: Hall, share: u32) -> Self {
        let columns = hall.seats_per_row.div_ceil(share) as usize;
        let pitch = pitch(columns);
        let blocks = blocks(hall.rows().div_ceil(share) as usize);
        Self {
            hall,
            share,
            pitch,
            columns: place_columns(columns, pitch),
            rows: place_rows(&blocks, pitch),
            blocks,
        }
    }

    /// Width and height of the picture.
    pub(super) fn size(&self) -> [f32; 2] {
        let last = self.rows.last().copied().unwrap_or(ROWS_TOP);
        [WIDTH, (last + self.bow() + self.pitch + FOOT).ceil()]
    }

    /// From the first column to the last.
    pub(super) fn width(&self) -> f32 {
        let ends = self.columns.first().zip(self.columns.last());
        ends.map_or(0.0, |(first, last)| last.0 - first.0)
    }

    /// How far the middle of a row is below its ends.
    pub(super) fn bow(&self) -> f32 {
        bow(self.width())
    }

    /// The first seat of a row of dots.
    pub(super) fn first_seat(&self, row: usize) -> u32 {
        let row = u32::try_from(row).expect("a hall has fewer rows than seats") * self.share;
        (row * self.hall.seats_per_row).min(self.hall.capacity)
    }

    /// The seats behind a dot, row by row of the hall; some rows may have none.
    pub(super) fn seats_behind(
        &self,
        row: usize,
        column: usize,
    ) -> impl Iterator<Item = Range<u32>> {
        let whole = |at: usize| u32::try_from(at).expect("a hall has fewer rows than seats");
        let (first, column) = (whole(row) * self.share, whole(column));
        let rows = first..(first + self.share).min(self.hall.rows());
        rows.map(move |row| self.seats(row, column))
    }

    /// Dots of a row: those of its first columns. Only the last row of a hall may be shorter.
    pub(super) fn filled(&self, row: usize) -> usize {
        let row = u32::try_from(row).expect("a hall has fewer rows than seats");
        let seats = self.hall.seats_in_row(row * self.share);
        seats.div_ceil(self.share) as usize
    }

    /// The seats of a row of the hall that a column of dots stands for.
    fn seats(&self, row: u32, column: u32) -> Range<u32> {
        let first = row * self.hall.seats_per_row;
        let end = first + self.hall.seats_in_row(row);
        let start = (first + column * self.share).min(end);
        start..(start + self.share).min(end)
    }
}

fn pitch(columns: usize) -> f32 {
    let aisles = if columns < AISLE_COLUMNS {
        0.0
    } else {
        2.0 * AISLE
    };
    ((ROWS_WIDTH - 2.0 * AISLE_MIN) / (count(columns) + aisles)).min(PITCH_MAX)
}

fn aisle(pitch: f32) -> f32 {
    (pitch * AISLE).max(AISLE_MIN)
}

fn bow(width: f32) -> f32 {
    width * 0.05
}

/// Columns left and right of the middle, with aisles at a quarter and at three quarters.
fn place_columns(columns: usize, pitch: f32) -> Vec<(f32, f32)> {
    let aisles = if columns < AISLE_COLUMNS {
        [0; 2]
    } else {
        [columns / 4, columns - columns / 4]
    };
    let mut x = 0.0;
    let mut places: Vec<(f32, f32)> = (0..columns)
        .map(|column| {
            if column > 0 {
                x += pitch
                    + if aisles.contains(&column) {
                        aisle(pitch)
                    } else {
                        0.0
                    };
            }
            (x, 0.0)
        })
        .collect();
    let half = x / 2.0;
    for place in &mut places {
        let off = if half > 0.0 {
            place.0 / half - 1.0
        } else {
            0.0
        };
        *place = (WIDTH / 2.0 - half + place.0, bow(x) * (1.0 - off * off));
    }
    places
}

/// Divides the rows into blocks of about equal depth.
fn blocks(rows: usize) -> Vec<Range<usize>> {
    let blocks = (rows / BLOCK_ROWS).clamp(1, BLOCKS_MAX);
    let depth = rows.div_ceil(blocks).max(1);
    (0..rows)
        .step_by(depth)
        .map(|start| start..(start + depth).min(rows))
        .collect()
}

fn place_rows(blocks: &[Range<usize>], pitch: f32) -> Vec<f32> {
    let mut y = ROWS_TOP;
    let mut places = Vec::new();
    for block in blocks {
        if block.start > 0 {
            y += aisle(pitch);
        }
        for _ in block.clone() {
            places.push(y);
            y += pitch * ROW_PITCH;
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hall_fits_its_picture_and_has_a_bounded_number_of_dots() {
        for capacity in (0..2_000).chain([10_000, 80_000, 109_000, 110_000, 250_000, 1_000_000]) {
            let geometry = Geometry::of(capacity);
            assert!(geometry.width() <= ROWS_WIDTH, "{capacity}");
            assert!(
                geometry.columns.len() * geometry.rows.len() < 120_000,
                "{capacity}"
            );
            assert!(geometry.size()[1] < 1_600.0, "{capacity}");
        }
    }

    #[test]
    fn every_seat_belongs_to_one_dot() {
        for capacity in [0, 1, 12, 3_000, 200_000] {
            let geometry = Geometry::of(capacity);
            let mut seats = Vec::new();
            for row in 0..geometry.rows.len() {
                for column in 0..geometry.columns.len() {
                    seats.extend(geometry.seats_behind(row, column).flatten());
                }
            }
            seats.sort_unstable();
            assert!(seats.into_iter().eq(0..capacity), "{capacity}");
        }
    }

    #[test]
    fn only_crowded_halls_share_dots() {
        assert_eq!(Geometry::of(80_000).share, 1);
        assert!(Geometry::of(1_000_000).share > 1);
    }
}
