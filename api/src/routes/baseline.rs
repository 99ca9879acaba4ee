//! What benchmarks compare with.

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::{Deserialize, Serialize};

use crate::reply::{self, send};

/// `POST /bench/noop`: reads a small JSON object and answers with one, and does nothing else. The
/// most that this server can do with requests like a purchase. Not part of the service.
pub fn baseline_router() -> Router {
    Router::new().route("/bench/noop", post(noop))
}

#[derive(Deserialize, Serialize)]
struct Order<'a> {
    concert_id: &'a str,
    user_id: &'a str,
}

async fn noop(body: Bytes) -> Response {
    match serde_json::from_slice::<Order<'_>>(&body) {
        Ok(order) => send(reply::json(StatusCode::CREATED, &order)),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}
