//! One thread of the generator: its connections, its visitors, and what they measured.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cause;
use crate::connection::ConnectionError;
use crate::pool::Pool;
use crate::record::{Fault, Interval, Kind};
use crate::sale::Sale;

/// The longest that a server may ask a customer to wait.
const RETRY_AFTER_MAX_S: u32 = 10;
/// Who has waited for so long when the run is cut short waited in vain.
const CUT_OFF_AFTER: Duration = Duration::from_secs(10);

/// What the visits of one thread share.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) sale: Arc<Sale>,
    pub(crate) pool: Pool,
    pub(crate) interval: RefCell<Interval>,
    /// Ids of the tickets that were bought, by concert. The contract's ids are opaque; ours are
    /// UUIDs, and two words each are little enough to keep all of them.
    pub(crate) bought: RefCell<Vec<Vec<u128>>>,
    /// Orders that were told that nothing is left, by concert.
    pub(crate) refused: RefCell<Vec<u64>>,
    /// Visitors who are here.
    pub(crate) here: Cell<usize>,
    /// How often somebody asks again whom a server was too busy for.
    pub(crate) retries_max: u32,
}

/// An answer, as far as visits need it.
#[derive(Debug)]
pub(crate) struct Told<T> {
    pub(crate) status: u16,
    pub(crate) asked: Instant,
    pub(crate) read: T,
    /// The status and what the answer says, if it is none that a customer hopes for.
    pub(crate) words: String,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    /// The server gave none.
    Unanswered,
    /// The generator could not ask.
    NotSent,
}

impl<T> Told<T> {
    /// Whether the server could not serve: it failed, or was too busy to the end.
    pub(crate) fn is_refusal(&self, kind: Kind) -> bool {
        is_refusal(kind, self.status)
    }
}

impl Worker {
    pub(crate) fn new(sale: &Arc<Sale>, connections: usize, retries_max: u32) -> Self {
        let concerts = sale.concerts.len();
        Self {
            sale: Arc::clone(sale),
            pool: Pool::new(&sale.target, connections),
            interval: RefCell::default(),
            bought: RefCell::new(vec![Vec::new(); concerts]),
            refused: RefCell::new(vec![0; concerts]),
            here: Cell::new(0),
            retries_max,
        }
    }

    /// Sends a request that was due at a moment, and reads its answer. A server that is too busy
    /// (503), or has every seat in other hands (409), is asked again when it says; each time is a
    /// request of its own.
    pub(crate) async fn ask<T>(
        &self,
        kind: Kind,
        mut due: Instant,
        write: impl Fn(&Sale, &mut Vec<u8>),
        read: impl Fn(u16, &[u8]) -> T,
    ) -> Result<Told<T>, Lost> {
        for try_number in 0.. {
            let (told, retry_after_s) = self.once(kind, due, &write, &read).await?;
            let busy = told.status == 503 || (told.status == 409 && kind == Kind::Buy);
            if !busy || try_number >= self.retries_max {
                return Ok(told);
            }
            let wait_s = retry_after_s.unwrap_or(1).min(RETRY_AFTER_MAX_S);
            tokio::time::sleep(Duration::from_secs(u64::from(wait_s))).await;
            due = Instant::now();
        }
        Err(Lost::Unanswered)
    }

