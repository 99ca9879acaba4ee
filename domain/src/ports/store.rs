//! The ledger: concerts, tickets, jobs, keys.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;

use crate::audit::Violation;
use crate::clock::Timestamp;
use crate::concert::{Concert, Offer};
use crate::ids::{ConcertId, JobId, LayoutId, TicketId, WorkerId};
use crate::job::{
    Claim, ClaimRequest, Claimed, ClaimedBatch, Job, Lane, Learned, NewJob, Pauses, Queue, Renewal,
    Standing, Transition,
};
use crate::jobs::{JobFilter, QueueDepth};
use crate::keys::StoredKey;
use crate::layout::StoredLayout;
use crate::plans::Plan;
use crate::ports::{BucketPlan, SizeView};
use crate::prints::{PrintRequest, Published};
use crate::seat::SeatNo;
use crate::show::Show;
use crate::ticket::Ticket;
use crate::tickets::{Cursor, NewTicket, TicketFilter};

/// Opens transactions and views.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Opens a transaction that may write. On SQLite this takes the single writer slot, so keep
    /// it short and never render or call the network inside.
    async fn begin(&self) -> StoreResult<Box<dyn Tx>>;

    /// How many groups of a sort are best written at a time. One, unless writers can run side by
    /// side; then another one makes use of the time that a group waits for the disk.
    fn groups_at_once(&self) -> usize {
        1
    }

    /// Opens a view. Each call on it sees everything committed before the call.
    async fn read(&self) -> StoreResult<Box<dyn View>>;

    /// Opens a view of which all calls see one and the same moment. It may keep the engine from
    /// tidying up, so do not hold it for longer than an audit takes.
    async fn snapshot(&self) -> StoreResult<Box<dyn View>>;
}

/// Everything that can be read.
pub trait View:
    ConcertView + ShowView + LayoutView + TicketView + JobView + KeyView + AuditView + SizeView + Send
{
}

/// One transaction; dropping it without [`Tx::commit`] rolls it back.
#[async_trait]
pub trait Tx: ConcertTx + ShowTx + LayoutTx + TicketTx + JobTx + KeyTx + View {
    /// Makes everything durable. After an error the outcome is unknown until the ledger is read.
    async fn commit(self: Box<Self>) -> StoreResult<()>;
}

/// Reads concerts and their plans.
#[async_trait]
pub trait ConcertView {
    /// The concert with what is sold of it.
    async fn find_offer(&mut self, id: ConcertId) -> StoreResult<Option<Offer>>;

    /// Up to `max` concerts in the order of their ids, beginning after `after`.
    async fn list_offers(&mut self, after: Option<ConcertId>, max: u32) -> StoreResult<Vec<Offer>>;

    /// Up to `max` concerts in the opposite order of their ids, beginning before `before`: the
    /// newest first.
    async fn list_offers_before(
        &mut self,
        before: Option<ConcertId>,
        max: u32,
    ) -> StoreResult<Vec<Offer>>;

    /// The published seating plan.
    async fn find_plan(&mut self, id: ConcertId) -> StoreResult<Option<Plan>>;

    /// Up to `max` concerts whose plan is marked as out of date, the oldest mark first.
    async fn list_marked(&mut self, max: u32) -> StoreResult<Vec<(ConcertId, Timestamp)>>;
}

/// Writes concerts and their plans.
#[async_trait]
pub trait ConcertTx {
    /// Adds a concert with nothing sold.
    async fn insert_concert(&mut self, concert: &Concert) -> StoreResult<()>;

    /// Replaces a concert whose version is still `expected`; `false` when it is not.
    /// One row, whatever the number of tickets.
    async fn update_concert(&mut self, expected: u32, concert: &Concert) -> StoreResult<bool>;

    /// Counts sales and marks the concerts' plans as out of date since `now`, unless they are
    /// marked already.
    async fn record_sales(&mut self, sales: &[(ConcertId, u32)], now: Timestamp)
    -> StoreResult<()>;

    /// Removes the marks of these concerts.
    async fn clear_marks(&mut self, concerts: &[ConcertId]) -> StoreResult<()>;

    /// Publishes a plan if the claim stands, the concert's version is the plan's, and the plan
    /// shows no fewer sales than the one before it.
    async fn publish_plan(&mut self, claim: &Claim, plan: &Plan) -> StoreResult<Published>;
}

