//! A crowd that follows a sale, opens sections or reads terms costs the ledger a few reads, and is
//! shown nothing older than its question.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::TimeDelta;
use cli::service::Tweaks;
use domain::admission::Class;
use domain::plans::PlanDrawing;
use domain::ports::{RenderError, Renderer};
use domain::prints::{Format, PrintDrawing};
use domain::{Clock, ConcertId, SystemClock, Timestamp, seat_status};
use futures::FutureExt;
use tests::svg::desc;
use tests::{Answer, Home, Http, StoreGate, TestApp, before_writing, eventually};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::admission::{answers, until_inside};

/// How many look at once.
const CROWD: u32 = 30;
/// Reads that do for them: of those who were first, of some who came a little later, of all others,
/// and one to spare.
const READS_MAX: usize = 4;

/// A server without workers, its client, and the gate before its ledger.
struct Scene {
    app: TestApp,
    http: Http,
    gate: StoreGate,
}

impl Scene {
    async fn behind(gate: StoreGate, tweaks: Tweaks) -> Self {
        let app = TestApp::again(Home::new().await, tweaks, |_| {}).await;
        let http = Http::new(app.http.address());
        Self { app, http, gate }
    }

    async fn start() -> Self {
        let gate = StoreGate::before_readers();
        let tweaks = gate.tweaks();
        Self::behind(gate, tweaks).await
    }

    fn crowd(&self, path: &str) -> Vec<JoinHandle<Answer>> {
        let look = |_| {
            let (http, path) = (self.http.clone(), path.to_owned());
            tokio::spawn(async move { http.get(&path).await })
        };
        (0..CROWD).map(look).collect()
    }
}

/// Holds the drawings of sections up while it is shut, and counts them.
struct Easel {
    inner: Arc<dyn Renderer>,
    open: watch::Receiver<bool>,
    sections: Arc<AtomicUsize>,
}

#[async_trait]
impl Renderer for Easel {
    async fn ticket(&self, drawing: PrintDrawing, format: Format) -> Result<Bytes, RenderError> {
        self.inner.ticket(drawing, format).await
    }

    async fn plan(&self, drawing: PlanDrawing) -> Result<Bytes, RenderError> {
        if drawing.section.is_some() {
            self.sections.fetch_add(1, Ordering::SeqCst);
            let mut open = self.open.clone();
            open.wait_for(|open| *open).await.expect("the test goes on");
        }
        self.inner.plan(drawing).await
    }
}

/// A clock by which every look at it takes longer than seats are believed.
struct Hasty(AtomicI64);

impl Clock for Hasty {
    fn now(&self) -> Timestamp {
        let looks = self.0.fetch_add(1, Ordering::SeqCst);
        SystemClock.now() + TimeDelta::milliseconds(300 * looks)
    }
}

#[tests::every_engine(one_thread)]
async fn crowd_that_follows_a_sale_shares_looks() {
    let scene = Scene::start().await;
    let concert = scene.http.create_concert("A night", CROWD).await;
    scene.http.bought(&concert, 1).await;
    let before = scene.gate.reads();
    scene.gate.set_open(false);
    let looks = scene.crowd(&format!("/api/v1/concerts/{concert}/seats/status"));
    until_inside(&scene.app, Class::Plans, CROWD as usize).await;
    scene.gate.set_open(true);
    for shown in answers(looks).await {
        assert_eq!((shown.status, shown.string("/version")), (200, "1".into()));
    }
    let reads = scene.gate.reads() - before;
    assert!(reads <= READS_MAX, "{reads} reads");
    assert_eq!(scene.gate.snapshots(), 1, "all of them saw one moment");
}

