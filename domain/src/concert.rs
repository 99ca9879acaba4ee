//! A concert as the ledger knows it, and what may be said about one.

use std::fmt;

use chrono::NaiveDate;

use crate::clock::Timestamp;
use crate::ids::{ConcertId, LayoutId};

/// The most characters of a concert's name or venue.
pub const NAME_CHARS_MAX: usize = 1_000;

/// A concert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concert {
    /// Its id.
    pub id: ConcertId,
    /// What is played.
    pub name: Name,
    /// Where it is played.
    pub venue: Name,
    /// The day of the show, by the venue's calendar.
    pub date: NaiveDate,
    /// Seats, 0 to [`crate::seat::CAPACITY_MAX`]. Never changes.
    pub capacity: u32,
    /// How the house is seated; `None` for plain rows. Never changes.
    pub layout_id: Option<LayoutId>,
    /// What the venue set. What is shown also depends on the sale: see [`Offer::status`].
    pub status: Status,
    /// 1 at creation, one more with every accepted change. Prints and plans carry it.
    pub version: u32,
    /// When it was created.
    pub created_at: Timestamp,
}

/// What a venue says of its concert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// On sale.
    Active,
    /// Will not take place.
    Cancelled,
    /// The venue closed the sale, or (shown only) no seat is left.
    SoldOut,
}

/// A text of 1 to [`NAME_CHARS_MAX`] characters without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name(String);

/// Why a text is not a [`Name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// No character at all.
    #[error("must not be empty")]
    Empty,
    /// More than [`NAME_CHARS_MAX`] characters.
    #[error("must have at most 1,000 characters")]
    TooLong,
    /// A character that cannot be printed, such as a line break or NUL.
    #[error("must not contain control characters")]
    Control,
}

/// The parts of a concert that a venue wants to change; `None` leaves a part as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// A new name.
    pub name: Option<Name>,
    /// A new venue.
    pub venue: Option<Name>,
    /// A new day.
    pub date: Option<NaiveDate>,
    /// A new status.
    pub status: Option<Status>,
}

/// A concert together with how much of it is sold, both of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The concert.
    pub concert: Concert,
    /// Tickets in the ledger.
    pub sold: u32,
}

impl Concert {
    /// The concert after a change, one version on.
    #[must_use]
    pub fn changed(&self, change: Change) -> Self {
        Self {
            name: change.name.unwrap_or_else(|| self.name.clone()),
            venue: change.venue.unwrap_or_else(|| self.venue.clone()),
            date: change.date.unwrap_or(self.date),
            status: change.status.unwrap_or(self.status),
            version: self.version + 1,
            ..self.clone()
        }
    }
}

impl Change {
    /// Whether nothing was asked for: such a change makes no new version.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Offer {
    /// The status to show: `SoldOut` once no seat is left, without being written anywhere, so
    /// that a returned seat opens the sale again.
    pub fn status(&self) -> Status {
        if self.concert.status == Status::Active && self.sold >= self.concert.capacity {
            return Status::SoldOut;
        }
        self.concert.status
    }
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Active, Self::Cancelled, Self::SoldOut];

    /// As written in the ledger and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Cancelled => "CANCELLED",
            Self::SoldOut => "SOLD_OUT",
        }
    }

    /// Reads what [`Self::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

impl Name {
    /// Accepts a text that can be printed on a ticket.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        if text.is_empty() {
            return Err(InvalidName::Empty);
        }
        if text.chars().count() > NAME_CHARS_MAX {
            return Err(InvalidName::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidName::Control);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads a day written `YYYY-MM-DD`, all ten characters of it, that exists in the calendar.
pub fn parse_date(text: &str) -> Option<NaiveDate> {
    let shape = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    shape
        .then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_real_days_are_dates() {
        assert!(parse_date("2028-02-29").is_some());
        for text in [
            "2027-02-29",
            "2027-13-01",
            "2027-1-01",
            "+027-01-01",
            "2027-01-01T",
            "",
            "٢٠٢٧-٠١-٠١",
        ] {
            assert_eq!(parse_date(text), None, "{text:?}");
        }
    }

    #[test]
    fn names_are_counted_in_characters_and_may_be_in_any_script() {
        assert!(Name::parse(&"東".repeat(1_000)).is_ok());
        assert_eq!(Name::parse(&"東".repeat(1_001)), Err(InvalidName::TooLong));
        assert_eq!(Name::parse(""), Err(InvalidName::Empty));
        for bad in ["a\0", "a\nb", "\u{7f}", "\u{85}"] {
            assert_eq!(Name::parse(bad), Err(InvalidName::Control));
        }
    }

    #[test]
    fn a_status_survives_being_written() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(status));
        }
        assert_eq!(Status::parse("active"), None);
    }
}
