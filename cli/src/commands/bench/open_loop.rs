//! Load that comes at its own rate, whatever becomes of it: a slow server gets no fewer requests.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use loadtest::{Connection, Request};
use tokio::task::JoinSet;

use super::quantile;

/// What is offered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offer {
    /// Requests a second.
    pub(super) rate: f64,
    pub(super) duration: Duration,
    /// Requests that can be under way; should they all be, later ones are sent late, and the time
    /// that they waited counts.
    pub(super) connections: u32,
}

/// One answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    /// When it came, since the offer began.
    pub(super) at: Duration,
    /// Since the request was to be sent.
    pub(super) took: Duration,
    pub(super) status: u16,
}

/// Every answer.
#[derive(Debug)]
pub(super) struct Answers(pub(super) Vec<Answer>);

/// Sends requests at a rate and waits for all answers.
pub(super) async fn offer(
    server: SocketAddr,
    requests: &Arc<Vec<Request>>,
    offer: Offer,
) -> anyhow::Result<Answers> {
    let answers = Arc::new(Mutex::new(Vec::new()));
    let note = {
        let answers = Arc::clone(&answers);
        move |answer| lock(&answers).push(answer)
    };
    offer_and_note(server, requests, offer, note).await?;
    let answers = std::mem::take(&mut *lock(&answers));
    if answers.is_empty() {
        bail!("nothing was offered");
    }
    Ok(Answers(answers))
}

/// As [`offer`], for loads that last: each answer is noted when it comes and kept by nobody.
pub(super) async fn offer_and_note(
    server: SocketAddr,
    requests: &Arc<Vec<Request>>,
    offer: Offer,
    note: impl Fn(Answer) + Clone + Send + 'static,
) -> anyhow::Result<()> {
    let requests = Arc::clone(requests);
    // A runtime of its own: the server must not wait for its load.
    tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(run(server, requests, offer, note))
    })
    .await?
}

async fn run(
    server: SocketAddr,
    requests: Arc<Vec<Request>>,
    offer: Offer,
    note: impl Fn(Answer) + Clone + Send + 'static,
) -> anyhow::Result<()> {
    let mut connections = Vec::with_capacity(offer.connections as usize);
    for _ in 0..offer.connections {
        let opened = Connection::open(server).await;
        connections.push(opened.context("a connection; is the limit of open files high enough?")?);
    }
    let (next, begun) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let mut tasks = JoinSet::new();
    for connection in connections {
        let (requests, next) = (Arc::clone(&requests), Arc::clone(&next));
        tasks.spawn(converse(
            connection,
            requests,
            next,
            offer,
            begun,
            note.clone(),
        ));
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    Ok(())
}

/// Sends whatever is due next.
async fn converse(
    mut connection: Connection,
    requests: Arc<Vec<Request>>,
    next: Arc<AtomicU64>,
    offer: Offer,
    begun: Instant,
    note: impl Fn(Answer),
) -> anyhow::Result<()> {
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
        let due = Duration::from_secs_f64(number as f64 / offer.rate);
        if due >= offer.duration {
            return Ok(());
        }
        tokio::time::sleep_until((begun + due).into()).await;
        let request = usize::try_from(number).unwrap_or(0) % requests.len();
        let response = connection.send(&requests[request]).await?;
        let at = begun.elapsed();
        note(Answer {
            at,
            took: at.saturating_sub(due),
            status: response.status,
        });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Answers {
    /// Answers of a status that came in a time.
    pub(super) fn of(
        &self,
        status: u16,
        time: std::ops::Range<Duration>,
    ) -> impl Iterator<Item = &Answer> {
        let came = move |answer: &&Answer| answer.status == status && time.contains(&answer.at);
        self.0.iter().filter(came)
    }

    /// Answers of a status in a time, a second.
    pub(super) fn rate(&self, status: u16, time: std::ops::Range<Duration>) -> f64 {
        let seconds = time.end.saturating_sub(time.start).as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let count = self.of(status, time).count() as f64;
        count / seconds
    }

    /// A quantile (0 to 1) of the latency in milliseconds of a status in a time.
    pub(super) fn latency_ms(
        &self,
        status: u16,
        time: std::ops::Range<Duration>,
        share: f64,
    ) -> f64 {
        let mut all: Vec<_> = self
            .of(status, time)
            .map(|answer| super::ms(answer.took))
            .collect();
        quantile(&mut all, share)
    }
}
