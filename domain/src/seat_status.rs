//! Which seats are sold, for pages that follow a sale: all of them, or what changed since.
//!
//! A seat that is sold stays sold, and every reader of the ledger sees sales come in one order. So
//! the number of sold seats names a moment of the sale, the same one in every process, and what was
//! sold since an earlier moment contains what was sold since a later one: any process can bring
//! any client up to date, whoever served it before.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use tokio::time::timeout;

use crate::clock::Timestamp;
use crate::concert::{Concert, Offer};
use crate::context::Context;
use crate::error::Error;
use crate::ids::ConcertId;
use crate::plans::{self, read_sold};
use crate::sold::SoldSeats;

/// While a concert sells, its seats are read no more often than this.
const READ_EVERY: TimeDelta = TimeDelta::milliseconds(200);
/// How long to wait for them, and for those who read them before. A ledger that falls silent in
/// the middle of a snapshot, which may take its time, would never let go of who follows the sale.
const READ_MAX: Duration = Duration::from_secs(15);
/// Moments of a concert that are kept. At the limit every other one of the older half goes, so
/// that old ones are far apart.
const MOMENTS_MAX: usize = 32;
/// Seats of all concerts of which moments are kept, four bytes each at most, and how many concerts
/// these are; at the limits all are read anew.
const SEATS_MAX: u32 = 16_000_000;
const CONCERTS_MAX: usize = 10_000;

/// What became of a concert's seats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeatStatus {
    /// Seats of the concert.
    pub capacity: u32,
    /// The moment that is shown: how many seats are sold.
    pub version: u32,
    /// The moment that `sold` begins after; `None` when it has all seats.
    pub since: Option<u32>,
    /// The seats that are sold, or were sold since.
    pub sold: Arc<SoldSeats>,
}

/// What became of a concert's seats: since a moment, or if nothing is known that is as old, of
/// all. Never older than the concert's published plan.
pub async fn fetch(ctx: &Context, id: ConcertId, since: Option<u32>) -> Result<SeatStatus, Error> {
    let (offer, plan) = plans::published(ctx, id).await?;
    let shown = plan.map_or(0, |plan| plan.sold);
    let wanted = Wanted {
        newest: offer.sold,
        least: shown.max(since.unwrap_or(0)).min(offer.sold),
    };
    let course = ctx.courses().of(&offer.concert);
    let moment = look(ctx, id, &course, &wanted).await?;
    let before = since.and_then(|since| course.before(since.min(moment.version)));
    // Who knows more than there is (of a ledger that was restored, say) is told everything.
    let before = before.filter(|_| since <= Some(moment.version));
    let capacity = offer.concert.capacity;
    Ok(match before {
        Some(before) => SeatStatus {
            capacity,
            version: moment.version,
            since: Some(before.version),
            sold: Arc::new(moment.sold.except(&before.sold)),
        },
        None => SeatStatus {
            capacity,
            version: moment.version,
            since: None,
            sold: moment.sold,
        },
    })
}

/// The sold seats of a concert, all of those that an offer counts among them. They are read when
/// something was sold since the last time.
pub(crate) async fn sold(ctx: &Context, offer: &Offer) -> Result<Moment, Error> {
    let wanted = Wanted {
        newest: offer.sold,
        least: offer.sold,
    };
    let course = ctx.courses().of(&offer.concert);
    look(ctx, offer.concert.id, &course, &wanted).await
}

/// A moment that will do: a known one, or the present one.
async fn look(
    ctx: &Context,
    id: ConcertId,
    course: &Course,
    wanted: &Wanted,
) -> Result<Moment, Error> {
    if let Some(known) = course.newest(wanted, ctx.clock.now()) {
        return Ok(known);
    }
    let reading = timeout(READ_MAX, read(ctx, id, course, wanted));
    reading.await.map_err(|_| Error::Busy)?
}

/// Reads the seats of one moment; callers of a concert wait for each other, and take what another
/// one read meanwhile.
async fn read(
    ctx: &Context,
    id: ConcertId,
    course: &Course,
    wanted: &Wanted,
) -> Result<Moment, Error> {
    let begun_before = course.begun.load(SeqCst);
    let _turn = course.reading.lock().await;
    let known = course.newest(wanted, ctx.clock.now());
    if let Some(moment) = known.or_else(|| course.read_after(begun_before)) {
        return Ok(moment);
    }
    // Whoever gives up in the middle has begun a reading that nobody takes.
    let number = course.begun.fetch_add(1, SeqCst) + 1;
    let read_at = ctx.clock.now();
    // A large house is read in pages, and all must be of one moment.
    let mut view = ctx.store.snapshot().await?;
    let sold = read_sold(view.as_mut(), id).await?;
    drop(view);
    let moment = Moment {
        number,
        version: sold.count(),
        read_at,
        sold: Arc::new(sold),
    };
    course.push(moment.clone());
    Ok(moment)
}

