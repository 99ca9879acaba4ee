//! The hours, terms and prices of concerts.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use domain::admission::Class;
use domain::show::{
    PRICE_CHARS_MAX, PRICES_MAX, Prices, Show, TERMS_CHARS_MAX, Terms, TimeZone, parse_time,
    time_text,
};
use domain::shows::{self, Announced};
use domain::{ConcertId, concerts};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::etag::{self, Expected};
use crate::fields::{Fields, Mistake, text};
use crate::problem::Problem;
use crate::reply::{self, Reply, send};
use crate::request::{Input, PathId};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(find_show, announce_show))
}

/// What a venue says of a show beyond the concert. Nothing of it must be given.
#[derive(Serialize, ToSchema)]
#[schema(as = Show)]
struct ShowBody {
    /// When it begins on the concert's day, by the clocks of the venue.
    #[schema(
        required = false,
        pattern = "^[0-2][0-9]:[0-5][0-9]$",
        example = "19:30"
    )]
    starts_at: Option<String>,
    /// When the doors open: the evening before, if that is a later hour than it begins; then at most
    /// 12 hours before it.
    #[schema(
        required = false,
        pattern = "^[0-2][0-9]:[0-5][0-9]$",
        example = "18:45"
    )]
    doors_at: Option<String>,
    /// The venue's time zone, by its IANA name.
    #[schema(required = false, example = "Europe/Vienna")]
    time_zone: Option<&'static str>,
    /// The conditions of sale; with line breaks, but no other control characters.
    #[schema(required = false, max_length = 4000, example = "No refunds.")]
    terms: Option<String>,
    /// What a seat costs, by the name of its category in the layout.
    #[schema(required = false, example = json!({"Stalls": "€ 89.00", "Balcony": "€ 49.00"}))]
    prices: std::collections::BTreeMap<String, String>,
}

/// The hours, terms and prices of a concert
#[utoipa::path(
    get, path = "/api/v1/concerts/{id}/show", tag = "Concerts",
    params(
        ("id" = String, Path, description = "The concert's id"),
        ("If-None-Match" = Option<String>, Header, description = "Tags that the client has"),
    ),
    responses(
        (
            status = 200, description = "What is said of the show", body = ShowBody,
            headers(("ETag" = String, description = "The concert's version"))
        ),
        (status = 304, description = "The client has it already"),
        (status = 404, description = "No such concert"),
        (status = 503, description = "The ledger cannot be reached"),
    )
)]
async fn find_show(
    State(app): State<App>,
    PathId(id): PathId<ConcertId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let _pass = app.admit(Class::Lookups)?;
    let announced = shows::find(app.ctx(), id).await?;
    let tag = tag(&announced);
    if etag::is_known(&headers, &tag) {
        return Ok(send(etag::not_modified(&tag)));
    }
    Ok(send(show_reply(&announced)))
}

/// Say what a concert's hours, terms and prices are
///
/// In place of all that was said before; a key that is left out, or is `null`, says nothing. As any
/// change of a concert does, it voids the prints of the concert's tickets. Saying the same again
/// changes nothing. An hour that the venue's clocks skip on the concert's day, or show twice, is
/// refused with the nearest ones that they show once.
#[utoipa::path(
    put, path = "/api/v1/concerts/{id}/show", tag = "Concerts",
    params(
        ("id" = String, Path, description = "The concert's id"),
        (
            "If-Match" = Option<String>, Header,
            description = "Change the show only if the concert has one of these tags"
        ),
    ),
    request_body = ShowBody,
    responses(
        (
            status = 200, description = "What is said now", body = ShowBody,
            headers(("ETag" = String, description = "The concert's version"))
        ),
        (status = 400, description = "The body is no show; `errors` says where"),
        (status = 404, description = "No such concert; checked before the body"),
        (status = 412, description = "The concert has none of the tags of `If-Match`"),
        (status = 503, description = "The ledger cannot be reached or too much is waiting"),
    )
)]
async fn announce_show(
    State(app): State<App>,
    PathId(id): PathId<ConcertId>,
    headers: HeaderMap,
    Input { body, trace }: Input,
) -> Result<Response, Problem> {
    let _pass = app.admit(Class::Changes)?;
    let current = concerts::find(app.ctx(), id).await?.concert.version;
    let show = read(&body)?;
    let expected = Expected::of(&headers).version(current);
    let announced = shows::announce(app.ctx(), id, show, expected, trace.as_deref()).await?;
    Ok(send(show_reply(&announced)))
}

fn tag(announced: &Announced) -> String {
    format!("\"{}\"", announced.version)
}

fn show_reply(announced: &Announced) -> Reply {
    let show = &announced.show;
    let prices = show.prices.iter();
    let body = ShowBody {
        starts_at: show.starts_at.map(time_text),
        doors_at: show.doors_at.map(time_text),
        time_zone: show.time_zone.map(TimeZone::name),
        terms: show.terms.as_ref().map(|terms| terms.as_str().to_owned()),
        prices: prices
            .map(|(of, price)| (of.to_owned(), price.to_owned()))
            .collect(),
    };
    reply::tagged(reply::json(StatusCode::OK, &body), &tag(announced))
}

/// The body of `PUT /concerts/{id}/show`.
fn read(body: &[u8]) -> Result<Show, Problem> {
    let mut fields = Fields::parse(body)?;
    let show = Show {
        starts_at: fields.optional("starts_at", said(time)).flatten(),
        doors_at: fields.optional("doors_at", said(time)).flatten(),
        time_zone: fields.optional("time_zone", said(zone)).flatten(),
        terms: fields.optional("terms", said(terms)).flatten(),
        prices: fields
            .optional("prices", said(prices))
            .flatten()
            .unwrap_or_default(),
    };
    fields.finish(|| Some(show))
}

/// Reads a value that may be `null`.
fn said<T>(
    read: impl FnOnce(&Value) -> Result<T, Mistake>,
) -> impl FnOnce(&Value) -> Result<Option<T>, Mistake> {
    |value| match value {
        Value::Null => Ok(None),
        value => read(value).map(Some),
    }
}

fn time(value: &Value) -> Result<chrono::NaiveTime, Mistake> {
    parse_time(text(value)?).ok_or_else(|| "must be a time of day written HH:MM".into())
}

fn zone(value: &Value) -> Result<TimeZone, Mistake> {
    TimeZone::parse(text(value)?)
        .ok_or_else(|| "must be a name of the IANA database, such as Europe/Vienna".into())
}

fn terms(value: &Value) -> Result<Terms, Mistake> {
    Terms::parse(text(value)?).ok_or_else(|| {
        format!("must have 1 to {TERMS_CHARS_MAX} characters and only line breaks to control them")
            .into()
    })
}

fn prices(value: &Value) -> Result<Prices, Mistake> {
    let wrong = || -> Mistake {
        format!(
            "must be an object of at most {PRICES_MAX} prices by category, each and its price a \
             string of 1 to {PRICE_CHARS_MAX} characters without control characters"
        )
        .into()
    };
    let members = value.as_object().ok_or_else(wrong)?;
    let prices = members.iter().map(|(category, price)| {
        let price = price.as_str().ok_or_else(wrong)?;
        Ok((category.clone(), price.to_owned()))
    });
    Prices::parse(prices.collect::<Result<Vec<_>, Mistake>>()?).ok_or_else(wrong)
}
