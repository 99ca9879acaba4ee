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

impl Queue {
    /// What a job usually takes of a place, in seconds. An estimate, on the high side: it has to
    /// be there before any job was ever run.
    fn usual_s(self) -> f64 {
        match self {
            Self::Prints => 0.05,
            Self::Plans => 0.2,
            Self::System => 0.005,
        }
    }
}

/// The least time that is ever planned with: what is late already should be done in this.
const LEFT_S_MIN: f64 = 1.0;

/// Places, in all processes together, with which every job of a queue that waits or runs is done
/// in the time that its lane has. 0 when there is nothing to do; also right while nobody works.
///
/// A lane has to wait for those above it, so each is looked at together with them, and the one
/// that needs most decides. What is left of its time is counted for its oldest job.
pub fn places_needed(queue: Queue, depths: &[QueueDepth], now: Timestamp) -> u32 {
    let (mut jobs, mut places) = (0_u64, 0_f64);
    for lane in Lane::ALL {
        let mut left_s = lane.patience_s();
        for depth in depths {
            if depth.queue != queue || depth.lane != lane || !is_work(depth, now) {
                continue;
            }
            jobs += depth.jobs;
            if depth.state != State::Running {
                let waited_s = (now - depth.oldest_run_at).as_seconds_f64().max(0.0);
                left_s = left_s.min(lane.patience_s() - waited_s);
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let work_s = jobs as f64 * queue.usual_s();
        places = places.max((work_s / left_s.max(LEFT_S_MIN)).ceil());
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole, not negative, and cut where it is too large"
    )]
    let places = places as u32;
    places
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
            assert_eq!(
                places_needed(Queue::Prints, &depths, now()),
                places,
                "{what}"
            );
        }
    }

    #[test]
    fn other_queues_need_nothing_of_it() {
        let depths = [depth(State::Available, Lane::Imminent, 1_000, 0)];
        assert_eq!(places_needed(Queue::Plans, &depths, now()), 0);
    }

    #[test]
    fn a_backlog_beyond_all_bounds_is_cut() {
        let depths = [depth(State::Available, Lane::Imminent, u64::MAX, 0)];
        assert_eq!(places_needed(Queue::Prints, &depths, now()), u32::MAX);
    }
}
