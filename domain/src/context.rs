//! What every use case is given: the ports, the sources of time and ids, and the groups.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::runtime::Handle;

use crate::admission::{Admission, AdmissionLimits, Class, Pass};
use crate::clock::Clock;
use crate::code::Signer;
use crate::concert::{Concert, Offer};
use crate::error::Error;
use crate::groups::Groups;
use crate::health::{self, Health, noting};
use crate::ids::{ConcertId, IdSource};
use crate::job::ServiceTimes;
use crate::jobs::{Settled, Settlement, write_settlements};
use crate::keys::{KeysRunning, StoredKey, write_refusals};
use crate::layouts::LayoutShelf;
use crate::looks::Looks;
use crate::lookups::{self, Lookups};
use crate::plans::PlanShelf;
use crate::ports::{Counters, Files, Renderer, Store, Wakeups};
use crate::prints::{PrintAck, PrintOrder, write_print_orders};
use crate::rebuilds::Rebuilds;
use crate::runtime_thread::RuntimeThread;
use crate::seat_status::Courses;
use crate::sections::SectionLooks;
use crate::shows::ShowShelf;
use crate::ticket::Ticket;
use crate::tickets::{Sale, SaleAck, write_sales};
use crate::user::UserDirectory;

/// The outside world, chosen once when the process starts.
#[derive(Clone)]
pub struct Parts {
    /// The ledger.
    pub store: Arc<dyn Store>,
    /// Seat counters.
    pub counters: Arc<dyn Counters>,
    /// Hints that there is work.
    pub wakeups: Arc<dyn Wakeups>,
    /// Rendered files.
    pub files: Arc<dyn Files>,
    /// Drawing.
    pub renderer: Arc<dyn Renderer>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Fresh ids.
    pub ids: Arc<dyn IdSource>,
    /// Who can buy.
    pub users: Arc<UserDirectory>,
    /// Signs the codes on tickets.
    pub signer: Arc<Signer>,
}

/// How much may wait before the service says that it is busy.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Who is let in at all.
    pub admission: AdmissionLimits,
    /// Bytes of seating plans that are kept in memory.
    pub plan_bytes_max: u64,
    /// Purchases that wait to be written.
    pub sales_waiting_max: usize,
    /// Refusals that wait to be kept for their idempotency keys.
    pub refusals_waiting_max: usize,
    /// Print requests that wait to be written.
    pub prints_waiting_max: usize,
    /// Job outcomes that wait to be written; workers then wait too.
    pub settlements_waiting_max: usize,
    /// Tickets that wait to be looked up, and as many idempotency keys.
    pub lookups_waiting_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            admission: AdmissionLimits::default(),
            plan_bytes_max: 64 * 1_024 * 1_024,
            sales_waiting_max: 20_000,
            refusals_waiting_max: 20_000,
            prints_waiting_max: 20_000,
            settlements_waiting_max: 20_000,
            lookups_waiting_max: 20_000,
        }
    }
}

/// The ports and what the domain keeps beside them.
pub struct Context {
    parts: Parts,
    concerts: ConcertCache,
    layouts: LayoutShelf,
    shows: ShowShelf,
    courses: Courses,
    sections: SectionLooks,
    service_times: ServiceTimes,
    admission: Admission,
    health: Arc<Health>,
    plans: PlanShelf,
    pub(crate) keys_running: KeysRunning,
    pub(crate) sales: Groups<Sale, SaleAck>,
    /// Answers without an effect that are kept for their keys; tells which keys were new.
    pub(crate) refusals: Groups<StoredKey, bool>,
    pub(crate) print_orders: Groups<PrintOrder, PrintAck>,
    pub(crate) settlements: Groups<Settlement, Settled>,
    /// Reads of one ticket each.
    pub(crate) lookups: Lookups<Ticket>,
    /// Reads of one idempotency key each.
    pub(crate) key_lookups: Lookups<StoredKey>,
    /// Reads of one concert each, with what is sold of it.
    pub(crate) offers: Looks<ConcertId, Result<Option<Offer>, Error>>,
    /// This one and the next are dropped last, after the queues that they work on.
    writer: RuntimeThread,
    _reader: RuntimeThread,
}

