//! The pages for people: what is on sale, and each concert's house while it sells. Documents
//! without anything from elsewhere; only a concert's page has a script.

mod docs;
mod html;
mod plan;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use domain::admission::Class;
use domain::concert::Offer;
use domain::concerts;
use tokio::sync::Mutex;

use crate::app::App;
use crate::origin::{Base, Origin};
use crate::problem::Problem;
use crate::reply::{Reply, send};

/// How old the concerts on the page may be, so that those who reload it cost the ledger nothing.
const AGE_MAX: Duration = Duration::from_secs(2);

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Concerts on the page.
const SHOWN: u32 = 12;

/// The newest concerts as they were read last.
#[derive(Debug, Default)]
pub(crate) struct HomePage(Mutex<Option<(Instant, Arc<[Offer]>)>>);

impl HomePage {
    /// The newest concerts, the newest first. One look at a time is under way; whoever waited for it
    /// gets the same.
    async fn newest(&self, app: &App) -> Result<Arc<[Offer]>, Problem> {
        let mut kept = self.0.lock().await;
        if let Some((read, newest)) = &*kept
            && read.elapsed() < AGE_MAX
        {
            return Ok(Arc::clone(newest));
        }
        let _pass = app.admit(Class::Lists)?;
        let newest: Arc<[Offer]> = concerts::newest(app.ctx(), SHOWN).await?.into();
        *kept = Some((Instant::now(), Arc::clone(&newest)));
        Ok(newest)
    }
}

pub(crate) use self::docs::routes as docs;
pub(crate) use self::plan::{plan, script};

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

pub(crate) async fn home(State(app): State<App>, origin: Origin) -> Response {
    let (status, page) = match app.home().newest(&app).await {
        Ok(newest) => (StatusCode::OK, html::page(&newest, &origin)),
        Err(problem) => {
            problem.log();
            (problem.status(), html::apology(origin.base()))
        }
    };
    answer(status, html::TYPE, POLICY, page.into())
}

/// What a browser is shown that asks for something that is not there.
pub(crate) fn unknown(base: &Base) -> Response {
    let page = html::unknown(base.as_str());
    let mut answer = answer(StatusCode::NOT_FOUND, html::TYPE, POLICY, page.into());
    answer.headers_mut().insert(VARY, ACCEPT.into());
    answer
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
