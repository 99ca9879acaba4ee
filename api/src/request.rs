//! What handlers take from a request beside its body's content: ids, bodies, keys, traces.

use std::pin::pin;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, EXPECT};
use axum::http::request::Parts;
use bytes::{Buf as _, Bytes, BytesMut};
use domain::{ConcertId, LayoutId, TicketId, UserId, json_text};
use futures::FutureExt as _;
use http_body_util::BodyExt;
use hyper::body::Body as _;
use tokio::time::{Instant, timeout_at};

use crate::app::App;
use crate::config::Config;
use crate::idempotency::IdempotencyKey;
use crate::problem::{CODED, INVALID, Problem, TOO_LARGE, TOO_SLOW};
use crate::rest;
use crate::uploads::Room;

/// The id in a path. One that cannot be read names nothing, so it is answered 404.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PathId<Id>(pub(crate) Id);

/// An id that a path can hold.
pub(crate) trait Named: Sized {
    const WORD: &'static str;
    fn read(text: &str) -> Option<Self>;
}

macro_rules! named {
    ($id:ident, $word:literal) => {
        impl Named for $id {
            const WORD: &'static str = $word;
            fn read(text: &str) -> Option<Self> {
                Self::parse(text)
            }
        }
    };
}

named!(ConcertId, "concert");
named!(LayoutId, "layout");
named!(TicketId, "ticket");
named!(UserId, "user");

impl<Id: Named> FromRequestParts<App> for PathId<Id> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        // Escapes that are not UTF-8 make this fail: no id looks like that.
        let params = RawPathParams::from_request_parts(parts, app).await.ok();
        params
            .as_ref()
            .and_then(|params| params.iter().find(|(name, _)| *name == "id"))
            .and_then(|(_, text)| Id::read(text))
            .map(Self)
            .ok_or_else(|| Problem::no_such(Id::WORD))
    }
}

/// The body of a request, and the trace that it belongs to.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) body: Bytes,
    pub(crate) trace: Option<String>,
}

/// An [`Input`] that may carry a key, so that it can be sent twice.
#[derive(Debug)]
pub(crate) struct Post {
    pub(crate) input: Input,
    pub(crate) key: Option<IdempotencyKey>,
}

/// A [`Post`] of a large document. All of them together have so much memory.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) post: Post,
    /// Its memory, to be kept until the document is read.
    pub(crate) room: Room,
}

impl FromRequest<App> for Input {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let config = app.config();
        Self::read(&parts, body, config, config.body_bytes_max, |_| Ok(())).await
    }
}

impl FromRequest<App> for Post {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let config = app.config();
        let most = config.body_bytes_max;
        let input = Input::read(&parts, body, config, most, |_| Ok(())).await?;
        let key = IdempotencyKey::of(&parts, &input.body)?;
        Ok(Self { input, key })
    }
}

impl FromRequest<App> for Upload {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let config = app.config();
        let mut room = app.uploads().begin(config.body_bytes_max);
        let most = config.layout_bytes_max;
        let input = Input::read(&parts, body, config, most, |bytes| room.hold(bytes)).await?;
        let key = IdempotencyKey::of(&parts, &input.body)?;
        Ok(Self {
            post: Post { input, key },
            room,
        })
    }
}

impl Input {
    async fn read(
        parts: &Parts,
        body: Body,
        config: &Config,
        bytes_max: usize,
        hold: impl FnMut(usize) -> Result<(), Problem>,
    ) -> Result<Self, Problem> {
        let body = read_body(parts, body, config, bytes_max, hold).await?;
        check_coding(&parts.headers, &body)?;
        Ok(Self {
            body: without_mark(body),
            trace: trace(&parts.headers),
        })
    }
}

/// The W3C `traceparent`, so that jobs belong to the trace of the request that caused them.
fn trace(headers: &HeaderMap) -> Option<String> {
    let parent = headers.get("traceparent")?.to_str().ok()?;
    let shape = (55..=128).contains(&parent.len())
        && parent
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    shape.then(|| parent.to_owned())
}

/// A body in a coding would have to be unpacked, to a size that nobody knows before.
fn check_coding(headers: &HeaderMap, body: &Bytes) -> Result<(), Problem> {
    let Some(coding) = headers.get(CONTENT_ENCODING) else {
        return Ok(());
    };
    if body.is_empty() || coding.as_bytes().eq_ignore_ascii_case(b"identity") {
        return Ok(());
    }
    let detail = "a body is sent as it is, without a Content-Encoding";
    Err(Problem::new(&CODED, detail).accepting_identity())
}

/// The same body without a byte order mark, which some editors put before JSON.
fn without_mark(mut body: Bytes) -> Bytes {
    if body.starts_with(json_text::MARK) {
        body.advance(json_text::MARK.len());
    }
    body
}

/// The whole body, unless it is too large or does not arrive in time, or `hold` refuses that it
/// grows to so many bytes.
async fn read_body(
    parts: &Parts,
    mut body: Body,
    config: &Config,
    bytes_max: usize,
    hold: impl FnMut(usize) -> Result<(), Problem>,
) -> Result<Bytes, Problem> {
    let deadline = Instant::now() + Duration::from_millis(config.body_read_timeout_ms);
    // Whoever asks before sending need not send.
    let asks_first = parts.headers.contains_key(EXPECT);
    if asks_first && body.size_hint().lower() > bytes_max as u64 {
        return Err(too_large(bytes_max).closing());
    }
    let collected = {
        let mut collecting = pin!(collect(&mut body, bytes_max, hold));
        // Most bodies arrive with the head: no timer for those, nor room for one.
        match collecting.as_mut().now_or_never() {
            Some(collected) => Ok(collected),
            None => Box::pin(timeout_at(deadline, collecting)).await,
        }
    };
    match collected {
        Ok(Ok(Some(whole))) => Ok(whole),
        Ok(Ok(None)) => {
            // A client that is cut off while it sends seldom gets to see the answer.
            let time = deadline.saturating_duration_since(Instant::now());
            if Box::pin(rest::discard(&mut body, time)).await {
                Err(too_large(bytes_max))
            } else {
                Err(too_large(bytes_max).closing())
            }
        }
        Ok(Err(problem)) => Err(problem),
        Err(_) => Err(Problem::new(&TOO_SLOW, "the body did not arrive in time").closing()),
    }
}

/// The body, or `None` when it has more than so many bytes.
async fn collect(
    body: &mut Body,
    bytes_max: usize,
    mut hold: impl FnMut(usize) -> Result<(), Problem>,
) -> Result<Option<Bytes>, Problem> {
    let mut whole = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::new(&INVALID, "the body broke off").closing())?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        let bytes = whole.len() + joined.len() + data.len();
        if bytes > bytes_max {
            return Ok(None);
        }
        hold(bytes)?;
        // Most bodies come in one piece, which need not be copied.
        if whole.is_empty() && joined.is_empty() {
            whole = data;
        } else {
            joined.extend_from_slice(&std::mem::take(&mut whole));
            joined.extend_from_slice(&data);
        }
    }
    Ok(Some(if joined.is_empty() {
        whole
    } else {
        joined.freeze()
    }))
}

fn too_large(bytes_max: usize) -> Problem {
    Problem::new(
        &TOO_LARGE,
        format!("a body may have at most {bytes_max} bytes"),
    )
}