impl Context {
    /// Starts what works in groups on threads of their own, writers on one and readers on another;
    /// fails when there cannot be so many.
    pub fn start(parts: Parts, limits: Limits) -> std::io::Result<Arc<Self>> {
        let health = Arc::new(Health::new(Arc::clone(&parts.clock)));
        let parts = health::with_noted_files(parts, &health);
        let shared = Arc::new(parts.clone());
        let writer = RuntimeThread::start("group-commit")?;
        let reader = RuntimeThread::start("lookups")?;
        let runtime = writer.runtime();
        let at_once = parts.store.groups_at_once();
        let admission = Admission::new(&limits.admission, at_once);
        let rebuilds = Arc::new(Rebuilds::start(runtime, Arc::clone(&shared)));
        let sales = Groups::start(
            runtime,
            limits.sales_waiting_max,
            at_once,
            Some(admission.pace(Class::Purchases)),
            {
                let (parts, health) = (Arc::clone(&shared), Arc::clone(&health));
                let write =
                    move |group| write_sales(Arc::clone(&parts), Arc::clone(&rebuilds), group);
                move |group| noting(&health, write(group))
            },
        );
        // One at a time: they leave the ledger to those who buy.
        let refusals = Groups::start(runtime, limits.refusals_waiting_max, 1, None, {
            let parts = Arc::clone(&shared);
            move |group| write_refusals(Arc::clone(&parts), group)
        });
        let print_orders = Groups::start(
            runtime,
            limits.prints_waiting_max,
            at_once,
            Some(admission.pace(Class::PrintOrders)),
            {
                let (parts, health) = (Arc::clone(&shared), Arc::clone(&health));
                move |group| noting(&health, write_print_orders(Arc::clone(&parts), group))
            },
        );
        let settlements = Groups::start(runtime, limits.settlements_waiting_max, at_once, None, {
            let parts = Arc::clone(&shared);
            move |group| write_settlements(Arc::clone(&parts), group)
        });
        let waiting_max = limits.lookups_waiting_max;
        let lookups = lookups::start(reader.runtime(), waiting_max, &shared);
        let key_lookups = lookups::start(reader.runtime(), waiting_max, &shared);
        Ok(Arc::new(Self {
            parts,
            concerts: ConcertCache::default(),
            layouts: LayoutShelf::default(),
            shows: ShowShelf::default(),
            courses: Courses::default(),
            sections: SectionLooks::default(),
            service_times: ServiceTimes::default(),
            admission,
            health,
            plans: PlanShelf::new(limits.plan_bytes_max),
            keys_running: KeysRunning::default(),
            sales,
            refusals,
            print_orders,
            settlements,
            lookups,
            key_lookups,
            offers: Looks::default(),
            writer,
            _reader: reader,
        }))
    }

    /// Where to run what keeps writing to the ledger beside the crowd, on the thread of the groups.
    /// A ledger on one machine has one writer: whoever waited behind the crowd's requests after
    /// each statement would hold up every sale meanwhile.
    pub fn writer(&self) -> &Handle {
        self.writer.runtime()
    }

    pub(crate) fn concerts(&self) -> &ConcertCache {
        &self.concerts
    }

    pub(crate) fn layouts(&self) -> &LayoutShelf {
        &self.layouts
    }

    pub(crate) fn shows(&self) -> &ShowShelf {
        &self.shows
    }

    pub(crate) fn courses(&self) -> &Courses {
        &self.courses
    }

    pub(crate) fn sections(&self) -> &SectionLooks {
        &self.sections
    }

    /// How long jobs took that this process ran.
    pub fn service_times(&self) -> &ServiceTimes {
        &self.service_times
    }

    /// Lets a request in, for as long as it keeps its pass; [`Error::Shed`] before anything was
    /// done for it when too much is under way.
    pub fn admit(&self, class: Class) -> Result<Pass, Error> {
        self.admission.enter(class)
    }

    pub(crate) fn plans(&self) -> &PlanShelf {
        &self.plans
    }

    pub(crate) fn admission(&self) -> &Admission {
        &self.admission
    }

    pub(crate) fn health(&self) -> &Health {
        &self.health
    }

