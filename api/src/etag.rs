//! Validators: the tags of concerts, prints and plans, and what clients say about them.

use axum::http::HeaderMap;
use axum::http::header::{IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderName, StatusCode};
use bytes::Bytes;
use domain::concert::Offer;

use crate::reply::{self, Reply};

/// The end of a concert's tag while it is shown as sold out without being stored so: the bytes
/// differ, so the tag must.
const SOLD_OUT: &str = "-sold-out";

/// What proxies that compress add to the end of a tag.
const CODINGS: [&str; 5] = ["gzip", "br", "zstd", "deflate", "compress"];

/// The tag of a concert as it is shown.
pub(crate) fn of_offer(offer: &Offer) -> String {
    let derived = offer.status() != offer.concert.status;
    let end = if derived { SOLD_OUT } else { "" };
    format!("\"{}{end}\"", offer.concert.version)
}

/// Whether a client has these bytes already (`If-None-Match`, weak comparison), maybe in a coding of
/// a proxy.
pub(crate) fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let inner = etag.trim_matches('"');
    tags(headers, IF_NONE_MATCH)
        .any(|tag| tag == "*" || is_tag(tag, etag) || uncoded(tag) == Some(inner))
}

/// As [`is_known`], for what we send in codings ourselves: each has a tag of its own.
pub(crate) fn is_known_as_coded(headers: &HeaderMap, etag: &str) -> bool {
    tags(headers, IF_NONE_MATCH).any(|tag| tag == "*" || is_tag(tag, etag))
}

fn is_tag(tag: &str, etag: &str) -> bool {
    tag.strip_prefix("W/").unwrap_or(tag) == etag
}

/// What stands in a tag, without what a proxy that compresses has made of it: it may call it weak, or
/// add its coding, as in `"7-gzip"` or `"7;br"`.
fn uncoded(tag: &str) -> Option<&str> {
    let tag = tag.strip_prefix("W/").unwrap_or(tag);
    let inner = tag.strip_prefix('"')?.strip_suffix('"')?;
    let bare = CODINGS.iter().find_map(|coding| {
        let rest = inner.strip_suffix(coding)?;
        let rest = rest.strip_suffix(['-', ';'])?;
        // One of them writes two dashes.
        Some(rest.strip_suffix('-').unwrap_or(rest))
    });
    Some(bare.unwrap_or(inner))
}

/// The answer for a client that has these bytes already.
pub(crate) fn not_modified(etag: &str) -> Reply {
    let mut reply = Reply::new(Bytes::new());
    *reply.status_mut() = StatusCode::NOT_MODIFIED;
    reply::tagged(reply, etag)
}

/// What a client says of the concert that it wants to change (`If-Match`). Our tags name versions, of
/// which there are no two that look alike: one that a proxy has made weak names its version as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Nothing.
    Anything,
    /// One of these versions; none at all when no tag was one of ours.
    Versions(Vec<u32>),
}

impl Expected {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        if !headers.contains_key(IF_MATCH) || tags(headers, IF_MATCH).any(|tag| tag == "*") {
            return Self::Anything;
        }
        Self::Versions(tags(headers, IF_MATCH).filter_map(version).collect())
    }

    /// The version that a change must find, given the present one: `None` for any. A version
    /// that no concert has, 0, when the present one is not expected.
    pub(crate) fn version(&self, current: u32) -> Option<u32> {
        match self {
            Self::Anything => None,
            Self::Versions(versions) if versions.contains(&current) => Some(current),
            Self::Versions(_) => Some(0),
        }
    }
}

/// The version in a concert's tag, in whatever form.
fn version(tag: &str) -> Option<u32> {
    let inner = uncoded(tag)?;
    let digits = inner.strip_suffix(SOLD_OUT).unwrap_or(inner);
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

/// The tags of a header. Ours hold no comma, so a foreign tag that does is cut in two pieces
/// that match nothing.
fn tags(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|tag| !tag.is_empty())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(name: &HeaderName, values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name.clone(), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn if_none_match_compares_weakly_in_lists_and_with_a_star() {
        let known = |value| is_known(&headers(&IF_NONE_MATCH, &[value]), "\"3\"");
        assert!(known("\"3\"") && known("W/\"3\"") && known("*") && known("\"2\" , \"3\""));
        assert!(!known("3") && !known("\"33\"") && !known("\"3-sold-out\"") && !known(""));
        assert!(is_known(
            &headers(&IF_NONE_MATCH, &["\"1\"", "\"3\""]),
            "\"3\""
        ));
        assert!(!is_known(&HeaderMap::new(), "\"3\""));
        assert!(known("\"3-gzip\"") && known("W/\"3;br\"") && !known("\"2-gzip\""));
        let coded = headers(&IF_NONE_MATCH, &["\"3-gzip\""]);
        assert!(!is_known_as_coded(&coded, "\"3\"") && is_known_as_coded(&coded, "\"3-gzip\""));
    }

    #[test]
    fn if_match_takes_every_form_of_a_version() {
        let expected = |value| Expected::of(&headers(&IF_MATCH, &[value])).version(3);
        assert_eq!(expected("\"3\""), Some(3));
        assert_eq!(expected("\"3-sold-out\""), Some(3));
        assert_eq!(expected("\"1\", \"3\""), Some(3));
        assert_eq!(expected("*"), None);
        for of_proxy in [
            "W/\"3\"",
            "\"3-gzip\"",
            "W/\"3-gzip\"",
            "\"3;br\"",
            "\"3--gzip\"",
            "\"3-sold-out-zstd\"",
        ] {
            assert_eq!(expected(of_proxy), Some(3), "{of_proxy}");
        }
        for stale in [
            "\"2\"",
            "W/\"2\"",
            "\"2-gzip\"",
            "\"3-x\"",
            "\"-gzip\"",
            "3",
            "\"+3\"",
            "\"\"",
            "nonsense",
            "",
        ] {
            assert_eq!(expected(stale), Some(0), "{stale:?}");
        }
        assert_eq!(Expected::of(&HeaderMap::new()).version(3), None);
    }
}
