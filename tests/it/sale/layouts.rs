//! Houses that nobody has read yet, as after a restart, and a crowd that needs them at once.

// Always so; it tells the lints that this is a test and may `unwrap`.
#![cfg(test)]

use std::collections::HashSet;
use std::sync::Arc;

use domain::admission::Class;
use domain::layout::Layout;
use domain::{Context, LayoutId, layouts};
use serde_json::{Value, json};
use tests::{Home, Http, StoreGate, TestApp, eventually};

use super::admission::{answers, until_inside};

/// How many come at once.
const CROWD: usize = 30;

fn house(name: &str) -> Value {
    let seat = json!({"seat_number": "1", "position": {"x": 0, "y": 0}});
    let row = json!({"row_number": "A", "position": {"x": 0, "y": 0}, "seats": [seat]});
    json!({"name": name, "zones": [{"name": "Stalls", "rows": [row]}]})
}

/// A server that has not read the houses of its ledger, and the gate before its readers.
struct Cold {
    app: TestApp,
    gate: StoreGate,
    houses: Vec<LayoutId>,
}

impl Cold {
    async fn with(houses: usize) -> Self {
        let app = TestApp::again(Home::new().await, StoreGate::open().tweaks(), |_| {}).await;
        let mut ids = Vec::new();
        for number in 0..houses {
            let house = house(&format!("House {number}"));
            let kept = app.http.post("/api/v1/layouts", &house).await;
            assert_eq!(kept.status, 201, "{}", kept.text());
            ids.push(LayoutId::parse(&kept.string("/id")).unwrap());
        }
        let home = app.stop().await;
        let gate = StoreGate::before_readers();
        Self {
            app: TestApp::again(home, gate.tweaks(), |_| {}).await,
            gate,
            houses: ids,
        }
    }

    fn find(&self, house: LayoutId) -> tokio::task::JoinHandle<Arc<Layout>> {
        let ctx: Arc<Context> = Arc::clone(self.app.context());
        tokio::spawn(async move { layouts::find(&ctx, house).await.unwrap() })
    }

    async fn until_reads(&self, reads: usize) {
        let read = || async { (self.gate.reads() >= reads).then_some(()) };
        eventually("the ledger is read", read).await;
    }

    fn hold_up(&self) -> usize {
        self.gate.set_open(false);
        self.gate.reads()
    }
}

/// Whoever can run has run.
async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

#[tests::every_engine(one_thread)]
async fn crowd_that_needs_a_house_first_has_it_read_and_parsed_once() {
    let cold = Cold::with(1).await;
    let before = cold.hold_up();
    let crowd: Vec<_> = (0..CROWD).map(|_| cold.find(cold.houses[0])).collect();
    settle().await;
    assert_eq!(cold.gate.reads() - before, 1);
    cold.gate.set_open(true);
    let found = futures::future::join_all(crowd).await;
    let copies: HashSet<_> = found
        .iter()
        .map(|layout| Arc::as_ptr(layout.as_ref().unwrap()))
        .collect();
    assert_eq!((copies.len(), cold.gate.reads() - before), (1, 1));
}

#[tests::every_engine(one_thread)]
async fn crowd_is_served_though_the_one_who_reads_for_it_goes() {
    let cold = Cold::with(1).await;
    let before = cold.hold_up();
    let first = cold.find(cold.houses[0]);
    cold.until_reads(before + 1).await;
    let crowd: Vec<_> = (0..CROWD).map(|_| cold.find(cold.houses[0])).collect();
    settle().await;
    first.abort();
    cold.gate.set_open(true);
    for found in futures::future::join_all(crowd).await {
        assert_eq!(found.unwrap().name, "House 0");
    }
    assert!(cold.gate.reads() - before <= 2);
}

#[tests::every_engine(one_thread)]
async fn few_of_many_houses_are_in_memory_half_read() {
    let cold = Cold::with(12).await;
    let before = cold.hold_up();
    let crowd: Vec<_> = cold.houses.iter().map(|&house| cold.find(house)).collect();
    settle().await;
    let begun = cold.gate.reads() - before;
    assert!((1..=2).contains(&begun), "{begun} are read at once");
    cold.gate.set_open(true);
    let mut names = HashSet::new();
    for found in futures::future::join_all(crowd).await {
        names.insert(found.unwrap().name.clone());
    }
    assert_eq!((names.len(), cold.gate.reads() - before), (12, 12));
}

#[tests::every_engine(one_thread)]
async fn concerts_that_are_announced_for_a_house_at_once_share_it() {
    let cold = Cold::with(1).await;
    let http = Http::new(cold.app.http.address());
    let before = cold.hold_up();
    let body = json!({"name": "Faust", "venue": "House", "date": "2030-01-01", "capacity": 1,
                      "status": "ACTIVE", "layout_id": cold.houses[0].to_string()});
    let announced = (0..CROWD).map(|_| {
        let (http, body) = (http.clone(), body.clone());
        tokio::spawn(async move { http.post("/api/v1/concerts", &body).await })
    });
    let announced = announced.collect();
    until_inside(&cold.app, Class::Changes, CROWD).await;
    cold.gate.set_open(true);
    for answer in answers(announced).await {
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
    assert_eq!(cold.gate.reads() - before, 1);
    cold.app.stop().await;
}

#[tests::every_engine(one_thread)]
async fn crowd_that_downloads_a_house_shares_its_document() {
    let cold = Cold::with(1).await;
    let http = Http::new(cold.app.http.address());
    let path = format!("/api/v1/layouts/{}", cold.houses[0]);
    let before = cold.hold_up();
    let crowd = (0..CROWD).map(|_| {
        let (http, path) = (http.clone(), path.clone());
        tokio::spawn(async move { http.get(&path).await })
    });
    let crowd = crowd.collect();
    until_inside(&cold.app, Class::Lookups, CROWD).await;
    cold.gate.set_open(true);
    for answer in answers(crowd).await {
        assert_eq!(answer.json(), house("House 0"));
    }
    assert_eq!(cold.gate.reads() - before, 1);
    let nobody = "/api/v1/layouts/00000000-0000-0000-0000-000000000000";
    http.get(nobody).await.assert_problem(404);
    cold.app.stop().await;
}
