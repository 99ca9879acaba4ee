//! Jobs: what can be queued, when it is tried again, and what becomes of it.
//!
//! The state of a job is decided here and only here; stores apply decisions, workers report
//! outcomes.

mod kinds;
mod lane;
mod next;
mod pause;
mod policy;
mod pool;
mod scale;
mod service_time;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::clock::Timestamp;
use crate::ids::{ClaimToken, JobId, WorkerId};
use crate::ports::StoreError;

pub use self::kinds::{
    KINDS, Kind, KindInfo, Noop, RenderPlan, RenderTicket, RetimePrints, info, on_failure,
};
pub use self::lane::{Lane, Places, Queue, Rota};
pub use self::next::{
    AttemptError, CANCELLED, LOSSES_MAX, Outcome, State, Transition, UNKNOWN_KEPT_FOR, next,
};
pub use self::pause::{Pause, Pauses};
pub use self::policy::{Backoff, Policy, WAIT_MAX};
pub use self::pool::{PoolLimits, PoolSize, Resize};
pub use self::scale::{Need, need};
pub use self::service_time::{Learned, ServiceTime, ServiceTimes};

/// Attempts whose errors a job remembers; older ones are dropped first.
pub const ERRORS_KEPT: usize = 20;

/// A job to be written.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Its id.
    pub id: JobId,
    /// Name of its kind, see [`Kind::NAME`].
    pub kind: &'static str,
    /// The pool that runs it.
    pub queue: Queue,
    /// Its payload, JSON.
    pub args: Box<RawValue>,
    /// When the result is wanted: the order within the queue.
    pub due_at: Timestamp,
    /// Not before this moment.
    pub run_at: Timestamp,
    /// When it was queued.
    pub created_at: Timestamp,
    /// At most one queued and one running job may carry a key.
    pub unique_key: Option<String>,
    /// The trace of the request that caused it.
    pub trace: Option<String>,
}

impl NewJob {
    /// A job of a kind, to run as soon as a worker is free.
    pub fn of<K: Kind>(kind: &K, id: JobId, due_at: Timestamp, now: Timestamp) -> Self {
        let args = serde_json::value::to_raw_value(kind)
            .expect("payloads are structs of ids and numbers, which are valid JSON");
        Self {
            id,
            kind: K::NAME,
            queue: K::QUEUE,
            args,
            due_at,
            run_at: now,
            created_at: now,
            unique_key: kind.unique_key(),
            trace: None,
        }
    }

    /// The same job, belonging to a trace.
    #[must_use]
    pub fn traced(mut self, trace: Option<&str>) -> Self {
        self.trace = trace.map(str::to_owned);
        self
    }
}

/// The right to run a job and to write down its outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Claim {
    /// The job.
    pub job_id: JobId,
    /// This claim among all claims of the job.
    pub token: ClaimToken,
}

/// A job that a worker holds.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The right to settle it.
    pub claim: Claim,
    /// How often in a row a worker died while it held the job.
    pub losses: u32,
    /// Whether the run under this claim was begun alone: nothing else can have killed its worker.
    pub alone: bool,
    /// Name of its kind; possibly one that this binary does not know.
    pub kind: String,
    /// Its payload, JSON as it was written.
    pub args: String,
    /// Which attempt this is, counted from 1.
    pub attempt: u32,
    /// When the result is wanted.
    pub due_at: Timestamp,
    /// Since when it could run.
    pub run_at: Timestamp,
    /// When it was queued.
    pub created_at: Timestamp,
    /// The trace of the request that caused it.
    pub trace: Option<String>,
}

impl Claimed {
    /// Whether the job may be what killed its workers, so that it has to run alone.
    pub fn is_suspect(&self) -> bool {
        self.losses >= LOSSES_MAX
    }
}

/// A claim to be renewed, and what the job tells of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// The claim.
    pub claim: Claim,
    /// How far the job is; what was written before stays if there is nothing new.
    pub progress: Option<Progress>,
}

/// How far a running job is, in its own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Done, in percent, if that can be said.
    pub percent: Option<u8>,
    /// What it does now.
    pub text: String,
}

/// How a claim stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It stands.
    Stands,
    /// It stands, and an operator wants the job to stop.
    Cancelled,
    /// The job is somebody else's by now, or has ended.
    Lost,
}

