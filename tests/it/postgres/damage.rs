//! Concerts whose rows cannot be read.

use domain::ports::Counted;
use domain::reconcile::Reconciler;
use domain::{ConcertId, Context};
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
