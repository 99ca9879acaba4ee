//! Transactions that touch the same rows by different keys do not wait for each other in a circle.

use std::sync::Arc;
use std::time::Duration;

use domain::job::{
    Claimed, NewJob, Noop, Outcome, Queue, RenderTicket, Renewal, Rota, Standing, decode,
};
use domain::jobs::{self, Settled};
use domain::ports::Tx;
use domain::prints::{self, Effect};
use domain::{Context, JobId, WorkerId};
use tests::{Database, eventually};
use tokio::task::JoinHandle;

use super::Shop;

/// Enough for somebody to come as far as he can. The case holds without it, but says less.
const HEAD_START: Duration = Duration::from_millis(150);

/// The effect of a print job that was done.
fn published(job: &Claimed) -> Effect {
    Effect::PublishPrint {
        ticket_id: decode::<RenderTicket>(job).unwrap().ticket_id,
        version: 1,
    }
}

fn settle(
    ctx: &Arc<Context>,
    job: &Claimed,
    effect: Effect,
) -> JoinHandle<Result<Settled, domain::Error>> {
    let (ctx, job) = (Arc::clone(ctx), job.clone());
    tokio::spawn(async move { jobs::settle(&ctx, &job, Outcome::Done, effect).await })
}

/// Claims every job of a queue that waits.
async fn claim(ctx: &Context, queue: Queue) -> Vec<Claimed> {
    let worker = WorkerId(ctx.ids.next());
    let batch = jobs::claim(ctx, queue, 9, &mut Rota::default(), worker).await;
    batch.unwrap().jobs
}

/// Keeps everybody busy who writes settlements, so that what comes meanwhile is one group. They are
/// let go with the transaction.
async fn occupy(
    ctx: &Arc<Context>,
) -> (Box<dyn Tx>, Vec<JoinHandle<Result<Settled, domain::Error>>>) {
    let now = ctx.clock.now();
    let count = ctx.store.groups_at_once();
    let noop = || NewJob::of(&Noop {}, JobId(ctx.ids.next()), now, now);
    let noops: Vec<_> = (0..count).map(|_| noop()).collect();
    let mut tx = ctx.store.begin().await.unwrap();
    tx.insert_jobs(&noops).await.unwrap();
    tx.commit().await.unwrap();
    let held = claim(ctx, Queue::System).await;
    assert_eq!(held.len(), count);
    let mut tx = ctx.store.begin().await.unwrap();
    let mut busy = Vec::new();
    for job in &held {
        assert!(tx.request_cancel(job.claim.job_id, now).await.unwrap());
        busy.push(settle(ctx, job, Effect::None));
        tokio::time::sleep(HEAD_START).await;
    }
    (tx, busy)
}

#[tokio::test]
async fn settlement_and_renewal_of_the_same_jobs_lock_them_in_one_order() {
    let database = Database::new().await;
    let shop = Shop::open(database.url()).await;
    let ctx = &shop.ctx;
    let concert = shop.concert().await;
    let one = shop.buy(concert, None).await.unwrap();
    let two = shop.buy(concert, None).await.unwrap();
    assert!(one < two);
    // The job of the later ticket is the earlier one.
    for ticket in [two, one] {
        prints::request(ctx, ticket, None, None).await.unwrap();
    }
    let held = claim(ctx, Queue::Prints).await;
    assert_eq!(held.len(), 2);

    // Somebody has the first ticket; a settlement that goes by tickets stops there, with its job.
    let mut blocker = ctx.store.begin().await.unwrap();
    blocker.request_prints(&[one]).await.unwrap();
    let (occupied, busy) = occupy(ctx).await;
    let settling: Vec<_> = held
        .iter()
        .map(|job| settle(ctx, job, published(job)))
        .collect();
    tokio::time::sleep(HEAD_START).await;
    drop(occupied);
    for settled in busy {
        assert_eq!(settled.await.unwrap().unwrap(), Settled::Done);
    }
    eventually("a settlement waits for the ticket", || async {
        (database.waiting() > 0).then_some(())
    })
    .await;
    let renewals: Vec<_> = held
        .iter()
        .map(|job| Renewal {
            claim: job.claim,
            progress: None,
        })
        .collect();
    let renewing = tokio::spawn({
        let ctx = Arc::clone(ctx);
        async move { jobs::renew(&ctx, &renewals).await }
    });
    tokio::time::sleep(HEAD_START).await;
    drop(blocker);
    for settled in settling {
        assert_eq!(settled.await.unwrap().unwrap(), Settled::Done);
    }
    assert_eq!(renewing.await.unwrap().unwrap(), [Standing::Lost; 2]);

    // Counters of the server's processes are complete when these have ended.
    database.hang_up();
    eventually("its connections have ended", || async {
        let left = "select count(*)
                      from pg_stat_activity
                     where datname = current_database()
                       and application_name = 'ticketoverflow'";
        (database.sql(left).trim() == "0").then_some(())
    })
    .await;
    let circles = "select deadlocks from pg_stat_database where datname = current_database()";
    assert_eq!(database.sql(circles).trim(), "0");
}