    /// Requests of a class that are under way.
    pub fn inside(&self, class: Class) -> usize {
        self.admission.inside(class)
    }

    /// How full the queue of purchases is, 0 to 1.
    pub fn sales_load(&self) -> f64 {
        self.sales.load()
    }
}

impl std::ops::Deref for Context {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("sales", &self.sales)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").finish_non_exhaustive()
    }
}

/// Concerts as last read. May be old: whoever writes checks in the ledger again.
#[derive(Debug, Default)]
pub(crate) struct ConcertCache(RwLock<Cached>);

#[derive(Debug, Default)]
struct Cached {
    by_id: HashMap<ConcertId, Arc<Concert>>,
    bytes: usize,
}

impl ConcertCache {
    /// Concerts kept, and bytes of all of them: names may have some kilobytes. At a limit the cache
    /// starts anew.
    const ENTRIES_MAX: usize = 50_000;
    const BYTES_MAX: usize = 64 * 1_024 * 1_024;

    pub(crate) fn get(&self, id: ConcertId) -> Option<Arc<Concert>> {
        self.read().by_id.get(&id).cloned()
    }

    /// Keeps a concert unless a newer version is there already.
    pub(crate) fn put(&self, concert: Concert) -> Arc<Concert> {
        let mut cached = self.write();
        if let Some(known) = cached.by_id.get(&concert.id)
            && known.version > concert.version
        {
            return Arc::clone(known);
        }
        cached.remove(concert.id);
        let bytes = bytes(&concert);
        if cached.by_id.len() >= Self::ENTRIES_MAX || cached.bytes + bytes > Self::BYTES_MAX {
            *cached = Cached::default();
        }
        let concert = Arc::new(concert);
        cached.bytes += bytes;
        cached.by_id.insert(concert.id, Arc::clone(&concert));
        concert
    }

    pub(crate) fn forget(&self, id: ConcertId) {
        self.write().remove(id);
    }

    pub(crate) fn all(&self) -> Vec<Arc<Concert>> {
        self.read().by_id.values().cloned().collect()
    }

    fn read(&self) -> RwLockReadGuard<'_, Cached> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Cached> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cached {
    fn remove(&mut self, id: ConcertId) {
        if let Some(removed) = self.by_id.remove(&id) {
            self.bytes -= bytes(&removed);
        }
    }
}

/// Memory that a concert takes, about.
fn bytes(concert: &Concert) -> usize {
    size_of::<Concert>() + concert.name.as_str().len() + concert.venue.as_str().len()
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use uuid::Uuid;

    use super::*;
    use crate::clock::from_micros;
    use crate::concert::{NAME_CHARS_MAX, Name, Status};

    fn concert(number: u128, name: &str) -> Concert {
        Concert {
            id: ConcertId(Uuid::from_u128(number)),
            name: Name::parse(name).unwrap(),
            venue: Name::parse(name).unwrap(),
            date: NaiveDate::MAX,
            capacity: 1,
            layout_id: None,
            status: Status::Active,
            version: 1,
            created_at: from_micros(0),
        }
    }

    #[test]
    fn long_names_fill_the_cache_before_there_are_too_many_of_them() {
        let cache = ConcertCache::default();
        let name = "🎺".repeat(NAME_CHARS_MAX);
        let each = bytes(&concert(0, &name));
        for number in 0..20_000 {
            cache.put(concert(number, &name));
            let cached = cache.read();
            assert!(cached.bytes <= ConcertCache::BYTES_MAX);
            assert_eq!(cached.bytes, cached.by_id.len() * each);
        }
        assert!(cache.read().by_id.len() < 20_000);
    }

    #[test]
    fn concert_that_is_put_again_or_forgotten_counts_once_or_not_at_all() {
        let cache = ConcertCache::default();
        for name in ["a", "a longer name", "b"] {
            let put = cache.put(concert(7, name));
            assert_eq!(cache.read().bytes, bytes(&put));
        }
        cache.forget(ConcertId(Uuid::from_u128(7)));
        cache.forget(ConcertId(Uuid::from_u128(7)));
        let cached = cache.read();
        assert_eq!((cached.bytes, cached.by_id.len()), (0, 0));
    }
}
