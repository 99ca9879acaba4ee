//! Jobs on real workers over the embedded engine.
//!
//! The poll interval is an hour: whatever happens here happens because somebody was told.

#![cfg(test)]

mod claims;
mod clock;
mod control;
mod failures;
mod gate;
mod poison;
mod pools;
mod priority;
mod promotions;
mod repeats;
mod retimes;

use std::sync::Arc;
use std::time::Duration;

use chrono::{NaiveDate, TimeDelta};
use domain::code::Signer;
use domain::concert::{Name, Status};
use domain::concerts::{self, NewConcert};
use domain::job::{Job, Kind, NewJob, Queue, RenderTicket, State};
use domain::jobs::JobFilter;
use domain::keys::Answered;
use domain::plans::{self, Plan};
use domain::ticket::{PrintStatus, Ticket};
use domain::tickets::{self, Order};
use domain::user::UserDirectory;
use domain::{
    ConcertId, Context, Error, JobId, Limits, Parts, SystemClock, SystemIds, TicketId, WorkerId,
    prints,
};
use tempfile::TempDir;
use tests::eventually;
use workers::{Config, Registry, RenderPool, Workers};

use self::gate::{Ended, Gate};

const HOUR_MS: u64 = 3_600_000;

/// An engine on a folder of its own, without workers as yet.
struct Platform {
    ctx: Arc<Context>,
    gate: Arc<Gate>,
    today: NaiveDate,
    /// Removed with the platform.
    folder: TempDir,
}

impl Platform {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let opened = storage::open_embedded(folder.path(), storage::Access::Serve)
            .await
            .unwrap();
        let gate = Gate::before(RenderPool::new(&config()));
        let parts = Parts {
            store: opened.store,
            counters: opened.counters,
            wakeups: opened.wakeups,
            files: opened.files,
            renderer: Arc::clone(&gate) as _,
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
            users: Arc::new(UserDirectory::generated()),
            signer: Arc::new(Signer::new(1, &[7; 32])),
        };
        Self {
            today: parts.clock.now().date_naive(),
            ctx: Context::start(parts, Limits::default()).expect("a thread more"),
            gate,
            folder,
        }
    }

    fn work(&self) -> Workers {
        self.work_with(Registry::default())
    }

    fn work_with(&self, registry: Registry) -> Workers {
        self.work_as(&config(), registry)
    }

    fn work_as(&self, config: &Config, registry: Registry) -> Workers {
        Workers::start_with(&self.ctx, config, WorkerId(self.ctx.ids.next()), registry)
    }

    fn job(&self, kind: &impl Kind) -> NewJob {
        let now = self.ctx.clock.now();
        NewJob::of(kind, JobId(self.ctx.ids.next()), now, now)
    }

    /// Queues a job and wakes its pool.
    async fn queue(&self, job: NewJob) -> JobId {
        let (id, queue) = (job.id, job.queue);
        let mut tx = self.ctx.store.begin().await.unwrap();
        assert_eq!(tx.insert_jobs(&[job]).await.unwrap(), [true]);
        tx.commit().await.unwrap();
        self.ctx.wakeups.wake(queue);
        id
    }

    async fn find(&self, id: JobId) -> Job {
        domain::jobs::find(&self.ctx, id).await.unwrap()
    }

    /// Waits until a job is in a state.
    async fn until(&self, id: JobId, state: State) -> Job {
        let wait = || async { Some(self.find(id).await).filter(|job| job.state == state) };
        eventually(&format!("a job is {}", state.as_str()), wait).await
    }

    /// A concert on sale, with its first seating plan published if there are workers.
    async fn concert(&self) -> ConcertId {
        self.concert_in(30, 40).await
    }

    /// The day in so many days, also when midnight has passed since the test began.
    fn day(&self, days: i64) -> NaiveDate {
        self.today + TimeDelta::days(days)
    }

    /// A concert in so many days.
    async fn concert_in(&self, days: i64, capacity: u32) -> ConcertId {
        let new = NewConcert {
            name: Name::parse("Before").unwrap(),
            venue: Name::parse("Hall").unwrap(),
            date: self.day(days),
            capacity,
            layout_id: None,
            status: Status::Active,
        };
        match concerts::create(&self.ctx, new, None, None).await.unwrap() {
            Answered::Now(offer) => offer.concert.id,
            Answered::Before(_) => unreachable!("there is no key"),
        }
    }

    async fn ticket(&self, concert_id: ConcertId) -> TicketId {
        let user_id = self.ctx.users.all()[0].id;
        let order = Order {
            concert_id,
            user_id,
        };
        match tickets::buy(&self.ctx, order, None).await.unwrap() {
            Answered::Now(ticket) => ticket.id,
            Answered::Before(_) => unreachable!("there is no key"),
        }
    }

    /// Asks for a print and tells which job makes it.
    async fn print(&self, ticket: TicketId) -> JobId {
        prints::request(&self.ctx, ticket, None, None)
            .await
            .unwrap();
        let filter = JobFilter {
            kind: Some(RenderTicket::NAME.into()),
            max: 1,
            ..JobFilter::default()
        };
        let mut view = self.ctx.store.read().await.unwrap();
        view.list_jobs(&filter).await.unwrap()[0].id
    }

    /// The present plan of a concert, which may take longer to draw than a request waits for it.
    async fn plan(&self, concert: ConcertId) -> Plan {
        let plan = || async {
            match plans::fetch(&self.ctx, concert).await {
                Ok(file) => Some(file.plan),
                Err(Error::NotFound("plan")) => None,
                Err(error) => panic!("{error}"),
            }
        };
        eventually("the plan is drawn", plan).await
    }

    async fn until_printed(&self, id: TicketId) -> Ticket {
        let wait = || async {
            let ticket = tickets::find(&self.ctx, id).await.unwrap();
            (ticket.print_status() == PrintStatus::Printed).then_some(ticket)
        };
        eventually("a ticket is printed", wait).await
    }

    /// A print whose drawings, and nothing else, are held up at the gate.
    async fn hold_up_a_print(&self) -> (TicketId, JobId) {
        let gate = &self.gate;
        let concert = self.concert().await;
        let ticket = self.ticket(concert).await;
        // Its job ends together with that, so that no other one runs.
        let published = || async { plans::current(&self.ctx, concert).await.unwrap() };
        eventually("the plan is published", published).await;
        gate.close();
        let job = self.print(ticket).await;
        gate.until("a print is drawn", 2, |one| one.ended == Ended::NotYet)
            .await;
        (ticket, job)
    }

    /// Has the claimer of a queue look for jobs, and waits until it has.
    async fn until_looked(&self, queue: Queue) {
        let probe = NewJob {
            queue,
            ..self.job(&domain::job::Noop {})
        };
        let id = self.queue(probe).await;
        self.until(id, State::Completed).await;
    }
}

fn config() -> Config {
    Config {
        poll_interval_ms: HOUR_MS,
        ..Config::default()
    }
}

const NO_GRACE: Duration = Duration::ZERO;
/// Never used up: workers stop when their jobs have ended.
const GRACE: Duration = Duration::from_hours(1);
