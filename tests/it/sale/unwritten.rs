//! Groups of sales that surely were not written: their seats go back at once, and a ledger that is
//! in trouble is not asked which these are.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use domain::ConcertId;
use domain::ports::{Counted, StoreError};
use futures::FutureExt;
use futures::future::ready;
use tests::{Home, Http, TestApp, before_writing_and_reading, eventually};

use super::{assert_ledger, buy, sold, tally};

const SEATS: u32 = 30;

#[tests::every_engine]
async fn seats_of_a_group_that_was_not_written_go_back_without_a_look_at_the_ledger() {
    let (fails, reads) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
    let tweaks = before_writing_and_reading(
        {
            let fails = Arc::clone(&fails);
            move |_| {
                let failed = fails.load(Ordering::SeqCst).then(|| {
                    let error = io::Error::other("no connection is free, on purpose");
                    StoreError::unavailable(error)
                });
                ready(failed.map_or(Ok(()), Err)).boxed()
            }
        },
        {
            let reads = Arc::clone(&reads);
            move |_| {
                reads.fetch_add(1, Ordering::SeqCst);
                ready(Ok(())).boxed()
            }
        },
    );
    let app = TestApp::again(Home::new().await, tweaks, |_| {}).await;
    let http = Http::new(app.http.address());
    let concert = http.create_concert("A night", SEATS).await;
    let mut answers = vec![buy(&http, &concert, 1).await];
    let id = ConcertId::parse(&concert).unwrap();
    let counters = Arc::clone(&app.context().counters);
    let count = || async { counters.count(id).await.unwrap().unwrap() };
    let settled = || async { Some(count().await).filter(|counted| counted.held == 0) };
    let before = eventually("nobody holds a seat", settled).await;
    let reads_before = reads.load(Ordering::SeqCst);

    fails.store(true, Ordering::SeqCst);
    for user in 2..=11 {
        http.buy(&concert, user).await.assert_problem(503);
    }
    fails.store(false, Ordering::SeqCst);
    // Several processes take seats ahead of a crowd, and put them back soon.
    let after = eventually("all seats are back", settled).await;
    assert_eq!(after, before, "nothing is lost, and nothing was rebuilt");
    assert_eq!(after.free, SEATS - 1);

    for user in 2..=SEATS {
        answers.push(buy(&http, &concert, user).await);
    }
    assert_eq!(tally(&answers), [(201, SEATS as usize)].into());
    buy(&http, &concert, 99).await.assert_problem(422);
    assert_eq!(reads.load(Ordering::SeqCst), reads_before);
    let Counted { epoch, .. } = count().await;
    assert_eq!(epoch, before.epoch, "the counters are the same to the end");
    assert_ledger(&app, &concert, &sold(&answers)).await;
}