/// What a caller must be shown.
struct Wanted {
    /// Seats that are sold now.
    newest: u32,
    /// Sold seats that were shown elsewhere already.
    least: u32,
}

/// The seats at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Moment {
    /// Which reading of the concert found it.
    number: u64,
    version: u32,
    pub(crate) read_at: Timestamp,
    pub(crate) sold: Arc<SoldSeats>,
}

/// What is known of a concert's sale, by growing versions.
#[derive(Debug, Default)]
pub(crate) struct Course {
    /// Readings that were begun.
    begun: AtomicU64,
    reading: tokio::sync::Mutex<()>,
    moments: Mutex<Vec<Moment>>,
}

impl Course {
    /// The last moment, if it will do.
    fn newest(&self, wanted: &Wanted, now: Timestamp) -> Option<Moment> {
        let moments = self.moments.lock().unwrap_or_else(PoisonError::into_inner);
        let last = moments.last()?;
        let lately = (now - last.read_at).abs() < READ_EVERY;
        let will_do = last.version == wanted.newest || (lately && last.version >= wanted.least);
        will_do.then(|| last.clone())
    }

    /// The last moment, if its reading began after so many others. Those who wait for a reading of
    /// a large house that sells would find it old at its end, and read one after the other.
    fn read_after(&self, begun: u64) -> Option<Moment> {
        let moments = self.moments.lock().unwrap_or_else(PoisonError::into_inner);
        moments.last().filter(|last| last.number > begun).cloned()
    }

    /// The last moment at which no more was sold than at `version`.
    fn before(&self, version: u32) -> Option<Moment> {
        let moments = self.moments.lock().unwrap_or_else(PoisonError::into_inner);
        let end = moments.partition_point(|moment| moment.version <= version);
        end.checked_sub(1).map(|at| moments[at].clone())
    }

    fn push(&self, moment: Moment) {
        let mut moments = self.moments.lock().unwrap_or_else(PoisonError::into_inner);
        // After fewer sales than before, the ledger is another one: what was known is void.
        if moments
            .last()
            .is_some_and(|last| last.version > moment.version)
        {
            moments.clear();
        }
        moments.retain(|known| known.version != moment.version);
        moments.push(moment);
        if moments.len() > MOMENTS_MAX {
            let mut at = 0;
            moments.retain(|_| {
                at += 1;
                at > MOMENTS_MAX / 2 || at % 2 == 1
            });
        }
    }
}

/// The courses of all concerts that somebody follows, each with the number of seats.
#[derive(Debug, Default)]
pub(crate) struct Courses(Mutex<HashMap<ConcertId, (u32, Arc<Course>)>>);

impl Courses {
    fn of(&self, concert: &Concert) -> Arc<Course> {
        let mut courses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, course)) = courses.get(&concert.id) {
            return Arc::clone(course);
        }
        let seats: u32 = courses.values().map(|(seats, _)| seats).sum();
        if courses.len() >= CONCERTS_MAX || seats + concert.capacity > SEATS_MAX {
            courses.clear();
        }
        let course = Arc::<Course>::default();
        courses.insert(concert.id, (concert.capacity, Arc::clone(&course)));
        course
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(version: u32, read_at: Timestamp) -> Moment {
        Moment {
            number: 1,
            version,
            read_at,
            sold: Arc::new(SoldSeats::from_ranges([(0, version)])),
        }
    }

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_timestamp_micros(micros).unwrap()
    }

    #[test]
    fn old_moments_are_kept_far_apart_and_never_more_than_agreed() {
        let course = Course::default();
        for version in 0..10_000 {
            course.push(moment(version, at(0)));
        }
        let versions: Vec<_> = course
            .moments
            .lock()
            .unwrap()
            .iter()
            .map(|m| m.version)
            .collect();
        assert!(versions.len() <= MOMENTS_MAX, "{versions:?}");
        assert_eq!((versions[0], versions.last()), (0, Some(&9_999)));
        assert!(versions.is_sorted());
        assert_eq!(course.before(9_999).unwrap().version, 9_999);
        let older = course.before(5_000).unwrap().version;
        assert!(older <= 5_000 && course.before(older).unwrap().version == older);
    }

    #[test]
    fn moment_will_do_if_it_is_the_newest_or_was_read_just_now_and_shows_enough() {
        let course = Course::default();
        course.push(moment(10, at(0)));
        let will_do =
            |newest, least, now| course.newest(&Wanted { newest, least }, at(now)).is_some();
        assert!(will_do(10, 0, 9_000_000), "nothing was sold since");
        assert!(will_do(12, 10, 100_000), "it was read a moment ago");
        assert!(!will_do(12, 11, 100_000), "a plan shows more");
        assert!(!will_do(12, 10, 300_000), "it is old");
    }

    #[test]
    fn fewer_sales_than_before_make_all_that_was_known_void() {
        let course = Course::default();
        course.push(moment(10, at(0)));
        course.push(moment(4, at(1)));
        assert!(course.before(3).is_none());
        assert_eq!(course.before(11).unwrap().version, 4);
    }
}
