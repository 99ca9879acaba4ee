//! Seating layouts: uploaded once, used by any number of concerts, never changed.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::admission::Class;
use domain::layout::{self, StoredLayout};
use domain::{LayoutId, layouts};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::origin::Base;
use crate::problem::{FieldError, Problem};
use crate::reply::{self, send};
use crate::request::{PathId, Post, Upload};
use crate::stream::{self, PAGE, Page};
use crate::wire::{self, Layout};
use crate::{fields, idempotency};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_layouts, create_layout))
        .routes(routes!(find_schema))
        .routes(routes!(find_layout))
}

/// All seating layouts
#[utoipa::path(
    get, path = "/api/v1/layouts", tag = "Layouts",
    responses(
        (status = 200, description = "Every layout in the order of upload", body = Vec<Layout>),
        (status = 503, description = "The ledger cannot be reached"),
    )
)]
async fn list_layouts(State(app): State<App>) -> Result<Response, Problem> {
    let pass = app.admit(Class::Lists)?;
    let ctx = Arc::clone(app.ctx());
    stream::array(move |after| {
        // Kept with the stream until its end.
        let _pass = &pass;
        let ctx = Arc::clone(&ctx);
        async move {
            let stored = layouts::list(&ctx, after, PAGE).await?;
            let write = |json: &mut Vec<u8>, stored: &StoredLayout| {
                wire::write(json, &Layout::of(stored));
            };
            Ok(Page::of(&stored, write, |stored| stored.id))
        }
    })
    .await
}

/// Upload a seating layout
///
/// A JSON document of up to 32 MiB in the format of pretix's seating plans, or the superset of it
/// that `kind` of a seat belongs to. Concerts name it as `layout_id`.
#[utoipa::path(
    post, path = "/api/v1/layouts", tag = "Layouts",
    request_body(
        content = serde_json::Value, content_type = "application/json",
        example = json!({
            "name": "Small house",
            "zones": [{
                "name": "Stalls", "position": {"x": 0, "y": 0},
                "rows": [{
                    "row_number": "A", "position": {"x": 0, "y": 0},
                    "seats": [{
                        "seat_number": "1", "seat_guid": "A-1", "category": "All",
                        "position": {"x": 0, "y": 0}, "kind": "accessible",
                    }],
                }],
            }],
        })
    ),
    responses(
        (
            status = 201, description = "The layout", body = Layout,
            headers(("Location" = String, description = "Where the document is"))
        ),
        (status = 400, description = "The body is no layout; `errors` says which seat and why"),
        (status = 413, description = "The body has more than 32 MiB"),
        (status = 503, description = "The ledger cannot be reached or too many are uploading"),
    )
)]
async fn create_layout(
    State(app): State<App>,
    base: Base,
    upload: Upload,
) -> Result<Response, Problem> {
    let Upload { post, room: _room } = upload;
    let Post { input, key } = post;
    let _pass = app.admit(Class::Changes)?;
    let answer = move |stored: &StoredLayout| {
        let path = format!("{base}/api/v1/layouts/{}", stored.id);
        reply::located(reply::json(StatusCode::CREATED, &Layout::of(stored)), path)
    };
    idempotency::once(&app, key, answer, |keyed| async {
        let document = input.body;
        fields::check_text(&document)?;
        // A large one takes a while to read, and others want this thread.
        let read = tokio::task::spawn_blocking(move || {
            layout::Layout::parse(&document).map(|layout| (layout, document))
        });
        let read = read
            .await
            .map_err(|error| domain::Error::Part(format!("reading a layout failed: {error}")))?;
        let (layout, document) = read.map_err(|invalid| refused(&invalid))?;
        Ok(layouts::create(app.ctx(), layout, document.to_vec(), keyed).await?)
    })
    .await
}

/// The format of seating layouts
#[utoipa::path(
    get, path = "/api/v1/layouts/schema", tag = "Layouts",
    responses((status = 200, description = "A JSON Schema", body = serde_json::Value)),
)]
async fn find_schema() -> Response<Body> {
    send(reply::json_bytes(
        StatusCode::OK,
        layout::SCHEMA.as_bytes().into(),
    ))
}

/// The document of a seating layout
#[utoipa::path(
    get, path = "/api/v1/layouts/{id}", tag = "Layouts",
    params(("id" = String, Path, description = "The layout's id")),
    responses(
        (
            status = 200, description = "The document, byte for byte as it was uploaded, without a byte order mark",
            body = serde_json::Value
        ),
        (status = 404, description = "No such layout"),
        (status = 503, description = "The ledger cannot be reached"),
    )
)]
async fn find_layout(
    State(app): State<App>,
    PathId(id): PathId<LayoutId>,
) -> Result<Response<Body>, Problem> {
    let _pass = app.admit(Class::Lookups)?;
    let document = layouts::find_document(app.ctx(), id).await?;
    Ok(send(reply::json_bytes(StatusCode::OK, document)))
}

fn refused(invalid: &layout::InvalidLayout) -> Problem {
    let errors = invalid.0.iter().map(|mistake| FieldError {
        pointer: mistake.pointer.clone(),
        detail: mistake.detail.clone().into(),
    });
    Problem::fields(errors.collect())
}
