//! The routes, a file per resource. Handlers translate in, call a use case, translate out.

mod baseline;
mod concerts;
mod health;
mod layouts;
mod operations;
mod plans;
mod prints;
mod seat_status;
mod shows;
mod tickets;
mod users;

use axum::Router;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;

pub use self::baseline::baseline_router;
use crate::app::App;
use crate::guard::Guard;
use crate::measure::Measure;
use crate::origin::Base;
use crate::problem::{NOT_FOUND, Problem, WRONG_VERB};
use crate::{accept, docs, pages};

/// Every route that the documentation describes.
pub(crate) fn documented() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(docs::frame())
        .merge(health::routes())
        .merge(users::routes())
        .merge(concerts::routes())
        .merge(layouts::routes())
        .merge(shows::routes())
        .merge(plans::routes())
        .merge(seat_status::routes())
        .merge(tickets::routes())
        .merge(prints::routes())
        .merge(operations::routes())
}

/// The whole service.
pub(crate) fn router(app: App) -> Router {
    let (documented, openapi) = documented().split_for_parts();
    let pages = [
        "/",
        "/concerts/{id}",
        "/pages/plan.js",
        "/docs",
        "/docs/",
        "/docs/start.js",
        "/docs/{file}",
    ];
    let pages = pages.map(str::to_owned);
    let measure = Measure::new(openapi.paths.paths.into_keys().chain(pages));
    documented
        .merge(pages::docs())
        .route("/", get(pages::home))
        .route("/concerts/{id}", get(pages::plan))
        .route("/pages/plan.js", get(pages::script))
        .fallback(unknown_page)
        .method_not_allowed_fallback(wrong_verb)
        .layer(Guard(app.clone()))
        .layer(measure)
        .with_state(app)
}

/// What a process serves that is not there for clients: whether it lives, and its figures.
pub(crate) fn operations_router(app: App) -> Router {
    let (operations, openapi) = OpenApiRouter::new()
        .merge(operations::routes())
        .split_for_parts();
    operations
        .fallback(unknown_route)
        .method_not_allowed_fallback(wrong_verb)
        .layer(Measure::new(openapi.paths.paths.into_keys()))
        .with_state(app)
}

/// A browser gets a page, from which there is a way on.
pub(crate) async fn unknown_page(base: Base, headers: HeaderMap, uri: Uri) -> Response {
    if accept::wants_page(&headers) {
        return pages::unknown(&base);
    }
    unknown_route(uri).await.into_response()
}

async fn unknown_route(uri: Uri) -> Problem {
    tracing::debug!(path = uri.path(), "no such route");
    Problem::new(&NOT_FOUND, "there is no such route")
}

/// The router adds `Allow`.
async fn wrong_verb(method: Method) -> Problem {
    Problem::new(
        &WRONG_VERB,
        format!("{method} is not possible here, see Allow"),
    )
}
