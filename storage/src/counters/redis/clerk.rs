//! Who serves the callers of a desk.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use domain::ports::{CountersError, Epoch, Taken};
use domain::seat::SeatNo;
use futures::future::{FutureExt, join, join_all};
use tokio::sync::oneshot;

use super::desk::{Answer, Caller, Desk, Granted};
use super::known::Known;
use super::remote::Tally;
use crate::redis::Failure;

/// Callers that share a round trip.
const CALLERS_MAX: usize = 1_000;
/// Round trips for one group: others may empty the buckets that it looks at.
const ROUNDS_MAX: u32 = 16;

/// Serves the callers, group by group, until nobody waits. There is one at a time.
pub(super) struct Clerk {
    desk: Arc<Desk>,
    known: Option<Known>,
    done: bool,
}

/// What a clerk does next.
struct Group {
    callers: VecDeque<Caller>,
    unclaimed: Vec<(SeatNo, Epoch)>,
    settled: Vec<(Epoch, u32)>,
    told: Vec<oneshot::Sender<()>>,
}

/// What came of one round trip.
enum Round {
    Seats(Vec<SeatNo>, Epoch),
    /// Every caller gets this.
    None(Taken),
    /// Something was learnt.
    Again,
}

/// The tally after sold seats were settled, or why it is not known; nothing if none were.
type Settled = Option<Result<Tally, Failure>>;

impl Clerk {
    pub(super) fn new(desk: Arc<Desk>, known: Option<Known>) -> Self {
        Self {
            desk,
            known,
            done: false,
        }
    }

    pub(super) async fn work(mut self) {
        while let Some(group) = self.next_group() {
            let desk = Arc::clone(&self.desk);
            // Its answer serves the callers, too.
            let settling = settle(&desk, group.settled).shared();
            let told = async {
                join(settling.clone(), give_back(&desk, group.unclaimed)).await;
                for asked in group.told {
                    // Whoever asked may have gone.
                    let _ = asked.send(());
                }
            };
            join(told, self.serve_group(group.callers, settling.clone())).await;
        }
    }

    fn next_group(&mut self) -> Option<Group> {
        let mut state = self.desk.state();
        if state.has_no_work() {
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
            settled: state.take_unsettled(),
            told: std::mem::take(&mut state.told),
        })
    }

    async fn serve_group(
        &mut self,
        mut callers: VecDeque<Caller>,
        settling: impl Future<Output = Settled>,
    ) {
        let mut settling = Some(settling);
        for round in 0..ROUNDS_MAX {
            callers.retain(|caller| !caller.answer.is_closed());
            // Nobody waits for the reserve, so it is tried once.
            let ahead = if round == 0 {
                self.lacking(callers.len())
            } else {
                0
            };
            let random = match callers.front() {
                Some(first) => first.random,
                None if ahead > 0 => self.desk.state().reserve.random,
                None => return,
            };
            let wanted = ahead + u32::try_from(callers.len()).expect("at most CALLERS_MAX");
            let came = self.round(random, wanted, round > 0, settling.take()).await;
            if !matches!(came, Ok(Round::Seats(..))) && ahead > 0 {
                self.desk.state().reserve.give_up();
            }
            match came {
                Ok(Round::Seats(seats, epoch)) => {
                    self.hand_out(&mut callers, seats, epoch, ahead);
                }
                Ok(Round::None(Taken::Unknown)) => return ask_to_load(callers),
                Ok(Round::None(taken)) => return answer(callers, &Ok(taken)),
                Ok(Round::Again) => {}
                Err(failure) => return answer(callers, &Err(failure.into())),
            }
        }
        // Others were quicker every time; the callers may try again.
        answer(callers, &Ok(Taken::Held(1)));
    }

    /// What the reserve lacks when so many callers wait.
    fn lacking(&self, callers: usize) -> u32 {
        let unsold = self.known.as_ref().map_or(0, |known| known.tally.unsold());
        self.desk.state().reserve.lacks(callers, unsold)
    }

    async fn round(
        &mut self,
        random: u64,
        wanted: u32,
        careful: bool,
        settling: Option<impl Future<Output = Settled>>,
    ) -> Result<Round, Failure> {
        let (remote, concert) = (&self.desk.remote, self.desk.concert);
        let Some(known) = &mut self.known else {
            let tally = remote.tally(concert).await?;
            return Ok(self.begin(tally));
        };
        let recent = self.desk.recent_tally();
        let epoch = known.tally.epoch;
        let parts = known.divide(random, wanted, careful);
        let takes = parts
            .iter()
            .map(|&(bucket, wanted)| remote.take(concert, epoch, bucket, wanted));
        let look = async {
            // What was seen a moment ago will do as long as there are seats.
            if let Some(tally) = recent.filter(|_| !careful) {
                return Ok(Some(tally));
            }
            if let Some(settling) = settling
                && let Some(settled) = settling.await
            {
                return settled.map(Some);
            }
            let tally = remote.tally(concert).await?;
            tally.inspect(|tally| self.desk.has_seen(*tally));
            Ok(tally)
        };
        let (tally, portions) = join(look, join_all(takes)).await;

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

    /// To the callers first, then to the reserve.
    fn hand_out(
        &self,
        callers: &mut VecDeque<Caller>,
        seats: Vec<SeatNo>,
        epoch: Epoch,
        ahead: u32,
    ) {
        let mut seats = seats.into_iter();
        for seat in seats.by_ref().take(callers.len()) {
            let granted = Granted::new(seat, epoch, &self.desk);
            let caller = callers.pop_front().expect("no more seats than callers");
            // One that has gone drops the seat, which is thereby returned.
            let _ = caller.answer.send(Ok(Answer::Seat(granted)));
        }
        self.desk.keep(seats.collect(), epoch, ahead);
    }
}

impl Drop for Clerk {
    /// The runtime ended, or something panicked: the next caller gets another clerk.
    fn drop(&mut self) {
        if !self.done {
            let mut state = self.desk.state();
            state.serving = false;
            state.waiting.clear();
            state.told.clear();
        }
    }
}

/// Settles each epoch's seats with one command. Not tried again: if it had its effect after all,
/// another seat would look sold.
async fn settle(desk: &Desk, settled: Vec<(Epoch, u32)>) -> Settled {
    let mut last = None;
    for (epoch, seats) in settled {
        last = desk
            .remote
            .add(desk.concert, epoch, seats, 0)
            .await
            .inspect_err(|error| {
                tracing::warn!(%error, "sold seats could not be settled with the counters");
            })
            .transpose();
        if let Some(Ok(tally)) = &last {
            desk.has_seen(*tally);
        }
        desk.has_changed();
    }
    last
}

async fn give_back(desk: &Desk, unclaimed: Vec<(SeatNo, Epoch)>) {
    let mut epochs: BTreeMap<Epoch, Vec<SeatNo>> = BTreeMap::new();
    for (seat, epoch) in unclaimed {
        epochs.entry(epoch).or_default().push(seat);
    }
    for (epoch, seats) in epochs {
        if let Err(error) = desk.give_back(&seats, epoch).await {
            tracing::warn!(%error, "seats could not be given back");
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
