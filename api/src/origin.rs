//! The base of the URLs in answers: the one that the client itself used.

use std::net::SocketAddr;

use axum::extract::FromRequestParts;
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::app::App;
use crate::config::Network;
use crate::problem::{INVALID, Problem};

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The most characters of a host name with its port.
const HOST_CHARS_MAX: usize = 261;

/// Both ends of a connection, known to every request on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ends {
    pub(crate) peer: SocketAddr,
    pub(crate) local: SocketAddr,
}

/// Scheme and host as the client has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    scheme: &'static str,
    host: HeaderValue,
}

impl Origin {
    pub(crate) fn scheme(&self) -> &'static str {
        self.scheme
    }

    pub(crate) fn host(&self) -> &str {
        self.host.to_str().unwrap_or_default()
    }

    fn of(parts: &Parts, trusted: &[Network]) -> Result<Self, Problem> {
        let ends = parts.extensions.get::<Ends>();
        let behind_proxy = ends.is_some_and(|ends| {
            let peer = ends.peer.ip();
            trusted.iter().any(|network| network.contains(peer))
        });
        let forwarded = |name| first_of_list(&parts.headers, name).filter(|_| behind_proxy);
        let scheme = match forwarded(FORWARDED_PROTO) {
            Some(proto) if proto.as_bytes().eq_ignore_ascii_case(b"https") => "https",
            _ => "http",
        };
        let host = forwarded(FORWARDED_HOST).or_else(|| {
            // A request line with a whole URL counts more than the header.
            let authority = parts.uri.authority();
            match authority.and_then(|a| HeaderValue::from_str(a.as_str()).ok()) {
                Some(authority) => Some(authority),
                None => parts.headers.get(HOST).cloned(),
            }
        });
        match host.filter(|host| !host.is_empty()) {
            Some(host) if is_host(host.as_bytes()) => Ok(Self { scheme, host }),
            Some(_) => Err(Problem::new(&INVALID, "the Host header is not a host name")),
            None => Ok(Self {
                scheme,
                host: fallback(ends),
            }),
        }
    }
}

impl FromRequestParts<App> for Origin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Self::of(parts, &app.config().trusted_proxies)
    }
}

/// Proxies in a row append to one header; the first entry is what the client used.
fn first_of_list(headers: &HeaderMap, name: HeaderName) -> Option<HeaderValue> {
    let value = headers.get(name)?;
    let bytes = value.as_bytes();
    match bytes.iter().position(|&byte| byte == b',') {
        None => Some(value.clone()),
        Some(end) => HeaderValue::from_bytes(bytes[..end].trim_ascii()).ok(),
    }
}

/// Names, addresses and ports; nothing that could end the URL or begin another part of it.
fn is_host(text: &[u8]) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~:[]".contains(byte);
    text.len() <= HOST_CHARS_MAX && text.iter().all(allowed)
}

/// HTTP/1.0 need not say which host it means: then it is the address that it reached.
fn fallback(ends: Option<&Ends>) -> HeaderValue {
    let local = ends.and_then(|ends| HeaderValue::try_from(ends.local.to_string()).ok());
    local.unwrap_or(HeaderValue::from_static("localhost"))
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn origin(uri: &str, headers: &[(&str, &str)], trusted: &str) -> Result<String, Problem> {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts.extensions.insert(Ends {
            peer: "10.0.0.9:5000".parse().unwrap(),
            local: "10.0.0.1:8080".parse().unwrap(),
        });
        let trusted = Network::try_from(trusted.to_owned()).unwrap();
        let origin = Origin::of(&parts, &[trusted])?;
        Ok(format!("{}://{}", origin.scheme(), origin.host()))
    }

    const FORWARDED: [(&str, &str); 3] = [
        ("host", "inner:8080"),
        ("x-forwarded-host", "tickets.example, proxy"),
        ("x-forwarded-proto", "https, http"),
    ];

    #[test]
    fn the_base_is_what_the_client_called_us() {
        let host = origin("/", &[("host", "tickets.example:81")], "127.0.0.1");
        assert_eq!(host.unwrap(), "http://tickets.example:81");
        let whole = origin("http://whole.example/x", &[("host", "other")], "127.0.0.1");
        assert_eq!(whole.unwrap(), "http://whole.example");
        assert_eq!(
            origin("/", &[], "127.0.0.1").unwrap(),
            "http://10.0.0.1:8080"
        );
    }

    #[test]
    fn forwarded_headers_count_only_from_a_trusted_proxy() {
        let believed = origin("/", &FORWARDED, "10.0.0.0/8").unwrap();
        assert_eq!(believed, "https://tickets.example");
        let ignored = origin("/", &FORWARDED, "127.0.0.1").unwrap();
        assert_eq!(ignored, "http://inner:8080");
    }

    #[test]
    fn a_host_that_is_none_is_refused() {
        for host in ["a/b", "a\"b", "<a>", "a b", "a@b", "a?b", "a#b", "a\\b"] {
            assert!(
                origin("/", &[("host", host)], "127.0.0.1").is_err(),
                "{host:?}"
            );
        }
    }
}
