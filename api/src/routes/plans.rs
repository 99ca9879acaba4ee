//! Seating plans.

use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::Response;
use domain::ConcertId;
use domain::admission::Class;
use domain::plans::{self, Plan};
use domain::sections;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::accept::Coding;
use crate::app::App;
use crate::problem::Problem;
use crate::reply::{self, Reply, send};
use crate::request::PathId;
use crate::{accept, etag, query};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(find_plan))
}

/// The seating plan of a concert
///
/// Its `<desc>` is `{concert id}|{capacity}|{purchased}`. A concert that was just created or
/// changed is waited for, two seconds at most.
#[utoipa::path(
    get, path = "/api/v1/concerts/{id}/seats", tag = "Concerts",
    params(
        ("id" = String, Path, description = "The concert's id"),
        (
            "section" = Option<String>, Query,
            description = "Only this section, with an element `seat-{number}` for every seat"
        ),
        ("If-None-Match" = Option<String>, Header, description = "Tags that the client has"),
        ("Accept-Encoding" = Option<String>, Header, description = "`zstd` or `gzip` compress the plan"),
    ),
    responses(
        (
            status = 200, description = "The plan", body = String, content_type = "image/svg+xml",
            headers(
                ("ETag" = String, description = "This rendering, in this coding"),
                ("Content-Encoding" = Option<String>, description = "`zstd` or `gzip`, if asked for"),
                ("Vary" = String, description = "`accept-encoding`"),
            )
        ),
        (status = 304, description = "The client has it already"),
        (
            status = 404, description = "No such concert or section, or its plan is still being drawn",
            headers((
                "Retry-After" = Option<u32>,
                description = "Seconds after which to ask again; only while the plan is drawn"
            ))
        ),
        (status = 503, description = "The ledger or the files cannot be reached"),
    )
)]
async fn find_plan(
    State(app): State<App>,
    PathId(id): PathId<ConcertId>,
    request: Request,
) -> Result<Response, Problem> {
    let parts = request.into_parts().0;
    let _pass = app.admit(Class::Plans)?;
    if let Some(section) = query::value(parts.uri.query(), "section") {
        return find_section(&app, id, section).await;
    }
    let coding = accept::coding(&parts.headers);
    let file = plans::fetch(app.ctx(), id).await?;
    let etag = plan_tag(&file.plan, coding);
    if etag::is_known_as_coded(&parts.headers, &etag) {
        return Ok(send(with_rules(etag::not_modified(&etag))));
    }
    let plans = app.compressed_plans();
    let bytes = plans.get(id, &etag, coding, file.bytes).await?;
    let mut reply = with_rules(reply::tagged(Reply::new(bytes), &etag));
    let svg = HeaderValue::from_static("image/svg+xml");
    reply.headers_mut().insert(CONTENT_TYPE, svg);
    if let Some(name) = coding.name() {
        let name = HeaderValue::from_static(name);
        reply.headers_mut().insert(CONTENT_ENCODING, name);
    }
    Ok(send(reply))
}

/// One section with an element for every seat, as it is now.
async fn find_section(app: &App, id: ConcertId, section: String) -> Result<Response, Problem> {
    let (bytes, plan) = sections::fetch(app.ctx(), id, section).await?;
    let moment = plan.read_at.timestamp_micros();
    let etag = format!("\"{}-{}-{moment:x}-section\"", plan.version, plan.sold);
    let mut reply = with_rules(reply::tagged(Reply::new(bytes), &etag));
    let svg = HeaderValue::from_static("image/svg+xml");
    reply.headers_mut().insert(CONTENT_TYPE, svg);
    Ok(send(reply))
}

/// Names one rendering in one coding. The moment is part of it: two renderings of one version
/// may show as many sold seats and yet not the same ones.
fn plan_tag(plan: &Plan, coding: Coding) -> String {
    let Plan { version, sold, .. } = plan;
    let moment = plan.read_at.timestamp_micros();
    let (dash, coding) = coding.name().map_or(("", ""), |name| ("-", name));
    format!("\"{version}-{sold}-{moment:x}{dash}{coding}\"")
}

fn with_rules(mut reply: Reply) -> Reply {
    let headers = reply.headers_mut();
    headers.insert(VARY, ACCEPT_ENCODING.into());
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    reply
}