    async fn once<T>(
        &self,
        kind: Kind,
        due: Instant,
        write: impl Fn(&Sale, &mut Vec<u8>),
        read: impl Fn(u16, &[u8]) -> T,
    ) -> Result<(Told<T>, Option<u32>), Lost> {
        let place = self.pool.place().await;
        let place = place.map_err(|error| self.lost(kind, &error))?;
        let mut waiting = Waiting::begin(self, kind);
        let mut lease = match self.pool.lease(place).await {
            Ok(lease) => lease,
            Err(error) => return Err(waiting.lost(&error)),
        };
        let line = lease.line();
        line.request.clear();
        write(&self.sale, &mut line.request);
        let mut asked = Instant::now();
        let mut is_again = false;
        loop {
            let line = lease.line();
            let error = match line.connection.exchange(&line.request).await {
                Ok(response) => {
                    waiting.end();
                    let answered = Instant::now();
                    let words = if is_hoped_for(response.status) {
                        String::new()
                    } else {
                        cause::words(response.status, response.location.as_deref(), response.body)
                    };
                    let told = Told {
                        status: response.status,
                        asked,
                        read: read(response.status, response.body),
                        words,
                    };
                    let retry_after_s = response.retry_after_s;
                    self.note(kind, &told, answered, due);
                    lease.give_back();
                    return Ok((told, retry_after_s));
                }
                Err(error) => error,
            };
            // The server may close a connection at the moment when it is used again.
            if is_again || !kind.reads() || !line.connection.was_closed_idle(&error) {
                return Err(waiting.lost(&error));
            }
            is_again = true;
            self.interval.borrow_mut().resent += 1;
            if let Err(error) = lease.reopen().await {
                return Err(waiting.lost(&error));
            }
            asked = Instant::now();
        }
    }

    fn note<T>(&self, kind: Kind, told: &Told<T>, answered: Instant, due: Instant) {
        let mut interval = self.interval.borrow_mut();
        interval.answered(
            kind,
            told.status,
            answered.saturating_duration_since(due),
            answered.saturating_duration_since(told.asked),
        );
        if is_refusal(kind, told.status) || (300..400).contains(&told.status) {
            let cause = format!("{}: {}", kind.name(), told.words);
            interval.causes.note(cause);
        }
    }

    fn lost(&self, kind: Kind, error: &ConnectionError) -> Lost {
        let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
        let why = format!("{error}{}", cause.unwrap_or_default());
        let mut interval = self.interval.borrow_mut();
        if let ConnectionError::NotSent(_) = error {
            interval.unsent.note(|| format!("{}: {why}", kind.name()));
            return Lost::NotSent;
        }
        interval.note_unanswered(kind, &why);
        Lost::Unanswered
    }

    /// Notes what must not happen.
    pub(crate) fn fault(&self, fault: Fault, detail: impl FnOnce() -> String) {
        let mut interval = self.interval.borrow_mut();
        interval.faults.entry(fault).or_default().note(detail);
    }

    /// Notes an answer that the contract does not have there.
    pub(crate) fn wrong<T>(&self, kind: Kind, told: &Told<T>, detail: &str) {
        // A server may always be too busy, and then says so; that is counted, and no fault.
        if told.status == 503 {
            return;
        }
        self.fault(Fault::WrongAnswer, || {
            let what = format!("{}: {} {detail}", kind.name(), told.status);
            match told.words.split_once(' ') {
                Some((_, said)) => format!("{what}: {said}"),
                None => what,
            }
        });
    }
}

/// Somebody who waits for an answer. Who still does when the run is cut short may do so in vain.
struct Waiting<'a> {
    worker: &'a Worker,
    kind: Kind,
    since: Instant,
    over: bool,
}

impl<'a> Waiting<'a> {
    fn begin(worker: &'a Worker, kind: Kind) -> Self {
        Self {
            worker,
            kind,
            since: Instant::now(),
            over: false,
        }
    }

    fn end(&mut self) {
        self.over = true;
    }

    fn lost(mut self, error: &ConnectionError) -> Lost {
        self.over = true;
        self.worker.lost(self.kind, error)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let waited = self.since.elapsed();
        if !self.over && waited >= CUT_OFF_AFTER {
            let mut interval = self.worker.interval.borrow_mut();
            interval.cut_off += 1;
            let why = "the run was cut short after seconds of waiting";
            interval.note_unanswered(self.kind, why);
        }
    }
}

/// A failure, or the word that the server is too busy or has every seat in other hands.
fn is_refusal(kind: Kind, status: u16) -> bool {
    status >= 500 || status == 429 || (status == 409 && kind == Kind::Buy)
}

/// What happens in every sale, and needs no words: success, "sold out", and "not yet".
fn is_hoped_for(status: u16) -> bool {
    status < 300 || status == 404 || status == 422
}
