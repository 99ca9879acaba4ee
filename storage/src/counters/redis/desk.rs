//! Where the callers of one process that want a seat of one concert come together.
//!
//! Whoever comes while a round trip is under way waits for it to end and shares the next one, so
//! nobody waits for a timer and a crowd costs a few commands. While it lasts, seats are taken ahead
//! of it. A seat that was taken for a caller who has gone meanwhile is put back at once.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::ConcertId;
use domain::ports::{BucketPlan, CountersError, Epoch, Taken};
use domain::seat::SeatNo;
use futures::future::try_join_all;
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};

use super::clerk::Clerk;
use super::known::Known;
use super::remote::Remote;
use super::reserve::Reserve;
use super::settlement::{Seen, Unsettled};
use crate::redis::Failure;

/// Callers that may wait for a seat of one concert.
const WAITING_MAX: usize = 100_000;

/// One concert's desk.
pub(super) struct Desk {
    pub(super) concert: ConcertId,
    pub(super) remote: Arc<Remote>,
    pub(super) runtime: Handle,
    state: Mutex<State>,
    /// A seat was settled or returned.
    pub(super) changed: Notify,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) waiting: VecDeque<Caller>,
    /// Seats taken ahead; there are none while callers wait.
    pub(super) reserve: Reserve,
    /// Somebody sees to it that they go back.
    retiring: bool,
    /// Seats whose callers have gone.
    pub(super) unclaimed: Vec<(SeatNo, Epoch)>,
    /// Sold seats that Redis does not know of.
    pub(super) unsettled: Unsettled,
    /// Those who wait until it does.
    pub(super) told: Vec<oneshot::Sender<()>>,
    /// A clerk is at work.
    pub(super) serving: bool,
    /// What the last clerk knew.
    pub(super) known: Option<Known>,
    pub(super) seen: Option<Seen>,
    /// Those who wait for a change, and whether it is being looked for.
    pub(super) watchers: usize,
    pub(super) watching: bool,
}

pub(super) struct Caller {
    pub(super) random: u64,
    pub(super) answer: oneshot::Sender<Result<Answer, CountersError>>,
}

pub(super) enum Answer {
    Seat(Granted),
    None(Taken),
}

/// A seat on its way to its caller; returned if it never arrives.
pub(super) struct Granted {
    seat: SeatNo,
    epoch: Epoch,
    desk: Option<Arc<Desk>>,
}

impl Desk {
    /// A desk that works where the connection is served.
    pub(super) fn new(concert: ConcertId, remote: Arc<Remote>) -> Arc<Self> {
        Arc::new(Self {
            concert,
            runtime: remote.redis.runtime().clone(),
            remote,
            state: Mutex::default(),
            changed: Notify::new(),
        })
    }

    pub(super) async fn take(self: &Arc<Self>, random: u64) -> Result<Taken, CountersError> {
        if let Some((seat, epoch)) = self.take_reserved(random) {
            return Ok(Taken::Seat(seat, epoch));
        }
        let (answer, answered) = oneshot::channel();
        self.serve(|state| {
            // Beyond the limit the answer's end is dropped.
            if state.waiting.len() < WAITING_MAX {
                state.waiting.push_back(Caller { random, answer });
            }
        });
        match answered.await {
            Ok(Ok(Answer::Seat(granted))) => Ok(granted.claim()),
            Ok(Ok(Answer::None(taken))) => Ok(taken),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(CountersError(
                "too many callers wait, or the process ends".into(),
            )),
        }
    }

    fn take_reserved(self: &Arc<Self>, random: u64) -> Option<(SeatNo, Epoch)> {
        let mut state = self.state();
        let present = state.seen.map(|seen| seen.tally.epoch);
        let taken = state.reserve.take(random, present)?;
        if state.reserve.is_low() {
            self.call_clerk(state);
        }
        Some(taken)
    }

    /// Puts seats into the reserve, as many as it lacked.
    pub(super) fn keep(self: &Arc<Self>, seats: Vec<SeatNo>, epoch: Epoch, lacked: u32) {
        let mut state = self.state();
        let surplus = state.reserve.fill(seats, epoch, lacked);
        let surplus = surplus.into_iter().map(|seat| (seat, epoch));
        state.unclaimed.extend(surplus);
        if !state.reserve.is_empty() && !state.retiring {
            state.retiring = true;
            self.runtime.spawn(Arc::clone(self).retire_reserve());
        }
    }

