//! Seats that a process takes ahead of its callers while a crowd buys, so that most of them find
//! one here and wait for nobody.
//!
//! To others these seats look held. So a reserve is kept for a crowd only, is small against what is
//! left to sell, and goes back soon after the crowd has gone.

use std::collections::VecDeque;
use std::time::Duration;

use domain::ports::Epoch;
use domain::seat::SeatNo;

/// How long seats are kept that nobody asks for.
pub(super) const KEPT: Duration = Duration::from_millis(25);
/// Seats of one concert that a process keeps at most.
const SEATS_MAX: u32 = 512;
/// So many callers that wait for one round trip are a crowd.
const CROWD: usize = 8;
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
    /// A seat was taken since the last look at it.
    used: bool,
}

impl Reserve {
    /// Takes a seat, if there is one of the present epoch.
    pub(super) fn take(&mut self, random: u64, present: Option<Epoch>) -> Option<(SeatNo, Epoch)> {
        if self.epoch != present {
            self.clear();
        }
        let taken = (self.seats.pop_front()?, self.epoch?);
        self.random = random;
        self.used = true;
        Some(taken)
    }

    /// Whether it ought to be filled.
    pub(super) fn is_low(&self) -> bool {
        self.len() < self.size / 2
    }

    /// The seats that it lacks when so many callers wait and so many seats are unsold. That a
    /// crowd waits means that it was too small.
    pub(super) fn lacks(&mut self, callers: usize, unsold: u32) -> u32 {
        if callers >= CROWD {
            let callers = u32::try_from(callers).unwrap_or(SEATS_MAX);
            self.size = (self.size * 2).max(callers);
        }
        self.size = self.size.min(SEATS_MAX).min(unsold / UNSOLD_FOR_EACH);
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

    /// Makes do with what it has until the next crowd: who asked again for what cannot be had now
    /// would ask for ever.
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

    /// Gives all its seats back if none was taken since this was last asked.
    pub(super) fn retire(&mut self) -> Vec<(SeatNo, Epoch)> {
        if std::mem::take(&mut self.used) {
            return Vec::new();
        }
        self.size = 0;
        let seats = self.seats.drain(..);
        seats
            .zip(std::iter::repeat(self.epoch))
            .filter_map(|(seat, epoch)| Some((seat, epoch?)))
            .collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    fn len(&self) -> u32 {
        u32::try_from(self.seats.len()).expect("SEATS_MAX at most")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: Epoch = Epoch(7);

    fn seats(from: u32, count: u32) -> Vec<SeatNo> {
        (from..from + count).map(SeatNo).collect()
    }

    /// A reserve for a crowd of so many, full.
    fn filled(crowd: u32) -> Reserve {
        let mut reserve = Reserve::default();
        let lacked = reserve.lacks(crowd as usize, 1_000_000);
        assert_eq!(reserve.fill(seats(0, lacked), EPOCH, lacked), []);
        reserve
    }

    #[test]
    fn only_a_crowd_has_one() {
        assert_eq!(Reserve::default().lacks(7, 1_000_000), 0);
        assert_eq!(Reserve::default().lacks(8, 1_000_000), 8);
    }

    #[test]
    fn it_grows_as_long_as_a_crowd_finds_it_empty_but_not_for_ever() {
        let mut reserve = filled(100);
        while reserve.take(0, Some(EPOCH)).is_some() {}
        assert_eq!(reserve.lacks(8, 1_000_000), 200);
        assert_eq!(reserve.lacks(300, 1_000_000), 400);
        assert_eq!(reserve.lacks(300, 1_000_000), 512);
    }

    #[test]
    fn the_last_seats_are_not_kept() {
        let mut reserve = filled(100);
        while reserve.take(0, Some(EPOCH)).is_some() {}
        assert_eq!(reserve.lacks(100, 640), 10);
        assert_eq!(reserve.lacks(100, 63), 0);
        assert!(!reserve.is_low());
    }

    #[test]
    fn seats_are_taken_in_order_and_it_is_low_when_half_are_gone() {
        let mut reserve = filled(8);
        for seat in 0..4 {
            assert!(!reserve.is_low());
            assert_eq!(reserve.take(3, Some(EPOCH)), Some((SeatNo(seat), EPOCH)));
        }
        assert!(!reserve.is_low());
        reserve.take(3, Some(EPOCH));
        assert!(reserve.is_low());
        assert_eq!((reserve.lacks(0, 1_000_000), reserve.random), (5, 3));
    }

    #[test]
    fn what_cannot_be_had_is_not_asked_for_again() {
        let mut reserve = filled(8);
        while reserve.take(0, Some(EPOCH)).is_some() {}
        let lacked = reserve.lacks(0, 1_000_000);
        reserve.fill(seats(50, 2), EPOCH, lacked);
        assert!(!reserve.is_low());
        assert_eq!(reserve.lacks(0, 1_000_000), 0);
    }

    #[test]
    fn what_it_has_stays_when_more_cannot_be_had() {
        let mut reserve = filled(8);
        (0..6).for_each(|_| assert!(reserve.take(0, Some(EPOCH)).is_some()));
        assert!(reserve.is_low());
        reserve.give_up();
        assert!(!reserve.is_low());
        assert_eq!(reserve.take(0, Some(EPOCH)), Some((SeatNo(6), EPOCH)));
    }

    #[test]
    fn more_than_it_lacked_goes_back() {
        let mut reserve = Reserve::default();
        assert_eq!(reserve.fill(seats(5, 3), EPOCH, 0), seats(5, 3));
        assert!(reserve.is_empty());
    }

    #[test]
    fn seats_of_an_epoch_that_is_over_are_gone() {
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

    #[test]
    fn it_goes_back_once_nobody_takes_from_it() {
        let mut reserve = filled(8);
        reserve.take(0, Some(EPOCH));
        assert_eq!(reserve.retire(), []);
        assert_eq!(reserve.retire().len(), 7);
        assert!(reserve.is_empty() && !reserve.is_low());
    }
}
