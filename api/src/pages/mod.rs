//! The pages for people: what is on sale, and each concert's house while it sells. Documents
//! without anything from elsewhere; only a concert's page has a script.

mod docs;
mod html;
mod newest;
mod plan;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use domain::Context;
use tokio::sync::Mutex;

use crate::app::App;
use crate::problem::Problem;
use crate::reply::{Reply, send};

/// How old the page may be. Looking for the newest concerts costs more than it should for
/// everybody who reloads.
const AGE_MAX: Duration = Duration::from_secs(2);

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page as it was made last.
#[derive(Debug, Default)]
pub(crate) struct HomePage(Mutex<Option<(Instant, Bytes)>>);

impl HomePage {
    /// The page. Only one is made at a time; whoever waited for it gets the same.
    async fn get(&self, ctx: &Arc<Context>) -> Result<Bytes, domain::Error> {
        let mut kept = self.0.lock().await;
        if let Some((made, page)) = &*kept
            && made.elapsed() < AGE_MAX
        {
            return Ok(page.clone());
        }
        let page = Bytes::from(html::page(&newest::concerts(ctx).await?));
        *kept = Some((Instant::now(), page.clone()));
        Ok(page)
    }
}

pub(crate) use self::docs::routes as docs;
pub(crate) use self::plan::{plan, script};

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

pub(crate) async fn home(State(app): State<App>) -> Response {
    let (status, page) = match app.home().get(app.ctx()).await {
        Ok(page) => (StatusCode::OK, page),
        Err(error) => {
            let problem = Problem::from(error);
            problem.log();
            (problem.status(), html::apology().into())
        }
    };
    answer(status, html::TYPE, POLICY, page)
}

fn answer(
    status: StatusCode,
    media_type: &'static str,
    policy: &'static str,
    body: Bytes,
) -> Response {
    let mut reply = Reply::new(body);
    *reply.status_mut() = status;
    let headers = [
        (CONTENT_TYPE, media_type),
        (CONTENT_SECURITY_POLICY, policy),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
        (CACHE_CONTROL, "no-cache"),
    ];
    for (name, value) in headers {
        reply
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    send(reply)
}
