//! The base of the URLs in answers: the one that the client itself used.

use std::fmt;
use std::net::SocketAddr;

use axum::extract::FromRequestParts;
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, Request, Uri};

use crate::app::App;
use crate::config::Network;
use crate::problem::{INVALID, Problem};
use crate::site::{BasePath, is_host, split_port, without_default_port};

const FORWARDED: HeaderName = HeaderName::from_static("forwarded");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");

/// Both ends of a connection, known to every request on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ends {
    pub(crate) peer: SocketAddr,
    pub(crate) local: SocketAddr,
}

/// Scheme, host and the path before ours, as the client has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    scheme: &'static str,
    host: HeaderValue,
    base: Base,
}

/// The path before ours, as the client has it; mostly none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Base(BasePath);

/// What origins are read from.
pub(crate) trait Head {
    fn headers(&self) -> &HeaderMap;
    fn extensions(&self) -> &Extensions;
    fn uri(&self) -> &Uri;
}

impl Head for Parts {
    fn headers(&self) -> &HeaderMap {
        &self.headers
    }
    fn extensions(&self) -> &Extensions {
        &self.extensions
    }
    fn uri(&self) -> &Uri {
        &self.uri
    }
}

impl<B> Head for Request<B> {
    fn headers(&self) -> &HeaderMap {
        self.headers()
    }
    fn extensions(&self) -> &Extensions {
        self.extensions()
    }
    fn uri(&self) -> &Uri {
        self.uri()
    }
}

impl Origin {
    pub(crate) fn scheme(&self) -> &'static str {
        self.scheme
    }

    pub(crate) fn host(&self) -> &str {
        self.host.to_str().unwrap_or_default()
    }

    pub(crate) fn base(&self) -> &str {
        self.base.as_str()
    }

    /// Whether a browser that writes this header is on a page of ours.
    pub(crate) fn is_named(&self, origin: &HeaderValue) -> bool {
        let named = origin.to_str().ok().and_then(|text| text.split_once("://"));
        named.is_some_and(|(scheme, host)| {
            let bare = |host| without_default_port(self.scheme, host);
            scheme == self.scheme && bare(host).eq_ignore_ascii_case(bare(self.host()))
        })
    }

    /// The origin that the client of a request sees.
    pub(crate) fn of(head: &impl Head, app: &App) -> Result<Self, Problem> {
        let base = Base::of(head, app)?;
        Self::with(head, &app.config().trusted_proxies, base)
    }

    fn with(head: &impl Head, trusted: &[Network], base: Base) -> Result<Self, Problem> {
        let (headers, ends) = (head.headers(), head.extensions().get::<Ends>());
        let behind_proxy = is_behind(ends, trusted);
        let of_proxy = |name| first_of_list(headers, name).filter(|_| behind_proxy);
        let mut proto = of_proxy(FORWARDED_PROTO);
        let mut host = of_proxy(FORWARDED_HOST);
        // A proxy that writes the older headers may hand on whatever its client says in this one.
        if behind_proxy && proto.is_none() && host.is_none() {
            proto = forwarded(headers, "proto");
            host = forwarded(headers, "host");
        }
        let scheme = match proto {
            Some(proto) if proto.as_bytes().eq_ignore_ascii_case(b"https") => "https",
            _ => "http",
        };
        let host = host.or_else(|| {
            // A request line with a whole URL counts more than the header.
            let authority = head.uri().authority();
            match authority.and_then(|a| HeaderValue::from_str(a.as_str()).ok()) {
                Some(authority) => Some(authority),
                None => headers.get(HOST).cloned(),
            }
        });
        match host.filter(|host| !host.is_empty()) {
            Some(host) if is_host(host.as_bytes()) => {
                let host = with_port(host, of_proxy(FORWARDED_PORT).as_ref());
                Ok(Self { scheme, host, base })
            }
            Some(_) => Err(Problem::new(&INVALID, "the Host header is not a host name")),
            None => Ok(Self {
                scheme,
                host: fallback(ends),
                base,
            }),
        }
    }
}

#[cfg(test)]
impl Origin {
    /// `https://tickets.example` with a path before ours.
    pub(crate) fn example(base: &str) -> Self {
        Self {
            scheme: "https",
            host: HeaderValue::from_static("tickets.example"),
            base: Base(BasePath::parse(base.as_bytes()).expect("a path")),
        }
    }
}

impl Base {
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    fn of(head: &impl Head, app: &App) -> Result<Self, Problem> {
        let site = &app.site().base_path;
        let Some(prefix) = first_of_list(head.headers(), FORWARDED_PREFIX) else {
            return Ok(Self(site.clone()));
        };
        let ends = head.extensions().get::<Ends>();
        if !is_behind(ends, &app.config().trusted_proxies) {
            return Ok(Self(site.clone()));
        }
        let wrong = || Problem::new(&INVALID, "the X-Forwarded-Prefix header is not a path");
        BasePath::parse(prefix.as_bytes())
            .map(Self)
            .ok_or_else(wrong)
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromRequestParts<App> for Origin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Self::of(parts, app)
    }
}

