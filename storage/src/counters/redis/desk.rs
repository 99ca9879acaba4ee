//! Where the callers of one process that want a seat of one concert come together.
//!
//! Whoever comes while a round trip is under way waits for it to end and shares the next one, so
//! nobody waits for a timer and a crowd costs a few commands. A seat that was taken for a caller
//! who has gone meanwhile is put back at once.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::ConcertId;
use domain::ports::{BucketPlan, CountersError, Epoch, Taken};
use domain::seat::SeatNo;
use futures::future::{join, join_all};
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};

use super::known::Known;
use super::remote::{Remote, Tally};
use crate::redis::Failure;

/// Callers that share a round trip.
const CALLERS_MAX: usize = 1_000;
/// Round trips for one group: others may empty the buckets that it looks at.
const ROUNDS_MAX: u32 = 16;

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
    waiting: VecDeque<Caller>,
    /// Seats whose callers have gone.
    unclaimed: Vec<(SeatNo, Epoch)>,
    /// A clerk is at work.
    serving: bool,
    /// What the last clerk knew.
    known: Option<Known>,
    pub(super) tally: Option<Tally>,
    /// Those who wait for a change, and whether it is being looked for.
    pub(super) watchers: usize,
    pub(super) watching: bool,
}

struct Caller {
    random: u64,
    answer: oneshot::Sender<Result<Answer, CountersError>>,
}

enum Answer {
    Seat(Granted),
    None(Taken),
}

/// A seat on its way to its caller; returned if it never arrives.
struct Granted {
    seat: SeatNo,
    epoch: Epoch,
    desk: Option<Arc<Desk>>,
}

