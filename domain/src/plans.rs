//! Seating plans: kept fresh by marks that sales leave, rendered by one job a concert at a time.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::bytes_cache::BytesCache;
use crate::clock::{AHEAD_MAX, Timestamp};
use crate::concert::{Concert, Offer};
use crate::concerts::plan_job;
use crate::context::{Context, Parts};
use crate::error::Error;
use crate::ids::{ClaimToken, ConcertId};
use crate::job::Queue;
use crate::layout::Layout;
use crate::looks::Looks;
use crate::ports::{BATCH_MAX, StoreResult, View};
use crate::seat::SeatNo;
use crate::show::Show;
use crate::sold::SoldSeats;
use crate::{layouts, shows};

/// A published seating plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The concert.
    pub concert_id: ConcertId,
    /// The concert's version that it shows.
    pub version: u32,
    /// Sold seats that it shows.
    pub sold: u32,
    /// Where the file is kept.
    pub file: String,
    /// When the seats were read.
    pub read_at: Timestamp,
}

/// Everything that a plan shows.
#[derive(Debug, Clone)]
pub struct PlanDrawing {
    /// The concert, of the version that is drawn.
    pub concert: Arc<Concert>,
    /// How the house is seated; `None` for plain rows.
    pub layout: Option<Arc<Layout>>,
    /// The seats that are sold.
    pub sold: SoldSeats,
    /// What the venue says beyond the concert: prices, here.
    pub show: Arc<Show>,
    /// Only this section, with an element for every seat.
    pub section: Option<String>,
}

/// A plan as handed out.
#[derive(Debug, Clone)]
pub struct PlanFile {
    /// The SVG.
    pub bytes: Bytes,
    /// What it shows.
    pub plan: Plan,
}

/// How long a request waits for a plan that is being rendered: 100 × 20 ms.
const WAIT_ROUNDS_MAX: u32 = 100;
const WAIT_ROUND: Duration = Duration::from_millis(20);
/// When a request that still waits has another job queued.
const ASK_ROUND: u32 = 50;

/// What a mark of an unknown age is taken for, in seconds: older than any plan is put off.
const AGE_UNKNOWN_S: f64 = 120.0;

/// Sold seats read at a time.
const PAGE: u32 = 10_000;

/// Plans in memory. A crowd looks at the same few, so the ledger is asked once for many which one is
/// current, and its file, which never changes under its key, is read once.
#[derive(Debug)]
pub(crate) struct PlanShelf {
    looks: Looks<ConcertId, Result<(Offer, Option<Plan>), Error>>,
    asks: Looks<ConcertId, Result<(), Error>>,
    files: BytesCache,
}

/// The concert's seating plan. Waits up to two seconds for one of the concert's present version;
/// [`Error::NotFound`] (`"plan"`) when there is none by then.
pub async fn fetch(ctx: &Context, id: ConcertId) -> Result<PlanFile, Error> {
    let mut asked = false;
    for round in 0..WAIT_ROUNDS_MAX {
        let plan = current(ctx, id).await?;
        let is_lost = plan.is_some();
        if let Some(plan) = plan
            && let Some(bytes) = ctx.plans().file(ctx, &plan).await?
        {
            return Ok(PlanFile { bytes, plan });
        }
        // A plan is queued by what makes it necessary. Nobody else would notice that its file was
        // lost, or its job failed for good; but who asks at once has it drawn twice.
        if !asked && (is_lost || round >= ASK_ROUND) {
            ask(ctx, id).await?;
            asked = true;
        }
        tokio::time::sleep(WAIT_ROUND).await;
    }
    Err(Error::NotFound("plan"))
}

/// The published plan, if it shows the concert's present version. Its file is not looked at. Many who
/// ask at once share one look at the ledger, which began after each of them asked.
pub async fn current(ctx: &Context, id: ConcertId) -> Result<Option<Plan>, Error> {
    let (offer, plan) = published(ctx, id).await?;
    Ok(plan.filter(|plan| plan.version == offer.concert.version))
}

/// The concert with what is sold of it, and its published plan, of whatever version. Shared, as
/// [`current`] is.
pub(crate) async fn published(
    ctx: &Context,
    id: ConcertId,
) -> Result<(Offer, Option<Plan>), Error> {
    let look = || read_published(ctx, id);
    ctx.plans().looks.share(id, look).await
}

async fn read_published(ctx: &Context, id: ConcertId) -> Result<(Offer, Option<Plan>), Error> {
    let mut view = ctx.store.read().await?;
    let offer = view.find_offer(id).await?;
    let offer = offer.ok_or(Error::NotFound("concert"))?;
    let plan = view.find_plan(id).await?;
    Ok((offer, plan))
}

