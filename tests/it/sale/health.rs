//! Those who ask for health take nothing from those who buy.

use std::future::{pending, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use domain::ports::StoreResult;
use futures::FutureExt;
use tests::{Http, TestApp, before_writing_and_reading};

use super::admission::answers;

/// How many ask at once.
const CROWD: usize = 40;

/// Views that are being opened.
#[derive(Default)]
struct Readers {
    is_stuck: AtomicBool,
    now: AtomicUsize,
    most: AtomicUsize,
}

/// One that is being opened, until somebody gives it up.
struct Reader(Arc<Readers>);

impl Reader {
    fn of(readers: &Arc<Readers>) -> Self {
        let now = readers.now.fetch_add(1, SeqCst) + 1;
        readers.most.fetch_max(now, SeqCst);
        Self(Arc::clone(readers))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, SeqCst);
    }
}

#[tests::every_engine]
async fn a_crowd_that_asks_for_health_has_one_look_at_a_time() {
    let readers = Arc::<Readers>::default();
    let shared = Arc::clone(&readers);
    let tweaks = before_writing_and_reading(
        |_| ready(Ok(())).boxed(),
        move |_| {
            if !shared.is_stuck.load(SeqCst) {
                return ready(Ok(())).boxed();
            }
            let reader = Reader::of(&shared);
            async move {
                let _reader = reader;
                pending::<StoreResult<()>>().await
            }
            .boxed()
        },
    );
    let app = TestApp::with(tweaks).await;
    let http = Http::new(app.http.address());
    readers.is_stuck.store(true, SeqCst);
    let paths = [
        "/api/v1/users/health",
        "/api/v1/concerts/health",
        "/api/v1/tickets/health",
        "/readyz",
    ];
    let ask = |path: &'static str| {
        let http = http.clone();
        tokio::spawn(async move { http.get(path).await })
    };
    let asked = paths.into_iter().cycle().take(CROWD).map(ask).collect();
    for answer in answers(asked).await {
        answer.assert_problem(503);
    }
    assert_eq!(readers.most.load(SeqCst), 1, "looks at a time");
    readers.is_stuck.store(false, SeqCst);
    for path in paths {
        let well = http.get(path).await;
        assert_eq!(
            (well.status, well.text().as_str()),
            (200, r#"{"status":"ok"}"#)
        );
    }
    app.stop().await;
}
