//! One thread of the generator: its connections, its visitors, and what they measured.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::pool::Pool;
use crate::record::{Fault, Interval, Kind};
use crate::sale::Sale;

/// The longest that a server may ask a customer to wait.
const RETRY_AFTER_MAX_S: u32 = 10;

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
    /// request of its own. Nothing when there was no answer.
    pub(crate) async fn ask<T>(
        &self,
        kind: Kind,
        mut due: Instant,
        write: impl Fn(&Sale, &mut Vec<u8>),
        read: impl Fn(u16, &[u8]) -> T,
    ) -> Option<Told<T>> {
        for try_number in 0.. {
            let (told, retry_after_s) = self.once(kind, due, &write, &read).await?;
            let busy = told.status == 503 || (told.status == 409 && kind == Kind::Buy);
            if !busy || try_number >= self.retries_max {
                return Some(told);
            }
            let wait_s = retry_after_s.unwrap_or(1).min(RETRY_AFTER_MAX_S);
            tokio::time::sleep(Duration::from_secs(u64::from(wait_s))).await;
            due = Instant::now();
        }
        None
    }

    async fn once<T>(
        &self,
        kind: Kind,
        due: Instant,
        write: impl Fn(&Sale, &mut Vec<u8>),
        read: impl Fn(u16, &[u8]) -> T,
    ) -> Option<(Told<T>, Option<u32>)> {
        let mut lease = match self.pool.lease().await {
            Ok(lease) => lease,
            Err(error) => return self.unanswered(kind, &error),
        };
        let line = lease.line();
        line.request.clear();
        write(&self.sale, &mut line.request);
        let asked = Instant::now();
        let response = match line.connection.exchange(&line.request).await {
            Ok(response) => response,
            Err(error) => return self.unanswered(kind, &error),
        };
        let answered = Instant::now();
        let told = Told {
            status: response.status,
            asked,
            read: read(response.status, response.body),
        };
        let retry_after_s = response.retry_after_s;
        self.interval.borrow_mut().answered(
            kind,
            told.status,
            answered.saturating_duration_since(due),
            answered.saturating_duration_since(asked),
        );
        lease.give_back();
        Some((told, retry_after_s))
    }

    fn unanswered<T>(&self, kind: Kind, error: &dyn std::error::Error) -> Option<T> {
        let mut interval = self.interval.borrow_mut();
        interval.requests.entry(kind).or_default().unanswered += 1;
        interval.errors.note(|| {
            let cause = error.source().map(|cause| format!(": {cause}"));
            format!("{}: {error}{}", kind.name(), cause.unwrap_or_default())
        });
        None
    }

    /// Notes what must not happen.
    pub(crate) fn fault(&self, fault: Fault, detail: impl FnOnce() -> String) {
        let mut interval = self.interval.borrow_mut();
        interval.faults.entry(fault).or_default().note(detail);
    }

    /// Notes an answer that the contract does not have there.
    pub(crate) fn wrong(&self, kind: Kind, status: u16, detail: &str) {
        // A server may always be too busy, and then says so; that is counted, and no fault.
        if status != 503 {
            self.fault(Fault::WrongAnswer, || {
                format!("{}: {status} {detail}", kind.name())
            });
        }
    }
}