/// Reads shows.
#[async_trait]
pub trait ShowView {
    /// What is said of a concert's show; `None` when nothing ever was.
    async fn find_show(&mut self, concert: ConcertId) -> StoreResult<Option<Show>>;
}

/// Writes shows.
#[async_trait]
pub trait ShowTx {
    /// Says so of the show of a concert that is there, in place of what was said before. Who
    /// calls it changes the concert's version in the same transaction.
    async fn put_show(&mut self, concert: ConcertId, show: &Show) -> StoreResult<()>;
}

/// Reads seating layouts. They are never changed nor deleted.
#[async_trait]
pub trait LayoutView {
    /// The layout with its document.
    async fn find_layout(&mut self, id: LayoutId) -> StoreResult<Option<StoredLayout>>;

    /// Up to `max` layouts in the order of their ids, beginning after `after`; their documents
    /// are left empty.
    async fn list_layouts(
        &mut self,
        after: Option<LayoutId>,
        max: u32,
    ) -> StoreResult<Vec<StoredLayout>>;
}

/// Writes seating layouts.
#[async_trait]
pub trait LayoutTx {
    /// Adds a layout.
    async fn insert_layout(&mut self, layout: &StoredLayout) -> StoreResult<()>;
}

/// Reads tickets.
#[async_trait]
pub trait TicketView: Send {
    /// Those of the tickets that there are, each once, in any order. At most [`BATCH_MAX`].
    async fn find_tickets(&mut self, ids: &[TicketId]) -> StoreResult<Vec<Ticket>>;

    /// The ticket.
    async fn find_ticket(&mut self, id: TicketId) -> StoreResult<Option<Ticket>> {
        Ok(self.find_tickets(&[id]).await?.pop())
    }

    /// Up to `max` tickets that match, in an order of the engine's own, beginning after `after`.
    /// A [`Cursor`] is the place of the last ticket of the page before.
    async fn list_tickets(
        &mut self,
        filter: TicketFilter,
        after: Option<Cursor>,
        max: u32,
    ) -> StoreResult<Vec<Ticket>>;

    /// For each bucket of a plan that has sold seats: its number, how many, and the highest.
    async fn count_sold(
        &mut self,
        concert: ConcertId,
        plan: BucketPlan,
    ) -> StoreResult<Vec<(u32, u32, SeatNo)>>;

    /// Up to `max` sold seats from `from` on, in order.
    async fn list_sold(
        &mut self,
        concert: ConcertId,
        from: SeatNo,
        max: u32,
    ) -> StoreResult<Vec<SeatNo>>;
}

/// Writes tickets and their prints.
#[async_trait]
pub trait TicketTx {
    /// Writes those tickets whose seat is free, within the capacity, and whose concert is on sale;
    /// tells for each whether it was written. Of two tickets for one seat the first wins.
    async fn insert_tickets(&mut self, tickets: &[NewTicket]) -> StoreResult<Vec<bool>>;

    /// Sets those prints to pending that are neither pending nor good, and tells what was found.
    async fn request_prints(&mut self, tickets: &[TicketId]) -> StoreResult<Vec<PrintRequest>>;

    /// Publishes prints: for each, only if the claim stands, the print is pending, and the
    /// concert's version is the one that was rendered.
    async fn publish_prints(
        &mut self,
        prints: &[(Claim, TicketId, u32)],
    ) -> StoreResult<Vec<Published>>;

    /// Marks pending prints as failed at their concert's present version.
    async fn fail_prints(&mut self, tickets: &[TicketId]) -> StoreResult<()>;
}

/// Reads jobs.
#[async_trait]
pub trait JobView {
    /// A job, waiting, running or finished.
    async fn find_job(&mut self, id: JobId) -> StoreResult<Option<Job>>;

    /// Up to `filter.max` jobs that match, newest first.
    async fn list_jobs(&mut self, filter: &JobFilter) -> StoreResult<Vec<Job>>;

    /// Jobs by queue, state and lane, with the oldest waiting one: those that wait or run, and dead
    /// letters. Jobs of queues that this program does not have are left out.
    async fn count_jobs(&mut self, now: Timestamp) -> StoreResult<Vec<QueueDepth>>;

    /// Worker processes that hold jobs, for each queue of which somebody does.
    async fn count_workers(&mut self) -> StoreResult<Vec<(Queue, u32)>>;

