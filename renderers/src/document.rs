//! What is rendered: plain data, complete in itself.

use std::sync::Arc;

use chrono::NaiveDate;
use domain::layout::Layout;
use serde::{Deserialize, Serialize};

use crate::sold::SoldSeats;

/// Everything that is printed on a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The part of the house, such as `Balcony`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seat_section: Option<String>,
    /// The row's name, such as `A` or `AB`.
    pub seat_row: String,
    /// The seat within the row, as it is written on it.
    pub seat_number: String,
    /// Whose ticket it is, of any length and script.
    pub holder_name: String,
    /// The holder's e-mail address.
    pub holder_email: String,
    /// The text of the QR code. Upper-case base45 gives the smallest symbol.
    pub code: String,
}

/// Everything that is drawn in a seating plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
}
