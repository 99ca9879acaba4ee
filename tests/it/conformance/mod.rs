//! What every engine promises: the doc comments of `domain::ports`, one case for each statement.
//!
//! A case is written once, against [`Env`], and runs on every engine that the macro names.

// Always so; it tells the lints that this is a test and may `unwrap`.
#![cfg(test)]

/// Defines cases and runs each on every engine, as `sqlite::name`. To add an engine, add its line
/// and a constructor of [`Env`] with its name.
///
/// Cases `for files` do not concern the ledger: they run on a folder and on an S3 server.
macro_rules! conformance {
    (for files $($(#[$doc:meta])* async fn $name:ident($env:ident) $body:block)+) => {
        $($(#[$doc])* async fn $name($env: &$crate::conformance::Env) $body)+
        conformance!(@engine folder: $($name)+);
        conformance!(@engine s3: $($name)+);
    };
    ($($(#[$doc:meta])* async fn $name:ident($env:ident) $body:block)+) => {
        $($(#[$doc])* async fn $name($env: &$crate::conformance::Env) $body)+
        conformance!(@engine sqlite: $($name)+);
        conformance!(@engine postgres: $($name)+);
    };
    (@engine $engine:ident: $($name:ident)+) => {
        mod $engine {
            $(
                #[tokio::test]
                async fn $name() {
                    let env = $crate::conformance::Env::$engine().await;
                    super::$name(&env).await;
                }
            )+
        }
    };
}

#[macro_use]
mod hints;

mod audit;
mod claims;
mod concerts;
mod counters;
mod fairness;
mod files;
mod jobs;
mod keys;
mod layouts;
mod leases;
mod plans;
mod prints;
mod promotions;
mod races;
mod settlements;
mod shows;
mod sizes;
mod tickets;
mod transactions;
mod wakeups;
mod wrong_clocks;

use std::sync::Arc;

use chrono::TimeDelta;
use domain::clock::from_micros;
use domain::concert::{Concert, Name, Status, parse_date};
use domain::ids::IdSource;
use domain::job::{Claim, ClaimRequest, Claimed, Kinds, Lane, NewJob, Noop, Queue, RenderTicket};
use domain::ports::{Files, Store, Tx, View};
use domain::seat::SeatNo;
use domain::tickets::NewTicket;
use domain::{
    ClaimToken, Clock, ConcertId, JobId, ManualClock, SeededIds, TicketId, Timestamp, UserId,
    WorkerId,
};
use storage::Access;
use storage::files::ObjectFiles;
use storage::postgres::{LeaseClock, Options, PostgresStore};
use tempfile::TempDir;
use tests::postgres::options;
use tests::{Database, eventually, s3};

/// An empty engine of what is kept (for what may be lost, see [`hints`]), a clock that stands still and ids that repeat.
struct Env {
    store: Arc<dyn Store>,
    files: Arc<dyn Files>,
    clock: ManualClock,
    ids: SeededIds,
    /// Removed with the environment.
    _folder: TempDir,
    database: Option<Database>,
}

impl Env {
    async fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let opened = storage::open_embedded(folder.path(), Access::Serve)
            .await
            .unwrap();
        Self {
            store: opened.store,
            files: opened.files,
            // With microseconds, which must survive.
            clock: ManualClock::new(from_micros(1_800_000_000_123_457)),
            ids: SeededIds::new(11),
            _folder: folder,
            database: None,
        }
    }

    async fn folder() -> Self {
        Self::sqlite().await
    }

    async fn s3() -> Self {
        let files = ObjectFiles::in_s3(&s3::shared().place()).unwrap();
        Self {
            files: Arc::new(files),
            ..Self::sqlite().await
        }
    }

    async fn postgres() -> Self {
        let database = Database::new().await;
        let callers = Options {
            lease_clock: LeaseClock::Callers,
            ..options()
        };
        let store = PostgresStore::open(database.url(), callers).await.unwrap();
        Self {
            store: Arc::new(store),
            database: Some(database),
            ..Self::sqlite().await
        }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Waits until somebody waits for what somebody else has, on an engine of several writers.
    async fn until_somebody_waits(&self) {
        let Some(database) = &self.database else {
            return;
        };
        let waits = || async { (database.waiting() > 0).then_some(()) };
        eventually("somebody waits for a lock", waits).await;
    }

    async fn begin(&self) -> Box<dyn Tx> {
        self.store.begin().await.unwrap()
    }

    async fn read(&self) -> Box<dyn View> {
        self.store.read().await.unwrap()
    }

    /// A concert that is on sale and not in the ledger yet.
    fn new_concert(&self, capacity: u32) -> Concert {
        Concert {
            id: ConcertId(self.ids.next()),
            name: Name::parse("Mahler: \"Auferstehung\" & 東京's 🎺").unwrap(),
            venue: Name::parse("Ólafur's; drop table concerts --").unwrap(),
            date: parse_date("2027-03-04").unwrap(),
            capacity,
            layout_id: None,
            status: Status::Active,
            version: 1,
            created_at: self.now(),
        }
    }

    /// A concert of the ledger that is on sale.
    async fn concert(&self, capacity: u32) -> Concert {
        let concert = self.new_concert(capacity);
        let mut tx = self.begin().await;
        tx.insert_concert(&concert).await.unwrap();
        tx.commit().await.unwrap();
        concert
    }

    /// Gives the concert its next version.
    async fn rename(&self, concert: &Concert) -> Concert {
        let renamed = Concert {
            version: concert.version + 1,
            ..concert.clone()
        };
        let mut tx = self.begin().await;
        assert!(tx.update_concert(concert.version, &renamed).await.unwrap());
        tx.commit().await.unwrap();
        renamed
    }

    /// A ticket that is not in the ledger yet.
    fn ticket(&self, concert: ConcertId, seat: u32) -> NewTicket {
        NewTicket {
            id: TicketId(self.ids.next()),
            concert_id: concert,
            user_id: UserId(self.ids.next()),
            seat: SeatNo(seat),
            bought_at: self.now(),
        }
    }

    /// Writes tickets for these seats and counts them as sold.
    async fn sell(&self, concert: &Concert, seats: &[u32]) -> Vec<NewTicket> {
        let tickets: Vec<_> = seats
            .iter()
            .map(|&seat| self.ticket(concert.id, seat))
            .collect();
        let mut tx = self.begin().await;
        let written = tx.insert_tickets(&tickets).await.unwrap();
        assert_eq!(written, vec![true; seats.len()]);
        let sold = u32::try_from(seats.len()).unwrap();
        tx.record_sales(&[(concert.id, sold)], self.now())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        tickets
    }

    /// A job that does nothing, to run now.
    fn noop(&self) -> NewJob {
        NewJob::of(&Noop {}, JobId(self.ids.next()), self.now(), self.now())
    }

    /// A job that does nothing under a unique key.
    fn unique(&self, key: &str) -> NewJob {
        NewJob {
            unique_key: Some(key.to_owned()),
            ..self.noop()
        }
    }

    /// A job that is due in so many hours.
    fn due_in(&self, hours: i64) -> NewJob {
        NewJob {
            due_at: self.now() + TimeDelta::hours(hours),
            ..self.noop()
        }
    }

    async fn insert_jobs(&self, jobs: &[NewJob]) -> Vec<bool> {
        let mut tx = self.begin().await;
        let inserted = tx.insert_jobs(jobs).await.unwrap();
        tx.commit().await.unwrap();
        inserted
    }

    /// A request for up to `max` jobs of any lane, with a token of its own.
    fn request(&self, queue: Queue, max: u32) -> ClaimRequest {
        let now = self.now();
        ClaimRequest {
            queue,
            oldest: 0,
            bands: Lane::ALL.map(|lane| lane.band(now, max)).into(),
            max,
            kinds: Kinds::Any,
            worker: WorkerId(self.ids.next()),
            token: ClaimToken(self.ids.next()),
            now,
            until: now + domain::jobs::LEASE,
        }
    }

    /// Claims up to `max` jobs of the queue that [`Self::noop`] is in.
    async fn claim(&self, max: u32) -> Vec<Claimed> {
        self.claim_of(Queue::System, max).await
    }

    async fn claim_of(&self, queue: Queue, max: u32) -> Vec<Claimed> {
        let mut tx = self.begin().await;
        let batch = tx.claim_jobs(&self.request(queue, max)).await.unwrap();
        tx.commit().await.unwrap();
        batch.jobs
    }

    /// Asks for prints of tickets, and claims a job for each.
    async fn claim_prints(&self, tickets: &[NewTicket]) -> Vec<(Claim, TicketId)> {
        let ids: Vec<_> = tickets.iter().map(|ticket| ticket.id).collect();
        let jobs: Vec<_> = ids
            .iter()
            .map(|&ticket_id| {
                let id = JobId(self.ids.next());
                NewJob::of(
                    &RenderTicket::of(ticket_id, None),
                    id,
                    self.now(),
                    self.now(),
                )
            })
            .collect();
        let mut tx = self.begin().await;
        tx.request_prints(&ids).await.unwrap();
        tx.insert_jobs(&jobs).await.unwrap();
        tx.commit().await.unwrap();
        let max = u32::try_from(tickets.len()).unwrap();
        let claimed = self.claim_of(Queue::Prints, max).await;
        assert_eq!(claimed.len(), tickets.len());
        // Ids grow, so jobs of one due time come in the order of their tickets.
        claimed.iter().map(|job| job.claim).zip(ids).collect()
    }
}

/// A claim that nobody ever had, of a job.
fn stale(env: &Env, claim: Claim) -> Claim {
    Claim {
        token: ClaimToken(env.ids.next()),
        ..claim
    }
}

fn micros(by: i64) -> TimeDelta {
    TimeDelta::microseconds(by)
}
