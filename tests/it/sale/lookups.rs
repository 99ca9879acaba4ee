//! A crowd that looks costs the ledger a few reads, and is shown nothing older than its question.

use domain::admission::Class;
use tests::http::order_body;
use tests::{Answer, Home, Http, StoreGate, TestApp};
use tokio::task::JoinHandle;

use super::admission::{answers, until_inside};

/// How many look at once.
const CROWD: u32 = 30;
/// Reads that do for them: of those who were first, of some who came a little later, of all others,
/// and one to spare.
const READS_MAX: usize = 4;

/// A server without workers, its client, and the gate before its readers.
struct Scene {
    app: TestApp,
    http: Http,
    gate: StoreGate,
}

impl Scene {
    async fn start() -> Self {
        let gate = StoreGate::before_readers();
        let app = TestApp::again(Home::new().await, gate.tweaks(), |_| {}).await;
        let http = Http::new(app.http.address());
        Self { app, http, gate }
    }

    fn look(&self, path: String) -> JoinHandle<Answer> {
        let http = self.http.clone();
        tokio::spawn(async move { http.get(&path).await })
    }

    /// Shuts the gate; the reads until then.
    fn hold_up(&self) -> usize {
        self.gate.set_open(false);
        self.gate.reads()
    }
}

#[tests::every_engine(one_thread)]
async fn crowd_that_looks_at_tickets_has_them_read_together_and_sees_what_was_written_before() {
    let scene = Scene::start().await;
    let concert = scene.http.create_concert("A night", CROWD).await;
    let mut tickets = Vec::new();
    for user in 1..=CROWD {
        tickets.push(scene.http.bought(&concert, user).await);
    }
    let path = |id: &String| format!("/api/v1/tickets/{id}");

    let before = scene.hold_up();
    let first = scene.look(path(&tickets[0]));
    until_inside(&scene.app, Class::Lookups, 1).await;
    for id in &tickets {
        let ordered = scene.http.post_empty(&format!("{}/print", path(id))).await;
        assert_eq!(ordered.status, 202);
    }
    let looks = tickets.iter().map(|id| scene.look(path(id))).collect();
    until_inside(&scene.app, Class::Lookups, 1 + CROWD as usize).await;
    scene.gate.set_open(true);

    assert_eq!(first.await.unwrap().status, 200);
    for (id, shown) in tickets.iter().zip(answers(looks).await) {
        assert_eq!(shown.string("/id"), *id);
        assert_eq!(
            shown.string("/print_status"),
            "PENDING",
            "older than the question"
        );
    }
    let reads = scene.gate.reads() - before;
    assert!(reads <= READS_MAX, "{reads} reads");
}

#[tests::every_engine(one_thread)]
async fn crowd_that_looks_at_a_concert_shares_looks() {
    let scene = Scene::start().await;
    let concert = scene.http.create_concert("A night", CROWD).await;
    let before = scene.hold_up();
    let looks = (0..CROWD).map(|_| scene.look(format!("/api/v1/concerts/{concert}")));
    let looks = looks.collect();
    until_inside(&scene.app, Class::Lookups, CROWD as usize).await;
    scene.gate.set_open(true);
    for shown in answers(looks).await {
        assert_eq!(shown.string("/id"), concert);
    }
    let reads = scene.gate.reads() - before;
    assert!(reads <= READS_MAX, "{reads} reads");
}

#[tests::every_engine(one_thread)]
async fn crowd_that_buys_with_idempotency_keys_has_them_looked_up_together() {
    let scene = Scene::start().await;
    let concert = scene.http.create_concert("A night", 2 * CROWD).await;
    // So that nobody of the crowd need look at the concert.
    scene.http.bought(&concert, 1).await;
    let before = scene.hold_up();
    let order = order_body(&concert, 1);
    let buy = |customer: u32| {
        let (http, order) = (scene.http.clone(), order.clone());
        let key = format!("order-{customer}");
        tokio::spawn(async move { http.post_keyed("/api/v1/tickets", &key, &order).await })
    };
    let bought = (0..CROWD).map(buy).collect();
    until_inside(&scene.app, Class::Purchases, CROWD as usize).await;
    scene.gate.set_open(true);
    let bought = answers(bought).await;
    let reads = scene.gate.reads() - before;
    assert!(reads <= READS_MAX, "{reads} reads");
    let again = answers((0..CROWD).map(buy).collect()).await;
    for (bought, again) in bought.iter().zip(again) {
        assert_eq!((bought.status, again.status), (201, 201));
        assert_eq!(bought.string("/id"), again.string("/id"));
    }
}