    /// Puts back what is not used, until there is nothing more.
    async fn retire_reserve(self: Arc<Self>) {
        loop {
            let kept = self.state().reserve.kept();
            tokio::time::sleep(kept).await;
            let mut state = self.state();
            let unsold = state.unsold();
            let retired = state.reserve.retire(unsold);
            let retires = !state.reserve.is_empty();
            state.retiring = retires;
            if !retired.is_empty() {
                state.unclaimed.extend(retired);
                self.call_clerk(state);
            }
            if !retires {
                return;
            }
        }
    }

    /// Puts back what was taken ahead, and settles what was sold.
    pub(super) async fn close(self: &Arc<Self>) {
        let (told, closed) = oneshot::channel();
        {
            let mut state = self.state();
            let kept = state.reserve.empty();
            state.unclaimed.extend(kept);
            let has_told = state.unclaimed.is_empty() && state.unsettled.is_empty();
            if has_told && !state.serving {
                return;
            }
            state.told.push(told);
            self.call_clerk(state);
        }
        // If the clerk is gone there is nothing to wait for.
        let _ = closed.await;
    }

    /// Waits until everything is settled that was to be settled when this was called.
    pub(super) async fn is_settled(self: &Arc<Self>) {
        let (told, settled) = oneshot::channel();
        self.serve(|state| state.told.push(told));
        // If the clerk is gone there is nothing to wait for.
        let _ = settled.await;
    }

    /// Puts seats back, the seats of a bucket together.
    pub(super) async fn give_back(&self, seats: &[SeatNo], epoch: Epoch) -> Result<(), Failure> {
        let Some(plan) = self.plan(epoch).await? else {
            return Ok(());
        };
        let mut buckets: BTreeMap<u32, Vec<SeatNo>> = BTreeMap::new();
        for &seat in seats {
            buckets.entry(seat.0 / plan.width).or_default().push(seat);
        }
        let returns = buckets
            .iter()
            .map(|(&bucket, seats)| self.remote.give_back(self.concert, epoch, bucket, seats));
        let returned = try_join_all(returns).await;
        self.has_changed();
        returned.map(|_| ())
    }

    /// How an epoch's seats are cut; nothing if it is over.
    async fn plan(&self, epoch: Epoch) -> Result<Option<BucketPlan>, Failure> {
        let seen = self.state().seen.map(|seen| seen.tally);
        let tally = match seen.filter(|tally| tally.epoch == epoch) {
            Some(tally) => Some(tally),
            None => self.remote.tally(self.concert).await?,
        };
        Ok(tally
            .filter(|tally| tally.epoch == epoch)
            .map(|tally| tally.plan))
    }

    /// Leaves work for the clerk, and calls one if there is none.
    fn serve(self: &Arc<Self>, leave: impl FnOnce(&mut State)) {
        let mut state = self.state();
        leave(&mut state);
        self.call_clerk(state);
    }

    pub(super) fn call_clerk(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        if !state.serving {
            state.serving = true;
            let clerk = Clerk::new(Arc::clone(self), state.known.take());
            drop(state);
            self.runtime.spawn(clerk.work());
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub(super) fn has_no_work(&self) -> bool {
        self.waiting.is_empty()
            && self.unclaimed.is_empty()
            && !self.unsettled.is_due()
            && self.told.is_empty()
            && !self.reserve.is_low()
    }
}

impl Granted {
    pub(super) fn new(seat: SeatNo, epoch: Epoch, desk: &Arc<Desk>) -> Self {
        Self {
            seat,
            epoch,
            desk: Some(Arc::clone(desk)),
        }
    }

    fn claim(mut self) -> Taken {
        self.desk = None;
        Taken::Seat(self.seat, self.epoch)
    }
}

impl Drop for Granted {
    fn drop(&mut self) {
        if let Some(desk) = self.desk.take() {
            desk.serve(|state| state.unclaimed.push((self.seat, self.epoch)));
        }
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk")
            .field("concert", &self.concert)
            .finish_non_exhaustive()
    }
}
