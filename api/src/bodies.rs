//! Request bodies: from JSON to what use cases take, with every mistake in its place.

use domain::concert::{Change, Name, Status, parse_date};
use domain::concerts::NewConcert;
use domain::seat::CAPACITY_MAX;
use domain::tickets::Order;
use domain::user::UserDirectory;
use domain::{ConcertId, LayoutId, UserId};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::fields::{Fields, Mistake, text};
use crate::problem::Problem;
use crate::wire;

/// What is said of a layout that does not exist.
pub(crate) const NO_SUCH_LAYOUT: &str = "unknown layout";
/// What is said of a concert that does not exist.
pub(crate) const NO_SUCH_CONCERT: &str = "there is no such concert";

/// A concert to be created. No other keys.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewConcert)]
#[expect(
    dead_code,
    reason = "describes the body, which is read member by member"
)]
pub(crate) struct NewConcertBody {
    /// Without control characters.
    #[schema(min_length = 1, max_length = 1000, example = "Die Walküre")]
    name: String,
    /// Without control characters.
    #[schema(min_length = 1, max_length = 1000, example = "Opera House")]
    venue: String,
    /// A day of the calendar.
    #[schema(format = Date, example = "2030-06-01")]
    date: String,
    /// Seats.
    #[schema(minimum = 0, maximum = 1_000_000, example = 3000)]
    capacity: u32,
    status: wire::Status,
    /// A seating layout that was uploaded before, with just so many seats.
    #[schema(required = false)]
    layout_id: String,
}

/// What to change of a concert: any of these, no other keys.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConcertChange)]
#[expect(
    dead_code,
    reason = "describes the body, which is read member by member"
)]
pub(crate) struct ConcertChangeBody {
    #[schema(
        required = false,
        min_length = 1,
        max_length = 1000,
        example = "Die Walküre (new date)"
    )]
    name: String,
    #[schema(
        required = false,
        min_length = 1,
        max_length = 1000,
        example = "Opera House"
    )]
    venue: String,
    #[schema(required = false, format = Date, example = "2030-06-08")]
    date: String,
    #[schema(required = false)]
    status: wire::Status,
}

/// Who wants to go where. No other keys.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewTicket)]
pub(crate) struct NewTicketBody<'a> {
    #[schema(example = "0190163d-8694-739b-aea5-966c26f8ad90")]
    concert_id: &'a str,
    #[schema(example = "00000000-0000-0000-0000-000000000001")]
    user_id: &'a str,
}

/// The body of `POST /concerts`.
pub(crate) fn new_concert(body: &[u8]) -> Result<NewConcert, Problem> {
    let mut fields = Fields::parse(body)?;
    fields.refused("id", "must not be sent: the service chooses it");
    let layout_id = fields.optional("layout_id", layout_id);
    let name = fields.required("name", name);
    let venue = fields.required("venue", self::name);
    let date = fields.required("date", date);
    let capacity = fields.required("capacity", capacity);
    let status = fields.required("status", status);
    fields.finish(|| {
        Some(NewConcert {
            name: name?,
            venue: venue?,
            date: date?,
            capacity: capacity?,
            layout_id,
            status: status?,
        })
    })
}

/// The body of `PUT /concerts/{id}`.
pub(crate) fn change(body: &[u8]) -> Result<Change, Problem> {
    let mut fields = Fields::parse(body)?;
    fields.refused("id", "cannot be changed");
    fields.refused("capacity", "cannot be changed");
    let change = Change {
        name: fields.optional("name", name),
        venue: fields.optional("venue", name),
        date: fields.optional("date", date),
        status: fields.optional("status", status),
    };
    fields.finish(|| Some(change))
}

/// The body of `POST /tickets` when there is nothing wrong with it, which is nearly always: no
/// memory is taken for it. Anything else is left to [`ticket_fields`].
pub(crate) fn plain_order(body: &[u8], users: &UserDirectory) -> Option<Order> {
    // A struct could be read from an array too.
    if !body.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    let body: NewTicketBody<'_> = serde_json::from_slice(body).ok()?;
    let order = Order {
        concert_id: ConcertId::parse(body.concert_id)?,
        user_id: UserId::parse(body.user_id)?,
    };
    users.find(order.user_id).map(|_| order)
}

