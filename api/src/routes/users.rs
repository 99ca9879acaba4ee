//! Users: a fixed list.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::UserId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::problem::Problem;
use crate::reply::{self, send};
use crate::request::PathId;
use crate::wire::User;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_users))
        .routes(routes!(find_user))
}

/// All users
#[utoipa::path(
    get, path = "/api/v1/users", tag = "Users",
    responses((status = 200, description = "Everybody, in a fixed order", body = Vec<User>))
)]
async fn list_users(State(app): State<App>) -> Response {
    send(reply::json_bytes(StatusCode::OK, app.users_json()))
}

/// One user
#[utoipa::path(
    get, path = "/api/v1/users/{id}", tag = "Users",
    params(("id" = String, Path, description = "The user's id")),
    responses(
        (status = 200, description = "The user", body = User),
        (status = 404, description = "No such user"),
    )
)]
async fn find_user(
    State(app): State<App>,
    PathId(id): PathId<UserId>,
) -> Result<Response, Problem> {
    let user = app
        .ctx()
        .users
        .find(id)
        .ok_or_else(|| Problem::no_such("user"))?;
    Ok(send(reply::json(StatusCode::OK, &User::of(user))))
}
