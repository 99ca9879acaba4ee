//! Lanes: tonight's show never waits behind next year's tour, and next year's tour still moves.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::Band;
use crate::clock::Timestamp;

/// A pool of workers and the jobs that it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Queue {
    /// Tickets to render.
    Prints,
    /// Seating plans to render.
    Plans,
    /// Everything else.
    System,
}

/// How soon a job's result is wanted. Derived from the due time, so a job moves up by itself as
/// the show comes closer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Within a day.
    Imminent,
    /// Within two weeks.
    Soon,
    /// Later than that.
    Later,
}

impl Queue {
    /// Every queue.
    pub const ALL: [Self; 3] = [Self::Prints, Self::Plans, Self::System];

    /// As written in the ledger, in metrics and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prints => "prints",
            Self::Plans => "plans",
            Self::System => "system",
        }
    }

    /// Reads what [`Self::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|queue| queue.as_str() == text)
    }
}

impl Lane {
    /// Every lane, the most urgent first.
    pub const ALL: [Self; 3] = [Self::Imminent, Self::Soon, Self::Later];

    /// The lane of a job that is due at a moment.
    pub fn of(due_at: Timestamp, now: Timestamp) -> Self {
        if due_at < now + IMMINENT {
            return Self::Imminent;
        }
        if due_at < now + SOON {
            Self::Soon
        } else {
            Self::Later
        }
    }

    /// The due times that belong to this lane, of which at most `max` jobs are wanted.
    pub fn band(self, now: Timestamp, max: u32) -> Band {
        let (from, before) = match self {
            Self::Imminent => (Timestamp::MIN_UTC, now + IMMINENT),
            Self::Soon => (now + IMMINENT, now + SOON),
            Self::Later => (now + SOON, Timestamp::MAX_UTC),
        };
        Band {
            lane: self,
            from,
            before,
            max,
        }
    }

    /// As written in metrics, in the ledger and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Imminent => "imminent",
            Self::Soon => "soon",
            Self::Later => "later",
        }
    }

    /// Reads what [`Self::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lane| lane.as_str() == text)
    }
}

const IMMINENT: TimeDelta = TimeDelta::days(1);
const SOON: TimeDelta = TimeDelta::days(14);

/// Decides how many jobs of which lane a pool takes next.
///
/// Nine places of ten are for the upper lanes first. Every [`Rota::SHARE`]th is not: in turn it
/// goes to the lowest lane that has a job, and to the job that waits longest. Therefore
///
/// - a job waits for at most `2 × SHARE × (jobs that waited when it came + 1)` claims of its
///   queue, whatever arrives after it and however soon that is due;
/// - a job of the lowest lane waits for at most `2 × SHARE × (jobs of its lane before it + 1)`.
///
/// Each pool of a queue keeps a rota of its own and may be in the middle of it: with several,
/// another `2 × SHARE` claims for each. While a lane is paused, nothing is taken by age.
#[derive(Debug, Default)]
pub struct Rota {
    /// Jobs taken, modulo two shares.
    taken: u32,
    /// Of those kinds that are taken by themselves because there is a limit for them.
    kinds: BTreeMap<String, Self>,
}

/// The places that a pool has for its next jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// For those that wait longest.
    pub oldest: u32,
    /// For the lanes, in order.
    pub bands: Vec<Band>,
}

impl Rota {
    /// One job in so many does not go to the upper lanes first.
    pub const SHARE: u32 = 10;

    /// The rota of a kind that is taken by itself.
    pub fn of(&mut self, kind: &str) -> &mut Self {
        self.kinds.entry(kind.to_owned()).or_default()
    }

    /// What to claim for a pool with room for `free` jobs.
    pub fn places(&self, free: u32, now: Timestamp) -> Places {
        let until = self.taken + free;
        let oldest = until / (2 * Self::SHARE);
        let lowest = until / Self::SHARE - self.taken / Self::SHARE - oldest;
        let mut bands = Vec::with_capacity(5);
        if lowest > 0 {
            bands.push(Lane::Later.band(now, lowest));
            bands.push(Lane::Soon.band(now, lowest));
        }
        bands.extend(Lane::ALL.map(|lane| lane.band(now, free)));
        Places { oldest, bands }
    }

    /// Tells the rota how many jobs were taken after all.
    pub fn took(&mut self, jobs: u32) {
        self.taken = (self.taken + jobs) % (2 * Self::SHARE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;
    use crate::show::Showtime;

    fn now() -> Timestamp {
        from_micros(1_800_000_000_000_000)
    }

    #[test]
    fn lanes_cover_every_due_time_once() {
        for hours in [-100_000, -1, 0, 23, 24, 25, 14 * 24 - 1, 14 * 24, 100_000] {
            let due = now() + TimeDelta::hours(hours);
            let inside: Vec<_> = Lane::ALL
                .into_iter()
                .filter(|lane| {
                    let band = lane.band(now(), 1);
                    band.from <= due && due < band.before
                })
                .collect();
            assert_eq!(inside, [Lane::of(due, now())], "{hours} h");
        }
    }

    #[test]
    fn tonight_and_tomorrow_are_imminent_and_a_past_show_is_not() {
        let now = now();
        let lane = |days| {
            let show = Showtime::on(now.date_naive() + TimeDelta::days(days));
            Lane::of(show.due_at(now), now)
        };
        assert_eq!(lane(0), Lane::Imminent);
        assert_eq!(lane(1), Lane::Imminent);
        assert_eq!(lane(2), Lane::Soon);
        assert_eq!(lane(13), Lane::Soon);
        assert_eq!(lane(16), Lane::Later);
        assert_eq!(lane(-3), Lane::Later);
    }

    #[test]
    fn one_job_in_ten_comes_from_below_or_is_the_oldest_whatever_the_batch() {
        for batch in [1, 3, 10, 64] {
            let (mut rota, mut lowest, mut oldest, mut all) = (Rota::default(), 0, 0, 0);
            while all < 10_000 {
                let places = rota.places(batch, now());
                let first = places.bands[0];
                if first.lane == Lane::Later {
                    lowest += first.max;
                }
                oldest += places.oldest;
                all += batch;
                rota.took(batch);
            }
            for share in [lowest, oldest] {
                assert!(
                    share.abs_diff(all / Rota::SHARE / 2) <= 1,
                    "batch {batch}: {lowest} and {oldest} of {all}"
                );
            }
        }
    }

    #[test]
    fn a_lane_survives_being_written() {
        for lane in Lane::ALL {
            assert_eq!(Lane::parse(lane.as_str()), Some(lane));
        }
    }
}