/// The members of `POST /tickets`, as far as they can be read.
pub(crate) fn ticket_fields(
    body: &[u8],
    users: &UserDirectory,
) -> Result<(Fields, Option<ConcertId>, Option<UserId>), Problem> {
    let mut fields = Fields::parse(body)?;
    let concert_id = fields.required("concert_id", |value| {
        ConcertId::parse(text(value)?).ok_or_else(|| NO_SUCH_CONCERT.into())
    });
    let user_id = fields.required("user_id", |value| {
        let id = UserId::parse(text(value)?);
        id.filter(|id| users.find(*id).is_some())
            .ok_or_else(|| "there is no such user".into())
    });
    Ok((fields, concert_id, user_id))
}

fn name(value: &Value) -> Result<Name, Mistake> {
    Name::parse(text(value)?).map_err(|error| error.to_string().into())
}

fn date(value: &Value) -> Result<chrono::NaiveDate, Mistake> {
    parse_date(text(value)?).ok_or_else(|| "must be a calendar day written YYYY-MM-DD".into())
}

/// 10.0, 1e3 and "10" are not integers as JSON writes them.
fn capacity(value: &Value) -> Result<u32, Mistake> {
    value
        .as_u64()
        .and_then(|seats| u32::try_from(seats).ok())
        .filter(|seats| *seats <= CAPACITY_MAX)
        .ok_or_else(|| "must be an integer from 0 to 1,000,000".into())
}

/// An id that cannot be read names nothing, as everywhere.
fn layout_id(value: &Value) -> Result<LayoutId, Mistake> {
    LayoutId::parse(text(value)?).ok_or_else(|| NO_SUCH_LAYOUT.into())
}

