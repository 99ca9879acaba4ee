//! Saying what a concert's hours, terms and prices are.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::concert::{Change, Concert};
use crate::concerts::{CHANGE_TRIES_MAX, plan_job};
use crate::context::Context;
use crate::error::{Error, Refusal};
use crate::hours;
use crate::ids::ConcertId;
use crate::job::Queue;
use crate::looks::Looks;
use crate::retime;
use crate::show::{Show, Showtime};

/// A show and the version of its concert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// What is said of the show; nothing, at first.
    pub show: Show,
    /// The concert's version.
    pub version: u32,
}

/// What is said of a concert's show. Those who ask for the same share looks.
pub async fn find(ctx: &Context, id: ConcertId) -> Result<Announced, Error> {
    ctx.shows().looks.share(id, || read(ctx, id)).await
}

async fn read(ctx: &Context, id: ConcertId) -> Result<Announced, Error> {
    let mut view = ctx.store.read().await?;
    // The version first: whoever names it to change the show has seen this show or a newer one.
    let offer = view.find_offer(id).await?;
    let version = offer.ok_or(Error::NotFound("concert"))?.concert.version;
    let show = view.find_show(id).await?.unwrap_or_default();
    Ok(Announced { show, version })
}

/// Replaces what is said of a concert's show, if `expected` (when given) is the concert's version.
/// The concert has a new version then, as after any change: prints are void and the plan is drawn
/// again. Prints that wait are due at its new hour, by a job. Saying the same once more changes
/// nothing. Hours that the concert's day does not have, or has twice, are refused
/// ([`Refusal::Hours`]).
pub async fn announce(
    ctx: &Context,
    id: ConcertId,
    show: Show,
    expected: Option<u32>,
    trace: Option<&str>,
) -> Result<Announced, Error> {
    for _ in 0..CHANGE_TRIES_MAX {
        let mut tx = ctx.store.begin().await?;
        let offer = tx.find_offer(id).await?.ok_or(Error::NotFound("concert"))?;
        let current = offer.concert.version;
        if expected.is_some_and(|expected| expected != current) {
            return Err(Error::VersionMoved { current });
        }
        let before = tx.find_show(id).await?.unwrap_or_default();
        if before == show {
            return Ok(Announced {
                show,
                version: current,
            });
        }
        // Compared with the concert's date in force: its version is compared below.
        hours::check(&show, offer.concert.date)
            .map_err(|wrong| Error::Refused(Refusal::Hours(wrong)))?;
        let changed = offer.concert.changed(Change::default());
        if !tx.update_concert(current, &changed).await? {
            continue;
        }
        tx.put_show(id, &show).await?;
        let [before, after] = [&before, &show].map(|show| Showtime::of(changed.date, show));
        let mut jobs = retime::jobs_of(ctx, id, &before, &after);
        let retimes = !jobs.is_empty();
        jobs.push(plan_job(ctx, id).traced(trace));
        tx.insert_jobs(&jobs).await?;
        tx.commit().await?;
        let version = changed.version;
        ctx.concerts().put(changed);
        ctx.wakeups.wake(Queue::Plans);
        if retimes {
            ctx.wakeups.wake(Queue::System);
        }
        metrics::counter!("ticketoverflow_concert_changes_total").increment(1);
        return Ok(Announced { show, version });
    }
    Err(Error::Busy)
}

/// The show of a concert of this version, or a newer one: whoever publishes what shows it compares
/// the version once more. One of those who need it first reads it for the others.
pub(crate) async fn of(ctx: &Context, concert: &Concert) -> Result<Arc<Show>, Error> {
    let shelf = ctx.shows();
    if let Some(show) = shelf.kept.get(concert) {
        return Ok(show);
    }
    let read = || async {
        let show = ctx.store.read().await?.find_show(concert.id).await?;
        Ok(Arc::new(show.unwrap_or_default()))
    };
    let show: Result<_, Error> = shelf.reads.share(concert.id, read).await;
    Ok(shelf.kept.put(concert, show?))
}

/// Shows in memory, and looks at them.
#[derive(Debug, Default)]
pub(crate) struct ShowShelf {
    looks: Looks<ConcertId, Result<Announced, Error>>,
    reads: Looks<ConcertId, Result<Arc<Show>, Error>>,
    kept: ShowCache,
}

/// Shows as last read.
#[derive(Debug, Default)]
struct ShowCache(RwLock<Shows>);

#[derive(Debug, Default)]
struct Shows {
    by_concert: HashMap<ConcertId, Kept>,
    bytes: usize,
}

/// A show and the version of its concert.
#[derive(Debug)]
struct Kept {
    version: u32,
    show: Arc<Show>,
    bytes: usize,
}

impl ShowCache {
    /// Shows kept, and bytes of all of them: one may have some 50 kB. At a limit the cache starts
    /// anew.
    const ENTRIES_MAX: usize = 10_000;
    const BYTES_MAX: usize = 32 * 1_024 * 1_024;

    fn get(&self, concert: &Concert) -> Option<Arc<Show>> {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.by_concert.get(&concert.id)?;
        (kept.version == concert.version).then(|| Arc::clone(&kept.show))
    }

    fn put(&self, concert: &Concert, show: Arc<Show>) -> Arc<Show> {
        let entry = Kept {
            version: concert.version,
            bytes: bytes(&show),
            show: Arc::clone(&show),
        };
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let full = kept.bytes + entry.bytes > Self::BYTES_MAX;
        if full || kept.by_concert.len() >= Self::ENTRIES_MAX {
            *kept = Shows::default();
        }
        kept.bytes += entry.bytes;
        if let Some(before) = kept.by_concert.insert(concert.id, entry) {
            kept.bytes -= before.bytes;
        }
        show
    }
}

/// Memory that a show takes, about.
fn bytes(show: &Show) -> usize {
    /// What a text and its place in a list take beside its letters.
    const A_TEXT: usize = 64;
    let terms = show.terms.as_ref().map_or(0, |terms| terms.as_str().len());
    let prices = show.prices.iter();
    let prices = prices.map(|(category, price)| category.len() + price.len() + 2 * A_TEXT);
    size_of::<Show>() + terms + prices.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use uuid::Uuid;

    use super::*;
    use crate::concert::{Name, Status};
    use crate::ids::LayoutId;
    use crate::show::{TERMS_CHARS_MAX, Terms};

    fn concert(number: u128) -> Concert {
        Concert {
            id: ConcertId(Uuid::from_u128(number)),
            name: Name::parse("A night").unwrap(),
            venue: Name::parse("Hall").unwrap(),
            date: NaiveDate::MAX,
            capacity: 1,
            layout_id: None::<LayoutId>,
            status: Status::Active,
            version: 1,
            created_at: crate::clock::from_micros(0),
        }
    }

    #[test]
    fn long_terms_fill_the_cache_before_there_are_too_many_of_them() {
        let cache = ShowCache::default();
        let terms = Terms::parse(&"\u{1F3BA}".repeat(TERMS_CHARS_MAX)).unwrap();
        let show = Arc::new(Show {
            terms: Some(terms),
            ..Show::default()
        });
        for number in 0..5_000 {
            cache.put(&concert(number), Arc::clone(&show));
            cache.put(&concert(number), Arc::clone(&show));
            assert!(cache.get(&concert(number)).is_some());
            let kept = cache.0.read().unwrap();
            assert_eq!(kept.bytes, kept.by_concert.len() * bytes(&show));
            assert!(kept.bytes <= ShowCache::BYTES_MAX);
        }
        assert!(cache.0.read().unwrap().by_concert.len() < 5_000);
    }
}
