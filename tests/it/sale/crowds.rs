//! Crowds.

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::ids::mix;
use tests::TestApp;

use super::{assert_ledger, rush, sold, tally};

#[tests::every_engine]
async fn three_hundred_buyers_of_a_hundred_seats_get_exactly_a_hundred() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 100).await;
    let answers = rush(&app, (1..=300).map(|user| (concert.clone(), user))).await;
    assert_eq!(tally(&answers), BTreeMap::from([(201, 100), (422, 200)]));
    for refused in answers.iter().filter(|answer| answer.status == 422) {
        refused.assert_problem(422);
    }
    assert_ledger(&app, &concert, &sold(&answers)).await;
    let shown = app.http.get(&format!("/api/v1/concerts/{concert}")).await;
    assert_eq!(shown.json()["status"], "SOLD_OUT");
    app.stop().await;
}

#[tests::every_engine]
async fn a_hall_of_many_buckets_sells_its_last_seat() {
    let app = TestApp::start().await;
    // Several ranges of seats of which the last is shorter.
    let concert = app.http.create_concert("A night", 1_100).await;
    let answers = rush(
        &app,
        (0..1_400).map(|buyer| (concert.clone(), buyer % 5_000 + 1)),
    )
    .await;
    assert_eq!(tally(&answers), BTreeMap::from([(201, 1_100), (422, 300)]));
    assert_ledger(&app, &concert, &sold(&answers)).await;
    app.stop().await;
}

#[tests::every_engine]
async fn ten_concerts_under_random_load_are_neither_over_nor_undersold() {
    for seed in [1, 2, 3] {
        let app = TestApp::start().await;
        let mut halls = Vec::new();
        for hall in 0..10_u64 {
            let capacity = u32::try_from(mix(seed << 8 | hall) % 120).expect("a small number");
            halls.push((app.http.create_concert("A night", capacity).await, capacity));
        }
        let mut demand: HashMap<String, usize> = HashMap::new();
        let mut orders = Vec::new();
        for buyer in 0..700_u32 {
            let at = usize::try_from(mix(seed << 32 | u64::from(buyer)) % 10).expect("an index");
            *demand.entry(halls[at].0.clone()).or_default() += 1;
            orders.push((halls[at].0.clone(), buyer + 1));
        }
        let answers = rush(&app, orders).await;
        assert!(
            tally(&answers)
                .keys()
                .all(|status| [201, 422].contains(status))
        );
        let mut bought: HashMap<String, HashSet<String>> = HashMap::new();
        for ticket in answers.iter().filter(|answer| answer.status == 201) {
            let mine = bought.entry(ticket.string("/concert/id")).or_default();
            assert!(mine.insert(ticket.string("/id")));
        }
        for (concert, capacity) in halls {
            let tickets = bought.remove(&concert).unwrap_or_default();
            let wanted = demand
                .get(&concert)
                .copied()
                .unwrap_or(0)
                .min(capacity as usize);
            assert_eq!(tickets.len(), wanted, "seed {seed}, {capacity} seats");
            assert_ledger(&app, &concert, &tickets).await;
        }
        app.stop().await;
    }
}

#[tests::every_engine]
async fn a_sale_goes_on_where_it_stopped_after_a_restart() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 600).await;
    let first = rush(&app, (1..=251).map(|user| (concert.clone(), user))).await;
    assert_eq!(tally(&first), BTreeMap::from([(201, 251)]));
    let mut tickets = sold(&first);
    let folder = app.stop().await;
    let app = TestApp::again(folder, cli::service::Tweaks::default(), |_| {}).await;
    let second = rush(&app, (1..=400).map(|user| (concert.clone(), user))).await;
    assert_eq!(tally(&second), BTreeMap::from([(201, 349), (422, 51)]));
    tickets.extend(sold(&second));
    assert_ledger(&app, &concert, &tickets).await;
    app.stop().await;
}
