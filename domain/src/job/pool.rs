//! How large a pool is: grown at once, shrunk only after a while.

use std::time::{Duration, Instant};

/// The sizes that a pool may have, in places; a place holds a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolLimits {
    /// Never fewer, however little there is to do.
    pub min: u32,
    /// Never more, however much. At least [`Self::min`].
    pub max: u32,
    /// A pool shrinks when it needed less than it has for this long.
    pub shrink_after: Duration,
}

/// The size of a pool, and what was wanted of it lately.
#[derive(Debug, Clone)]
pub struct PoolSize {
    limits: PoolLimits,
    places: u32,
    lower: Option<Lower>,
}

/// A time in which less was needed than there is.
#[derive(Debug, Clone, Copy)]
struct Lower {
    since: Instant,
    /// The most that was needed in it.
    most: u32,
}

/// A change of a pool's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resize {
    /// Places before.
    pub from: u32,
    /// Places from now on.
    pub to: u32,
}

impl PoolSize {
    /// A pool at its smallest.
    pub fn new(limits: PoolLimits) -> Self {
        Self {
            limits,
            places: limits.min,
            lower: None,
        }
    }

    /// The places that there are.
    pub fn places(&self) -> u32 {
        self.places
    }

    /// Whether the pool is as small as it may be.
    pub fn is_smallest(&self) -> bool {
        self.places == self.limits.min
    }

    /// Decides, at a moment, on the places for a need: what is missing is added at once; what was
    /// too much for the whole of a configured time is taken away, down to the most that was needed
    /// in it.
    pub fn decide(&mut self, needed: u32, at: Instant) -> Option<Resize> {
        let wanted = needed.clamp(self.limits.min, self.limits.max);
        if wanted >= self.places {
            self.lower = None;
            return self.set(wanted);
        }
        let fresh = Lower {
            since: at,
            most: wanted,
        };
        let lower = self.lower.get_or_insert(fresh);
        lower.most = lower.most.max(wanted);
        if at.saturating_duration_since(lower.since) < self.limits.shrink_after {
            return None;
        }
        let most = lower.most;
        // What is needed even less begins its own time.
        self.lower = (wanted < most).then_some(fresh);
        self.set(most)
    }

    /// Makes room for a first job in a pool that has no places: there may be one.
    pub fn wake(&mut self) -> Option<Resize> {
        if self.places > 0 {
            return None;
        }
        self.lower = None;
        self.set(1.min(self.limits.max))
    }

    fn set(&mut self, to: u32) -> Option<Resize> {
        let from = std::mem::replace(&mut self.places, to);
        (from != to).then_some(Resize { from, to })
    }
}

impl Resize {
    /// As written in metrics.
    pub fn direction(self) -> &'static str {
        if self.to > self.from { "up" } else { "down" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: PoolLimits = PoolLimits {
        min: 1,
        max: 8,
        shrink_after: Duration::from_secs(10),
    };

    /// Sizes after needs at these seconds.
    fn sizes(limits: PoolLimits, needs: &[(u64, u32)]) -> Vec<u32> {
        let (mut size, start) = (PoolSize::new(limits), Instant::now());
        let mut decide = |(s, needed): &(u64, u32)| {
            let before = size.places();
            let resized = size.decide(*needed, start + Duration::from_secs(*s));
            let expected = Resize {
                from: before,
                to: size.places(),
            };
            assert_eq!(resized, (expected.from != expected.to).then_some(expected));
            size.places()
        };
        needs.iter().map(&mut decide).collect()
    }

    #[test]
    fn a_pool_grows_at_once_and_shrinks_after_a_while_of_lower_need() {
        for (what, needs, expected) in [
            ("stays at its least", vec![(0, 0), (60, 0)], vec![1, 1]),
            (
                "grows at once, to its most",
                vec![(0, 5), (0, 99)],
                vec![5, 8],
            ),
            (
                "shrinks after the time and not before",
                vec![(0, 8), (1, 2), (10, 2), (11, 2)],
                vec![8, 8, 8, 2],
            ),
            (
                "a need that comes back begins the time anew",
                vec![(0, 8), (1, 2), (9, 8), (12, 2), (21, 2), (22, 2)],
                vec![8, 8, 8, 8, 8, 2],
            ),
            (
                "shrinks to the most that was needed meanwhile",
                vec![(0, 8), (1, 2), (5, 6), (11, 3)],
                vec![8, 8, 8, 6],
            ),
            (
                "and from there after another while",
                vec![(0, 8), (1, 6), (11, 3), (20, 3), (21, 3)],
                vec![8, 8, 6, 6, 3],
            ),
        ] {
            assert_eq!(sizes(LIMITS, &needs), expected, "{what}");
        }
    }

    #[test]
    fn a_need_that_goes_up_and_down_does_not_make_a_pool_flap() {
        let needs: Vec<_> = (0..100_u32).map(|s| (s.into(), 2 + 5 * (s % 2))).collect();
        let sizes = sizes(LIMITS, &needs);
        assert_eq!(sizes[0], 2);
        assert!(sizes[1..].iter().all(|&size| size == 7), "{sizes:?}");
    }

    #[test]
    fn a_pool_may_have_no_places_and_is_woken_with_one() {
        let limits = PoolLimits { min: 0, ..LIMITS };
        let (mut size, start) = (PoolSize::new(limits), Instant::now());
        assert_eq!((size.places(), size.is_smallest()), (0, true));
        assert_eq!(size.wake(), Some(Resize { from: 0, to: 1 }));
        assert_eq!(size.wake(), None, "it is awake");
        assert_eq!(size.decide(0, start), None);
        let after = size.decide(0, start + limits.shrink_after);
        assert_eq!(after, Some(Resize { from: 1, to: 0 }));
        let off = PoolLimits { max: 0, ..limits };
        assert_eq!(PoolSize::new(off).wake(), None, "it leaves such jobs alone");
    }

    #[test]
    fn without_a_while_a_pool_follows_its_need() {
        let at_once = PoolLimits {
            shrink_after: Duration::ZERO,
            ..LIMITS
        };
        assert_eq!(sizes(at_once, &[(0, 8), (0, 3), (0, 0)]), [8, 3, 1]);
    }
}
