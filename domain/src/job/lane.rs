//! Lanes: tonight's show never waits behind next year's tour, and next year's tour still moves.

use chrono::{NaiveDate, NaiveTime, TimeDelta};

use super::Band;
use crate::clock::Timestamp;

/// A pool of workers and the jobs that it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
        Band { from, before, max }
    }

    /// As written in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Imminent => "imminent",
            Self::Soon => "soon",
            Self::Later => "later",
        }
    }
}

const IMMINENT: TimeDelta = TimeDelta::days(1);
const SOON: TimeDelta = TimeDelta::days(14);

/// How far in the future the print for a show that is over is due: nobody waits at the door.
const OVER: TimeDelta = TimeDelta::days(3_650);

/// When the print for a show on that day is due: as the day begins. Venues have no time zone yet,
/// so a show counts as over only when its day has ended everywhere, 12 hours after UTC's.
pub fn deadline(date: NaiveDate, now: Timestamp) -> Timestamp {
    let begins = date.and_time(NaiveTime::MIN).and_utc();
    let over = now > begins + TimeDelta::hours(36);
    if over { now + OVER } else { begins }
}

/// Decides how many jobs of which lane a pool takes next.
///
/// Upper lanes first, but every [`Rota::SHARE`]th job is taken from the lowest lane upwards.
/// A waiting job of the lowest lane therefore waits for at most `SHARE × (jobs before it in its
/// own lane + 1)` jobs, whatever arrives above it.
#[derive(Debug, Default)]
pub struct Rota {
    since_share: u32,
}

impl Rota {
    /// One job in so many goes to the lower lanes first.
    pub const SHARE: u32 = 10;

    /// The bands to claim from, in order, for a pool with room for `free` jobs.
    pub fn bands(&mut self, free: u32, now: Timestamp) -> Vec<Band> {
        let shares = (self.since_share + free) / Self::SHARE;
        let mut bands = Vec::with_capacity(6);
        if shares > 0 {
            bands.push(Lane::Later.band(now, shares));
            bands.push(Lane::Soon.band(now, shares));
        }
        bands.extend(Lane::ALL.map(|lane| lane.band(now, free)));
        bands
    }

    /// Tells the rota how many jobs were taken after all.
    pub fn took(&mut self, jobs: u32) {
        self.since_share = (self.since_share + jobs) % Self::SHARE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;

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
        let lane = |days| Lane::of(deadline(now.date_naive() + TimeDelta::days(days), now), now);
        assert_eq!(lane(0), Lane::Imminent);
        assert_eq!(lane(1), Lane::Imminent);
        assert_eq!(lane(2), Lane::Soon);
        assert_eq!(lane(13), Lane::Soon);
        assert_eq!(lane(16), Lane::Later);
        assert_eq!(lane(-3), Lane::Later);
    }

    #[test]
    fn one_job_in_ten_comes_from_below_whatever_the_batch() {
        for batch in [1, 3, 10, 64] {
            let (mut rota, mut low, mut all) = (Rota::default(), 0, 0);
            while all < 10_000 {
                let first = rota.bands(batch, now())[0];
                let share = if first.from == Lane::Later.band(now(), 0).from {
                    first.max
                } else {
                    0
                };
                low += share;
                all += batch;
                rota.took(batch);
            }
            assert!(
                low.abs_diff(all / Rota::SHARE) <= 1,
                "batch {batch}: {low} of {all}"
            );
        }
    }
}