impl Desk {
    /// A desk that works on the present runtime.
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
        let (answer, answered) = oneshot::channel();
        self.serve(|state| state.waiting.push_back(Caller { random, answer }));
        match answered.await {
            Ok(Ok(Answer::Seat(granted))) => Ok(granted.claim()),
            Ok(Ok(Answer::None(taken))) => Ok(taken),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(CountersError("the process is shutting down".into())),
        }
    }

    pub(super) async fn give_back(&self, seat: SeatNo, epoch: Epoch) -> Result<(), Failure> {
        if let Some(plan) = self.plan(epoch).await? {
            let bucket = seat.0 / plan.width;
            self.remote
                .give_back(self.concert, epoch, bucket, seat)
                .await?;
            self.has_changed();
        }
        Ok(())
    }

    /// How an epoch's seats are cut; nothing if it is over.
    async fn plan(&self, epoch: Epoch) -> Result<Option<BucketPlan>, Failure> {
        let seen = self.state().tally.filter(|tally| tally.epoch == epoch);
        let tally = match seen {
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
        if !state.serving {
            state.serving = true;
            let clerk = Clerk {
                known: state.known.take(),
                desk: Arc::clone(self),
                done: false,
            };
            drop(state);
            self.runtime.spawn(clerk.work());
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Granted {
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

/// Serves the callers, group by group, until nobody waits. There is one at a time.
struct Clerk {
    desk: Arc<Desk>,
    known: Option<Known>,
    done: bool,
}

/// What a clerk does next.
struct Group {
    callers: VecDeque<Caller>,
    unclaimed: Vec<(SeatNo, Epoch)>,
}

/// What came of one round trip.
enum Round {
    Seats(Vec<SeatNo>, Epoch),
    /// Every caller gets this.
    None(Taken),
    /// Something was learnt.
    Again,
}

impl Clerk {
    async fn work(mut self) {
        while let Some(group) = self.next_group() {
            join_all(group.unclaimed.iter().map(async |&(seat, epoch)| {
                if let Err(error) = self.desk.give_back(seat, epoch).await {
                    tracing::warn!(%error, "a seat could not be given back");
                }
            }))
            .await;
            self.serve_group(group.callers).await;
        }
    }

    fn next_group(&mut self) -> Option<Group> {
        let mut state = self.desk.state();
        if state.waiting.is_empty() && state.unclaimed.is_empty() {
            state.serving = false;
            state.known = self.known.take();
            self.done = true;
            return None;
        }
        let callers = state.waiting.len().min(CALLERS_MAX);
        let callers = state.waiting.drain(..callers).collect();
        Some(Group {
            callers,
            unclaimed: std::mem::take(&mut state.unclaimed),
        })
    }

    async fn serve_group(&mut self, mut callers: VecDeque<Caller>) {
        for round in 0..ROUNDS_MAX {
            callers.retain(|caller| !caller.answer.is_closed());
            let Some(first) = callers.front() else {
                return;
            };
            let wanted = u32::try_from(callers.len()).expect("at most CALLERS_MAX");
            match self.round(first.random, wanted, round > 0).await {
                Ok(Round::Seats(seats, epoch)) => self.hand_out(&mut callers, seats, epoch),
                Ok(Round::None(Taken::Unknown)) => return ask_to_load(callers),
                Ok(Round::None(taken)) => return answer(callers, &Ok(taken)),
                Ok(Round::Again) => {}
                Err(failure) => return answer(callers, &Err(failure.into())),
            }
        }
        // Others were quicker every time; the callers may try again.
        answer(callers, &Ok(Taken::Held(1)));
    }

    async fn round(&mut self, random: u64, wanted: u32, careful: bool) -> Result<Round, Failure> {
        let (remote, concert) = (&self.desk.remote, self.desk.concert);
        let Some(known) = &mut self.known else {
            let tally = remote.tally(concert).await?;
            return Ok(self.begin(tally));
        };
        let epoch = known.tally.epoch;
        let parts = known.divide(random, wanted, careful);
        let takes = parts
            .iter()
            .map(|&(bucket, wanted)| remote.take(concert, epoch, bucket, wanted));
        let (tally, portions) = join(remote.tally(concert), join_all(takes)).await;

        let (mut seats, mut incomplete) = (Vec::new(), false);
        for (&(bucket, _), portion) in parts.iter().zip(portions) {
            match portion {
                Ok(Some(portion)) => {
                    known.saw(bucket, portion.left);
                    seats.extend(portion.seats);
                }
                Ok(None) => incomplete = true,
                Err(failure) => known.missed(bucket, failure),
            }
        }
        match tally {
            Ok(Some(tally)) if tally.epoch == epoch => {
                known.heard(tally);
                self.desk.has_seen(tally);
            }
            // The seats are of an epoch that is over; the new one knows them as free or sold.
            Ok(tally) => return Ok(self.begin(tally)),
            Err(failure) if seats.is_empty() => return Err(failure),
            // Seats of an epoch that may be over: the ledger decides.
            Err(_) => {}
        }
        if incomplete {
            self.known = None;
            let gone = remote.condemn(concert, epoch).await?;
            return Ok(if gone {
                Round::None(Taken::Unknown)
            } else {
                Round::Again
            });
        }
        if !seats.is_empty() {
            return Ok(Round::Seats(seats, epoch));
        }
        if !known.is_empty() {
            return Ok(Round::Again);
        }
        match (known.tally.unsold(), &known.unreachable) {
            (0, _) => Ok(Round::None(Taken::SoldOut)),
            (_, Some(failure)) => Err(failure.clone()),
            (unsold, None) => Ok(Round::None(Taken::Held(unsold))),
        }
    }

    /// Begins with an epoch of which only the tally is known.
    fn begin(&mut self, tally: Option<Tally>) -> Round {
        self.known = tally.map(Known::new);
        match tally {
            Some(tally) => {
                self.desk.has_seen(tally);
                Round::Again
            }
            None => Round::None(Taken::Unknown),
        }
    }

    fn hand_out(&self, callers: &mut VecDeque<Caller>, seats: Vec<SeatNo>, epoch: Epoch) {
        for seat in seats {
            let granted = Granted {
                seat,
                epoch,
                desk: Some(Arc::clone(&self.desk)),
            };
            // Without a caller, or with one that has gone, it is dropped and thereby returned.
            if let Some(caller) = callers.pop_front() {
                let _ = caller.answer.send(Ok(Answer::Seat(granted)));
            }
        }
    }
}

impl Drop for Clerk {
    /// The runtime ended, or something panicked: the next caller gets another clerk.
    fn drop(&mut self) {
        if !self.done {
            let mut state = self.desk.state();
            state.serving = false;
            state.waiting.clear();
        }
    }
}

/// Has one caller load the concert. The others wait as for a settlement: a crowd that reads the
/// ledger at once would hold the sale up.
fn ask_to_load(mut callers: VecDeque<Caller>) {
    let one = callers.pop_front();
    answer(one.into_iter().collect(), &Ok(Taken::Unknown));
    answer(callers, &Ok(Taken::Held(1)));
}

fn answer(callers: VecDeque<Caller>, taken: &Result<Taken, CountersError>) {
    for caller in callers {
        let answer = taken.clone().map(Answer::None);
        // A caller that has gone does not want its answer.
        let _ = caller.answer.send(answer);
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk")
            .field("concert", &self.concert)
            .finish_non_exhaustive()
    }
}
