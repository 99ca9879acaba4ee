//! Checks every invariant of the ledger.

use crate::error::Error;
use crate::ports::Store;

/// The most violations of one invariant that a report lists.
pub const LISTED_MAX: u32 = 100;

/// Something that must never be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The invariant that is broken.
    pub invariant: Invariant,
    /// What breaks it, with ids and figures.
    pub detail: String,
}

/// What must hold of the ledger at every moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Invariant {
    /// No concert has more tickets than seats, and no ticket a seat outside its hall.
    Oversold,
    /// The sold count of a concert is the number of its tickets.
    SoldCount,
    /// Every pending print has a job that will make it.
    PendingWithoutJob,
    /// No print or plan shows a version that its concert never had.
    FutureVersion,
    /// No job is both waiting and finished.
    JobTwice,
    /// A plan shows no more sales than there were.
    PlanAhead,
}

impl Invariant {
    /// Every invariant.
    pub const ALL: [Self; 6] = [
        Self::Oversold,
        Self::SoldCount,
        Self::PendingWithoutJob,
        Self::FutureVersion,
        Self::JobTwice,
        Self::PlanAhead,
    ];

    /// The promise it belongs to and a short name, as reports print it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Oversold => "P1 oversold",
            Self::SoldCount => "P2 sold-count",
            Self::PendingWithoutJob => "P5 pending-without-job",
            Self::FutureVersion => "P6 future-version",
            Self::JobTwice => "P5 job-twice",
            Self::PlanAhead => "P8 plan-ahead",
        }
    }
}

/// Looks for violations, at most [`LISTED_MAX`] of each invariant.
pub async fn run(store: &dyn Store) -> Result<Vec<Violation>, Error> {
    Ok(store.snapshot().await?.find_violations(LISTED_MAX).await?)
}
