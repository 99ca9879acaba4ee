//! Tickets: buying, listing, finding.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::admission::Class;
use domain::keys::{Answered, Keyed};
use domain::ticket::Ticket;
use domain::tickets::{self, Order, TicketFilter};
use domain::{ConcertId, Error, TicketId, concerts};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::bodies::{self, NO_SUCH_CONCERT, NewTicketBody};
use crate::idempotency;
use crate::origin::Origin;
use crate::problem::{FieldError, Problem};
use crate::query;
use crate::reply::{self, send};
use crate::request::{PathId, Post};
use crate::stream::{self, PAGE, Page};
use crate::wire;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_tickets, create_ticket))
        .routes(routes!(find_ticket))
}

/// Tickets, all or some
///
/// Both filters together mean both.
#[utoipa::path(
    get, path = "/api/v1/tickets", tag = "Tickets",
    params(
        ("user_id" = Option<String>, Query, description = "Only tickets of this user"),
        ("concert_id" = Option<String>, Query, description = "Only tickets of this concert"),
    ),
    responses(
        (status = 200, description = "The tickets", body = Vec<wire::Ticket>),
        (status = 400, description = "The `Host` header is not a host name"),
        (status = 404, description = "No such user, no such concert, or no such filter"),
        (status = 503, description = "The ledger cannot be reached"),
    )
)]
async fn list_tickets(
    State(app): State<App>,
    origin: Origin,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let filter = query::ticket_filter(query.as_deref())?;
    let pass = app.admit(Class::Lists)?;
    check_filter(&app, filter).await?;
    let ctx = Arc::clone(app.ctx());
    stream::array(move |after| {
        // Kept with the stream until its end.
        let _pass = &pass;
        let (ctx, origin) = (Arc::clone(&ctx), origin.clone());
        async move {
            let tickets = tickets::list(&ctx, filter, after, PAGE).await?;
            let write = |json: &mut Vec<u8>, ticket: &Ticket| {
                wire::write(json, &wire::Ticket::of(ticket, &origin));
            };
            Ok(Page::of(&tickets, write, Ticket::cursor))
        }
    })
    .await
}

/// Buy a ticket
///
/// The purchase is on durable storage when the answer arrives. Never more than the concert's
/// capacity is sold.
#[utoipa::path(
    post, path = "/api/v1/tickets", tag = "Tickets",
    request_body = NewTicketBody,
    responses(
        (
            status = 201, description = "The ticket", body = wire::Ticket,
            headers(("Location" = String, description = "Where the ticket is"))
        ),
        (status = 400, description = "A key is missing or unknown, or an id names nothing"),
        (
            status = 409, description = "Every seat left is being bought right now",
            headers(("Retry-After" = u32, description = "Seconds after which to ask again"))
        ),
        (status = 422, description = "No seat is left, or the concert is cancelled"),
        (
            status = 503, description = "Too much is waiting, or the ledger cannot be reached",
            headers(("Retry-After" = u32, description = "Seconds after which to ask again"))
        ),
    )
)]
async fn create_ticket(
    State(app): State<App>,
    origin: Origin,
    post: Post,
) -> Result<Response, Problem> {
    let Post { input, key } = post;
    let _pass = app.admit(Class::Purchases)?;
    let answer = move |ticket: &Ticket| {
        let path = format!("{}/api/v1/tickets/{}", origin.base(), ticket.id);
        let reply = reply::json(StatusCode::CREATED, &wire::Ticket::of(ticket, &origin));
        reply::located(reply, path)
    };
    idempotency::once(&app, key, answer, |keyed| async {
        let order = read_order(&app, &input.body).await?;
        buy(&app, order, keyed).await
    })
    .await
}

/// One ticket
#[utoipa::path(
    get, path = "/api/v1/tickets/{id}", tag = "Tickets",
    params(("id" = String, Path, description = "The ticket's id")),
    responses(
        (status = 200, description = "The ticket", body = wire::Ticket),
        (status = 400, description = "The `Host` header is not a host name"),
        (status = 404, description = "No such ticket"),
        (status = 503, description = "The ledger cannot be reached"),
    )
)]
async fn find_ticket(
    State(app): State<App>,
    PathId(id): PathId<TicketId>,
    origin: Origin,
) -> Result<Response, Problem> {
    let _pass = app.admit(Class::Lookups)?;
    let ticket = tickets::find(app.ctx(), id).await?;
    Ok(send(reply::json(
        StatusCode::OK,
        &wire::Ticket::of(&ticket, &origin),
    )))
}

/// What a filter names must exist.
async fn check_filter(app: &App, filter: TicketFilter) -> Result<(), Problem> {
    if let Some(id) = filter.concert_id {
        concerts::find(app.ctx(), id).await?;
    }
    match filter.user_id.map(|id| app.ctx().users.find(id)) {
        Some(None) => Err(Problem::no_such("user")),
        Some(Some(_)) | None => Ok(()),
    }
}

async fn read_order(app: &App, body: &[u8]) -> Result<Order, Problem> {
    let users = &app.ctx().users;
    if let Some(order) = bodies::plain_order(body, users) {
        return Ok(order);
    }
    // Something is wrong, or written in an unusual way: now every mistake is looked for.
    let (mut fields, concert_id, user_id) = bodies::ticket_fields(body, users)?;
    if let Some(id) = concert_id
        && !concert_exists(app, id).await?
    {
        fields.add("concert_id", NO_SUCH_CONCERT.into());
    }
    fields.finish(|| {
        Some(Order {
            concert_id: concert_id?,
            user_id: user_id?,
        })
    })
}

async fn concert_exists(app: &App, id: ConcertId) -> Result<bool, Problem> {
    match concerts::find(app.ctx(), id).await {
        Ok(_) => Ok(true),
        Err(Error::NotFound(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

async fn buy(
    app: &App,
    order: Order,
    keyed: Option<Keyed<Ticket>>,
) -> Result<Answered<Ticket>, Problem> {
    tickets::buy(app.ctx(), order, keyed)
        .await
        .map_err(|error| match error {
            // The user was looked up with the body.
            Error::NotFound(_) => Problem::fields(vec![FieldError {
                pointer: "/concert_id".to_owned(),
                detail: NO_SUCH_CONCERT.into(),
            }]),
            other => other.into(),
        })
}
