//! The set of sold seats.

use std::fmt;
use std::ops::Range;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::seat::CAPACITY_MAX;

/// Which seats of a concert are sold, counted from 0: one bit a seat.
///
/// Built from seat numbers (`collect`) or from runs ([`SoldSeats::from_ranges`]), in any order;
/// naming a seat twice counts once. Memory is an eighth of a byte for each seat up to the highest.
///
/// As JSON it is an array of seat numbers and of `[first, length]` pairs, for example
/// `[[0, 40], 57]`. It is written with a pair wherever two or more neighbours are sold.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SoldSeats {
    /// Never ends in a zero word, so that equal sets are equal vectors.
    words: Vec<u64>,
}

impl SoldSeats {
    /// Nothing sold.
    pub fn new() -> Self {
        Self::default()
    }

    /// The union of runs `(first seat, length)`. A length of 0 adds nothing.
    pub fn from_ranges(ranges: impl IntoIterator<Item = (u32, u32)>) -> Self {
        let mut sold = Self::new();
        for (first, length) in ranges {
            sold.insert_range(first, length);
        }
        sold
    }

    /// Marks one seat as sold.
    pub fn insert(&mut self, seat: u32) {
        self.insert_range(seat, 1);
    }

    /// Marks `length` seats from `first` on as sold. A run that passes `u32::MAX` ends there.
    pub fn insert_range(&mut self, first: u32, length: u32) {
        if length == 0 {
            return;
        }
        let last = first.saturating_add(length - 1);
        let (low, high) = (first as usize / 64, last as usize / 64);
        if self.words.len() <= high {
            self.words.resize(high + 1, 0);
        }
        for word in low..=high {
            let mut bits = u64::MAX;
            if word == low {
                bits &= u64::MAX << (first % 64);
            }
            if word == high {
                bits &= u64::MAX >> (63 - last % 64);
            }
            self.words[word] |= bits;
        }
    }

    /// Whether a seat is sold.
    pub fn contains(&self, seat: u32) -> bool {
        self.words
            .get(seat as usize / 64)
            .is_some_and(|word| word >> (seat % 64) & 1 == 1)
    }

    /// Whether no seat is sold.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The seats that are sold here and not in another set.
    #[must_use]
    pub fn except(&self, other: &Self) -> Self {
        let theirs = other.words.iter().copied().chain(std::iter::repeat(0));
        let words = self.words.iter().zip(theirs);
        let mut words: Vec<_> = words.map(|(own, their)| own & !their).collect();
        while words.last() == Some(&0) {
            words.pop();
        }
        Self { words }
    }

    /// How many seats are sold.
    pub fn count(&self) -> u32 {
        self.words.iter().map(|word| word.count_ones()).sum()
    }

    /// How many seats of a run `first..end` are sold.
    pub fn count_in(&self, seats: Range<u32>) -> u32 {
        let mut count = 0;
        let mut seat = seats.start;
        while seat < seats.end {
            let end = seats.end.min((seat / 64 + 1) * 64);
            let word = self.words.get(seat as usize / 64).copied().unwrap_or(0);
            let bits = (word >> (seat % 64)) & (u64::MAX >> (64 - (end - seat)));
            count += bits.count_ones();
            seat = end;
        }
        count
    }

    /// Whether the same seats of a run are sold in another set.
    pub fn is_same_in(&self, other: &Self, seats: Range<u32>) -> bool {
        let word = |set: &Self, at: u32| set.words.get(at as usize).copied().unwrap_or(0);
        let mut seat = seats.start;
        while seat < seats.end {
            let end = seats.end.min((seat / 64 + 1) * 64);
            let mask = (u64::MAX << (seat % 64)) & (u64::MAX >> (63 - (end - 1) % 64));
            if (word(self, seat / 64) ^ word(other, seat / 64)) & mask != 0 {
                return false;
            }
            seat = end;
        }
        true
    }

    /// The highest sold seat.
    pub fn highest(&self) -> Option<u32> {
        let word = self.words.last()?;
        let index = u32::try_from(self.words.len() - 1).expect("seats are u32, words fewer");
        Some(index * 64 + 63 - word.leading_zeros())
    }

    /// The sold seats as runs `(first seat, length)`, ascending, as long as they can be.
    pub fn ranges(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        let mut next = 0;
        std::iter::from_fn(move || {
            let first = self.find(next, true)?;
            let end = self.find(first, false)?;
            next = end;
            Some((first, end - first))
        })
    }

    /// The first seat from `from` on that is sold (or not). The seat after the last word is the
    /// first free one for certain, so only the search for a sold seat can fail.
    fn find(&self, from: u32, sold: bool) -> Option<u32> {
        let mut index = from as usize / 64;
        let mut mask = u64::MAX << (from % 64);
        while let Some(word) = self.words.get(index) {
            let bits = (if sold { *word } else { !*word }) & mask;
            if bits != 0 {
                return u32::try_from(index * 64)
                    .ok()
                    .map(|base| base + bits.trailing_zeros());
            }
            index += 1;
            mask = u64::MAX;
        }
        if sold {
            None
        } else {
            u32::try_from(index * 64).ok()
        }
    }
}

