//! What goes over the wire: exactly the contract's objects, written once for every route.

use std::fmt::Display;

use axum::http::StatusCode;
use bytes::Bytes;
use chrono::SecondsFormat;
use domain::concert::Offer;
use domain::health::Fault;
use domain::layout::StoredLayout;
use domain::{ConcertId, LayoutId, TicketId, UserId};
use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::etag;
use crate::origin::Origin;
use crate::reply::{self, Reply};

/// Somebody who can buy tickets.
#[derive(Serialize, ToSchema)]
pub(crate) struct User<'a> {
    #[schema(value_type = String, example = "00000000-0000-0000-0000-000000000001")]
    id: UserId,
    #[schema(example = "Ada \"The 97\" O'Neil")]
    name: &'a str,
    /// Not unique: families share addresses.
    #[schema(example = "buyer1@example.com")]
    email: &'a str,
}

/// A concert.
#[derive(Serialize, ToSchema)]
pub(crate) struct Concert<'a> {
    #[schema(value_type = String, example = "0190163d-8694-739b-aea5-966c26f8ad90")]
    id: ConcertId,
    #[schema(example = "Die Walküre")]
    name: &'a str,
    #[schema(example = "Opera House")]
    venue: &'a str,
    /// The day of the show.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = Date, example = "2030-06-01")]
    date: &'a dyn Display,
    /// Seats. Never changes.
    #[schema(minimum = 0, maximum = 1_000_000, example = 3000)]
    capacity: u32,
    /// `SOLD_OUT` also while no seat is left.
    #[schema(value_type = Status)]
    status: &'static str,
}

/// A seating layout.
#[derive(Serialize, ToSchema)]
pub(crate) struct Layout<'a> {
    #[schema(value_type = String, example = "0190163d-8694-739b-aea5-966c26f8ad90")]
    id: LayoutId,
    #[schema(example = "Opera House")]
    name: &'a str,
    /// Seats.
    #[schema(minimum = 1, maximum = 1_000_000, example = 1284)]
    seats: u32,
}

/// A ticket.
#[derive(Serialize, ToSchema)]
pub(crate) struct Ticket<'a> {
    #[schema(value_type = String, example = "0190163d-9a3c-7c5e-8f00-1d2c3b4a5968")]
    id: TicketId,
    #[schema(value_type = Link)]
    concert: Link<'a>,
    #[schema(value_type = Link)]
    user: Link<'a>,
    #[schema(value_type = PrintStatus)]
    print_status: &'static str,
}

/// Another object and where it is.
#[derive(Serialize, ToSchema)]
pub(crate) struct Link<'a> {
    #[schema(value_type = String, example = "0190163d-8694-739b-aea5-966c26f8ad90")]
    id: Uuid,
    /// Begins with the scheme, the host and the path before ours that the client itself used.
    #[schema(
        value_type = String, format = "uri",
        example = "http://localhost:8080/api/v1/concerts/0190163d-8694-739b-aea5-966c26f8ad90"
    )]
    url: Url<'a>,
}

/// Whether the service can work.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    #[schema(value_type = String, example = "ok")]
    pub(crate) status: &'static str,
}

/// Whether the process wants requests, and what does not work meanwhile.
#[derive(Serialize, ToSchema)]
pub(crate) struct Readiness<'a> {
    /// `ok`, or `degraded`: the process works as well as any other.
    #[schema(value_type = String, example = "ok")]
    pub(crate) status: &'static str,
    /// What does not work, in no process.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(required = false)]
    pub(crate) degraded: &'a [Degraded],
}

/// A part that does not work.
#[derive(Serialize, ToSchema)]
pub(crate) struct Degraded {
    /// `ledger`: nothing can be written. `counters`: no seat can be taken. `files`: prints cannot be
    /// kept and come later. `scheduler`: nobody leads, so no plan is ordered and no job rescued.
    #[schema(value_type = String, example = "ledger")]
    pub(crate) part: &'static str,
    /// Since when.
    #[schema(value_type = String, example = "2031-05-17T18:00:00.000Z")]
    pub(crate) since: String,
    /// What was said last.
    pub(crate) reason: String,
}

impl From<&Fault> for Degraded {
    fn from(fault: &Fault) -> Self {
        Self {
            part: fault.part.name(),
            since: fault.since.to_rfc3339_opts(SecondsFormat::Millis, true),
            reason: fault.reason.clone(),
        }
    }
}

/// What a venue says of its concert.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Status {
    Active,
    Cancelled,
    SoldOut,
}

/// How far the print of a ticket is.
#[derive(ToSchema)]
#[schema(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(
    dead_code,
    reason = "describes the values of domain::ticket::PrintStatus"
)]
pub(crate) enum PrintStatus {
    NotPrinted,
    Pending,
    Printed,
    Error,
}

struct Url<'a> {
    origin: &'a Origin,
    collection: &'static str,
    id: Uuid,
}

impl<'a> User<'a> {
    pub(crate) fn of(user: &'a domain::user::User) -> Self {
        Self {
            id: user.id,
            name: &user.name,
            email: &user.email,
        }
    }
}

impl<'a> Layout<'a> {
    pub(crate) fn of(stored: &'a StoredLayout) -> Self {
        Self {
            id: stored.id,
            name: &stored.name,
            seats: stored.seats,
        }
    }
}

impl<'a> Concert<'a> {
    pub(crate) fn of(offer: &'a Offer) -> Self {
        let concert = &offer.concert;
        Self {
            id: concert.id,
            name: concert.name.as_str(),
            venue: concert.venue.as_str(),
            date: &concert.date,
            capacity: concert.capacity,
            status: offer.status().as_str(),
        }
    }
}

impl<'a> Ticket<'a> {
    pub(crate) fn of(ticket: &'a domain::ticket::Ticket, origin: &'a Origin) -> Self {
        let link = |collection, id| Link {
            id,
            url: Url {
                origin,
                collection,
                id,
            },
        };
        Self {
            id: ticket.id,
            concert: link("concerts", ticket.concert_id.0),
            user: link("users", ticket.user_id.0),
            print_status: ticket.print_status().as_str(),
        }
    }
}

/// The answer that shows a concert.
pub(crate) fn concert_reply(status: StatusCode, offer: &Offer) -> Reply {
    let reply = reply::json(status, &Concert::of(offer));
    reply::tagged(reply, &etag::of_offer(offer))
}

/// All users as one array.
pub(crate) fn users_json(users: &[domain::user::User]) -> Bytes {
    let users: Vec<_> = users.iter().map(User::of).collect();
    let json = serde_json::to_vec(&users).expect("users are texts");
    json.into()
}

/// Appends `value` to a list that is being written.
pub(crate) fn write(json: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(json, value).expect("wire types are texts and numbers");
}

fn shown<S: Serializer>(value: &dyn Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

impl Serialize for Url<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            origin,
            collection,
            id,
        } = self;
        let mut hyphenated = Uuid::encode_buffer();
        let id = id.hyphenated().encode_lower(&mut hyphenated);
        // Put together by hand: this is in every answer to a crowd.
        let parts = [
            origin.scheme(),
            "://",
            origin.host(),
            origin.base(),
            "/api/v1/",
            collection,
            "/",
            id,
        ];
        serializer.serialize_str(&parts.concat())
    }
}
