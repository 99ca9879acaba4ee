//! Whether the hours of a show can be meant: its venue's clocks show them on its day, once, and the
//! doors open before it begins.

use std::fmt;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

use crate::show::{Reading, Show, TimeZone};

/// The longest time from the doors of the evening before to the start: more is a slip of the pen.
pub const DOORS_BEFORE_MAX: TimeDelta = TimeDelta::hours(12);

/// The farthest that a neighbouring hour is looked for: zones have skipped a whole day.
const LOOK_MAX: TimeDelta = TimeDelta::days(3);

/// Why the hours of a show cannot be printed on its tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongHours {
    /// What is wrong.
    pub part: Part,
    /// The moment that was meant, by the venue's clocks.
    at: NaiveDateTime,
    why: Why,
}

/// A part of what is said of a show's hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// When it begins.
    Start,
    /// When the doors open.
    Doors,
    /// The zone, whose calendar does not have the concert's day.
    Zone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// The clocks are put forward over it.
    Skipped(TimeZone, Nearest),
    /// The clocks are put back and show it again.
    Twice(TimeZone, Nearest),
    /// The doors open after the start, at this time, or too long before it.
    Apart(NaiveTime),
}

/// The last moment before and the first one after that the clocks show once, if there are any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Nearest([Option<NaiveDateTime>; 2]);

/// Looks whether a show on `date` can have these hours.
pub fn check(show: &Show, date: NaiveDate) -> Result<(), WrongHours> {
    let doors = show
        .doors_at
        .map(|doors_at| doors_on(date, show.starts_at, doors_at).and_time(doors_at));
    if let (Some(doors), Some(starts_at)) = (doors, show.starts_at)
        && doors.date() != date
        && date.and_time(starts_at) - doors > DOORS_BEFORE_MAX
    {
        return Err(WrongHours {
            part: Part::Doors,
            at: date.and_time(doors.time()),
            why: Why::Apart(starts_at),
        });
    }
    let Some(zone) = show.time_zone else {
        return Ok(());
    };
    check_day(zone, date)?;
    if let Some(starts_at) = show.starts_at {
        check_clock(zone, date.and_time(starts_at), Part::Start)?;
    }
    doors.map_or(Ok(()), |doors| check_clock(zone, doors, Part::Doors))
}

/// The day on which the doors open for a show on `date`: the evening before, if they open at a later
/// hour than it begins.
pub fn doors_on(date: NaiveDate, starts_at: Option<NaiveTime>, doors_at: NaiveTime) -> NaiveDate {
    let before = starts_at.is_some_and(|starts_at| doors_at > starts_at);
    before.then(|| date.pred_opt()).flatten().unwrap_or(date)
}

/// No zone skips half a day, so a day without its noon and its last minute is not there at all.
fn check_day(zone: TimeZone, date: NaiveDate) -> Result<(), WrongHours> {
    let noon = date.and_time(NaiveTime::MIN) + TimeDelta::hours(12);
    let last = noon + TimeDelta::minutes(12 * 60 - 1);
    if [noon, last].map(|at| zone.read(at)) != [Reading::Never; 2] {
        return Ok(());
    }
    Err(WrongHours {
        part: Part::Zone,
        at: noon,
        why: Why::Skipped(zone, nearest(zone, noon)),
    })
}

fn check_clock(zone: TimeZone, at: NaiveDateTime, part: Part) -> Result<(), WrongHours> {
    let why = match zone.read(at) {
        Reading::Once => return Ok(()),
        Reading::Never => Why::Skipped(zone, nearest(zone, at)),
        Reading::Twice => Why::Twice(zone, nearest(zone, at)),
    };
    Err(WrongHours { part, at, why })
}

fn nearest(zone: TimeZone, at: NaiveDateTime) -> Nearest {
    let look = |step: i64| {
        let steps = (1..=LOOK_MAX.num_minutes()).map(|minute| TimeDelta::minutes(step * minute));
        let mut moments = steps.map_while(|away| at.checked_add_signed(away));
        moments.find(|moment| zone.read(*moment) == Reading::Once)
    };
    Nearest([look(-1), look(1)])
}

impl fmt::Display for WrongHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (day, time) = (self.at.date(), self.at.format("%H:%M"));
        match self.part {
            Part::Start => write!(f, "the show would begin at {time} on {day}, ")?,
            Part::Doors => write!(f, "the doors would open at {time} on {day}, ")?,
            Part::Zone => write!(f, "the show would be on {day}, ")?,
        }
        match self.why {
            Why::Skipped(zone, nearest) if self.part == Part::Zone => {
                write!(f, "a day that the calendar of {} skips; ", zone.name())?;
                let days = nearest.0.into_iter().flatten();
                list(
                    f,
                    "the nearest days that exist are",
                    days.map(|at| at.date()),
                )
            }
            Why::Skipped(zone, nearest) => {
                write!(f, "an hour that the clocks of {} skip; ", zone.name())?;
                self.list(f, "the nearest hours that exist are", nearest)
            }
            Why::Twice(zone, nearest) => {
                write!(f, "an hour that the clocks of {} show twice; ", zone.name())?;
                self.list(f, "the nearest hours that they show once are", nearest)
            }
            Why::Apart(starts_at) => write!(
                f,
                "after the start at {}; doors that open the evening before do so at most {} hours \
                 before the start",
                starts_at.format("%H:%M"),
                DOORS_BEFORE_MAX.num_hours()
            ),
        }
    }
}

impl std::error::Error for WrongHours {}

impl WrongHours {
    /// Names the hours, with their day where it is another one.
    fn list(
        &self,
        f: &mut fmt::Formatter<'_>,
        what: &str,
        Nearest(nearest): Nearest,
    ) -> fmt::Result {
        let day = self.at.date();
        let written = nearest.into_iter().flatten().map(|at| {
            let form = if at.date() == day {
                "%H:%M"
            } else {
                "%Y-%m-%d %H:%M"
            };
            at.format(form)
        });
        list(f, what, written)
    }
}

