//! Batches as arrays, one for each column: `unnest` yields an item a row, whatever their number,
//! so each statement is prepared once.
//!
//! Invariant: a batch that locks rows is sorted by their key, unless one transaction at a time
//! locks such rows. Statements go through a batch item by item, so everybody locks in one order,
//! and nobody waits in a circle.

use domain::Timestamp;

/// A number as `integer`. One that is too large for it is so for every limit in the ledger.
pub(super) fn int(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// A moment as `bigint`.
pub(super) fn micros(at: Timestamp) -> i64 {
    at.timestamp_micros()
}

/// A place in a slice, counted from 1 as `with ordinality` does.
pub(super) fn place(number: i64) -> usize {
    usize::try_from(number - 1).expect("`with ordinality` counts from 1")
}

/// The places of a slice in the order of a key; equal ones stay as they are.
pub(super) fn sorted_by_key<T, K: Ord>(items: &[T], key: impl Fn(&T) -> K) -> Vec<usize> {
    let mut places: Vec<usize> = (0..items.len()).collect();
    places.sort_by_key(|&at| key(&items[at]));
    places
}
