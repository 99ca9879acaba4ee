//! Concerts.

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use domain::admission::Class;
use domain::concert::Offer;
use domain::concerts::NewConcert;
use domain::{ConcertId, Error, concerts, layouts};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::bodies::{self, ConcertChangeBody, NewConcertBody};
use crate::etag::{self, Expected};
use crate::idempotency;
use crate::origin::Base;
use crate::problem::Problem;
use crate::reply::{self, send};
use crate::request::{Input, PathId, Post};
use crate::stream::{self, PAGE, Page};
use crate::wire::{self, Concert, concert_reply};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_concerts, create_concert))
        .routes(routes!(find_concert, change_concert))
}

/// All concerts
#[utoipa::path(
    get, path = "/api/v1/concerts", tag = "Concerts",
    responses(
        (status = 200, description = "Every concert in the order of creation", body = Vec<Concert>),
        (status = 503, description = "The ledger cannot be reached"),
    )
)]
async fn list_concerts(State(app): State<App>) -> Result<Response, Problem> {
    let pass = app.admit(Class::Lists)?;
    let ctx = Arc::clone(app.ctx());
    stream::array(move |after| {
        // Kept with the stream until its end.
        let _pass = &pass;
        let ctx = Arc::clone(&ctx);
        async move {
            let offers = concerts::list(&ctx, after, PAGE).await?;
            let write = |json: &mut Vec<u8>, offer: &Offer| wire::write(json, &Concert::of(offer));
            Ok(Page::of(&offers, write, |offer| offer.concert.id))
        }
    })
    .await
}

/// Create a concert
///
/// It is on durable storage when the answer arrives, and its seating plan is being drawn.
#[utoipa::path(
    post, path = "/api/v1/concerts", tag = "Concerts",
    request_body = NewConcertBody,
    responses(
        (
            status = 201, description = "The concert", body = Concert,
            headers(
                ("ETag" = String, description = "The concert's version"),
                ("Location" = String, description = "Where the concert is"),
            )
        ),
        (status = 400, description = "The body is not a concert; `errors` says where"),
        (status = 503, description = "The ledger cannot be reached or too much is waiting"),
    )
)]
async fn create_concert(
    State(app): State<App>,
    base: Base,
    post: Post,
) -> Result<Response, Problem> {
    let Post { input, key } = post;
    let _pass = app.admit(Class::Changes)?;
    let answer = move |offer: &Offer| {
        let path = format!("{base}/api/v1/concerts/{}", offer.concert.id);
        reply::located(concert_reply(StatusCode::CREATED, offer), path)
    };
    idempotency::once(&app, key, answer, |keyed| async {
        let new = bodies::new_concert(&input.body)?;
        check_layout(&app, &new).await?;
        Ok(concerts::create(app.ctx(), new, input.trace.as_deref(), keyed).await?)
    })
    .await
}

/// The layout must be there and have a seat for each ticket. Layouts are never deleted.
async fn check_layout(app: &App, new: &NewConcert) -> Result<(), Problem> {
    let Some(id) = new.layout_id else {
        return Ok(());
    };
    let wrong = |detail: Cow<'static, str>| Problem::field("/layout_id", detail);
    match layouts::find(app.ctx(), id).await {
        Ok(layout) if layout.seats() == new.capacity => Ok(()),
        Ok(layout) => Err(wrong(
            format!(
                "the layout has {} seats, the concert {}",
                layout.seats(),
                new.capacity
            )
            .into(),
        )),
        Err(Error::NotFound(_)) => Err(wrong(bodies::NO_SUCH_LAYOUT.into())),
        Err(error) => Err(error.into()),
    }
}

/// One concert
#[utoipa::path(
    get, path = "/api/v1/concerts/{id}", tag = "Concerts",
    params(
        ("id" = String, Path, description = "The concert's id"),
        ("If-None-Match" = Option<String>, Header, description = "Tags that the client has"),
    ),
    responses(
        (
            status = 200, description = "The concert", body = Concert,
            headers(("ETag" = String, description = "The concert's version, as it is shown"))
        ),
        (status = 304, description = "The client has it already"),
        (status = 404, description = "No such concert"),
        (status = 503, description = "The ledger cannot be reached"),
    )
)]
async fn find_concert(
    State(app): State<App>,
    PathId(id): PathId<ConcertId>,
    request: Request,
) -> Result<Response, Problem> {
    let headers = request.into_parts().0.headers;
    let _pass = app.admit(Class::Lookups)?;
    let offer = concerts::find(app.ctx(), id).await?;
    let etag = etag::of_offer(&offer);
    if etag::is_known(&headers, &etag) {
        return Ok(send(etag::not_modified(&etag)));
    }
    Ok(send(concert_reply(StatusCode::OK, &offer)))
}

/// Change a concert
///
/// When the answer arrives no print of the concert's tickets is handed out any more: they show
/// what was true before. A change of nothing changes nothing. A day on which the venue's clocks skip
/// an hour of the show, or show it twice, is refused (see the concert's show).
#[utoipa::path(
    put, path = "/api/v1/concerts/{id}", tag = "Concerts",
    params(
        ("id" = String, Path, description = "The concert's id"),
        (
            "If-Match" = Option<String>, Header,
            description = "Change the concert only if it has one of these tags"
        ),
    ),
    request_body = ConcertChangeBody,
    responses(
        (
            status = 200, description = "The concert as it is now", body = Concert,
            headers(("ETag" = String, description = "The concert's version"))
        ),
        (status = 400, description = "The body is not a change; `errors` says where"),
        (status = 404, description = "No such concert; checked before the body"),
        (status = 412, description = "The concert has none of the tags of `If-Match`"),
        (status = 503, description = "The ledger cannot be reached or too much is waiting"),
    )
)]
async fn change_concert(
    State(app): State<App>,
    PathId(id): PathId<ConcertId>,
    headers: HeaderMap,
    Input { body, trace }: Input,
) -> Result<Response, Problem> {
    let _pass = app.admit(Class::Changes)?;
    let current = concerts::find(app.ctx(), id).await?.concert.version;
    let change = bodies::change(&body)?;
    let expected = Expected::of(&headers).version(current);
    let offer = concerts::change(app.ctx(), id, change, expected, trace.as_deref()).await?;
    Ok(send(concert_reply(StatusCode::OK, &offer)))
}