fn list<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    items: impl Iterator<Item = T>,
) -> fmt::Result {
    f.write_str(what)?;
    for (index, item) in items.enumerate() {
        let joint = if index == 0 { "" } else { " and" };
        write!(f, "{joint} {item}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::concert::parse_date;
    use crate::show::parse_time;

    fn said(date: &str, starts: &str, doors: &str, zone: &str) -> Result<(), (Part, String)> {
        let show = Show {
            starts_at: parse_time(starts),
            doors_at: parse_time(doors),
            time_zone: TimeZone::parse(zone),
            ..Show::default()
        };
        check(&show, parse_date(date).unwrap()).map_err(|wrong| (wrong.part, wrong.to_string()))
    }

    #[test]
    fn hours_that_clocks_skip_or_show_twice_are_told_with_the_nearest() {
        for (date, hour, zone, why) in [
            (
                "2027-03-28",
                "02:30",
                "Europe/Vienna",
                "skip; 01:59 and 03:00",
            ),
            (
                "2026-10-25",
                "02:30",
                "Europe/Vienna",
                "show twice; 01:59 and 03:00",
            ),
            (
                "2026-10-25",
                "02:00",
                "Europe/Vienna",
                "show twice; 01:59 and 03:00",
            ),
            (
                "2026-10-04",
                "02:15",
                "Australia/Lord_Howe",
                "skip; 01:59 and 02:30",
            ),
            (
                "2027-04-04",
                "01:45",
                "Australia/Lord_Howe",
                "show twice; 01:29 and 02:00",
            ),
            (
                "2026-03-29",
                "00:30",
                "Asia/Beirut",
                "skip; 2026-03-28 23:59 and 01:00",
            ),
        ] {
            for part in [Part::Start, Part::Doors] {
                let (starts, doors) = match part {
                    Part::Start => (hour, ""),
                    _ => ("", hour),
                };
                let (found, words) = said(date, starts, doors, zone).unwrap_err();
                assert_eq!(found, part, "{words}");
                let (how, nearest) = why.split_once("; ").unwrap();
                assert!(
                    words.contains(&format!("clocks of {zone} {how}; ")),
                    "{words}"
                );
                assert!(words.ends_with(&format!(" are {nearest}")), "{words}");
            }
        }
        for (hour, zone) in [
            ("01:59", "Europe/Vienna"),
            ("03:00", "Europe/Vienna"),
            ("02:30", "UTC"),
            ("02:30", ""),
        ] {
            assert_eq!(
                said("2027-03-28", hour, hour, zone),
                Ok(()),
                "{hour} {zone}"
            );
        }
    }

    #[test]
    fn day_that_a_zone_skips_is_no_day_for_a_show() {
        let zone = "Pacific/Apia";
        for (starts, doors) in [("", ""), ("20:00", "19:00"), ("00:00", "")] {
            let (part, words) = said("2011-12-30", starts, doors, zone).unwrap_err();
            assert_eq!(part, Part::Zone);
            assert!(words.ends_with(" are 2011-12-29 and 2011-12-31"), "{words}");
        }
        // The evening before is the skipped day.
        let (part, words) = said("2011-12-31", "00:30", "23:30", zone).unwrap_err();
        assert_eq!(part, Part::Doors);
        let nearest = "2011-12-29 23:59 and 2011-12-31 00:00";
        assert!(words.ends_with(&format!(" are {nearest}")), "{words}");
        assert_eq!(said("2011-12-29", "20:00", "19:00", zone), Ok(()));
    }

    #[test]
    fn doors_later_than_the_start_belong_to_the_evening_before() {
        let day = |text| parse_date(text).unwrap();
        let on = |starts, doors| {
            doors_on(
                day("2027-01-01"),
                parse_time(starts),
                parse_time(doors).unwrap(),
            )
        };
        assert_eq!(on("00:30", "23:30"), day("2026-12-31"));
        for (starts, doors) in [("19:30", "18:45"), ("19:30", "19:30"), ("", "23:30")] {
            assert_eq!(on(starts, doors), day("2027-01-01"), "{starts} {doors}");
        }
        for (starts, doors) in [
            ("00:30", "23:30"),
            ("00:30", "12:30"),
            ("19:30", "19:30"),
            ("22:00", "06:00"),
        ] {
            assert_eq!(said("2027-01-01", starts, doors, "Asia/Tokyo"), Ok(()));
        }
        for (starts, doors) in [("19:30", "20:30"), ("00:30", "12:29")] {
            let (part, words) = said("2027-01-01", starts, doors, "").unwrap_err();
            assert_eq!(part, Part::Doors);
            assert!(words.contains(&format!(
                "{doors} on 2027-01-01, after the start at {starts}"
            )));
            assert!(words.contains("12 hours"), "{words}");
        }
    }

    #[test]
    fn clocks_of_the_evening_before_count_for_the_doors() {
        // At midnight the clocks of Beirut are put forward by an hour.
        assert_eq!(said("2026-03-29", "01:30", "23:30", "Asia/Beirut"), Ok(()));
        // Those of Havana show the hour before one twice.
        let (part, words) = said("2026-11-01", "01:30", "00:30", "America/Havana").unwrap_err();
        assert_eq!(part, Part::Doors, "{words}");
    }

    #[test]
    fn ends_of_the_calendar_do_no_harm() {
        for date in ["0000-01-01", "9999-12-31"] {
            for zone in ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Africa/Cairo"] {
                let _ = said(date, "00:00", "23:59", zone);
            }
        }
    }
}