    /// Up to `max` jobs of a queue that wait, available or scheduled, and are due in a half-open
    /// interval: in the order of their due times and ids, beginning after `after`.
    async fn list_waiting(
        &mut self,
        queue: Queue,
        due: (Timestamp, Timestamp),
        after: Option<DueAfter>,
        max: u32,
    ) -> StoreResult<Vec<Waiting>>;

    /// Tells for each claim how it stands. In a transaction a claim that stands is kept so until
    /// its end, and nobody asks its job to stop meanwhile.
    async fn check_claims(&mut self, claims: &[Claim]) -> StoreResult<Vec<Standing>>;

    /// Up to `max` running jobs whose lease has ended, by the clock that it began by (see [`JobTx`]),
    /// or ends after more than `longest`: that clock was wrong.
    async fn list_expired(
        &mut self,
        now: Timestamp,
        longest: TimeDelta,
        max: u32,
    ) -> StoreResult<Vec<Claimed>>;

    /// The queues and lanes that are paused.
    async fn list_pauses(&mut self) -> StoreResult<Pauses>;

    /// What was put last of each kind, in the order of their names.
    async fn list_service_times(&mut self) -> StoreResult<Vec<Learned>>;

    /// How long ago the named lease ended, by the clock that it was taken by; negative while it
    /// lasts, nothing if nobody ever took it.
    async fn lease_age(&mut self, name: &str, now: Timestamp) -> StoreResult<Option<TimeDelta>>;
}

/// Writes jobs.
///
/// Claims and leases last from `now` to `until`. An engine that several machines share measures
/// that time by its own clock instead, so that it does not matter whose clock is wrong: `now` is
/// the present then, whatever the caller takes it for. So it does with the time from a
/// transition's `at`, and a new job's `created_at`, to its `run_at`.
#[async_trait]
pub trait JobTx {
    /// Adds jobs. One that is to run later than it was queued is scheduled. One whose unique key is already queued is not added; tells for each whether it
    /// was.
    async fn insert_jobs(&mut self, jobs: &[NewJob]) -> StoreResult<Vec<bool>>;

    /// Claims jobs that may run: first the oldest by their ids, unless a lane of the queue is
    /// paused; then band by band, within a band by due time. Raises their attempt. Nothing of a
    /// paused queue or lane, nothing whose unique key is running, and nothing of kinds that are
    /// not asked for.
    ///
    /// Before that, scheduled jobs of the queue whose time has come become available, and those that
    /// would wait for longer than [`WAIT_MAX`](crate::job::WAIT_MAX), those first
    /// whose time came first and [`BATCH_MAX`](crate::ports::BATCH_MAX) at most; a request for no
    /// jobs does just this.
    async fn claim_jobs(&mut self, request: &ClaimRequest) -> StoreResult<ClaimedBatch>;

    /// Renews claims that stand and notes the progress of their jobs; tells for each how it
    /// stands.
    async fn extend_claims(
        &mut self,
        renewals: &[Renewal],
        now: Timestamp,
        until: Timestamp,
    ) -> StoreResult<Vec<Standing>>;

    /// Notes that a job's run begins now and that nothing else runs beside it; `false` when the
    /// claim does not stand.
    async fn begin_alone(&mut self, claim: &Claim, now: Timestamp) -> StoreResult<bool>;

    /// Asks whoever runs a job to stop; `false` when nobody runs it. The wish ends with the claim.
    async fn request_cancel(&mut self, id: JobId, now: Timestamp) -> StoreResult<bool>;

    /// Writes transitions of jobs whose claim stands; tells for each whether it did. A job that
    /// would wait while another of its unique key is queued is cancelled: the other one does
    /// its work.
    async fn settle_jobs(&mut self, settled: &[(Claim, Transition)]) -> StoreResult<Vec<bool>>;

    /// Replaces the state of a job that nobody runs (cancel it, send a dead letter round again);
    /// `false` when the job is running, unknown or already so.
    async fn move_job(&mut self, id: JobId, to: &Transition) -> StoreResult<bool>;

    /// Gives those of the jobs another due time that wait; tells how many did. One that somebody
    /// is just claiming is left alone.
    async fn retime_jobs(&mut self, jobs: &[JobId], due_at: Timestamp) -> StoreResult<u32>;

    /// Stops or restarts the claiming of a queue, or of one of its lanes.
    async fn set_paused(
        &mut self,
        queue: Queue,
        lane: Option<Lane>,
        paused: bool,
    ) -> StoreResult<()>;

