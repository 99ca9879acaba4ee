//! Seats that a process takes ahead of its callers while a crowd buys, so that most of them find
//! one here and wait for nobody.
//!
//! To others these seats look held. So a reserve is no larger than what a few seconds sell or than
//! the crowd that waits, is small against what is left to sell, and goes back soon after the buyers
//! have gone.

use std::collections::VecDeque;
use std::time::Duration;

use domain::ports::Epoch;
use domain::seat::SeatNo;
use tokio::time::Instant;

use super::settlement::MANY_UNSOLD;

/// Sales are counted by stretches of so long.
const STRETCH: Duration = Duration::from_secs(1);
/// So many stretches are foreseen while very many seats are unsold, if sales go on as they did;
/// half as many while many are, and then one, so that at the end a slow process keeps nothing for
/// longer than buyers wait elsewhere.
const STRETCHES_AHEAD: u32 = 4;
const VERY_MANY_UNSOLD: u32 = 2 * MANY_UNSOLD;
/// How long seats are kept at least that nobody asks for, and at most.
const KEPT_MIN: Duration = Duration::from_millis(25);
const KEPT_MAX: Duration = Duration::from_millis(500);
/// Seats of one concert that a process keeps at most.
const SEATS_MAX: u32 = 512;
/// So many callers that wait for one round trip are a crowd.
const CROWD: usize = 8;
/// So many seats in a stretch are worth a reserve, while many are left.
const WORTH: u32 = 4;
/// Of so many unsold seats one may be kept: the last ones stay where every process finds them.
const UNSOLD_FOR_EACH: u32 = 64;

/// The seats that one process keeps of one concert.
#[derive(Debug, Default)]
pub(super) struct Reserve {
    seats: VecDeque<SeatNo>,
    epoch: Option<Epoch>,
    /// The seats that it ought to have.
    size: u32,
    /// Chooses the bucket that it is filled from next.
    pub(super) random: u64,
    pace: Pace,
    /// A seat was taken since the last look at it.
    used: bool,
}

/// How fast seats are asked for: counted in stretches of [`STRETCH`].
#[derive(Debug, Default)]
struct Pace {
    began: Option<Instant>,
    seats: u32,
    before: u32,
}

impl Reserve {
    /// Takes a seat, if there is one of the present epoch.
    pub(super) fn take(&mut self, random: u64, present: Option<Epoch>) -> Option<(SeatNo, Epoch)> {
        if self.epoch != present {
            self.clear();
        }
        let taken = (self.seats.pop_front()?, self.epoch?);
        self.random = random;
        self.pace.count(1);
        self.used = true;
        Some(taken)
    }

    /// Whether it ought to be filled: half of it is used, and the rest does not last for half a
    /// stretch, which is many times as long as filling it takes.
    pub(super) fn is_low(&self) -> bool {
        self.len() < self.size.min(self.pace.lately()) / 2
    }

    /// The seats that it lacks when so many callers wait and so many seats are unsold. That a
    /// crowd waits means that it was too small.
    pub(super) fn lacks(&mut self, callers: usize, unsold: u32) -> u32 {
        let waiting = u32::try_from(callers).unwrap_or(SEATS_MAX);
        if callers > 0 {
            self.pace.count(waiting);
        }
        if callers >= CROWD {
            self.size = (self.size * 2).max(waiting);
        }
        // One that went back because nobody came is begun again by a buyer only, and one that could
        // not be filled is left alone until it is low again.
        let is_wanted = callers > 0 || self.is_low();
        let lately = self.pace.lately();
        if is_wanted && lately >= WORTH && unsold >= MANY_UNSOLD {
            self.size = self.size.max(self.pace.ahead(unsold));
        }
        self.size = self.size.min(most(unsold));
        self.size.saturating_sub(self.len())
    }