/// The age in seconds of the oldest mark; nothing when there is none.
pub async fn oldest_mark(ctx: &Context) -> Result<Option<f64>, Error> {
    let marked = ctx.store.read().await?.list_marked(1).await?;
    Ok(marked.first().map(|&(_, since)| age_s(ctx, since)))
}

/// A mark that lies in the future was left by a clock that was wrong: nobody knows how old it is.
fn age_s(ctx: &Context, since: Timestamp) -> f64 {
    let age = ctx.clock.now() - since;
    if -age > AHEAD_MAX {
        return AGE_UNKNOWN_S;
    }
    age.as_seconds_f64().max(0.0)
}

/// Concerts whose plan is out of date, with the age in seconds of their marks: the oldest ones, a
/// batch at most.
pub async fn marked(ctx: &Context) -> Result<Vec<(ConcertId, f64)>, Error> {
    let max = u32::try_from(BATCH_MAX).expect("a batch is small");
    let marked = ctx.store.read().await?.list_marked(max).await?;
    let aged = |(concert, since)| (concert, age_s(ctx, since));
    let mut marked: Vec<_> = marked.into_iter().map(aged).collect();
    // They are in order but for those of an unknown age.
    marked.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    Ok(marked)
}

/// Queues one job for each of the concerts, [`BATCH_MAX`] at most, and takes their marks away.
pub async fn order(ctx: &Context, concerts: &[ConcertId]) -> Result<(), Error> {
    let jobs: Vec<_> = concerts.iter().map(|&id| plan_job(ctx, id)).collect();
    let mut tx = ctx.store.begin().await?;
    // First the marks: a sale that is not in the ledger by now leaves a new one. A job that is
    // found queued after that has not read the seats yet, so it sees the sales before.
    tx.clear_marks(concerts).await?;
    tx.insert_jobs(&jobs).await?;
    tx.commit().await?;
    ctx.wakeups.wake(Queue::Plans);
    Ok(())
}

/// Reads what a plan shows. The concert is read last: if it changed meanwhile, publishing fails
/// and the plan is drawn again.
pub async fn drawing(ctx: &Context, id: ConcertId) -> Result<Option<PlanDrawing>, Error> {
    let mut view = ctx.store.read().await?;
    let sold = read_sold(view.as_mut(), id).await?;
    let Some(offer) = view.find_offer(id).await? else {
        return Ok(None);
    };
    drop(view);
    Ok(Some(PlanDrawing {
        layout: layouts::of(ctx, &offer.concert).await?,
        show: shows::of(ctx, &offer.concert).await?,
        concert: Arc::new(offer.concert),
        sold,
        section: None,
    }))
}

/// Where the file of a plan is kept: one place for each claim, so that a worker that lost its
/// claim cannot overwrite what its successor published.
pub fn file_key(id: ConcertId, version: u32, claim: ClaimToken) -> String {
    format!("plans/{id}/v{version}-{claim}.svg")
}

impl PlanShelf {
    pub(crate) fn new(bytes_max: u64) -> Self {
        Self {
            looks: Looks::default(),
            asks: Looks::default(),
            files: BytesCache::new(bytes_max),
        }
    }

    /// The file of a plan; `None` when it was lost.
    async fn file(&self, parts: &Parts, plan: &Plan) -> Result<Option<Bytes>, Error> {
        let read = || async { Ok(parts.files.get(&plan.file).await?) };
        let concert = plan.concert_id.to_string();
        self.files.get_or_make(&concert, &plan.file, read).await
    }
}

/// Has another plan drawn. All who miss the same one ask by a transaction or two, not each by one
/// of their own.
async fn ask(ctx: &Context, id: ConcertId) -> Result<(), Error> {
    ctx.plans()
        .asks
        .share(id, || insert_plan_job(ctx, id))
        .await
}

async fn insert_plan_job(ctx: &Context, id: ConcertId) -> Result<(), Error> {
    let mut tx = ctx.store.begin().await?;
    tx.insert_jobs(&[plan_job(ctx, id)]).await?;
    tx.commit().await?;
    ctx.wakeups.wake(Queue::Plans);
    Ok(())
}

/// All sold seats of a concert, page by page.
pub(crate) async fn read_sold(view: &mut dyn View, id: ConcertId) -> StoreResult<SoldSeats> {
    let mut sold = SoldSeats::new();
    let mut from = SeatNo(0);
    loop {
        let page = view.list_sold(id, from, PAGE).await?;
        for &SeatNo(seat) in &page {
            sold.insert(seat);
        }
        match page.last() {
            Some(last) if page.len() == PAGE as usize => from = SeatNo(last.0 + 1),
            _ => return Ok(sold),
        }
    }
}
