//! Prints of tickets.

use axum::extract::{Request, State};
use axum::http::header::{
    ACCEPT, ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use domain::admission::Class;
use domain::prints::{self, Format, PrintFile, Style};
use domain::ticket::{PrintStatus, Ticket};
use domain::{Error, TicketId, tickets};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::origin::Origin;
use crate::problem::{NOT_ACCEPTABLE, Problem};
use crate::reply::{self, Reply, send};
use crate::request::{PathId, Post};
use crate::{accept, etag, idempotency, query, wire};

/// A ticket shows its holder's name: browsers may keep it, caches between must not, and it may
/// run and load nothing.
const SVG_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; font-src data:; img-src data:";

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(find_print, request_print))
        .routes(routes!(find_pdf))
        .routes(routes!(find_png))
}

/// Ask for a print
///
/// The body is ignored. The print is there once `print_status` is `PRINTED`.
#[utoipa::path(
    post, path = "/api/v1/tickets/{id}/print", tag = "Prints",
    params(("id" = String, Path, description = "The ticket's id")),
    responses(
        (status = 202, description = "The ticket, `PENDING` or `PRINTED`", body = wire::Ticket),
        (status = 400, description = "A header is not valid"),
        (status = 404, description = "No such ticket"),
        (status = 503, description = "Too much is waiting, or the ledger cannot be reached"),
    )
)]
async fn request_print(
    State(app): State<App>,
    PathId(id): PathId<TicketId>,
    origin: Origin,
    post: Post,
) -> Result<Response, Problem> {
    let Post { input, key } = post;
    let _pass = app.admit(Class::PrintOrders)?;
    let answer = move |ticket: &Ticket| {
        reply::json(StatusCode::ACCEPTED, &wire::Ticket::of(ticket, &origin))
    };
    idempotency::once(&app, key, answer, |keyed| async {
        Ok(prints::request(app.ctx(), id, input.trace, keyed).await?)
    })
    .await
}

/// The print of a ticket
///
/// Always of the concert as it is now.
#[utoipa::path(
    get, path = "/api/v1/tickets/{id}/print", tag = "Prints",
    params(
        ("id" = String, Path, description = "The ticket's id"),
        (
            "Accept" = Option<String>, Header,
            description = "`image/svg+xml` (the default), `application/pdf` or `image/png`"
        ),
        (
            "lang" = Option<String>, Query,
            description = "`en` `de` `fr` `es` `it` `ro` `ar` `ja`; goes before `Accept-Language`"
        ),
        ("sheet" = Option<String>, Query, description = "`a4` (the default) or `phone`"),
        (
            "Accept-Language" = Option<String>, Header,
            description = "Languages that the buyer reads"
        ),
        ("If-None-Match" = Option<String>, Header, description = "Tags that the client has"),
    ),
    responses(
        (
            status = 200, description = "The print",
            content(
                (String = "image/svg+xml"),
                (Vec<u8> = "application/pdf"),
                (Vec<u8> = "image/png"),
            ),
            headers(
                ("ETag" = String, description = "The version that the print shows"),
                ("Content-Disposition" = String, description = "A name for the file"),
                ("Vary" = String, description = "`accept-language`, `accept`"),
            )
        ),
        (status = 304, description = "The client has it already"),
        (status = 404, description = "No such ticket, language or sheet, or it is not printed"),
        (status = 406, description = "It is printed, but not in a format that the client takes"),
        (status = 503, description = "The ledger or the files cannot be reached"),
    )
)]
async fn find_print(
    State(app): State<App>,
    PathId(id): PathId<TicketId>,
    request: Request,
) -> Result<Response, Problem> {
    let parts = request.into_parts().0;
    let Some(format) = accept::format(&parts.headers) else {
        return Err(no_format(&app, id).await);
    };
    let mut reply = print_reply(&app, id, format, &parts).await?;
    reply.headers_mut().append(VARY, ACCEPT.into());
    Ok(send(reply))
}

