//! The job state machine: pure, and the only place that decides what becomes of a job.
//!
//! ```text
//!             claim            Done ──▶ completed
//! available ────────▶ running ─ Cancel ─▶ cancelled
//!     ▲                  │ │ └─ Fail, or the last attempt ─▶ discarded (dead letters)
//!     │ run_at           │ └─── Release ─▶ available, attempt not counted
//!     └───── scheduled ◀─┘ Retry, Snooze, Unknown, Lost
//! ```
//!
//! When a worker dies, nobody knows which of the jobs that it held killed it, or whether any of them
//! did: machines are switched off, too. So none of them is charged, and they run again as before. A
//! job that was held by a second worker that died becomes a *suspect*, and a suspect runs alone in
//! its process. If the worker dies again, the one that ran alone did it, and that attempt counts.
//! The innocent lose no attempt, and what kills every worker ends in the dead letters.

use std::time::Duration;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{Backoff, Claimed, Policy, WAIT_MAX};
use crate::clock::Timestamp;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Waits for a worker.
    Available,
    /// Waits for its time.
    Scheduled,
    /// A worker holds it.
    Running,
    /// Done.
    Completed,
    /// Not wanted any more.
    Cancelled,
    /// Given up: a dead letter, until somebody sends it round again.
    Discarded,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The work is done.
    Done,
    /// The work is not wanted any more, and why.
    Cancel(String),
    /// The work can never succeed, and why.
    Fail(String),
    /// The work failed and may succeed later: why, and after which wait if not the usual one.
    Retry(String, Option<TimeDelta>),
    /// The work must wait; this attempt does not count.
    Snooze(TimeDelta),
    /// The worker stops in good order and hands the job back; this attempt does not count.
    Release,
    /// This program cannot run it, which another version of it may be able to. Attempts do not
    /// count.
    Unknown(String),
    /// The worker was not heard of until the claim's end. The attempt counts if the job ran alone:
    /// then it is what killed the worker.
    Lost,
}

/// What is to be written of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// When this was decided, by the clock of whoever did.
    pub at: Timestamp,
    /// The new state.
    pub state: State,
    /// Attempts that count.
    pub attempt: u32,
    /// Not before this moment; meaningful while the job waits.
    pub run_at: Timestamp,
    /// When it ended, if it did.
    pub finished_at: Option<Timestamp>,
    /// How often in a row a worker died while it held the job.
    pub losses: u32,
    /// What to add to its errors.
    pub error: Option<AttemptError>,
}

/// The error of one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptError {
    /// The attempt, counted from 1.
    pub attempt: u32,
    /// When it ended.
    pub at: Timestamp,
    /// What was wrong, in words.
    pub error: String,
}

/// A job that was held by so many workers in a row that died runs alone. One death is no ground
/// for suspicion: on a machine that is switched off every job would be one, and each would keep a
/// whole process to itself.
pub const LOSSES_MAX: u32 = 2;

/// For so long a job that this program does not know is left to another version of it.
pub const UNKNOWN_KEPT_FOR: TimeDelta = TimeDelta::days(7);

/// Why a job ends that an operator does not want any more.
pub const CANCELLED: &str = "cancelled by an operator";

/// How long it rests each time, spread so that not all of a kind come at once.
const UNKNOWN_WAIT: Backoff = Backoff {
    first: Duration::from_mins(1),
    longest: Duration::from_mins(1),
};

/// The most characters of an error that are kept.
const ERROR_CHARS_MAX: usize = 2_000;

/// What becomes of a job after an attempt.
pub fn next(job: &Claimed, outcome: &Outcome, policy: &Policy, now: Timestamp) -> Transition {
    let finish = |state| Transition {
        at: now,
        state,
        attempt: job.attempt,
        run_at: job.run_at,
        finished_at: Some(now),
        losses: 0,
        error: None,
    };
    let wait_until = |run_at| Transition {
        at: now,
        state: if run_at <= now {
            State::Available
        } else {
            State::Scheduled
        },
        attempt: job.attempt,
        run_at,
        finished_at: None,
        // A run that ended, however it did, left its worker alive.
        losses: 0,
        error: None,
    };
    let because = |why: &str, transition| Transition {
        error: Some(AttemptError {
            attempt: job.attempt,
            at: now,
            error: why.chars().take(ERROR_CHARS_MAX).collect(),
        }),
        ..transition
    };
    let uncounted = |transition| Transition {
        attempt: job.attempt.saturating_sub(1),
        ..transition
    };
    let lost = |transition: Transition| Transition {
        losses: u32::from(!transition.state.is_finished()) * (job.losses + 1),
        ..transition
    };
    // It may never have been begun, so nothing speaks for it.
    let unbegun = |wait: TimeDelta| Transition {
        losses: job.losses,
        ..uncounted(wait_until(now + wait))
    };
    let try_again = |why: &str, after: Option<TimeDelta>| {
        if job.attempt >= policy.attempts_max {
            return because(why, finish(State::Discarded));
        }
        let wait = after.unwrap_or_else(|| policy.backoff.delay(job.attempt, job.claim.job_id));
        because(why, wait_until(now + wait.min(WAIT_MAX)))
    };
    match outcome {
        Outcome::Done => finish(State::Completed),
        Outcome::Cancel(why) => because(why, finish(State::Cancelled)),
        Outcome::Fail(why) => because(why, finish(State::Discarded)),
        Outcome::Retry(why, after) => try_again(why, *after),
        Outcome::Lost if job.alone => lost(try_again(
            "the worker died while running it, and nothing else",
            None,
        )),
        Outcome::Lost => lost(uncounted(because(&in_company(job), wait_until(now)))),
        Outcome::Snooze(wait) => uncounted(wait_until(now + (*wait).min(WAIT_MAX))),
        Outcome::Unknown(why) if now - job.created_at > UNKNOWN_KEPT_FOR => {
            because(why, finish(State::Discarded))
        }
        Outcome::Unknown(_) => unbegun(UNKNOWN_WAIT.delay(1, job.claim.job_id)),
        Outcome::Release => unbegun(TimeDelta::zero()),
    }
}

/// Why an attempt ended whose worker died while it held other jobs, too.
fn in_company(job: &Claimed) -> String {
    let what = if job.losses + 1 < LOSSES_MAX {
        "it runs again"
    } else {
        "not the first one, so it runs alone next"
    };
    format!("the worker died while it held this job: {what}")
}

impl Transition {
    /// Whether the job has to run alone from now on.
    pub fn is_suspect(&self) -> bool {
        self.losses >= LOSSES_MAX
    }
}

impl State {
    /// Every state.
    pub const ALL: [Self; 6] = [
        Self::Available,
        Self::Scheduled,
        Self::Running,
        Self::Completed,
        Self::Cancelled,
        Self::Discarded,
    ];

    /// As written in the ledger and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Scheduled => "scheduled",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Discarded => "discarded",
        }
    }

    /// Reads what [`Self::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether the job will not run again by itself.
    pub fn is_finished(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled | Self::Discarded)
    }
}

#[cfg(test)]
mod tests;