    /// Fills it with what came of asking for what it lacked. Gives back what it has no use for.
    pub(super) fn fill(
        &mut self,
        seats: impl IntoIterator<Item = SeatNo>,
        epoch: Epoch,
        lacked: u32,
    ) -> Vec<SeatNo> {
        if self.epoch != Some(epoch) {
            self.seats.clear();
            self.epoch = Some(epoch);
        }
        let before = self.len();
        let mut seats = seats.into_iter();
        self.seats.extend(seats.by_ref().take(lacked as usize));
        if self.len() - before < lacked {
            self.give_up();
        }
        seats.collect()
    }

    /// Makes do with what it has until somebody waits or it is low again: who asked again at
    /// once for what cannot be had would ask for ever.
    pub(super) fn give_up(&mut self) {
        self.size = self.len();
    }

    /// Forgets its seats, whose epoch is over.
    fn clear(&mut self) {
        *self = Self {
            random: self.random,
            ..Self::default()
        };
    }

    /// How long until it is looked at again: twice the time in which it ought to be used up.
    pub(super) fn kept(&self) -> Duration {
        let lately = self.pace.lately().max(1);
        (2 * STRETCH * self.size / lately).clamp(KEPT_MIN, KEPT_MAX)
    }

    /// Gives back all its seats if none was taken since this was last asked, else those that are
    /// too many for the present pace, or for what is unsold.
    pub(super) fn retire(&mut self, unsold: u32) -> Vec<(SeatNo, Epoch)> {
        self.size = if std::mem::take(&mut self.used) {
            self.size.min(self.pace.ahead(unsold)).min(most(unsold))
        } else {
            0
        };
        let kept = self.seats.len().min(self.size as usize);
        let seats = self.seats.drain(kept..);
        seats
            .zip(std::iter::repeat(self.epoch))
            .filter_map(|(seat, epoch)| Some((seat, epoch?)))
            .collect()
    }

