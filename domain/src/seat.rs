//! Seats: their numbers, their labels, and the hall that a concert has when it brought no layout.

use std::fmt;

/// The most seats that one concert may have.
pub const CAPACITY_MAX: u32 = 1_000_000;

/// A seat of a concert, counted from 0 to `capacity - 1`. The ledger's unique index is on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeatNo(pub u32);

/// Rows of equal width, front row first: what a concert has that was created without a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hall {
    /// Seats in the hall.
    pub capacity: u32,
    /// Seats in a full row; the last row may have fewer. At least 1.
    pub seats_per_row: u32,
}

/// Where to sit, as people say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeatLabel {
    /// The part of the house, where a layout names one.
    pub section: Option<String>,
    /// As the layout names it; without one `A` to `Z`, then `AA`, `AB` and so on, the front row
    /// being `A`. Empty where nobody has a seat of their own.
    pub row: String,
    /// As the layout names it; without one counted from 1 within the row.
    pub number: String,
}

impl Hall {
    /// The hall for a capacity: about twice as wide as it is deep, as theatres are.
    pub fn of(capacity: u32) -> Self {
        let seats_per_row = (f64::from(capacity) * 2.0).sqrt().ceil();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the root of twice a u32 is positive and far below u32::MAX"
        )]
        let seats_per_row = (seats_per_row as u32).max(1);
        Self {
            capacity,
            seats_per_row,
        }
    }

    /// Rows in the hall, the last one possibly shorter.
    pub fn rows(&self) -> u32 {
        self.capacity.div_ceil(self.seats_per_row)
    }

    /// Seats in a row counted from 0 at the front.
    pub fn seats_in_row(&self, row: u32) -> u32 {
        self.capacity
            .saturating_sub(row * self.seats_per_row)
            .min(self.seats_per_row)
    }

    /// The label that a seat has on the ticket and in the plan.
    pub fn label(&self, seat: SeatNo) -> SeatLabel {
        SeatLabel {
            section: None,
            row: row_name(seat.0 / self.seats_per_row),
            number: (seat.0 % self.seats_per_row + 1).to_string(),
        }
    }
}

impl fmt::Display for SeatLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.row.is_empty() {
            let section = self.section.as_deref().unwrap_or("General admission");
            return write!(f, "{section}, place {}", self.number);
        }
        match &self.section {
            Some(section) => write!(f, "{section}, row {}, seat {}", self.row, self.number),
            None => write!(f, "Row {}, seat {}", self.row, self.number),
        }
    }
}

/// Bijective base 26, as spreadsheets name their columns.
pub fn row_name(row: u32) -> String {
    let mut letters = Vec::new();
    let mut rest = row + 1;
    while rest > 0 {
        rest -= 1;
        letters.push(b'A' + u8::try_from(rest % 26).expect("a remainder of 26 fits a byte"));
        rest /= 26;
    }
    letters.reverse();
    String::from_utf8(letters).expect("letters are ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_named_like_spreadsheet_columns() {
        let names: Vec<_> = [0, 25, 26, 51, 52, 701, 702].map(row_name).into();
        assert_eq!(names, ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
    }

    #[test]
    fn every_seat_has_its_own_label_and_rows_add_up() {
        for capacity in [0, 1, 2, 99, 100, 3_000] {
            let hall = Hall::of(capacity);
            let labels: std::collections::HashSet<_> = (0..capacity)
                .map(|n| hall.label(SeatNo(n)).to_string())
                .collect();
            assert_eq!(labels.len(), capacity as usize);
            let seats: u32 = (0..hall.rows()).map(|row| hall.seats_in_row(row)).sum();
            assert_eq!(seats, capacity);
        }
    }
}
