//! A crowd that comes while the counters of its concert cannot be loaded.

use std::collections::BTreeMap;

use tests::{Home, Http, StoreGate, TestApp, eventually};

use super::admission::answers;
use super::tally;

/// So many that each would be waited for in vain, if they waited one after the other.
const CROWD: u32 = 40;

#[tests::every_engine]
async fn a_crowd_is_not_kept_waiting_for_counters_that_cannot_be_loaded() {
    let gate = StoreGate::before_readers();
    let app = TestApp::again(Home::new().await, gate.tweaks(), |_| {}).await;
    let http = Http::new(app.http.address());
    let concert = http.create_concert("A night", 2 * CROWD).await;
    gate.set_open(false);
    let mut crowd: Vec<_> = (1..=CROWD)
        .map(|user| {
            let (http, concert) = (http.clone(), concert.clone());
            tokio::spawn(async move { http.buy(&concert, user).await })
        })
        .collect();
    // The one who loads them waits for the ledger itself.
    eventually("all but one are answered", || async {
        let waiting = crowd.iter().filter(|buyer| !buyer.is_finished()).count();
        (waiting == 1).then_some(())
    })
    .await;
    let answered = crowd.extract_if(.., |buyer| buyer.is_finished()).collect();
    let answered = answers(answered).await;
    assert_eq!(
        tally(&answered),
        BTreeMap::from([(503, CROWD as usize - 1)])
    );
    gate.set_open(true);
    assert_eq!(tally(&answers(crowd).await), BTreeMap::from([(201, 1)]));
    http.bought(&concert, 1).await;
    app.stop().await;
}