    /// Gives all its seats back.
    pub(super) fn empty(&mut self) -> Vec<(SeatNo, Epoch)> {
        self.used = false;
        self.retire(0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    fn len(&self) -> u32 {
        u32::try_from(self.seats.len()).expect("SEATS_MAX at most")
    }
}

/// The largest reserve when so many seats are unsold.
fn most(unsold: u32) -> u32 {
    SEATS_MAX.min(unsold / UNSOLD_FOR_EACH)
}

impl Pace {
    fn count(&mut self, seats: u32) {
        let now = Instant::now();
        let passed = self.began.map(|began| now - began);
        if passed.is_some_and(|passed| passed < STRETCH) {
            self.seats = self.seats.saturating_add(seats);
            return;
        }
        let is_over = passed.is_none_or(|passed| passed >= 2 * STRETCH);
        self.before = if is_over { 0 } else { self.seats };
        (self.began, self.seats) = (Some(now), seats);
    }

    /// The seats that are foreseen to be sold.
    fn ahead(&self, unsold: u32) -> u32 {
        let stretches = match unsold {
            VERY_MANY_UNSOLD.. => STRETCHES_AHEAD,
            MANY_UNSOLD.. => STRETCHES_AHEAD / 2,
            _ => 1,
        };
        self.lately().saturating_mul(stretches)
    }

    /// The seats of the last whole stretch, or of the present one if they are more already.
    fn lately(&self) -> u32 {
        let passed = self.began.map_or(2 * STRETCH, |began| began.elapsed());
        match passed {
            passed if passed < STRETCH => self.before.max(self.seats),
            passed if passed < 2 * STRETCH => self.seats,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const EPOCH: Epoch = Epoch(7);

    fn seats(from: u32, count: u32) -> Vec<SeatNo> {
        (from..from + count).map(SeatNo).collect()
    }

    /// A reserve for a crowd of so many, full: with four times as many seats.
    fn filled(crowd: u32) -> Reserve {
        let mut reserve = Reserve::default();
        let lacked = reserve.lacks(crowd as usize, 1_000_000);
        assert_eq!(reserve.fill(seats(0, lacked), EPOCH, lacked), []);
        reserve
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_callers_have_none_and_a_crowd_has_one() {
        assert_eq!(Reserve::default().lacks(3, 1_000_000), 0);
        assert_eq!(Reserve::default().lacks(8, 1_000_000), 4 * 8);
        assert_eq!(Reserve::default().lacks(8, MANY_UNSOLD - 1), 8);
        assert_eq!(Reserve::default().lacks(7, VERY_MANY_UNSOLD), 4 * 7);
        assert_eq!(Reserve::default().lacks(7, MANY_UNSOLD), 2 * 7);
        assert_eq!(Reserve::default().lacks(7, MANY_UNSOLD - 1), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn single_callers_have_one_as_large_as_what_they_buy_in_four_seconds() {
        let mut reserve = Reserve::default();
        for _ in 0..3 {
            assert_eq!(reserve.lacks(1, 1_000_000), 0);
            advance(Duration::from_millis(40)).await;
        }
        assert_eq!(reserve.lacks(1, 1_000_000), 16);
        reserve.fill(seats(0, 16), EPOCH, 16);
        for _ in 0..300 {
            advance(Duration::from_millis(40)).await;
            let missed = usize::from(reserve.take(0, Some(EPOCH)).is_none());
            if missed > 0 || reserve.is_low() {
                let lacks = reserve.lacks(missed, 1_000_000);
                reserve.fill(seats(0, lacks), EPOCH, lacks);
            }
        }
        assert!((96..=104).contains(&reserve.size), "{}", reserve.size);
        assert_eq!(reserve.kept(), KEPT_MAX);
        advance(2 * STRETCH).await;
        reserve.retire(1_000_000);
        assert_eq!(reserve.lacks(1, 1_000_000), 0, "that was long ago");
    }

    #[tokio::test(start_paused = true)]
    async fn it_shrinks_when_fewer_buy() {
        let mut reserve = filled(100);
        assert_eq!(reserve.kept(), KEPT_MAX);
        (0..400).for_each(|_| assert!(reserve.take(0, Some(EPOCH)).is_some()));
        assert_eq!(reserve.lacks(0, 1_000_000), 512);
        reserve.fill(seats(400, 512), EPOCH, 512);
        advance(2 * STRETCH).await;
        reserve.take(0, Some(EPOCH));
        assert_eq!(
            reserve.retire(1_000_000).len(),
            507,
            "one a second, so four stay"
        );
        assert_eq!(reserve.retire(1_000_000).len(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn a_fast_crowds_is_looked_at_often() {
        let mut reserve = filled(512);
        for _ in 0..100 {
            while reserve.take(0, Some(EPOCH)).is_some() {}
            let lacks = reserve.lacks(8, 1_000_000);
            reserve.fill(seats(0, lacks), EPOCH, lacks);
        }
        assert_eq!((reserve.size, reserve.kept()), (512, KEPT_MIN));
    }

    #[tokio::test(start_paused = true)]
    async fn it_grows_as_long_as_a_crowd_finds_it_empty_but_not_for_ever() {
        let mut reserve = filled(10);
        reserve.seats.clear();
        assert_eq!(reserve.lacks(8, 1_000_000), 2 * 40);
        assert_eq!(reserve.lacks(8, 1_000_000), 4 * 40);
        assert_eq!(reserve.lacks(300, 1_000_000), 512);
        assert_eq!(reserve.lacks(300, 1_000_000), 512);
    }

    #[tokio::test(start_paused = true)]
    async fn it_shrinks_when_few_are_left() {
        let mut reserve = filled(100);
        reserve.take(0, Some(EPOCH));
        assert_eq!(reserve.retire(VERY_MANY_UNSOLD - 1).len(), 399 - 63);
        reserve.take(0, Some(EPOCH));
        assert_eq!(reserve.retire(640).len(), 62 - 10);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_seats_are_not_kept() {
        let mut reserve = filled(100);
        while reserve.take(0, Some(EPOCH)).is_some() {}
        assert_eq!(reserve.lacks(100, 640), 10);
        assert_eq!(reserve.lacks(100, 63), 0);
        assert!(!reserve.is_low());
    }

    #[tokio::test(start_paused = true)]
    async fn seats_are_taken_in_order_and_it_is_low_when_half_a_second_is_left() {
        let mut reserve = filled(8);
        for seat in 0..19 {
            assert!(!reserve.is_low());
            assert_eq!(reserve.take(3, Some(EPOCH)), Some((SeatNo(seat), EPOCH)));
        }
        assert!(!reserve.is_low());
        reserve.take(3, Some(EPOCH));
        assert!(reserve.is_low());
        assert!(reserve.lacks(0, 1_000_000) >= 5);
        assert_eq!(reserve.random, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_not_low_while_it_lasts() {
        let mut reserve = Reserve::default();
        (0..11).for_each(|_| reserve.pace.count(1));
        assert_eq!(reserve.lacks(1, 1_000_000), 48);
        reserve.fill(seats(0, 48), EPOCH, 48);
        (0..24).for_each(|_| assert!(reserve.take(0, Some(EPOCH)).is_some()));
        advance(2 * STRETCH).await;
        (0..16).for_each(|_| assert!(reserve.take(0, Some(EPOCH)).is_some()));
        assert!(!reserve.is_low(), "half of a second's sales are left");
        reserve.take(0, Some(EPOCH));
        assert!(reserve.is_low());
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_had_is_not_asked_for_again() {
        let mut reserve = filled(8);
        while reserve.take(0, Some(EPOCH)).is_some() {}
        let lacked = reserve.lacks(0, 1_000_000);
        reserve.fill(seats(50, 2), EPOCH, lacked);
        assert!(!reserve.is_low());
        assert_eq!(reserve.lacks(0, 1_000_000), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_it_has_stays_when_more_cannot_be_had() {
        let mut reserve = filled(8);
        (0..20).for_each(|_| assert!(reserve.take(0, Some(EPOCH)).is_some()));
        assert!(reserve.is_low());
        reserve.give_up();
        assert!(!reserve.is_low());
        assert_eq!(reserve.take(0, Some(EPOCH)), Some((SeatNo(20), EPOCH)));
    }

    #[tokio::test(start_paused = true)]
    async fn more_than_it_lacked_goes_back() {
        let mut reserve = Reserve::default();
        assert_eq!(reserve.fill(seats(5, 3), EPOCH, 0), seats(5, 3));
        assert!(reserve.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn seats_of_an_epoch_that_is_over_are_gone() {
        let mut reserve = filled(8);
        assert_eq!(reserve.take(0, Some(Epoch(8))), None);
        assert!(reserve.is_empty() && !reserve.is_low());
        let mut reserve = filled(8);
        reserve.fill(seats(90, 1), Epoch(8), 1);
        assert_eq!(
            reserve.take(0, Some(Epoch(8))),
            Some((SeatNo(90), Epoch(8)))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_not_begun_again_for_nobody() {
        let mut reserve = filled(100);
        reserve.take(0, Some(EPOCH));
        assert_eq!(reserve.retire(1_000_000), []);
        assert_eq!(reserve.retire(1_000_000).len(), 399);
        for _ in 0..4 {
            assert_eq!(reserve.lacks(0, 1_000_000), 0);
            advance(STRETCH / 4).await;
        }
        assert_eq!(
            reserve.lacks(1, 1_000_000),
            4 * 101,
            "who bought lately may be back"
        );
        assert_eq!(reserve.empty(), []);
        assert_eq!(reserve.lacks(0, 1_000_000), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn it_goes_back_once_nobody_takes_from_it() {
        let mut reserve = filled(8);
        reserve.take(0, Some(EPOCH));
        assert_eq!(reserve.retire(1_000_000), []);
        assert_eq!(reserve.retire(1_000_000).len(), 31, "nobody took one since");
        assert!(reserve.is_empty() && !reserve.is_low());
    }
}
