//! Answers that are whole in memory, and their kept form.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use bytes::Bytes;
use domain::keys::Answer;
use serde::Serialize;

/// An answer that can be sent, kept, or both.
pub(crate) type Reply = Response<Bytes>;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Ids and figures make most answers about this long.
const JSON_BYTES_USUAL: usize = 512;

/// `value` as JSON.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Reply {
    let mut body = Vec::with_capacity(JSON_BYTES_USUAL);
    serde_json::to_writer(&mut body, value).expect("wire types are texts and numbers");
    json_bytes(status, body.into())
}

/// JSON that is written already.
pub(crate) fn json_bytes(status: StatusCode, body: Bytes) -> Reply {
    let mut reply = Reply::new(body);
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, JSON);
    reply
}

/// The same reply with its validator: it may be kept, and must be asked about every time.
pub(crate) fn tagged(mut reply: Reply, etag: &str) -> Reply {
    let headers = reply.headers_mut();
    headers.insert(ETAG, value(etag));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    reply
}

/// The same reply with the place of what was made.
pub(crate) fn located(mut reply: Reply, path: String) -> Reply {
    let path = HeaderValue::try_from(path).expect("paths are made of ASCII and ids");
    reply.headers_mut().insert(LOCATION, path);
    reply
}

/// A header's value of text that this crate made: tags, dates, file names.
pub(crate) fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("the text is ours and visible ASCII")
}

/// The kept form of a reply.
pub(crate) fn to_answer(reply: &Reply) -> Answer {
    let headers = reply
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect();
    Answer {
        status: reply.status().as_u16(),
        headers,
        body: reply.body().clone(),
    }
}

/// A kept answer, sent once more. The body and the status are those of the first time.
pub(crate) fn replayed(answer: Answer) -> axum::response::Response {
    let mut response = Response::new(Body::from(answer.body));
    // What was kept was valid; were it not any more, the client still gets the body.
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or_default();
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    let replayed = HeaderName::from_static("idempotency-replayed");
    response
        .headers_mut()
        .insert(replayed, HeaderValue::from_static("true"));
    response
}

/// Sends a reply.
pub(crate) fn send(reply: Reply) -> axum::response::Response {
    reply.map(Body::from)
}
