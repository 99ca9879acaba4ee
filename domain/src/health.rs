//! What does not work although the process lives and the ledger can be read: the disk is full, Redis
//! takes no seats, no scheduler leads. Noted by those who write for buyers, and by a look every few seconds, which does
//! something of the kind even when nobody buys. That files cannot be kept is noted by those who
//! draw them alone: they are tried again until they are.
//!
//! A fault is *shared* if other processes have it too: none of them is a better choice then. It is
//! *alone* if another process did, since it began and in the last moments, what this one cannot do.

mod files;
mod leader;

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::clock::{AHEAD_MAX, Clock, Timestamp};
use crate::context::Context;
use crate::error::Error;
use crate::ids::WorkerId;
use crate::ports::{Store, StoreError, StoreResult};

pub(crate) use self::files::with_noted_files;
pub use self::leader::LEADER;
use self::leader::LeaderWatch;

/// The leases that are taken for no time: one to see that something can be written, the other by
/// whoever can use the seat counters.
const WRITE: &str = "health";
const COUNTERS: &str = "counters";

/// A ledger in which a small write takes longer is no ledger to a buyer.
const PATIENCE: Duration = Duration::from_secs(10);
/// A look that works does not end a fault that buyers met within this time: it may have found room
/// for its few bytes where they find none for theirs.
const BELIEVED: Duration = Duration::from_secs(10);
/// How long another process's use of the counters says that they can be used. Longer than there is
/// between two looks.
const SIGN_LASTS: Duration = Duration::from_secs(15);

/// What buyers need besides this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The ledger, to be written.
    Ledger,
    /// The seat counters.
    Counters,
    /// The rendered files, to be kept.
    Files,
    /// A scheduler that leads.
    Scheduler,
}

/// A part that does not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which.
    pub part: Part,
    /// When it was first met.
    pub since: Timestamp,
    /// What was said last.
    pub reason: String,
    /// Whether other processes do not have it.
    pub alone: bool,
}

/// What is known of all parts.
pub(crate) struct Health {
    clock: Arc<dyn Clock>,
    noted: [Mutex<Option<Noted>>; Part::ALL.len()],
    leader: LeaderWatch,
}

#[derive(Debug)]
struct Noted {
    since: Timestamp,
    /// The same by a clock that nobody sets.
    begun: Instant,
    /// When a buyer last met it.
    met: Option<Instant>,
    reason: String,
    alone: bool,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ledger, Self::Counters, Self::Files, Self::Scheduler];

    /// A word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ledger => "ledger",
            Self::Counters => "counters",
            Self::Files => "files",
            Self::Scheduler => "scheduler",
        }
    }

    /// What cannot be done.
    fn trouble(self) -> &'static str {
        match self {
            Self::Ledger => "the ledger cannot be written",
            Self::Counters => "the seat counters cannot be used",
            Self::Files => "rendered files cannot be kept",
            Self::Scheduler => "no scheduler leads: no plan is ordered and no job rescued",
        }
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health")
            .field("noted", &self.noted)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.part.trouble(), self.reason)
    }
}

impl Health {
    /// Nothing is known of any part.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            noted: Default::default(),
            leader: LeaderWatch::default(),
        }
    }

    /// Whoever writes for buyers could not.
    fn met(&self, part: Part, reason: String) {
        let mut noted = self.noted(part);
        let before = noted.take();
        *noted = Some(Noted {
            met: Some(Instant::now()),
            ..self.after(before, part, reason)
        });
    }

    /// A look found so.
    fn seen(&self, part: Part, found: Result<(), (String, bool)>) {
        let mut noted = self.noted(part);
        match (noted.take(), found) {
            (before, Err((reason, alone))) => {
                *noted = Some(Noted {
                    alone,
                    ..self.after(before, part, reason)
                });
            }
            (Some(before), Ok(())) if before.met.is_some_and(|met| met.elapsed() < BELIEVED) => {
                *noted = Some(before);
            }
            (before, Ok(())) => {
                *noted = before;
                drop(noted);
                self.worked(part);
            }
        }
    }

    /// A part did what buyers need.
    fn worked(&self, part: Part) {
        if let Some(before) = self.noted(part).take() {
            let seconds = before.begun.elapsed().as_secs();
            tracing::info!(part = part.name(), seconds, "works again");
        }
    }

    /// For how long a part has not worked.
    fn age(&self, part: Part) -> Option<Duration> {
        self.noted(part).as_ref().map(|noted| noted.begun.elapsed())
    }

    /// What does not work now.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        let fault = |part| {
            let noted = self.noted(part);
            noted.as_ref().map(|noted| Fault {
                part,
                since: noted.since,
                reason: noted.reason.clone(),
                alone: noted.alone,
            })
        };
        Part::ALL.into_iter().filter_map(fault).collect()
    }

    /// The same fault as before, or a new one, of which the log is told.
    fn after(&self, before: Option<Noted>, part: Part, reason: String) -> Noted {
        if let Some(before) = before {
            return Noted { reason, ..before };
        }
        tracing::error!(part = part.name(), reason, "{}", part.trouble());
        Noted {
            since: self.clock.now(),
            begun: Instant::now(),
            met: None,
            reason,
            alone: false,
        }
    }

    fn noted(&self, part: Part) -> MutexGuard<'_, Option<Noted>> {
        let noted = &self.noted[part as usize];
        noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What does not work now, as far as this process knows.
