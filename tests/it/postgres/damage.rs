//! Rows that cannot be read, or are of another version.

use domain::job::{NewJob, Noop};
use domain::jobs::JobFilter;
use domain::ports::Counted;
use domain::reconcile::Reconciler;
use domain::{ConcertId, Context, JobId};
use tests::Database;

use super::Shop;

/// More than a round puts up with.
const DAMAGED: usize = 4;

async fn counted(ctx: &Context, concert: ConcertId) -> Counted {
    ctx.counters.count(concert).await.unwrap().unwrap()
}

#[tokio::test]
async fn concerts_that_are_damaged_do_not_keep_the_others_from_being_reconciled() {
    let database = Database::new().await;
    let shop = Shop::open(database.url()).await;
    let ctx = &shop.ctx;
    // The reconciler goes by ids, which grow: the damaged ones come first.
    let mut concerts = Vec::new();
    for _ in 0..DAMAGED + 2 {
        let concert = shop.concert().await;
        shop.buy(concert, None).await.unwrap();
        // Whoever takes this one is never heard of again.
        ctx.counters.take(concert, 0).await.unwrap();
        concerts.push(concert);
    }
    let (damaged, well) = concerts.split_at(DAMAGED);
    for concert in damaged {
        database.sql(&format!(
            "update concerts set name = '' where id = '{concert}'"
        ));
    }
    let mut reconciler = Reconciler::default();
    // One that ends early, one that meets the others, one that finds that nothing is sold and sees
    // what is held, another that ends early, one that sees it again.
    for _ in 0..5 {
        reconciler.round(ctx).await.unwrap_err();
    }
    for concert in well {
        let counted = counted(ctx, *concert).await;
        assert_eq!((counted.free, counted.held), (99, 0));
    }
    for concert in damaged {
        assert_eq!(counted(ctx, *concert).await.held, 1);
    }
}

#[tokio::test]
async fn a_row_of_another_version_is_shown_and_the_others_are_counted() {
    let database = Database::new().await;
    let shop = Shop::open(database.url()).await;
    let ctx = &shop.ctx;
    let now = ctx.clock.now();
    let jobs = [(); 3].map(|()| NewJob::of(&Noop {}, JobId(ctx.ids.next()), now, now));
    let mut tx = ctx.store.begin().await.unwrap();
    tx.insert_jobs(&jobs).await.unwrap();
    tx.commit().await.unwrap();
    database.sql(&format!(
        "update jobs set queue = 'mails' where id = '{}';
         update jobs set errors = array['oh'], progress = '{{' where id = '{}'",
        jobs[2].id, jobs[0].id
    ));
    let all = JobFilter {
        max: 9,
        ..JobFilter::default()
    };
    let mut view = ctx.store.read().await.unwrap();
    let listed = view.list_jobs(&all).await.unwrap();
    let strange = listed.iter().filter(|job| job.queue == "mails");
    assert_eq!((listed.len(), strange.count()), (3, 1));
    let first = listed.iter().find(|job| job.id == jobs[0].id).unwrap();
    assert_eq!((&*first.errors[0].error, &first.progress), ("oh", &None));
    let counted = view.count_jobs(now).await.unwrap();
    assert_eq!(counted.iter().map(|depth| depth.jobs).sum::<u64>(), 2);
}
