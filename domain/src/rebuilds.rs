//! Rebuilding seat counters beside the writing of sales, which found them wrong: neither the
//! callers of a group nor the next group wait for it.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::context::Parts;
use crate::ids::ConcertId;
use crate::ports::{BATCH_MAX, Epoch};
use crate::reconcile;

/// Rebuilds that may wait. The reconciler finds what was left out, as nothing moves there.
const WAITING_MAX: usize = 20_000;

/// For so long after a rebuild, a seat that was sold already is no sign of wrong counters: sales
/// that had their seats before are still under way, the rebuild took those for free, and they are
/// handed out again, once. To rebuild once more would do the same to the sales that are under way
/// by then, and so on for as long as the crowd stays.
const SETTLING: Duration = Duration::from_secs(10);

/// Why counters are to be rebuilt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Why {
    /// Nobody knows which of the seats in hand were sold.
    OutcomeUnknown,
    /// They handed out a seat that was not to be had.
    SeatLost,
}

/// Counters to be rebuilt, unless that was done since the epoch.
pub(crate) type Wrong = (ConcertId, Epoch, Why);

/// Takes orders to rebuild counters. The work ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Rebuilds(mpsc::Sender<Wrong>);

impl Rebuilds {
    /// Starts the work on a runtime.
    pub(crate) fn start(runtime: &Handle, parts: Arc<Parts>) -> Self {
        let (orders, mut waiting) = mpsc::channel(WAITING_MAX);
        runtime.spawn(async move {
            let (mut some, mut recent) = (Vec::new(), Recent::default());
            while waiting.recv_many(&mut some, BATCH_MAX).await > 0 {
                for (concert, epoch, why) in some.drain(..).collect::<HashSet<_>>() {
                    if why == Why::SeatLost && recent.has(concert) {
                        continue;
                    }
                    let rebuilding = reconcile::reload(&parts, concert, Some(epoch));
                    // The log has the panic; it must not end the work on other concerts.
                    match AssertUnwindSafe(rebuilding).catch_unwind().await {
                        Ok(Ok(())) => recent.add(concert),
                        Err(_) => {}
                        Ok(Err(error)) => {
                            tracing::warn!(
                                %error, concert.id = %concert,
                                "seat counters could not be rebuilt yet"
                            );
                        }
                    }
                }
            }
        });
        Self(orders)
    }

    /// Orders a rebuild.
    pub(crate) fn order(&self, wrong: Wrong) {
        if self.0.try_send(wrong).is_err() {
            tracing::debug!(concert.id = %wrong.0, "a rebuild is left to the reconciler");
        }
    }
}

/// Concerts whose counters were rebuilt here within [`SETTLING`].
#[derive(Debug, Default)]
struct Recent(HashMap<ConcertId, Instant>);

impl Recent {
    fn has(&self, concert: ConcertId) -> bool {
        let at = self.0.get(&concert);
        at.is_some_and(|at| at.elapsed() < SETTLING)
    }

    fn add(&mut self, concert: ConcertId) {
        if self.0.len() >= WAITING_MAX {
            self.0.retain(|_, at| at.elapsed() < SETTLING);
        }
        if self.0.len() >= WAITING_MAX {
            // Some are rebuilt once more than they need be.
            self.0.clear();
        }
        self.0.insert(concert, Instant::now());
    }
}