pub fn faults(ctx: &Context) -> Vec<Fault> {
    ctx.health().faults()
}

/// Looks whether the ledger can be written, whether a scheduler leads and, if this process `sells`,
/// whether seats could be taken. To be called every few seconds, where writers are run.
pub async fn look(ctx: &Context, process: WorkerId, sells: bool) -> Result<(), Error> {
    let counters = if sells {
        ctx.counters.try_out().await
    } else {
        Ok(())
    };
    let signs = sells && counters.is_ok();
    let writing = try_writing(ctx.store.as_ref(), process, ctx.clock.now(), signs);
    let written = tokio::time::timeout(PATIENCE, writing).await;
    let written = match written {
        Ok(written) => written.map_err(|error| (error.chain(), false)),
        Err(_) => Err((format!("no answer within {PATIENCE:?}"), false)),
    };
    ctx.health().seen(Part::Ledger, written);
    let counted = match counters {
        Ok(()) => Ok(()),
        Err(error) => Err((error.to_string(), is_alone(ctx, ctx.clock.now()).await)),
    };
    ctx.health().seen(Part::Counters, counted);
    leader::look(ctx).await;
    Ok(())
}

/// Writes something small that means nothing, and commits it. With a sign it says also that this
/// process can use the seat counters.
async fn try_writing(
    store: &dyn Store,
    process: WorkerId,
    now: Timestamp,
    signs: bool,
) -> StoreResult<()> {
    let mut tx = store.begin().await?;
    // A lease of no time is free for everybody, so something is written each time.
    tx.take_lease(WRITE, process, now, now).await?;
    if signs {
        tx.take_lease(COUNTERS, process, now, now).await?;
    }
    tx.commit().await
}

/// Fails when the ledger cannot be written, as `doctor` wants to know.
pub async fn try_ledger(store: &dyn Store, process: WorkerId, now: Timestamp) -> StoreResult<()> {
    try_writing(store, process, now, false).await
}

/// Whether another process has used the counters since this one cannot, and lately.
async fn is_alone(ctx: &Context, now: Timestamp) -> bool {
    let Some(age_here) = ctx.health().age(Part::Counters) else {
        // This is the first look that failed: the last sign may be this process's own.
        return false;
    };
    let age = async { ctx.store.read().await?.lease_age(COUNTERS, now).await };
    match tokio::time::timeout(PATIENCE, age).await {
        // One that ends in the future is of now, unless a clock was wrong.
        Ok(Ok(Some(age))) => {
            let told = -age <= AHEAD_MAX;
            told && age.to_std().unwrap_or_default() < SIGN_LASTS.min(age_here)
        }
        Ok(Ok(None) | Err(_)) | Err(_) => false,
    }
}

/// Notes it if a group of buyers' requests cannot be written.
pub(crate) fn noting<T, Writing>(
    health: &Arc<Health>,
    writing: Writing,
) -> impl Future<Output = StoreResult<T>> + use<T, Writing>
where
    Writing: Future<Output = StoreResult<T>>,
{
    let health = Arc::clone(health);
    async move {
        let written = writing.await;
        if let Err(error @ (StoreError::Unavailable(_) | StoreError::Interrupted(_))) = &written {
            health.met(Part::Ledger, error.chain());
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::clock::ManualClock;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_timestamp(second, 0).unwrap()
    }

    /// Nothing is known.
    fn scene() -> Health {
        Health::new(Arc::new(ManualClock::new(at(1))))
    }

    fn fault(found: &Health) -> Fault {
        let mut faults = found.faults();
        assert_eq!(faults.len(), 1, "{faults:?}");
        faults.remove(0)
    }

    #[test]
    fn a_fault_begins_with_the_first_that_meets_it_and_says_what_was_said_last() {
        let clock = Arc::new(ManualClock::new(at(1)));
        let health = Health::new(Arc::clone(&clock) as Arc<dyn Clock>);
        assert_eq!(health.faults(), []);
        health.met(Part::Ledger, "full".into());
        clock.advance(TimeDelta::seconds(3));
        health.seen(Part::Ledger, Err(("still full".into(), false)));
        let expected = Fault {
            part: Part::Ledger,
            since: at(1),
            reason: "still full".into(),
            alone: false,
        };
        assert_eq!(fault(&health), expected);
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_works_ends_a_fault_unless_buyers_met_it_a_moment_ago() {
        let health = scene();
        health.seen(Part::Counters, Err(("away".into(), false)));
        health.seen(Part::Counters, Ok(()));
        assert_eq!(health.faults(), []);
        health.met(Part::Ledger, "full".into());
        tokio::time::advance(BELIEVED / 2).await;
        health.seen(Part::Ledger, Ok(()));
        assert_eq!(fault(&health).part, Part::Ledger);
        tokio::time::advance(BELIEVED / 2).await;
        health.seen(Part::Ledger, Ok(()));
        assert_eq!(health.faults(), []);
    }

    #[test]
    fn whether_others_have_it_is_said_by_the_last_look() {
        let health = scene();
        for alone in [false, true, false] {
            health.seen(Part::Counters, Err(("away".into(), alone)));
            assert_eq!(fault(&health).alone, alone);
        }
    }
}
