//! When a show begins and when it is over, as far as that is known: how urgent its prints are.

use chrono::{MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _, Utc};

use super::{Show, TimeZone};
use crate::clock::Timestamp;

/// How far in the future the print for a show that is over is due: nobody waits at the door.
const OVER: TimeDelta = TimeDelta::days(3_650);

/// How long after it began a show is not over yet, whatever the day.
const LASTS: TimeDelta = TimeDelta::hours(6);

/// How long after its day begins in UTC that day has ended everywhere.
const DAY_EVERYWHERE: TimeDelta = TimeDelta::hours(36);

/// The longest time that clocks are put forward at once, and more: zones have skipped a day.
const SKIPPED_MAX: TimeDelta = TimeDelta::hours(25);

/// Half-open intervals of due times.
pub type DueTimes = Vec<(Timestamp, Timestamp)>;

/// What is known of the time of a show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Showtime {
    /// The concert's day, by the calendar of its venue.
    pub date: NaiveDate,
    /// When it begins on that day, by the clocks of the venue.
    pub starts_at: Option<NaiveTime>,
    /// Which clocks these are.
    pub time_zone: Option<TimeZone>,
}

impl Showtime {
    /// Of a show of which nothing is known but its day.
    pub fn on(date: NaiveDate) -> Self {
        Self {
            date,
            starts_at: None,
            time_zone: None,
        }
    }

    /// Of what a venue says of a show on that day.
    pub fn of(date: NaiveDate, show: &Show) -> Self {
        Self {
            date,
            starts_at: show.starts_at,
            time_zone: show.time_zone,
        }
    }

    /// When it begins: that very moment, if hour and zone are known, or else as its day begins
    /// there. Without a zone as the day begins in UTC.
    pub fn begins(&self) -> Timestamp {
        let starts_at = self.starts_at.unwrap_or(NaiveTime::MIN);
        match self.time_zone {
            Some(zone) => zone.moment(self.date.and_time(starts_at)),
            None => self.date.and_time(NaiveTime::MIN).and_utc(),
        }
    }

    /// When nobody comes any more: at the end of its day there, or some hours after it began, if
    /// that is later. Without a zone when its day has ended everywhere.
    pub fn ends(&self) -> Timestamp {
        let Some(zone) = self.time_zone else {
            return self.begins() + DAY_EVERYWHERE;
        };
        let next_day = self.date.succ_opt().unwrap_or(self.date);
        let day_ends = zone.moment(next_day.and_time(NaiveTime::MIN));
        let lasts_until = self.starts_at.map(|_| self.begins() + LASTS);
        lasts_until.map_or(day_ends, |until| until.max(day_ends))
    }

    /// When a print for it is due that is wanted now: as it begins, and much later once it is over.
    pub fn due_at(&self, now: Timestamp) -> Timestamp {
        if now > self.ends() {
            now + OVER
        } else {
            self.begins()
        }
    }

    /// Whether this is a due time of a print that was ordered after the show.
    pub fn is_late(&self, due_at: Timestamp) -> bool {
        due_at >= self.ends() + OVER
    }

    /// All due times that prints for it may have, whenever and by whatever clock they were ordered:
    /// the first interval is a single moment. One more is there for prints that were ordered before
    /// hour and zone counted.
    pub fn due_times(&self) -> DueTimes {
        let moment = |at: Timestamp| (at, at + TimeDelta::microseconds(1));
        let day = Self::on(self.date);
        let mut times = vec![moment(self.begins())];
        if day.begins() != self.begins() {
            times.push(moment(day.begins()));
        }
        times.push((self.ends().min(day.ends()) + OVER, Timestamp::MAX_UTC));
        times
    }
}