impl FromIterator<u32> for SoldSeats {
    fn from_iter<I: IntoIterator<Item = u32>>(seats: I) -> Self {
        Self::from_ranges(seats.into_iter().map(|seat| (seat, 1)))
    }
}

impl fmt::Debug for SoldSeats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ranges()).finish()
    }
}

impl Serialize for SoldSeats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for (first, length) in self.ranges() {
            if length == 1 {
                list.serialize_element(&first)?;
            } else {
                list.serialize_element(&(first, length))?;
            }
        }
        list.end()
    }
}

impl<'de> Deserialize<'de> for SoldSeats {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(SoldVisitor)
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Seat(u32),
    Run(u32, u32),
}

struct SoldVisitor;

impl<'de> Visitor<'de> for SoldVisitor {
    type Value = SoldSeats;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of seat numbers and [first, length] pairs")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<SoldSeats, A::Error> {
        let mut sold = SoldSeats::new();
        while let Some(entry) = list.next_element()? {
            let (first, length) = match entry {
                Entry::Seat(seat) => (seat, 1),
                Entry::Run(first, length) => (first, length),
            };
            // A single large number must not make us allocate half a gigabyte.
            if first
                .checked_add(length)
                .is_none_or(|end| end > CAPACITY_MAX)
            {
                return Err(A::Error::custom(
                    "a sold seat is beyond the largest capacity",
                ));
            }
            sold.insert_range(first, length);
        }
        Ok(sold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_single_seats_make_the_same_set() {
        let runs = SoldSeats::from_ranges([(60, 10), (0, 2), (65, 80), (500, 0)]);
        let seats: SoldSeats = (0..2).chain(60..145).rev().collect();
        assert_eq!(runs, seats);
        assert_eq!(runs.ranges().collect::<Vec<_>>(), [(0, 2), (60, 85)]);
        assert_eq!(runs.count(), 87);
        assert_eq!(runs.highest(), Some(144));
    }

    #[test]
    fn counts_within_a_run_agree_with_single_look_ups() {
        let sold: SoldSeats = (0..700)
            .filter(|seat| seat % 3 == 0 || seat % 7 == 1)
            .collect();
        for (start, end) in [
            (0, 0),
            (0, 1),
            (5, 64),
            (63, 65),
            (64, 128),
            (1, 900),
            (640, 700),
        ] {
            let expected = (start..end).filter(|seat| sold.contains(*seat)).count();
            assert_eq!(
                sold.count_in(start..end) as usize,
                expected,
                "{start}..{end}"
            );
        }
    }

    #[test]
    fn sets_differ_only_where_a_seat_does() {
        let one: SoldSeats = (0..300).step_by(3).collect();
        for seat in [0, 63, 64, 130, 299] {
            let mut other = one.clone();
            other.insert(seat);
            let differs = !one.contains(seat);
            assert_eq!(!one.is_same_in(&other, seat..seat + 1), differs, "{seat}");
            assert_eq!(!one.is_same_in(&other, 0..300), differs, "{seat}");
            assert!(one.is_same_in(&other, 0..seat) && one.is_same_in(&other, seat + 1..400));
        }
    }

    #[test]
    fn what_one_set_has_beyond_another_ends_with_its_last_seat() {
        let one = SoldSeats::from_ranges([(0, 3), (60, 10), (640, 1)]);
        let other = SoldSeats::from_ranges([(1, 1), (65, 600)]);
        assert_eq!(
            one.except(&other),
            SoldSeats::from_ranges([(0, 1), (2, 1), (60, 5)])
        );
        assert_eq!(one.except(&one), SoldSeats::new());
        assert_eq!(one.except(&SoldSeats::new()), one);
    }

    #[test]
    fn json_holds_numbers_and_pairs_and_comes_back_equal() {
        let sold = SoldSeats::from_ranges([(0, 64), (70, 1), (128, 2)]);
        let json = serde_json::to_string(&sold).unwrap();
        assert_eq!(json, "[[0,64],70,[128,2]]");
        assert_eq!(serde_json::from_str::<SoldSeats>(&json).unwrap(), sold);
        assert_eq!(
            serde_json::from_str::<SoldSeats>("[]").unwrap(),
            SoldSeats::new()
        );
    }

    #[test]
    fn json_seats_beyond_the_largest_capacity_are_refused() {
        for json in [
            "[1000000]",
            "[[999999, 2]]",
            "[[4294967295, 4294967295]]",
            "[[1,2,3]]",
        ] {
            assert!(serde_json::from_str::<SoldSeats>(json).is_err(), "{json}");
        }
    }
}
