//! What a venue says of a show beyond what every concert has: hours, terms and prices.

mod showtime;

use std::collections::BTreeMap;

use chrono::{MappedLocalTime, NaiveDateTime, NaiveTime, TimeZone as _};
use chrono_tz::Tz;

pub use self::showtime::{DueTimes, Showtime};

/// The most characters of the terms: as many as an A4 ticket has room for.
pub const TERMS_CHARS_MAX: usize = 4_000;
/// The most characters of a category's name or price.
pub const PRICE_CHARS_MAX: usize = 80;
/// Categories that may have a price.
pub const PRICES_MAX: usize = 64;

/// The hours, terms and prices of a concert. Nothing of it must be given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Show {
    /// When it begins on the concert's day, by the clocks of the venue.
    pub starts_at: Option<NaiveTime>,
    /// When the doors open, by the same clocks: the evening before, if that is a later hour than it
    /// begins (see [`crate::hours`]).
    pub doors_at: Option<NaiveTime>,
    /// Which clocks these are.
    pub time_zone: Option<TimeZone>,
    /// The conditions of sale.
    pub terms: Option<Terms>,
    /// What a seat costs, by the name of its category.
    pub prices: Prices,
}

/// A time zone of the IANA database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeZone(Tz);

/// How often the clocks of a zone show a time of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// They do not: they are put forward over it.
    Never,
    /// They do, as on all other days.
    Once,
    /// They show it, are put back and show it again.
    Twice,
}

/// A text of 1 to [`TERMS_CHARS_MAX`] characters without control characters but line breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms(String);

/// Up to [`PRICES_MAX`] prices: texts such as `€ 89.00` by the names of categories.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prices(BTreeMap<String, String>);

impl TimeZone {
    /// The zone of a name such as `Europe/Vienna`, in the spelling of the database.
    pub fn parse(name: &str) -> Option<Self> {
        name.parse().ok().map(Self)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// How often the clocks show this.
    pub fn read(self, at: NaiveDateTime) -> Reading {
        match self.0.offset_from_local_datetime(&at) {
            MappedLocalTime::None => Reading::Never,
            MappedLocalTime::Single(_) => Reading::Once,
            MappedLocalTime::Ambiguous(..) => Reading::Twice,
        }
    }
}

impl Terms {
    /// Accepts a text that can be printed below a ticket.
    pub fn parse(text: &str) -> Option<Self> {
        let length = text.chars().count();
        let printable = |c: char| c == '\n' || !c.is_control();
        ((1..=TERMS_CHARS_MAX).contains(&length) && text.chars().all(printable))
            .then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Prices {
    /// Accepts prices of which each, and each category, can be printed in a legend.
    pub fn parse(prices: impl IntoIterator<Item = (String, String)>) -> Option<Self> {
        let prices: BTreeMap<_, _> = prices.into_iter().collect();
        let printable = |text: &String| {
            (1..=PRICE_CHARS_MAX).contains(&text.chars().count())
                && !text.chars().any(char::is_control)
        };
        let fits = prices.len() <= PRICES_MAX
            && prices
                .iter()
                .all(|(category, price)| printable(category) && printable(price));
        fits.then_some(Self(prices))
    }

    /// Each category with its price, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(category, price)| (category.as_str(), price.as_str()))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Reads a time of day: `HH:MM` and nothing else.
pub fn parse_time(text: &str) -> Option<NaiveTime> {
    let plain = |at: usize, byte: u8| {
        if at == 2 {
            byte == b':'
        } else {
            byte.is_ascii_digit()
        }
    };
    let well_formed = text.len() == 5 && text.bytes().enumerate().all(|(at, b)| plain(at, b));
    well_formed
        .then(|| NaiveTime::parse_from_str(text, "%H:%M").ok())
        .flatten()
}

/// Writes what [`parse_time`] reads.
pub fn time_text(time: NaiveTime) -> String {
    time.format("%H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_two_digits_and_are_of_a_day() {
        for time in ["00:00", "19:30", "23:59"] {
            assert_eq!(time_text(parse_time(time).unwrap()), time);
        }
        for wrong in [
            "24:00", "9:30", "19.30", "19:60", "19:30:00", " 19:3", "+9:30", "",
        ] {
            assert_eq!(parse_time(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn zones_are_those_of_the_database() {
        for name in ["Europe/Vienna", "America/Argentina/Buenos_Aires", "UTC"] {
            assert_eq!(TimeZone::parse(name).unwrap().name(), name);
        }
        for wrong in ["Europe/Wien", "europe/vienna", "CEST", "+02:00", ""] {
            assert_eq!(TimeZone::parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn terms_and_prices_are_short_and_printable() {
        assert!(Terms::parse("No refunds.\nNo cameras.").is_some());
        assert!(Terms::parse(&"東".repeat(TERMS_CHARS_MAX)).is_some());
        for wrong in ["", "a\0", &"x".repeat(TERMS_CHARS_MAX + 1)] {
            assert_eq!(Terms::parse(wrong), None);
        }
        let price =
            |category: &str, price: &str| Prices::parse([(category.to_owned(), price.to_owned())]);
        assert!(price("Stalls", "€ 89.00").is_some());
        let long = "x".repeat(PRICE_CHARS_MAX + 1);
        for (category, text) in [("", "1"), ("a", ""), ("a\n", "1"), ("a", &long)] {
            assert_eq!(price(category, text), None, "{category:?} {text:?}");
        }
        let many = (0..=PRICES_MAX).map(|n| (n.to_string(), "1".to_owned()));
        assert_eq!(Prices::parse(many), None);
    }
}
