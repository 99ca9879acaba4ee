//! Which seats of a concert are sold, for pages that follow a sale.

use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE, VARY};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use domain::ConcertId;
use domain::admission::Class;
use domain::seat_status::{self, SeatStatus};
use domain::sold::SoldSeats;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::problem::{NOT_ACCEPTABLE, Problem};
use crate::reply::{self, Reply, send};
use crate::request::PathId;
use crate::{accept, etag, query};

/// The media types, the preferred one first.
const TYPES: [&str; 2] = ["application/json", "application/octet-stream"];
const BINARY: &str = TYPES[1];

/// What binary answers begin with, and what their form is called.
const MAGIC: &[u8; 4] = b"TOSS";
const FORM: u8 = 1;
/// A sold seat, in two bits; 0 is a free one, and 1 is kept for a held one.
const SOLD: u8 = 2;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(find_seat_status))
}

/// Which seats are sold.
#[derive(Serialize, ToSchema)]
#[schema(as = SeatStatus)]
struct SeatStatusBody<'a> {
    /// Seats of the concert.
    #[schema(minimum = 0, maximum = 1_000_000, example = 3000)]
    capacity: u32,
    /// The moment that is shown, to be sent as `since` the next time.
    #[schema(example = "41")]
    version: String,
    /// The moment that `sold` begins after, not later than the one asked for; `null` when `sold`
    /// has all sold seats.
    #[schema(example = "38")]
    since: Option<String>,
    /// Seats by their numbers, counted from 0 in the order of the layout, and runs of them as
    /// `[first, length]`.
    #[schema(value_type = Vec<serde_json::Value>, example = json!([[0, 40], 57]))]
    sold: &'a SoldSeats,
}

/// Which seats of a concert are sold, or were since a moment
///
/// Never older than the seating plan. With `since` an answer has at least the seats that were sold
/// after that moment, and maybe some that were sold before; a moment that the service does not
/// remember is answered with all seats. Any process can answer for a moment that another one told.
///
/// As `application/octet-stream` an answer begins with the bytes `TOSS`, 1, a byte that is 0 for all
/// seats and 1 for a part, and two zeros; then come, as 32 bits with the lowest first, capacity,
/// version, and the moment that a part begins after. All seats are two bits each, the first in the
/// lowest of a byte: 0 free, 2 sold (1 is kept for held seats). A part is runs of sold seats, each
/// as two LEB128 numbers: seats between it and the run before, and its own seats.
#[utoipa::path(
    get, path = "/api/v1/concerts/{id}/seats/status", tag = "Concerts",
    params(
        ("id" = String, Path, description = "The concert's id"),
        ("since" = Option<String>, Query, description = "The `version` of an earlier answer"),
        ("Accept" = Option<String>, Header, description = "One of the two media types"),
        ("If-None-Match" = Option<String>, Header, description = "Tags that the client has"),
    ),
    responses(
        (
            status = 200, description = "The sold seats",
            content(
                (SeatStatusBody<'static> = "application/json"),
                (Vec<u8> = "application/octet-stream"),
            ),
            headers(
                ("ETag" = String, description = "What is answered, in this form"),
                ("Vary" = String, description = "`accept`"),
            )
        ),
        (status = 304, description = "The client has it already"),
        (status = 404, description = "No such concert"),
        (status = 406, description = "The client takes neither JSON nor bytes"),
        (status = 503, description = "The ledger cannot be reached or too many look at plans"),
    )
)]
async fn find_seat_status(
    State(app): State<App>,
    PathId(id): PathId<ConcertId>,
    request: Request,
) -> Result<Response, Problem> {
    let parts = request.into_parts().0;
    let _pass = app.admit(Class::Plans)?;
    // What is no moment of ours is one that nobody remembers.
    let since = query::value(parts.uri.query(), "since").and_then(|since| since.parse().ok());
    let status = seat_status::fetch(app.ctx(), id, since).await?;
    let media_type = accept::media_type(&parts.headers, &TYPES).ok_or_else(|| {
        let detail = "seats are application/json or application/octet-stream";
        Problem::new(&NOT_ACCEPTABLE, detail)
    })?;
    let tag = tag(&status, media_type);
    if etag::is_known(&parts.headers, &tag) {
        return Ok(send(varied(etag::not_modified(&tag))));
    }
    let reply = if media_type == BINARY {
        let mut reply = Reply::new(bytes(&status).into());
        let headers = reply.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(BINARY));
        reply
    } else {
        let body = SeatStatusBody {
            capacity: status.capacity,
            version: status.version.to_string(),
            since: status.since.map(|since| since.to_string()),
            sold: &status.sold,
        };
        reply::json(StatusCode::OK, &body)
    };
    Ok(send(varied(reply::tagged(reply, &tag))))
}

/// Of equal moments the answers are equal, whichever process gives them.
fn tag(status: &SeatStatus, media_type: &str) -> String {
    let since = status.since.map(|since| format!("-{since}"));
    let form = if media_type == BINARY { "-bytes" } else { "" };
    format!("\"{}{}{form}\"", status.version, since.unwrap_or_default())
}

fn varied(mut reply: Reply) -> Reply {
    reply.headers_mut().insert(VARY, ACCEPT.into());
    reply
}

fn bytes(status: &SeatStatus) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(20 + status.capacity as usize / 4 + 1);
    bytes.extend_from_slice(MAGIC);
    bytes.extend([FORM, u8::from(status.since.is_some()), 0, 0]);
    for number in [status.capacity, status.version, status.since.unwrap_or(0)] {
        bytes.extend(number.to_le_bytes());
    }
    if status.since.is_none() {
        let start = bytes.len();
        bytes.resize(start + status.capacity.div_ceil(4) as usize, 0);
        for (first, length) in status.sold.ranges() {
            for seat in first..first + length {
                bytes[start + seat as usize / 4] |= SOLD << (2 * (seat % 4));
            }
        }
        return bytes;
    }
    let mut end = 0;
    for (first, length) in status.sold.ranges() {
        push_leb128(&mut bytes, first - end);
        push_leb128(&mut bytes, length);
        end = first + length;
    }
    bytes
}

/// Seven bits a byte, the lowest first; the highest bit says that there are more.
fn push_leb128(bytes: &mut Vec<u8>, mut number: u32) {
    loop {
        let seven = u8::try_from(number & 0x7F).expect("seven bits");
        number >>= 7;
        if number == 0 {
            bytes.push(seven);
            return;
        }
        bytes.push(seven | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn status(since: Option<u32>, ranges: &[(u32, u32)]) -> SeatStatus {
        SeatStatus {
            capacity: 1_000,
            version: 300,
            since,
            sold: Arc::new(SoldSeats::from_ranges(ranges.iter().copied())),
        }
    }

    #[test]
    fn all_seats_have_two_bits_each() {
        let bytes = bytes(&status(None, &[(1, 2), (999, 1)]));
        assert_eq!(bytes.len(), 20 + 250);
        assert_eq!(&bytes[..8], b"TOSS\x01\x00\x00\x00");
        assert_eq!(&bytes[8..20], [0xE8, 3, 0, 0, 0x2C, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(
            (bytes[20], bytes[21], bytes[269]),
            (0b10_1000, 0, 0b1000_0000)
        );
    }

    #[test]
    fn part_of_the_seats_is_gaps_and_lengths() {
        let bytes = bytes(&status(Some(5), &[(1, 2), (203, 300)]));
        assert_eq!(&bytes[4..8], [1, 1, 0, 0]);
        assert_eq!(&bytes[16..], [5, 0, 0, 0, 1, 2, 0xC8, 1, 0xAC, 2]);
    }
}
