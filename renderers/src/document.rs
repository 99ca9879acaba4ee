//! What is rendered: plain data, complete in itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{NaiveDate, NaiveTime};
use domain::layout::{Category, Layout};
use serde::{Deserialize, Serialize};

use crate::brand::Brand;
use crate::language::Language;
use domain::sold::SoldSeats;

/// Everything that is printed on a ticket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TicketDocument {
    /// The ticket's number; also the text of the SVG's `<desc>`.
    pub ticket_id: String,
    /// The concert's number.
    pub concert_id: String,
    /// The concert's name, of any length and script.
    pub concert_name: String,
    /// Where the concert is, of any length and script.
    pub venue: String,
    /// The day of the concert.
    pub date: NaiveDate,
    /// When the concert begins, on the clocks of the venue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begins: Option<NaiveTime>,
    /// When the doors open, on the same clocks: the evening before, if that is a later hour than it
    /// begins ([`domain::hours::doors_on`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doors: Option<NaiveTime>,
    /// The venue's time zone, such as `Europe/Vienna`: printed beside the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// The part of the house, such as `Balcony`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seat_section: Option<String>,
    /// The row's name, such as `A` or `AB`; empty where nobody has a seat of their own.
    pub seat_row: String,
    /// The seat within the row, as it is written on it.
    pub seat_number: String,
    /// Whose ticket it is, of any length and script.
    pub holder_name: String,
    /// The holder's e-mail address.
    pub holder_email: String,
    /// The text of the QR code. Upper-case base45 gives the smallest symbol.
    pub code: String,
    /// Whether the concert will not take place: the ticket says so, large.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cancelled: bool,
    /// The language of labels, dates and notes.
    #[serde(default)]
    pub language: Language,
    /// For which hand it is.
    #[serde(default)]
    pub sheet: Sheet,
    /// The conditions of sale, in the buyer's language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<String>,
    /// The venue's colour and logo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<Brand>,
    /// What becomes of characters that no typeface has.
    #[serde(default)]
    pub on_missing: OnMissing,
}

/// What a ticket is drawn for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sheet {
    /// An A4 page that is folded twice.
    #[default]
    A4,
    /// A screen in portrait format.
    Phone,
}

/// What becomes of a character that no typeface has, such as a new emoji in a name.
///
/// In PDF and PNG only: SVG keeps the character, and its viewer has more typefaces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnMissing {
    /// Its code point is drawn in a frame, and a note explains it. The ticket admits as well with
    /// it, and [`crate::ticket_missing`] tells what was drawn so: a buyer with an emoji in the
    /// name is better served by a note than by no ticket.
    #[default]
    Frame,
    /// Nothing is drawn: [`crate::RenderError::NoGlyph`].
    Refuse,
}

/// Everything that is drawn in a seating plan.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanDocument {
    /// The concert's number, the first part of the SVG's `<desc>`.
    pub concert_id: String,
    /// The concert's name, of any length and script.
    pub concert_name: String,
    /// Where the concert is, of any length and script.
    pub venue: String,
    /// The day of the concert.
    pub date: NaiveDate,
    /// Where each seat is; plain rows when there is no layout. As JSON it is a document of its own.
    #[serde(skip)]
    pub layout: Option<Arc<Layout>>,
    /// Seats in the hall, from 0 to [`domain::seat::CAPACITY_MAX`].
    pub capacity: u32,
    /// The seats that are sold, all below the capacity.
    pub sold: SoldSeats,
    /// The seats that somebody is buying now. A seat that is sold as well counts as sold.
    #[serde(default, skip_serializing_if = "SoldSeats::is_empty")]
    pub held: SoldSeats,
    /// What seats cost, by the name of their category; before the prices of the layout.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub prices: BTreeMap<String, String>,
    /// The language of labels and dates.
    #[serde(default)]
    pub language: Language,
}

impl PlanDocument {
    /// What a seat of a category costs, if anybody says so.
    pub(crate) fn price_of<'a>(&'a self, category: &'a Category) -> Option<&'a str> {
        let own = self.prices.get(&category.name);
        own.or(category.price.as_ref()).map(String::as_str)
    }
}