/// A request for jobs.
#[derive(Debug, Clone)]
pub struct ClaimRequest {
    /// The pool to work for.
    pub queue: Queue,
    /// First of all, so many of those that wait longest, whatever their due time.
    pub oldest: u32,
    /// Bands of due times to take from, in order, each with the most jobs to take from it.
    pub bands: Vec<Band>,
    /// The most jobs to take altogether.
    pub max: u32,
    /// Which kinds to take.
    pub kinds: Kinds,
    /// Who asks.
    pub worker: WorkerId,
    /// The token that the claims get.
    pub token: ClaimToken,
    /// The present.
    pub now: Timestamp,
    /// When the claims end unless they are renewed.
    pub until: Timestamp,
}

/// Kinds of jobs, by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Kinds {
    /// Every kind.
    #[default]
    Any,
    /// This one.
    Only(String),
    /// All but these.
    Except(Vec<String>),
}

/// A half-open interval of due times and how many jobs to take from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Band {
    /// The lane that it lies in.
    pub lane: Lane,
    /// Jobs due at this moment or later …
    pub from: Timestamp,
    /// … and before this one.
    pub before: Timestamp,
    /// At most this many.
    pub max: u32,
}

/// What a claim brought.
#[derive(Debug, Default)]
pub struct ClaimedBatch {
    /// The jobs, in the order of the bands.
    pub jobs: Vec<Claimed>,
    /// When nothing was there to claim: the moment at which the next waiting job may run.
    pub next_run_at: Option<Timestamp>,
    /// Scheduled jobs whose time had come and that are available now. To be committed even if no
    /// job was claimed, or the same ones are found again and again.
    pub promoted: u32,
    /// Whether there may be more of them than one claim promotes.
    pub more_due: bool,
}

/// A job as an operator sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Name of its kind; possibly one that this program does not know.
    pub kind: String,
    /// Name of the pool that runs it; possibly one that this program does not have.
    pub queue: String,
    /// Where it stands.
    pub state: State,
    /// Its payload, JSON.
    pub args: String,
    /// Attempts begun so far.
    pub attempt: u32,
    /// When the result is wanted.
    pub due_at: Timestamp,
    /// Not before this moment.
    pub run_at: Timestamp,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When it ended, if it did.
    pub finished_at: Option<Timestamp>,
    /// Who runs it, if it runs.
    pub claimed_by: Option<WorkerId>,
    /// Whether an operator wants the running job to stop.
    pub cancel_requested: bool,
    /// Whether workers died while they held the job, so that it has to run alone.
    pub suspect: bool,
    /// How far it is, if it runs and says so.
    pub progress: Option<Progress>,
    /// The errors of its attempts, oldest first, [`ERRORS_KEPT`] at most.
    pub errors: Vec<AttemptError>,
    /// The trace of the request that caused it.
    pub trace: Option<String>,
}

impl ClaimedBatch {
    /// Adds what another claim of the same transaction brought. When the next job may run is left
    /// to the last of them.
    pub(crate) fn add(&mut self, other: Self) {
        self.jobs.extend(other.jobs);
        self.promoted += other.promoted;
        self.more_due |= other.more_due;
    }
}

impl Progress {
    /// The most characters of a text that are kept.
    const TEXT_CHARS_MAX: usize = 200;

    /// Progress within the limits: at most 100 percent and a short text.
    pub fn new(percent: Option<u8>, text: &str) -> Self {
        Self {
            percent: percent.map(|percent| percent.min(100)),
            text: text.chars().take(Self::TEXT_CHARS_MAX).collect(),
        }
    }
}

/// Reads a payload.
pub fn decode<K: Kind>(job: &Claimed) -> Result<K, serde_json::Error> {
    serde_json::from_str(&job.args)
}

impl From<&StoreError> for Outcome {
    fn from(error: &StoreError) -> Self {
        match error {
            // Trying again cannot repair a row that does not decode.
            StoreError::Corrupt { .. } => Self::Fail(error.chain()),
            StoreError::Unavailable(_) | StoreError::Interrupted(_) | StoreError::Conflict(_) => {
                Self::Retry(error.chain(), None)
            }
        }
    }
}