/// The print of a ticket as PDF
#[utoipa::path(
    get, path = "/api/v1/tickets/{id}/print.pdf", tag = "Prints",
    params(
        ("id" = String, Path, description = "The ticket's id"),
        (
            "lang" = Option<String>, Query,
            description = "`en` `de` `fr` `es` `it` `ro` `ar` `ja`; goes before `Accept-Language`"
        ),
        ("sheet" = Option<String>, Query, description = "`a4` (the default) or `phone`"),
        (
            "Accept-Language" = Option<String>, Header,
            description = "Languages that the buyer reads"
        ),
        ("If-None-Match" = Option<String>, Header, description = "Tags that the client has"),
    ),
    responses(
        (status = 200, description = "The print", body = Vec<u8>, content_type = "application/pdf"),
        (status = 304, description = "The client has it already"),
        (status = 404, description = "No such ticket, language or sheet, or it is not printed"),
        (status = 503, description = "The ledger or the files cannot be reached"),
    )
)]
async fn find_pdf(
    State(app): State<App>,
    PathId(id): PathId<TicketId>,
    request: Request,
) -> Result<Response, Problem> {
    let parts = request.into_parts().0;
    print_reply(&app, id, Format::Pdf, &parts).await.map(send)
}

/// The print of a ticket as PNG
#[utoipa::path(
    get, path = "/api/v1/tickets/{id}/print.png", tag = "Prints",
    params(
        ("id" = String, Path, description = "The ticket's id"),
        (
            "lang" = Option<String>, Query,
            description = "`en` `de` `fr` `es` `it` `ro` `ar` `ja`; goes before `Accept-Language`"
        ),
        ("sheet" = Option<String>, Query, description = "`a4` (the default) or `phone`"),
        (
            "Accept-Language" = Option<String>, Header,
            description = "Languages that the buyer reads"
        ),
        ("If-None-Match" = Option<String>, Header, description = "Tags that the client has"),
    ),
    responses(
        (status = 200, description = "The print", body = Vec<u8>, content_type = "image/png"),
        (status = 304, description = "The client has it already"),
        (status = 404, description = "No such ticket, language or sheet, or it is not printed"),
        (status = 503, description = "The ledger or the files cannot be reached"),
    )
)]
async fn find_png(
    State(app): State<App>,
    PathId(id): PathId<TicketId>,
    request: Request,
) -> Result<Response, Problem> {
    let parts = request.into_parts().0;
    print_reply(&app, id, Format::Png, &parts).await.map(send)
}

async fn print_reply(
    app: &App,
    id: TicketId,
    format: Format,
    parts: &Parts,
) -> Result<Reply, Problem> {
    let headers = &parts.headers;
    let _pass = app.admit(Class::Downloads)?;
    let style = query::style(parts.uri.query(), accept::language(headers))?;
    let PrintFile { bytes, version } = prints::fetch(app.ctx(), id, format, style).await?;
    // One URL has three formats in several languages, so the tags of one version must differ.
    let extension = format.extension();
    let etag = match style {
        Style {
            phone: true,
            language,
        } => format!("\"{version}-{language}-phone-{extension}\""),
        Style { language, .. } => format!("\"{version}-{language}-{extension}\""),
    };
    let mut reply = if etag::is_known(headers, &etag) {
        etag::not_modified(&etag)
    } else {
        let disposition = match format {
            Format::Svg => "inline",
            Format::Pdf | Format::Png => "attachment",
        };
        let disposition = format!("{disposition}; filename=\"ticket-{id}.{extension}\"");
        let mut reply = reply::tagged(Reply::new(bytes), &etag);
        let headers = reply.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
        headers.insert(CONTENT_DISPOSITION, reply::value(&disposition));
        if format == Format::Svg {
            let policy = HeaderValue::from_static(SVG_POLICY);
            headers.insert(CONTENT_SECURITY_POLICY, policy);
        }
        reply
    };
    let headers = reply.headers_mut();
    headers.insert(VARY, ACCEPT_LANGUAGE.into());
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(reply)
}

/// What to say to a client that takes none of our formats: first whether there is a print at all.
async fn no_format(app: &App, id: TicketId) -> Problem {
    match tickets::find(app.ctx(), id).await {
        Ok(ticket) if ticket.print_status() == PrintStatus::Printed => {
            let detail = "a print is image/svg+xml, application/pdf or image/png";
            Problem::new(&NOT_ACCEPTABLE, detail)
        }
        Ok(_) => Error::NotFound("print").into(),
        Err(error) => error.into(),
    }
}