impl FromRequestParts<App> for Base {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Self::of(parts, app)
    }
}

/// Whether a request comes from a proxy that is believed.
fn is_behind(ends: Option<&Ends>, trusted: &[Network]) -> bool {
    ends.is_some_and(|ends| {
        let peer = ends.peer.ip();
        trusted.iter().any(|network| network.contains(peer))
    })
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

/// A parameter of the first entry of `Forwarded` (RFC 7239), which may stand in quotation marks.
/// Those that we read hold no comma and no semicolon.
fn forwarded(headers: &HeaderMap, wanted: &str) -> Option<HeaderValue> {
    let value = headers.get(FORWARDED)?.to_str().ok()?;
    let first = value.split(',').next()?;
    let mut pairs = first.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted))?;
    HeaderValue::from_str(value.trim().trim_matches('"')).ok()
}

/// The host with the port that the client used, unless it names one or it is a usual one: that of its
/// scheme is left out by everybody, that of the other is the proxy's own, behind one that speaks TLS.
fn with_port(host: HeaderValue, port: Option<&HeaderValue>) -> HeaderValue {
    let port = port.and_then(|port| port.to_str().ok()?.parse::<u16>().ok());
    let name = host.to_str().unwrap_or_default();
    match port {
        None | Some(0 | 80 | 443) => host,
        Some(_) if split_port(name).1.is_some() => host,
        Some(port) => HeaderValue::try_from(format!("{name}:{port}")).unwrap_or(host),
    }
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
        let base = Base(BasePath::default());
        let origin = Origin::with(&parts, &[trusted], base)?;
        Ok(format!("{}://{}", origin.scheme(), origin.host()))
    }

    const BY_PROXIES: [(&str, &str); 3] = [
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
        let believed = origin("/", &BY_PROXIES, "10.0.0.0/8").unwrap();
        assert_eq!(believed, "https://tickets.example");
        let ignored = origin("/", &BY_PROXIES, "127.0.0.1").unwrap();
        assert_eq!(ignored, "http://inner:8080");
    }

    #[test]
    fn the_standard_header_counts_where_the_older_ones_are_missing() {
        let of = |headers: &[(&str, &str)]| origin("/", headers, "10.0.0.0/8").unwrap();
        let standard = (
            "forwarded",
            "for=192.0.2.1; Host=\"tickets.example:8443\";proto=HTTPS, for=10.1.1.1;host=x",
        );
        assert_eq!(of(&[standard]), "https://tickets.example:8443");
        let older = [standard, ("host", "inner"), ("x-forwarded-proto", "http")];
        assert_eq!(of(&older), "http://inner");
        let ignored = origin("/", &[standard, ("host", "inner")], "127.0.0.1");
        assert_eq!(ignored.unwrap(), "http://inner");
    }

    #[test]
    fn the_port_of_a_client_is_added_where_the_host_has_none() {
        let of = |host: &str, proto: &str, port: &str| {
            let headers = [
                ("host", host),
                ("x-forwarded-proto", proto),
                ("x-forwarded-port", port),
            ];
            origin("/", &headers, "10.0.0.0/8").unwrap()
        };
        assert_eq!(of("a.example", "https", "8443"), "https://a.example:8443");
        assert_eq!(of("[::1]", "http", "8080"), "http://[::1]:8080");
        for unchanged in ["443", "80", "0", "x", "99999", ""] {
            assert_eq!(of("a.example", "https", unchanged), "https://a.example");
        }
        assert_eq!(of("a.example:1", "https", "8443"), "https://a.example:1");
        let stranger = [("host", "a.example"), ("x-forwarded-port", "81")];
        let stranger = origin("/", &stranger, "127.0.0.1").unwrap();
        assert_eq!(stranger, "http://a.example");
    }

    #[test]
    fn a_page_of_ours_is_one_of_the_same_scheme_host_and_port() {
        let named = |host: &'static str, origin: &'static str| {
            let own = Origin {
                scheme: "https",
                host: HeaderValue::from_static(host),
                base: Base(BasePath::default()),
            };
            own.is_named(&HeaderValue::from_static(origin))
        };
        assert!(named("a.example", "https://a.example"));
        assert!(named("A.example:443", "https://a.example"));
        assert!(named("a.example:81", "https://a.example:81"));
        for other in [
            "http://a.example",
            "https://b.example",
            "https://a.example:81",
            "https://a.example.evil",
            "null",
            "",
        ] {
            assert!(!named("a.example", other), "{other:?}");
        }
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
