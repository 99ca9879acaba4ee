//! A run over time. A long one is kept in coarser steps, so that it stays small.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::report::Second;

/// The most steps that are kept; beyond, two become one.
const STEPS_MAX: usize = 600;

/// What happened in each step of some seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// The length of a step in seconds.
    pub step_s: i64,
    /// By the beginning of the step, in seconds since 1970, a multiple of its length.
    pub steps: BTreeMap<i64, Second>,
}

impl Default for Timeline {
    fn default() -> Self {
        Self {
            step_s: 1,
            steps: BTreeMap::new(),
        }
    }
}

impl Timeline {
    /// Adds what happened in the next second, or some more of the last one.
    pub(crate) fn append(&mut self, at: i64, second: &Second) {
        self.step(at).follow(second);
        self.keep_small();
    }

    /// Adds what another generator did at the same time.
    pub(crate) fn merge(&mut self, mut other: Self) {
        while self.step_s < other.step_s {
            self.coarsen();
        }
        while other.step_s < self.step_s {
            other.coarsen();
        }
        for (at, step) in &other.steps {
            self.step(*at).add(step);
        }
        self.keep_small();
    }

    fn step(&mut self, at: i64) -> &mut Second {
        let place = at - at.rem_euclid(self.step_s);
        self.steps.entry(place).or_default()
    }

    fn keep_small(&mut self) {
        while self.steps.len() > STEPS_MAX {
            self.coarsen();
        }
    }

    fn coarsen(&mut self) {
        self.step_s *= 2;
        for (at, step) in std::mem::take(&mut self.steps) {
            self.step(at).follow(&step);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_stays_small_and_loses_nobody() {
        let second = Second {
            arrived: 3,
            here: 5,
            ..Second::default()
        };
        let mut long = Timeline::default();
        for at in 1_000..4_000 {
            long.append(at, &second);
        }
        assert!(
            long.steps.len() <= STEPS_MAX && long.step_s == 8,
            "{}",
            long.step_s
        );
        let arrived = |line: &Timeline| line.steps.values().map(|one| one.arrived).sum::<u64>();
        assert_eq!(arrived(&long), 9_000);
        assert!(
            long.steps.values().all(|step| step.here == 5),
            "nobody was there twice"
        );
        let mut short = Timeline::default();
        short.append(3_999, &second);
        short.merge(long);
        assert_eq!((arrived(&short), short.step_s), (9_003, 8));
    }
}
