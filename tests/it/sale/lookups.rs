//! A crowd that looks costs the ledger a few reads, and is shown nothing older than its question.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use cli::service::Tweaks;
use domain::admission::Class;
use domain::ports::{Store, StoreError, StoreResult, Tx, View};
use tests::{Home, Http, TestApp};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::admission::{answers, until_inside};

/// How many look at once.
const CROWD: u32 = 30;
/// Reads that do for them: of those who were first, of some who came a little later, of all others,
/// and one to spare.
const READS_MAX: usize = 4;

/// A ledger of which reads are counted, and wait while they are held up.
struct Watched {
    inner: Arc<dyn Store>,
    reads: Arc<AtomicUsize>,
    is_open: watch::Receiver<bool>,
}

#[async_trait]
impl Store for Watched {
    async fn begin(&self) -> StoreResult<Box<dyn Tx>> {
        self.inner.begin().await
    }

    fn groups_at_once(&self) -> usize {
        self.inner.groups_at_once()
    }

    async fn read(&self) -> StoreResult<Box<dyn View>> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let mut gate = self.is_open.clone();
        let opened = gate.wait_for(|is_open| *is_open).await.map(drop);
        opened.map_err(StoreError::unavailable)?;
        self.inner.read().await
    }

    async fn snapshot(&self) -> StoreResult<Box<dyn View>> {
        self.inner.snapshot().await
    }
}

/// A server without workers, its client, and its watched ledger.
struct Scene {
    app: TestApp,
    http: Http,
    reads: Arc<AtomicUsize>,
    gate: watch::Sender<bool>,
}

impl Scene {
    async fn start() -> Self {
        let (gate, is_open) = watch::channel(true);
        let reads = Arc::new(AtomicUsize::new(0));
        let tweaks = Tweaks {
            store: Some(Arc::new({
                let reads = Arc::clone(&reads);
                move |inner| {
                    let (reads, is_open) = (Arc::clone(&reads), is_open.clone());
                    Arc::new(Watched {
                        inner,
                        reads,
                        is_open,
                    }) as Arc<dyn Store>
                }
            })),
            no_workers: true,
            ..Tweaks::default()
        };
        let app = TestApp::again(Home::new().await, tweaks, |_| {}).await;
        let http = Http::new(app.http.address());
        Self {
            app,
            http,
            reads,
            gate,
        }
    }

    /// Holds reads up, and counts from here.
    fn hold_up(&self) {
        self.gate.send_replace(false);
        self.reads.store(0, Ordering::SeqCst);
    }

    fn look(&self, path: String) -> JoinHandle<tests::Answer> {
        let http = self.http.clone();
        tokio::spawn(async move { http.get(&path).await })
    }

    fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn crowd_that_looks_at_tickets_has_them_read_together_and_sees_what_was_written_before() {
    let scene = Scene::start().await;
    let concert = scene.http.create_concert("A night", CROWD).await;
    let mut tickets = Vec::new();
    for user in 1..=CROWD {
        tickets.push(scene.http.bought(&concert, user).await);
    }
    let path = |id: &String| format!("/api/v1/tickets/{id}");

    scene.hold_up();
    let first = scene.look(path(&tickets[0]));
    until_inside(&scene.app, Class::Lookups, 1).await;
    for id in &tickets {
        let ordered = scene.http.post_empty(&format!("{}/print", path(id))).await;
        assert_eq!(ordered.status, 202);
    }
    let looks = tickets.iter().map(|id| scene.look(path(id))).collect();
    until_inside(&scene.app, Class::Lookups, 1 + CROWD as usize).await;
    scene.gate.send_replace(true);

    assert_eq!(first.await.unwrap().status, 200);
    for (id, shown) in tickets.iter().zip(answers(looks).await) {
        assert_eq!(shown.string("/id"), *id);
        assert_eq!(
            shown.string("/print_status"),
            "PENDING",
            "older than the question"
        );
    }
    assert!(scene.reads() <= READS_MAX, "{} reads", scene.reads());
}

#[tokio::test]
async fn crowd_that_looks_at_a_concert_shares_looks() {
    let scene = Scene::start().await;
    let concert = scene.http.create_concert("A night", CROWD).await;
    scene.hold_up();
    let looks = (0..CROWD).map(|_| scene.look(format!("/api/v1/concerts/{concert}")));
    let looks = looks.collect();
    until_inside(&scene.app, Class::Lookups, CROWD as usize).await;
    scene.gate.send_replace(true);
    for shown in answers(looks).await {
        assert_eq!(shown.string("/id"), concert);
    }
    assert!(scene.reads() <= READS_MAX, "{} reads", scene.reads());
}
