//! The browser of the HTTP interface at `/docs`: Swagger UI, in a page of ours. The page that comes
//! with it repeats what stands in the address, and has a script that a policy would have to let in.

use axum::Router;
use axum::extract::{Path, Request};
use axum::http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::response::Response;
use axum::routing::get;
use swagger_ui_dist::{ApiDefinition, OpenApiSource, generate_routes};
use tower::ServiceExt;

use super::{JAVASCRIPT, answer, html};
use crate::app::App;
use crate::origin::Base;
use crate::routes::unknown_page;

/// Swagger UI styles its elements one by one and has its pictures inside the style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// The page under a path before ours, which holds nothing that would have to be escaped.
fn html_of(base: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>TicketOverflow: the HTTP interface</title>\n\
         <link rel=\"stylesheet\" href=\"{base}/docs/swagger-ui.css\">\n</head>\n<body>\n\
         <div id=\"swagger-ui\"></div>\n\
         <script src=\"{base}/docs/swagger-ui-bundle.js\"></script>\n\
         <script src=\"{base}/docs/start.js\"></script>\n</body>\n</html>\n"
    )
}

fn script_of(base: &str) -> String {
    format!("SwaggerUIBundle({{ url: \"{base}/openapi.json\", dom_id: \"#swagger-ui\" }});\n")
}

/// What of the crate's files the page needs; the others are its own page and maps for its authors.
const FILES: [&str; 2] = ["swagger-ui.css", "swagger-ui-bundle.js"];

/// The files change with the program only.
const KEPT: &str = "public, max-age=86400";

/// The page and what it loads.
pub(crate) fn routes() -> Router<App> {
    let files = generate_routes(ApiDefinition {
        uri_prefix: "/docs",
        api_definition: OpenApiSource::Uri("/openapi.json"),
        title: None,
    });
    let file = move |base: Base, Path(name): Path<String>, uri: Uri, request: Request| {
        let files = files.clone();
        async move {
            if FILES.contains(&name.as_str()) {
                file_of(files, request).await
            } else {
                unknown_page(base, request.headers().clone(), uri).await
            }
        }
    };
    Router::new()
        .route("/docs", get(page))
        .route("/docs/", get(page))
        .route("/docs/start.js", get(start))
        .route("/docs/{file}", get(file))
}

async fn page(base: Base) -> Response {
    let page = html_of(base.as_str());
    answer(StatusCode::OK, html::TYPE, POLICY, page.into())
}

async fn start(base: Base) -> Response {
    let script = script_of(base.as_str());
    answer(StatusCode::OK, JAVASCRIPT, POLICY, script.into())
}

async fn file_of(files: Router, request: Request) -> Response {
    let Ok(mut response) = files.oneshot(request).await;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(KEPT));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
