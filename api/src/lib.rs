//! The HTTP edge: routes, wire types, problems, the API's description, the home page.
//!
//! It translates and decides nothing: what may happen is decided in `domain`, and what is stored
//! is reached through it. The objects on the wire are fixed by a contract with clients; nothing
//! here may add a key to them or take one away.

mod accept;
mod admission;
mod app;
mod bodies;
mod compressed;
mod config;
mod docs;
mod etag;
mod fields;
mod guard;
mod idempotency;
mod measure;
mod origin;
mod paced;
mod pages;
mod problem;
mod query;
mod reply;
mod request;
mod rest;
mod routes;
mod serve;
mod site;
mod stream;
mod uploads;
mod wire;

use axum::Router;

pub use self::app::App;
pub use self::config::{Config, InvalidNetwork, Network};
pub use self::routes::baseline_router;
pub use self::serve::{Stop, listen, serve};
pub use self::site::{AllowedOrigin, BasePath, HostName, InvalidSite, Site};

/// What a process serves that is not there for clients.
pub fn operations_router(app: App) -> Router {
    routes::operations_router(app)
}

/// The whole service as a router.
pub fn router(app: App) -> Router {
    routes::router(app)
}

/// The description of every route, OpenAPI 3.1, made from the code.
pub fn openapi() -> utoipa::openapi::OpenApi {
    docs::complete(routes::documented().into_openapi())
}
