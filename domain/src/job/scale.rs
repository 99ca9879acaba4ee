//! How many places a queue needs: work that waits ÷ time that is left for it.

use super::{Lane, Queue, State};
use crate::clock::Timestamp;
use crate::jobs::QueueDepth;

impl Lane {
    /// How long after it could run a job of this lane should be done at the latest, in seconds.
    fn patience_s(self) -> f64 {
        match self {
            Self::Imminent => 10.0,
            Self::Soon => 60.0,
            Self::Later => 600.0,
        }
    }
}

/// The least time that is ever planned with: what is late already should be done in this.
const LEFT_S_MIN: f64 = 1.0;

/// How many places a queue needs, and why.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Need {
    /// Places, in all processes together. 0 when there is nothing to do.
    pub places: u32,
    /// The work that decides: of a lane and those above it, in seconds of a place.
    pub work_s: f64,
    /// The time that is left for it, in seconds.
    pub left_s: f64,
}

/// What it takes to have every job of a queue that waits or runs done in the time that its lane
/// has, when a job takes a place for `service_s` seconds. Also right while nobody works.
///
/// A lane has to wait for those above it, so each is looked at together with them, and the one
/// that needs most decides. What is left of its time is counted for its oldest job.
pub fn need(queue: Queue, depths: &[QueueDepth], service_s: f64, now: Timestamp) -> Need {
    let mut jobs = 0_u64;
    let mut most = Need {
        places: 0,
        work_s: 0.0,
        left_s: Lane::Imminent.patience_s(),
    };
    for lane in Lane::ALL {
        let mut left_s = lane.patience_s();
        for depth in depths {
            if depth.queue != queue || depth.lane != lane || !is_work(depth, now) {
                continue;
            }
            jobs = jobs.saturating_add(depth.jobs);
            if depth.state != State::Running {
                let waited_s = (now - depth.oldest_run_at).as_seconds_f64().max(0.0);
                left_s = left_s.min(lane.patience_s() - waited_s);
            }
        }
        let left_s = left_s.max(LEFT_S_MIN);
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let work_s = jobs as f64 * service_s;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole, not negative, and cut where it is too large"
        )]
        let places = (work_s / left_s).ceil() as u32;
        if places > most.places {
            most = Need {
                places,
                work_s,
                left_s,
            };
        }
    }
    most
}

impl Need {
    /// The part of one of several processes that do the work together. Each counts by itself, so
    /// the parts are equal, and rounded up.
    #[must_use]
    pub fn part_of(self, processes: u32) -> u32 {
        self.places.div_ceil(processes.max(1))
    }
}

/// Nobody promotes scheduled jobs while nobody claims, so those that are due count.
fn is_work(depth: &QueueDepth, now: Timestamp) -> bool {
    match depth.state {
        State::Available | State::Running => true,
        State::Scheduled => depth.oldest_run_at <= now,
        State::Completed | State::Cancelled | State::Discarded => false,
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::clock::from_micros;

    fn now() -> Timestamp {
        from_micros(1_800_000_000_000_000)
    }

    fn depth(state: State, lane: Lane, jobs: u64, age_s: i64) -> QueueDepth {
        QueueDepth {
            queue: Queue::Prints,
            state,
            lane,
            jobs,
            oldest_run_at: now() - TimeDelta::seconds(age_s),
        }
    }

    #[test]
    fn places_are_work_divided_by_the_time_left() {
        use Lane::{Imminent, Later, Soon};
        use State::{Available, Discarded, Running, Scheduled};
        for (what, depths, places) in [
            ("nothing to do", vec![], 0),
            ("one job", vec![depth(Available, Later, 1, 0)], 1),
            (
                "only a dead letter",
                vec![depth(Discarded, Imminent, 9, 9)],
                0,
            ),
            ("not yet due", vec![depth(Scheduled, Imminent, 9, -1)], 0),
            (
                "due and not promoted",
                vec![depth(Scheduled, Imminent, 9, 1)],
                1,
            ),
            (
                "what runs is work too",
                vec![depth(Running, Later, 3, 500)],
                1,
            ),
            // 50 s of work in 10 s, in 60 s, in 600 s.
            (
                "a burst for tonight",
                vec![depth(Available, Imminent, 1_000, 0)],
                5,
            ),
            (
                "a burst for next week",
                vec![depth(Available, Soon, 1_000, 0)],
                1,
            ),
            (
                "a great burst for next year",
                vec![depth(Available, Later, 60_000, 0)],
                5,
            ),
            (
                "half of the time is gone",
                vec![depth(Available, Imminent, 1_000, 5)],
                10,
            ),
            (
                "all of it and more",
                vec![depth(Available, Imminent, 1_000, 99)],
                50,
            ),
            (
                "a lane waits for those above it",
                vec![
                    depth(Available, Imminent, 100, 0),
                    depth(Available, Soon, 1_100, 0),
                ],
                1,
            ),
            (
                "the lane that needs most decides",
                vec![
                    depth(Available, Imminent, 1_000, 0),
                    depth(Available, Later, 600, 0),
                ],
                5,
            ),
        ] {
            let need = need(Queue::Prints, &depths, 0.05, now());
            assert_eq!(need.places, places, "{what}: {need:?}");
        }
    }

    #[test]
    fn other_queues_need_nothing_of_it() {
        let depths = [depth(State::Available, Lane::Imminent, 1_000, 0)];
        assert_eq!(need(Queue::Plans, &depths, 0.05, now()).places, 0);
    }

    #[test]
    fn a_backlog_beyond_all_bounds_is_cut() {
        let depths = [depth(State::Available, Lane::Imminent, u64::MAX, 0)];
        let need = need(Queue::Prints, &depths, 0.05, now());
        assert_eq!((need.places, need.part_of(1)), (u32::MAX, u32::MAX));
    }

    #[test]
    fn a_need_names_the_work_and_the_time_that_decided() {
        let depths = [
            depth(State::Available, Lane::Imminent, 100, 5),
            depth(State::Available, Lane::Later, 60_000, 0),
        ];
        let need = need(Queue::Prints, &depths, 0.05, now());
        assert_eq!(need.places, 6);
        assert!((need.work_s - 3_005.0).abs() < 1e-6 && (need.left_s - 600.0).abs() < 1e-6);
    }

    #[test]
    fn twice_the_service_time_needs_twice_the_places() {
        let depths = [depth(State::Available, Lane::Imminent, 1_000, 0)];
        for (service_s, places) in [(0.05, 5), (0.1, 10), (0.000_01, 1)] {
            assert_eq!(
                need(Queue::Prints, &depths, service_s, now()).places,
                places
            );
        }
    }

    #[test]
    fn processes_share_a_need_and_none_of_it_is_lost() {
        let depths = [depth(State::Available, Lane::Imminent, 1_000, 0)];
        let need = need(Queue::Prints, &depths, 0.2, now());
        assert_eq!(need.places, 20);
        for (processes, part) in [(0, 20), (1, 20), (2, 10), (3, 7), (99, 1)] {
            assert_eq!(need.part_of(processes), part, "{processes} processes");
        }
    }
}
