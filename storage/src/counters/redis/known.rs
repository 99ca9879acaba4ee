//! What a process knows of a concert's buckets, and how it divides its wishes between them.

use std::time::{Duration, Instant};

use super::remote::Tally;
use crate::redis::Failure;

/// How long an empty bucket is taken for empty. The tally tells when a seat is returned; this is
/// for a process that put one back and died before it could tell.
const BELIEVED: Duration = Duration::from_secs(1);

/// What a process knows of one epoch.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) tally: Tally,
    /// The seats that each bucket had when it was last looked at.
    left: Vec<Option<u32>>,
    /// A bucket that was taken for empty could not be asked.
    pub(super) unreachable: Option<Failure>,
    since: Instant,
}

impl Known {
    pub(super) fn new(tally: Tally) -> Self {
        Self {
            tally,
            left: vec![None; tally.plan.buckets() as usize],
            unreachable: None,
            since: Instant::now(),
        }
    }

    /// How many seats to ask of which buckets, beginning where `random` points. Buckets that are
    /// not known are tried with everything that is wanted, or are only looked at if `careful`.
    pub(super) fn divide(
        &mut self,
        random: u64,
        mut wanted: u32,
        careful: bool,
    ) -> Vec<(u32, u32)> {
        if self.since.elapsed() > BELIEVED {
            self.forget();
        }
        let buckets = self.left.len() as u64;
        let first = usize::try_from(random % buckets).expect("less than a number of buckets");
        let mut parts = Vec::new();
        for at in (first..self.left.len()).chain(0..first) {
            let bucket = u32::try_from(at).expect("fewer than seats");
            let part = match self.left[at] {
                Some(left) => left.min(wanted),
                None if careful => {
                    parts.push((bucket, 0));
                    continue;
                }
                None => wanted,
            };
            if part > 0 {
                parts.push((bucket, part));
                wanted -= part;
            }
            if wanted == 0 && !careful {
                break;
            }
        }
        parts
    }

    /// Notes what a bucket had left.
    pub(super) fn saw(&mut self, bucket: u32, left: u32) {
        self.left[bucket as usize] = Some(left);
    }

    /// Notes that a bucket could not be asked; the others are tried meanwhile.
    pub(super) fn missed(&mut self, bucket: u32, failure: Failure) {
        self.saw(bucket, 0);
        self.unreachable = Some(failure);
    }

    /// Notes a newer tally of the same epoch. Called after what was seen on the same occasion is
    /// noted: a seat that was returned in between is then found.
    pub(super) fn heard(&mut self, tally: Tally) {
        if tally.returns != self.tally.returns {
            self.forget();
        }
        self.tally = tally;
    }

    /// Whether no bucket has a seat, as far as is known.
    pub(super) fn is_empty(&self) -> bool {
        self.left.iter().all(|left| *left == Some(0))
    }

    fn forget(&mut self) {
        self.left.fill(None);
        self.unreachable = None;
        self.since = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use domain::ports::{BucketPlan, Epoch};

    use super::*;

    fn known() -> Known {
        let plan = BucketPlan {
            capacity: 40,
            width: 10,
        };
        Known::new(Tally {
            epoch: Epoch(1),
            stock: 40,
            sold: 0,
            returns: 0,
            plan,
        })
    }

    #[test]
    fn one_unknown_bucket_is_tried_with_everything() {
        assert_eq!(known().divide(6, 7, false), [(2, 7)]);
    }

    #[test]
    fn known_buckets_are_never_asked_for_more_than_is_wanted() {
        let mut known = known();
        for (bucket, left) in [(0, 4), (1, 0), (2, 3)] {
            known.saw(bucket, left);
        }
        assert_eq!(known.divide(2, 2, false), [(2, 2)]);
        assert_eq!(known.divide(2, 9, false), [(2, 3), (3, 6)]);
        assert_eq!(known.divide(2, 9, true), [(2, 3), (3, 0), (0, 4)]);
        assert_eq!(known.divide(0, 4, true), [(0, 4), (3, 0)]);
    }

    #[test]
    fn empty_buckets_are_asked_again_when_a_seat_was_returned() {
        let mut known = known();
        (0..4).for_each(|bucket| known.saw(bucket, 0));
        assert!(known.is_empty());
        assert_eq!(known.divide(1, 5, false), []);
        let tally = Tally {
            returns: 1,
            ..known.tally
        };
        known.heard(tally);
        assert!(!known.is_empty());
        assert_eq!(known.divide(1, 5, false), [(1, 5)]);
    }
}