    /// Replaces what is kept of these kinds.
    async fn put_service_times(&mut self, learned: &[Learned], now: Timestamp) -> StoreResult<()>;

    /// Deletes up to `max` completed and cancelled jobs that ended longer ago than `kept`. Dead
    /// letters stay until somebody deals with them. One that ended in the future has ended now.
    async fn prune_jobs(&mut self, now: Timestamp, kept: TimeDelta, max: u32) -> StoreResult<u32>;

    /// Takes or renews the named lease; `false` while another holder has it. One that began in the
    /// future is free: the clock by which it was taken was wrong.
    async fn take_lease(
        &mut self,
        name: &str,
        holder: WorkerId,
        now: Timestamp,
        until: Timestamp,
    ) -> StoreResult<bool>;
}

/// Reads idempotency keys.
#[async_trait]
pub trait KeyView {
    /// Those of the keys under which an answer was given, each once, in any order. At most
    /// [`BATCH_MAX`].
    async fn find_keys(&mut self, keys: &[String]) -> StoreResult<Vec<StoredKey>>;
}

/// Writes idempotency keys.
#[async_trait]
pub trait KeyTx {
    /// Adds keys that are not there yet, or are there but older than `expired_before`; tells for
    /// each whether it was added. Of two equal keys the first wins.
    async fn insert_keys(
        &mut self,
        keys: &[StoredKey],
        expired_before: Timestamp,
    ) -> StoreResult<Vec<bool>>;

    /// Removes keys.
    async fn delete_keys(&mut self, keys: &[&str]) -> StoreResult<()>;

    /// Deletes up to `max` keys that are older than `kept`. One that was written in the future counts
    /// as written now, so that it is kept as long as the others.
    async fn prune_keys(&mut self, now: Timestamp, kept: TimeDelta, max: u32) -> StoreResult<u32>;
}

/// Reads what must never be.
#[async_trait]
pub trait AuditView {
    /// Up to `max` violations of each invariant of the ledger.
    async fn find_violations(&mut self, max: u32) -> StoreResult<Vec<Violation>>;
}

/// A job that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The job.
    pub id: JobId,
    /// When its result is wanted.
    pub due_at: Timestamp,
    /// Name of its kind.
    pub kind: String,
    /// Its payload, JSON.
    pub args: String,
}

/// The place of a job among those that wait: its due time and its id.
pub type DueAfter = (Timestamp, JobId);

/// What a store answers.
pub type StoreResult<T> = Result<T, StoreError>;

/// Why the ledger could not do it. Cheap to clone: a batch has many callers.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, is too busy, or its disk is full. Try again later.
    #[error("the ledger is unavailable")]
    Unavailable(#[source] Arc<anyhow::Error>),
    /// It broke the transaction off for a passing reason: a deadlock, a lost connection, a new
    /// primary. Nothing of the transaction was written, unless it was being committed; begin it
    /// anew.
    #[error("the ledger broke the transaction off")]
    Interrupted(#[source] Arc<anyhow::Error>),
    /// Another writer was faster; the named constraint or row says where.
    #[error("another writer changed {0}")]
    Conflict(&'static str),
    /// A stored value cannot be read. Trying again does not help.
    #[error("corrupt value in {place}")]
    Corrupt {
        /// Table and column.
        place: &'static str,
        /// What is wrong with it.
        #[source]
        source: Arc<anyhow::Error>,
    },
}

impl StoreError {
    /// An [`StoreError::Unavailable`] of any error.
    pub fn unavailable(error: impl Into<anyhow::Error>) -> Self {
        Self::Unavailable(Arc::new(error.into()))
    }

    /// A [`StoreError::Interrupted`] of any error.
    pub fn interrupted(error: impl Into<anyhow::Error>) -> Self {
        Self::Interrupted(Arc::new(error.into()))
    }

    /// A [`StoreError::Corrupt`] of any error.
    pub fn corrupt(place: &'static str, error: impl Into<anyhow::Error>) -> Self {
        Self::Corrupt {
            place,
            source: Arc::new(error.into()),
        }
    }

    /// The whole chain in one line, for a log or a job's errors.
    pub fn chain(&self) -> String {
        match self {
            Self::Unavailable(source)
            | Self::Interrupted(source)
            | Self::Corrupt { source, .. } => {
                format!("{self}: {source:#}")
            }
            Self::Conflict(_) => self.to_string(),
        }
    }
}
