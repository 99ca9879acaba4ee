//! Whether the service can work: three places of the contract, one answer.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::{ConcertId, Error, concerts};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::problem::{Problem, UNAVAILABLE};
use crate::reply::{self, Reply, send};
use crate::wire::Health;

/// A ledger that is slower than this is no ledger to whoever asks.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(users_health))
        .routes(routes!(concerts_health))
        .routes(routes!(tickets_health))
}

/// Health of the user service
#[utoipa::path(
    get, path = "/api/v1/users/health", tag = "Health",
    responses(
        (status = 200, description = "The ledger answers", body = Health),
        (status = 503, description = "The ledger cannot be reached or read"),
    )
)]
async fn users_health(State(app): State<App>) -> Result<Response, Problem> {
    check_ledger(&app).await.map(send)
}

/// Health of the concert service
#[utoipa::path(
    get, path = "/api/v1/concerts/health", tag = "Health",
    responses(
        (status = 200, description = "The ledger answers", body = Health),
        (status = 503, description = "The ledger cannot be reached or read"),
    )
)]
async fn concerts_health(State(app): State<App>) -> Result<Response, Problem> {
    check_ledger(&app).await.map(send)
}

/// Health of the ticket service
#[utoipa::path(
    get, path = "/api/v1/tickets/health", tag = "Health",
    responses(
        (status = 200, description = "The ledger answers", body = Health),
        (status = 503, description = "The ledger cannot be reached or read"),
    )
)]
async fn tickets_health(State(app): State<App>) -> Result<Response, Problem> {
    check_ledger(&app).await.map(send)
}

/// Reads something small. Nothing has this id, and that is an answer too. However many ask, one
/// look at a time is under way for them, so they take no lookup's place and need no admission.
pub(super) async fn check_ledger(app: &App) -> Result<Reply, Problem> {
    let nobody = ConcertId(uuid::Uuid::nil());
    let read = concerts::find(app.ctx(), nobody);
    match tokio::time::timeout(PATIENCE, read).await {
        Ok(Ok(_) | Err(Error::NotFound(_))) => Ok(healthy()),
        // Damaged or away: to whoever asks for health it is the same, and the log tells which.
        Ok(Err(error)) => Err(Problem::new(&UNAVAILABLE, "the ledger cannot be read")
            .retry_soon()
            .caused_by(error.chain())),
        Err(_) => Err(Problem::new(&UNAVAILABLE, "the ledger does not answer").retry_soon()),
    }
}

pub(super) fn healthy() -> Reply {
    reply::json(StatusCode::OK, &Health { status: "ok" })
}