#[tests::every_engine(one_thread)]
async fn crowd_that_opens_a_section_shares_a_drawing_and_sees_what_was_sold_before() {
    let gate = StoreGate::open();
    let (open, sections) = (watch::Sender::new(true), Arc::<AtomicUsize>::default());
    let (gated, counted) = (open.subscribe(), Arc::clone(&sections));
    let easel = move |inner| {
        Arc::new(Easel {
            inner,
            open: gated.clone(),
            sections: Arc::clone(&counted),
        }) as Arc<dyn Renderer>
    };
    let tweaks = Tweaks {
        renderer: Some(Arc::new(easel)),
        ..gate.tweaks()
    };
    let scene = Scene::behind(gate, tweaks).await;
    let concert = scene.http.create_concert("A night", 100).await;
    scene.http.bought(&concert, 1).await;
    let path = format!("/api/v1/concerts/{concert}/seats?section=A%E2%80%93G");

    open.send_replace(false);
    let (http, of_first) = (scene.http.clone(), path.clone());
    let first = tokio::spawn(async move { http.get(&of_first).await });
    let begun = || async { (sections.load(Ordering::SeqCst) == 1).then_some(()) };
    eventually("a section is drawn", begun).await;
    scene.http.bought(&concert, 2).await;
    let looks = scene.crowd(&path);
    until_inside(&scene.app, Class::Plans, 1 + CROWD as usize).await;
    open.send_replace(true);

    assert_eq!(first.await.unwrap().status, 200);
    for shown in answers(looks).await {
        assert_eq!(desc(&shown.body), format!("{concert}|100|2"));
    }
    let drawn = sections.load(Ordering::SeqCst);
    assert!(drawn <= READS_MAX, "{drawn} drawings");

    // Nothing was sold since: the seats are known.
    let snapshots = scene.gate.snapshots();
    for _ in 0..3 {
        assert_eq!(scene.http.get(&path).await.status, 200);
    }
    assert_eq!(scene.gate.snapshots(), snapshots);
    scene
        .http
        .get(&format!("/api/v1/concerts/{concert}/seats?section=nowhere"))
        .await
        .assert_problem(404);
}

#[tests::every_engine(one_thread)]
async fn followers_who_wait_for_a_house_that_takes_long_share_the_next_reading() {
    let gate = StoreGate::before_snapshots();
    let tweaks = Tweaks {
        clock: Some(Arc::new(Hasty(AtomicI64::new(0)))),
        ..gate.tweaks()
    };
    let scene = Scene::behind(gate, tweaks).await;
    let concert = scene.http.create_concert("A night", CROWD).await;
    let id = ConcertId::parse(&concert).unwrap();
    scene.gate.set_open(false);
    let follow = || {
        let ctx = Arc::clone(scene.app.context());
        tokio::spawn(async move { seat_status::fetch(&ctx, id, None).await })
    };
    let mut followers = vec![follow()];
    let begun = || async { (scene.gate.snapshots() == 1).then_some(()) };
    eventually("the first one reads", begun).await;
    for user in 1..=10 {
        scene.http.bought(&concert, user).await;
        let reads = scene.gate.reads();
        followers.push(follow());
        let looked = || async { (scene.gate.reads() > reads).then_some(()) };
        eventually("it looks at the concert, to wait for the first one", looked).await;
    }
    scene.gate.set_open(true);
    for follower in followers {
        follower.await.unwrap().unwrap();
    }
    let snapshots = scene.gate.snapshots();
    assert!(snapshots <= 4, "the seats were read {snapshots} times");
}

#[tests::every_engine(one_thread)]
async fn crowd_that_reads_the_terms_of_a_show_shares_looks() {
    let scene = Scene::start().await;
    let concert = scene.http.create_concert("A night", 1).await;
    let before = scene.gate.reads();
    scene.gate.set_open(false);
    let looks = scene.crowd(&format!("/api/v1/concerts/{concert}/show"));
    until_inside(&scene.app, Class::Lookups, CROWD as usize).await;
    scene.gate.set_open(true);
    for shown in answers(looks).await {
        assert_eq!(shown.status, 200);
    }
    let reads = scene.gate.reads() - before;
    assert!(reads <= READS_MAX, "{reads} reads");
}

/// There are no workers, so the plan is not drawn, and all who wait have it ordered once more.
#[tests::every_engine(one_thread)]
async fn crowd_that_misses_a_plan_orders_it_together_on_a_slow_ledger() {
    let orders = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&orders);
    let tweaks = before_writing(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(200))
            .map(Ok)
            .boxed()
    });
    let scene = Scene::behind(StoreGate::open(), tweaks).await;
    let concert = scene.http.create_concert("A night", 1).await;
    let before = orders.load(Ordering::SeqCst);
    let looks = scene.crowd(&format!("/api/v1/concerts/{concert}/seats"));
    for missing in answers(looks).await {
        missing.assert_problem(404);
    }
    let orders = orders.load(Ordering::SeqCst) - before;
    assert!((1..=8).contains(&orders), "{orders} orders");
}
