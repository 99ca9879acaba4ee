//! Saying what a concert's hours, terms and prices are.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::concert::{Change, Concert};
use crate::concerts::{CHANGE_TRIES_MAX, plan_job};
use crate::context::Context;
use crate::error::Error;
use crate::ids::ConcertId;
use crate::job::Queue;
use crate::show::Show;

/// A show and the version of its concert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// What is said of the show; nothing, at first.
    pub show: Show,
    /// The concert's version.
    pub version: u32,
}

/// What is said of a concert's show.
pub async fn find(ctx: &Context, id: ConcertId) -> Result<Announced, Error> {
    let mut view = ctx.store.read().await?;
    // The version first: whoever names it to change the show has seen this show or a newer one.
    let offer = view.find_offer(id).await?;
    let version = offer.ok_or(Error::NotFound("concert"))?.concert.version;
    let show = view.find_show(id).await?.unwrap_or_default();
    Ok(Announced { show, version })
}

/// Replaces what is said of a concert's show, if `expected` (when given) is the concert's version.
/// The concert has a new version then, as after any change: prints are void and the plan is drawn
/// again. Saying the same once more changes nothing.
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
        let changed = offer.concert.changed(Change::default());
        if !tx.update_concert(current, &changed).await? {
            continue;
        }
        tx.put_show(id, &show).await?;
        tx.insert_jobs(&[plan_job(ctx, id).traced(trace)]).await?;
        tx.commit().await?;
        let version = changed.version;
        ctx.concerts().put(changed);
        ctx.wakeups.wake(Queue::Plans);
        metrics::counter!("ticketoverflow_concert_changes_total").increment(1);
        return Ok(Announced { show, version });
    }
    Err(Error::Busy)
}

/// The show of a concert of this version, or a newer one: whoever publishes what shows it compares
/// the version once more.
pub(crate) async fn of(ctx: &Context, concert: &Concert) -> Result<Arc<Show>, Error> {
    if let Some(show) = ctx.shows().get(concert) {
        return Ok(show);
    }
    let show = ctx.store.read().await?.find_show(concert.id).await?;
    Ok(ctx.shows().put(concert, show.unwrap_or_default()))
}

/// Shows as last read.
#[derive(Debug, Default)]
pub(crate) struct ShowCache(RwLock<HashMap<ConcertId, Kept>>);

/// A show and the version of its concert.
#[derive(Debug)]
struct Kept {
    version: u32,
    show: Arc<Show>,
}

impl ShowCache {
    /// Shows kept, up to some 30 kB each; at the limit the cache starts anew.
    const ENTRIES_MAX: usize = 10_000;

    fn get(&self, concert: &Concert) -> Option<Arc<Show>> {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.get(&concert.id)?;
        (kept.version == concert.version).then(|| Arc::clone(&kept.show))
    }

    fn put(&self, concert: &Concert, show: Show) -> Arc<Show> {
        let show = Arc::new(show);
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= Self::ENTRIES_MAX {
            kept.clear();
        }
        let entry = Kept {
            version: concert.version,
            show: Arc::clone(&show),
        };
        kept.insert(concert.id, entry);
        show
    }
}
