//! For those who run the service.

use std::sync::LazyLock;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use domain::admission::Class;
use domain::health::{self, Part};
use utoipa::openapi::Server;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::health::{check_ledger, healthy};
use crate::app::App;
use crate::origin::Base;
use crate::problem::{Problem, UNAVAILABLE};
use crate::reply::{self, Reply, send};
use crate::wire::{Degraded, Health, Readiness};

/// The description does not change while the process runs.
static OPENAPI: LazyLock<Bytes> = LazyLock::new(|| description("/"));

fn description(base: &str) -> Bytes {
    let mut openapi = crate::openapi();
    openapi.servers = Some(vec![Server::new(base)]);
    let json = openapi.to_json();
    json.expect("the description is texts and numbers").into()
}

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(livez))
        .routes(routes!(readyz))
        .routes(routes!(metrics))
        .routes(routes!(openapi))
}

/// Whether the process lives
///
/// Does not look at the ledger: a restart would not mend it.
#[utoipa::path(
    get, path = "/livez", tag = "Operations",
    responses((status = 200, description = "It does", body = Health))
)]
async fn livez() -> Response {
    send(healthy())
}

/// Whether the process wants requests
#[utoipa::path(
    get, path = "/readyz", tag = "Operations",
    responses(
        (
            status = 200, body = Readiness,
            description = "It does; what is degraded does not work in any process"
        ),
        (
            status = 503,
            description = "It is stopping, the ledger cannot be reached or read, or other processes \
                can do what this one cannot"
        ),
    )
)]
async fn readyz(State(app): State<App>) -> Result<Response, Problem> {
    if app.is_draining() {
        return Err(Problem::new(&UNAVAILABLE, "the process is stopping"));
    }
    check_ledger(&app).await?;
    let faults = health::faults(app.ctx());
    if let Some(fault) = faults.iter().find(|fault| fault.alone) {
        let detail = format!("only in this process, {fault}");
        return Err(Problem::new(&UNAVAILABLE, detail).retry_soon());
    }
    let degraded: Vec<_> = faults.iter().map(Degraded::from).collect();
    let readiness = Readiness {
        status: if degraded.is_empty() {
            "ok"
        } else {
            "degraded"
        },
        degraded: &degraded,
    };
    Ok(send(reply::json(StatusCode::OK, &readiness)))
}

/// Figures for Prometheus
#[utoipa::path(
    get, path = "/metrics", tag = "Operations",
    responses(
        (status = 200, description = "The figures", body = String, content_type = "text/plain")
    )
)]
async fn metrics(State(app): State<App>) -> Response {
    ::metrics::gauge!("ticketoverflow_sales_queue_ratio").set(app.ctx().sales_load());
    for class in Class::ALL {
        let inside = u32::try_from(app.ctx().inside(class)).unwrap_or(u32::MAX);
        ::metrics::gauge!("ticketoverflow_in_flight", "class" => class.name()).set(inside);
    }
    publish_faults(&app);
    let mut reply = Reply::new(app.metrics().into());
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    reply.headers_mut().insert(CONTENT_TYPE, text);
    send(reply)
}

/// For each part whether it works, and since when not.
fn publish_faults(app: &App) {
    let faults = health::faults(app.ctx());
    for part in Part::ALL {
        let fault = faults.iter().find(|fault| fault.part == part);
        #[expect(clippy::cast_precision_loss, reason = "a time of our age is exact")]
        let since = fault.map_or(0.0, |fault| fault.since.timestamp_millis() as f64 / 1_000.0);
        ::metrics::gauge!("ticketoverflow_degraded", "part" => part.name())
            .set(u32::from(fault.is_some()));
        ::metrics::gauge!("ticketoverflow_degraded_since_timestamp_seconds", "part" => part.name())
            .set(since);
    }
}

/// This description
#[utoipa::path(
    get, path = "/openapi.json", tag = "Operations",
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json"))
)]
async fn openapi(base: Base) -> Response {
    let description = match base.as_str() {
        "" => OPENAPI.clone(),
        base => description(base),
    };
    send(reply::json_bytes(StatusCode::OK, description))
}
