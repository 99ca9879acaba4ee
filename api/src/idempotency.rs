//! `Idempotency-Key`: a retried POST has one effect and the same answer.

use std::future::Future;
use std::sync::Arc;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::Response;
use domain::Answered;
use domain::keys::{self, Fingerprint, KEY_CHARS_MAX, KeyState, Keyed};
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::problem::{INVALID, KEY_REUSED, KEY_RUNNING, Problem};
use crate::reply::{self, Reply};

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// A client's key and the hash of everything that makes its request another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IdempotencyKey {
    key: String,
    fingerprint: Fingerprint,
}

impl IdempotencyKey {
    /// The key of a request, if it has one.
    pub(crate) fn of(parts: &Parts, body: &[u8]) -> Result<Option<Self>, Problem> {
        let Some(key) = read(&parts.headers)? else {
            return Ok(None);
        };
        let mut hash = Sha256::new();
        for part in [parts.method.as_str(), parts.uri.path()] {
            hash.update(part);
            hash.update([0]);
        }
        hash.update(body);
        Ok(Some(Self {
            key,
            fingerprint: hash.finalize().into(),
        }))
    }
}

/// Runs a use case at most once for a key. `answer` makes the answer of an effect; the ledger
/// keeps it together with the effect.
pub(crate) async fn once<T, Run, Running>(
    app: &App,
    key: Option<IdempotencyKey>,
    answer: impl Fn(&T) -> Reply + Send + Sync + 'static,
    run: Run,
) -> Result<Response, Problem>
where
    Run: FnOnce(Option<Keyed<T>>) -> Running,
    Running: Future<Output = Result<Answered<T>, Problem>>,
{
    if let Some(key) = key {
        // Boxed: a crowd without keys should not wait in room for one.
        return Box::pin(once_of_key(app, key, answer, run)).await;
    }
    Ok(match run(None).await? {
        Answered::Now(effect) => answer(&effect).map(Body::from),
        Answered::Before(answer) => reply::replayed(answer),
    })
}

async fn once_of_key<T, Run, Running>(
    app: &App,
    IdempotencyKey { key, fingerprint }: IdempotencyKey,
    answer: impl Fn(&T) -> Reply + Send + Sync + 'static,
    run: Run,
) -> Result<Response, Problem>
where
    Run: FnOnce(Option<Keyed<T>>) -> Running,
    Running: Future<Output = Result<Answered<T>, Problem>>,
{
    let _running = match keys::begin(app.ctx(), &key, &fingerprint).await? {
        KeyState::Fresh(guard) => guard,
        KeyState::Replay(answer) => return Ok(reply::replayed(answer)),
        KeyState::Reused => {
            let detail = "the idempotency key was used for another request";
            return Err(Problem::new(&KEY_REUSED, detail));
        }
        KeyState::Running => {
            let detail = "the request with this idempotency key is not answered yet";
            return Err(Problem::new(&KEY_RUNNING, detail).retry_soon());
        }
    };
    let answer = Arc::new(answer);
    let keyed = Keyed::new(key.clone(), fingerprint, {
        let answer = Arc::clone(&answer);
        move |effect: &T| reply::to_answer(&answer(effect))
    });
    match run(Some(keyed)).await {
        Ok(Answered::Now(effect)) => Ok(answer(&effect).map(Body::from)),
        Ok(Answered::Before(answer)) => Ok(reply::replayed(answer)),
        Err(problem) if is_final(problem.status()) => {
            let refusal = reply::to_answer(&problem.to_reply());
            // What cannot be kept is not said: a retry could hear that it had been granted.
            match keys::remember(app.ctx(), key, fingerprint, refusal).await? {
                Answered::Now(()) => Err(problem),
                Answered::Before(answer) => Ok(reply::replayed(answer)),
            }
        }
        Err(problem) => Err(problem),
    }
}

/// Whether the same request would be refused again at any time.
fn is_final(status: StatusCode) -> bool {
    status.is_client_error()
        && !matches!(
            status,
            StatusCode::REQUEST_TIMEOUT
                | StatusCode::CONFLICT
                | StatusCode::PAYLOAD_TOO_LARGE
                | StatusCode::TOO_MANY_REQUESTS
        )
}

fn read(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(HEADER).into_iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let key = value.to_str().ok().and_then(parse);
    match key {
        Some(key) if values.next().is_none() => Ok(Some(key)),
        _ => {
            let detail = "Idempotency-Key must be one key of 1 to 255 visible ASCII characters";
            Err(Problem::new(&INVALID, detail))
        }
    }
}

/// Both `key` and `"key"` are in use; they name the same key.
fn parse(text: &str) -> Option<String> {
    let text = text.trim();
    let quoted = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let key = match quoted {
        Some(inner) => unescape(inner)?,
        None => text.to_owned(),
    };
    let visible = key.bytes().all(|byte| byte.is_ascii_graphic());
    (visible && (1..=KEY_CHARS_MAX).contains(&key.len())).then_some(key)
}

/// A structured string (RFC 8941): only `\"` and `\\` are escapes.
fn unescape(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => plain.push(chars.next().filter(|next| matches!(next, '"' | '\\'))?),
            '"' => return None,
            other => plain.push(other),
        }
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    #[test]
    fn quoted_and_bare_keys_are_the_same_key() {
        assert_eq!(parse("abc-123").as_deref(), Some("abc-123"));
        assert_eq!(parse("\"abc-123\"").as_deref(), Some("abc-123"));
        assert_eq!(parse(r#""a\"b\\c""#).as_deref(), Some(r#"a"b\c"#));
    }

    #[test]
    fn keys_are_1_to_255_visible_characters() {
        assert!(parse(&"k".repeat(255)).is_some());
        for bad in [
            "",
            "\"\"",
            "a b",
            "a\tb",
            "é",
            r#""a\b""#,
            r#""a"b""#,
            &"k".repeat(256),
        ] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn two_keys_in_one_request_are_refused() {
        let mut headers = HeaderMap::new();
        assert_eq!(read(&headers).unwrap(), None);
        headers.append(HEADER, "a".parse().unwrap());
        assert_eq!(read(&headers).unwrap().as_deref(), Some("a"));
        headers.append(HEADER, "b".parse().unwrap());
        assert!(read(&headers).is_err());
    }

    #[test]
    fn the_fingerprint_covers_path_and_body() {
        let of = |path: &str, body: &[u8]| {
            let request = Request::post(path).header(HEADER, "k").body(()).unwrap();
            IdempotencyKey::of(&request.into_parts().0, body)
                .unwrap()
                .unwrap()
        };
        assert_eq!(of("/a", b"1"), of("/a", b"1"));
        assert_ne!(of("/a", b"1"), of("/b", b"1"));
        assert_ne!(of("/a", b"1"), of("/a", b"2"));
    }

    #[test]
    fn only_final_refusals_are_kept() {
        let kept = |status| is_final(StatusCode::from_u16(status).unwrap());
        assert!([400, 404, 422].into_iter().all(kept));
        assert!(![408, 409, 413, 429, 500, 503].into_iter().any(kept));
    }
}
