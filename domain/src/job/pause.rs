//! What operators hold back: whole queues, and lanes of them.

use std::fmt;

use super::{Lane, Queue, State};
use crate::jobs::QueueDepth;

/// A queue of which nothing is claimed, or one of its lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pause {
    /// The queue.
    pub queue: Queue,
    /// The lane; all of them if none is named.
    pub lane: Option<Lane>,
}

/// Everything that is held back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pauses(Vec<Pause>);

impl Pauses {
    /// All of these, each once, in order.
    pub fn of(mut pauses: Vec<Pause>) -> Self {
        pauses.sort_unstable();
        pauses.dedup();
        Self(pauses)
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = Pause> {
        self.0.iter().copied()
    }

    /// Those of a queue.
    #[must_use]
    pub fn of_queue(&self, queue: Queue) -> Self {
        Self(self.iter().filter(|pause| pause.queue == queue).collect())
    }

    /// Whether nothing is held back.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether nothing of this lane is claimed.
    pub fn hold(&self, queue: Queue, lane: Lane) -> bool {
        let holds = |pause: &Pause| pause.lane.is_none_or(|paused| paused == lane);
        self.0
            .iter()
            .any(|pause| pause.queue == queue && holds(pause))
    }

    /// What can be worked off: nothing that waits and is held back. What runs goes on.
    pub fn open(&self, depths: &[QueueDepth]) -> Vec<QueueDepth> {
        let is_open = |depth: &&QueueDepth| {
            depth.state == State::Running || !self.hold(depth.queue, depth.lane)
        };
        depths.iter().filter(is_open).copied().collect()
    }
}

/// `prints; plans, lane later`.
impl fmt::Display for Pauses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, pause) in self.iter().enumerate() {
            let joint = if at == 0 { "" } else { "; " };
            write!(f, "{joint}{}", pause.queue.as_str())?;
            if let Some(lane) = pause.lane {
                write!(f, ", lane {}", lane.as_str())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;

    fn pauses() -> Pauses {
        Pauses::of(vec![
            Pause {
                queue: Queue::Prints,
                lane: Some(Lane::Later),
            },
            Pause {
                queue: Queue::Plans,
                lane: None,
            },
            Pause {
                queue: Queue::Plans,
                lane: None,
            },
        ])
    }

    #[test]
    fn a_paused_queue_holds_all_its_lanes_and_a_paused_lane_itself() {
        for (queue, held) in [
            (Queue::Prints, [false, false, true]),
            (Queue::Plans, [true; 3]),
            (Queue::System, [false; 3]),
        ] {
            assert_eq!(Lane::ALL.map(|lane| pauses().hold(queue, lane)), held);
        }
        assert_eq!(pauses().to_string(), "prints, lane later; plans");
        assert_eq!(pauses().of_queue(Queue::Plans).to_string(), "plans");
    }

    #[test]
    fn what_is_held_back_needs_nobody_but_for_what_runs() {
        let depth = |queue, state, lane| QueueDepth {
            queue,
            state,
            lane,
            jobs: 9,
            oldest_run_at: from_micros(0),
        };
        let depths = [
            depth(Queue::Plans, State::Running, Lane::Soon),
            depth(Queue::Prints, State::Scheduled, Lane::Soon),
            depth(Queue::Plans, State::Available, Lane::Soon),
            depth(Queue::Prints, State::Available, Lane::Later),
        ];
        assert_eq!(pauses().open(&depths), depths[..2]);
        assert_eq!(Pauses::default().open(&depths), depths);
    }
}