fn status(value: &Value) -> Result<Status, Mistake> {
    Status::parse(text(value)?)
        .ok_or_else(|| "must be one of ACTIVE, CANCELLED and SOLD_OUT".into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn valid() -> Value {
        json!({
            "name": "N", "venue": "V", "date": "2030-01-01", "capacity": 10, "status": "ACTIVE"
        })
    }

    fn pointers<T: std::fmt::Debug>(read: Result<T, Problem>) -> Vec<String> {
        let reply = read.unwrap_err().to_reply();
        assert_eq!(reply.status(), 400);
        let body: Value = serde_json::from_slice(reply.body()).unwrap();
        let errors = body["errors"].as_array().unwrap();
        let mut pointers: Vec<_> = errors
            .iter()
            .map(|error| error["pointer"].as_str().unwrap().to_owned())
            .collect();
        pointers.sort();
        pointers
    }

    #[test]
    fn a_concert_needs_every_key_and_no_other() {
        assert!(new_concert(valid().to_string().as_bytes()).is_ok());
        for key in ["name", "venue", "date", "capacity", "status"] {
            let mut body = valid();
            body.as_object_mut().unwrap().remove(key);
            assert_eq!(
                pointers(new_concert(body.to_string().as_bytes())),
                [format!("/{key}")]
            );
        }
        for key in ["id", "layout_id", "price"] {
            for value in [json!(null), json!("x")] {
                let mut body = valid();
                body[key] = value;
                let found = pointers(new_concert(body.to_string().as_bytes()));
                assert_eq!(found, [format!("/{key}")]);
            }
        }
        let all = ["/capacity", "/date", "/name", "/status", "/venue"];
        assert_eq!(pointers(new_concert(b"{}")), all);
    }

    #[test]
    fn a_capacity_is_a_json_integer() {
        let read = |capacity: &str| {
            let body = valid().to_string();
            assert!(body.contains("\"capacity\":10,"));
            let body = body.replace("\"capacity\":10,", &format!("\"capacity\":{capacity},"));
            new_concert(body.as_bytes())
        };
        for good in ["0", "1", "1000000"] {
            assert!(read(good).is_ok(), "{good}");
        }
        for bad in [
            "10.0",
            "\"10\"",
            "true",
            "null",
            "1e3",
            "-1",
            "1000001",
            "4294967296",
            "99999999999999999999",
            "[]",
            "{}",
            "0.5",
        ] {
            assert_eq!(pointers(read(bad)), ["/capacity"], "{bad}");
        }
    }

    #[test]
    fn texts_days_and_statuses_are_checked() {
        let long = "x".repeat(1_001);
        let cases = [
            ("name", json!("")),
            ("name", json!(1)),
            ("name", json!(null)),
            ("name", json!("a\u{0}b")),
            ("venue", json!(long)),
            ("venue", json!(["V"])),
            ("date", json!("2030-02-30")),
            ("date", json!("01.01.2030")),
            ("date", json!(20_300_101)),
            ("status", json!("active")),
            ("status", json!(null)),
        ];
        for (key, value) in cases {
            let mut body = valid();
            body[key] = value.clone();
            let pointer = [format!("/{key}")];
            assert_eq!(
                pointers(new_concert(body.to_string().as_bytes())),
                pointer,
                "{value}"
            );
            let body = json!({ key: value }).to_string();
            assert_eq!(pointers(change(body.as_bytes())), pointer);
        }
    }

    #[test]
    fn a_change_is_any_subset_without_id_and_capacity() {
        assert!(change(b"{}").unwrap().is_empty());
        let some = change(br#"{"status": "CANCELLED"}"#).unwrap();
        assert_eq!(some.status, Some(Status::Cancelled));
        assert_eq!(some.name, None);
        let bad = change(br#"{"capacity": 10, "id": "x", "date": "x", "extra": 1}"#);
        assert_eq!(pointers(bad), ["/capacity", "/date", "/extra", "/id"]);
    }

    const CONCERT: &str = "0190163d-8694-739b-aea5-966c26f8ad90";
    const USER: &str = "00000000-0000-0000-0000-000000000001";

    fn order(body: &str) -> Result<Order, Problem> {
        let users = UserDirectory::generated();
        if let Some(order) = plain_order(body.as_bytes(), &users) {
            return Ok(order);
        }
        let (fields, concert_id, user_id) = ticket_fields(body.as_bytes(), &users)?;
        fields.finish(|| {
            Some(Order {
                concert_id: concert_id?,
                user_id: user_id?,
            })
        })
    }

    #[test]
    fn an_order_is_read_in_any_spelling_of_json() {
        let plain = format!(r#"{{"concert_id":"{CONCERT}","user_id":"{USER}"}}"#);
        let escaped = plain.replace("0190163d", "\\u0030190163d");
        assert!(plain_order(escaped.as_bytes(), &UserDirectory::generated()).is_none());
        assert_eq!(order(&plain).unwrap(), order(&escaped).unwrap());
        assert_eq!(
            order(&plain).unwrap(),
            order(&format!("\n {plain} \t")).unwrap()
        );
    }

    #[test]
    fn an_order_names_a_concert_and_a_known_user_and_nothing_else() {
        let cases = [
            (json!({}), &["/concert_id", "/user_id"][..]),
            (json!({"concert_id": CONCERT}), &["/user_id"]),
            (
                json!({"concert_id": CONCERT, "user_id": CONCERT}),
                &["/user_id"],
            ),
            (
                json!({"concert_id": 1, "user_id": null}),
                &["/concert_id", "/user_id"],
            ),
            (
                json!({"concert_id": "x", "user_id": USER}),
                &["/concert_id"],
            ),
            (
                json!({"concert_id": CONCERT, "user_id": USER, "quantity": 1}),
                &["/quantity"],
            ),
            (json!([CONCERT, USER]), &[""]),
        ];
        for (body, expected) in cases {
            assert_eq!(pointers(order(&body.to_string())), expected, "{body}");
        }
    }
}