impl TimeZone {
    /// The moment at which the clocks of the zone show this: the first one if they show it twice. If
    /// they are put forward over it, the moment at which they would show it if they were not.
    fn moment(self, at: NaiveDateTime) -> Timestamp {
        match self.0.from_local_datetime(&at) {
            MappedLocalTime::Single(moment) | MappedLocalTime::Ambiguous(moment, _) => {
                moment.with_timezone(&Utc)
            }
            // What the clocks showed a while before tells by how much they differ from UTC.
            MappedLocalTime::None => {
                let before = at.checked_sub_signed(SKIPPED_MAX).unwrap_or(at);
                let before_utc = self.0.from_local_datetime(&before).earliest();
                before_utc.map_or_else(
                    || at.and_utc(),
                    |moment| moment.with_timezone(&Utc) + (at - before),
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::concert::parse_date;
    use crate::job::Lane;
    use crate::show::parse_time;

    fn show(date: &str, starts: &str, zone: &str) -> Showtime {
        Showtime {
            date: parse_date(date).unwrap(),
            starts_at: parse_time(starts),
            time_zone: TimeZone::parse(zone),
        }
    }

    fn utc(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_show_begins_at_its_hour_by_the_clocks_of_its_venue() {
        for (date, starts, zone, begins, ends) in [
            (
                "2027-07-01",
                "19:30",
                "Europe/Vienna",
                "2027-07-01T17:30:00Z",
                "2027-07-01T23:30:00Z",
            ),
            (
                "2027-07-01",
                "10:00",
                "Europe/Vienna",
                "2027-07-01T08:00:00Z",
                "2027-07-01T22:00:00Z",
            ),
            (
                "2027-07-01",
                "23:00",
                "Asia/Tokyo",
                "2027-07-01T14:00:00Z",
                "2027-07-01T20:00:00Z",
            ),
            (
                "2027-07-01",
                "",
                "Asia/Tokyo",
                "2027-06-30T15:00:00Z",
                "2027-07-01T15:00:00Z",
            ),
            (
                "2027-07-01",
                "",
                "Pacific/Pago_Pago",
                "2027-07-01T11:00:00Z",
                "2027-07-02T11:00:00Z",
            ),
            // Nobody knows whose clocks are meant.
            (
                "2027-07-01",
                "19:30",
                "",
                "2027-07-01T00:00:00Z",
                "2027-07-02T12:00:00Z",
            ),
            (
                "2027-07-01",
                "",
                "",
                "2027-07-01T00:00:00Z",
                "2027-07-02T12:00:00Z",
            ),
            // The clocks are put forward over it, and back.
            (
                "2027-03-28",
                "02:30",
                "Europe/Vienna",
                "2027-03-28T01:30:00Z",
                "2027-03-28T22:00:00Z",
            ),
            (
                "2026-10-25",
                "02:30",
                "Europe/Vienna",
                "2026-10-25T00:30:00Z",
                "2026-10-25T23:00:00Z",
            ),
        ] {
            let show = show(date, starts, zone);
            assert_eq!(show.begins(), utc(begins), "{show:?}");
            assert_eq!(show.ends(), utc(ends), "{show:?}");
        }
    }

    #[test]
    fn prints_are_due_as_the_show_begins_and_late_once_it_is_over() {
        let show = show("2027-07-01", "19:30", "Europe/Vienna");
        for (now, lane) in [
            ("2027-06-30T17:30:00Z", Lane::Soon),
            ("2027-06-30T17:30:01Z", Lane::Imminent),
            ("2027-07-01T23:30:00Z", Lane::Imminent),
            ("2027-07-01T23:30:01Z", Lane::Later),
        ] {
            let now = utc(now);
            assert_eq!(Lane::of(show.due_at(now), now), lane, "{now}");
        }
    }

    #[test]
    fn every_due_time_that_a_print_may_have_is_in_one_interval() {
        for show in [
            show("2027-07-01", "19:30", "Europe/Vienna"),
            show("2027-07-01", "23:30", "Pacific/Pago_Pago"),
            show("2027-07-01", "", "Pacific/Kiritimati"),
            show("2027-07-01", "", ""),
        ] {
            let times = show.due_times();
            for hours in -1_000..1_000 {
                let asked_at = show.begins() + TimeDelta::hours(hours);
                for known in [show, Showtime::on(show.date)] {
                    let due_at = known.due_at(asked_at);
                    let inside = times
                        .iter()
                        .filter(|(from, before)| *from <= due_at && due_at < *before);
                    assert_eq!(inside.count(), 1, "{known:?}, asked {hours} h after");
                }
            }
        }
    }

    #[test]
    fn ends_of_the_calendar_do_no_harm() {
        for date in ["0000-01-01", "9999-12-31"] {
            for zone in [
                "Pacific/Kiritimati",
                "Pacific/Pago_Pago",
                "Africa/Cairo",
                "",
            ] {
                let show = show(date, "23:59", zone);
                assert!(show.begins() < show.ends());
                assert_eq!(show.due_times().last().unwrap().1, Timestamp::MAX_UTC);
            }
        }
        let skipped = show("2011-12-30", "20:00", "Pacific/Apia");
        assert!(skipped.begins() < skipped.ends());
    }
}
