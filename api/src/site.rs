//! How the service is reached from outside: its names, the path that it is under, and the pages of
//! others that may use it.

use std::fmt;

use axum::http::uri::{PathAndQuery, Uri};
use axum::http::{HeaderValue, uri};
use serde::Deserialize;

/// The most characters of a path that the service is under.
const BASE_CHARS_MAX: usize = 256;
/// The most characters of a host name with its port.
const HOST_CHARS_MAX: usize = 261;

/// What an operator says of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Site {
    /// The names by which clients may call it; any when there are none.
    pub hosts: Vec<HostName>,
    /// The path that it is under.
    pub base_path: BasePath,
}

/// A setting is not what it must be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {wanted}")]
pub struct InvalidSite {
    text: String,
    wanted: &'static str,
}

/// A host, such as `tickets.example`, with a port if only that one will do.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct HostName(String);

/// What the paths of the service begin with outside, such as `/tickets`; mostly nothing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct BasePath(HeaderValue);

/// Another site whose pages may use the service, such as `https://shop.example`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct AllowedOrigin(String);

impl HostName {
    /// Whether a client means this one.
    pub(crate) fn is(&self, host: &str) -> bool {
        let (name, port) = split_port(host);
        let (own_name, own_port) = split_port(&self.0);
        own_name.eq_ignore_ascii_case(name) && (own_port.is_none() || own_port == port)
    }
}

impl AllowedOrigin {
    /// Whether a browser means this one. It writes origins in small letters.
    pub(crate) fn is(&self, origin: &HeaderValue) -> bool {
        self.0.as_bytes() == origin.as_bytes()
    }
}

impl BasePath {
    /// Reads one as a proxy or an operator writes it: with a slash before it, with or without one
    /// after it.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let text = text.strip_suffix(b"/").unwrap_or(text);
        if text.is_empty() {
            return Some(Self::default());
        }
        let names = text.strip_prefix(b"/")?;
        // Two slashes at the beginning would make a host of what follows.
        let is_name = |name: &[u8]| !name.is_empty() && name != b"." && name != b"..";
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(byte);
        let good = text.len() <= BASE_CHARS_MAX
            && text.iter().all(allowed)
            && names.split(|byte| *byte == b'/').all(is_name);
        good.then(|| HeaderValue::from_bytes(text).ok())
            .flatten()
            .map(Self)
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// Leaves it out where a proxy has left it in.
    pub(crate) fn strip(&self, uri: &mut Uri) {
        if self.0.is_empty() {
            return;
        }
        let whole = uri.path_and_query().map_or("", PathAndQuery::as_str);
        let Some(rest) = whole.strip_prefix(self.as_str()) else {
            return;
        };
        let rest = match rest.as_bytes().first() {
            Some(b'/') => rest.to_owned(),
            None | Some(b'?') => format!("/{rest}"),
            Some(_) => return,
        };
        let mut parts = uri::Parts::default();
        parts.path_and_query = PathAndQuery::try_from(rest).ok();
        if let Some(authority) = uri.authority() {
            parts.authority = Some(authority.clone());
            parts.scheme = uri.scheme().cloned();
        }
        if let Ok(shorter) = Uri::from_parts(parts) {
            *uri = shorter;
        }
    }
}

impl Default for BasePath {
    fn default() -> Self {
        Self(HeaderValue::from_static(""))
    }
}

impl fmt::Display for BasePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for BasePath {
    type Error = InvalidSite;

    fn try_from(text: String) -> Result<Self, InvalidSite> {
        let wanted = "a path such as /tickets";
        Self::parse(text.as_bytes()).ok_or(InvalidSite { text, wanted })
    }
}

impl TryFrom<String> for HostName {
    type Error = InvalidSite;

    fn try_from(text: String) -> Result<Self, InvalidSite> {
        if text.is_empty() || !is_host(text.as_bytes()) {
            let wanted = "a host such as tickets.example";
            return Err(InvalidSite { text, wanted });
        }
        Ok(Self(text))
    }
}

impl TryFrom<String> for AllowedOrigin {
    type Error = InvalidSite;

    fn try_from(text: String) -> Result<Self, InvalidSite> {
        let known = text.split_once("://").filter(|(scheme, host)| {
            let scheme = ["http", "https"]
                .iter()
                .any(|s| s.eq_ignore_ascii_case(scheme));
            scheme && !host.is_empty() && is_host(host.as_bytes())
        });
        let Some((scheme, host)) = known else {
            let wanted = "an origin such as https://shop.example, without a path";
            return Err(InvalidSite { text, wanted });
        };
        let scheme = scheme.to_ascii_lowercase();
        let host = without_default_port(&scheme, host).to_ascii_lowercase();
        Ok(Self(format!("{scheme}://{host}")))
    }
}

/// Names, addresses and ports; nothing that could end a URL or begin another part of it.
pub(crate) fn is_host(text: &[u8]) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~:[]".contains(byte);
    text.len() <= HOST_CHARS_MAX && text.iter().all(allowed)
}

/// A host without its port, and the port.
pub(crate) fn split_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        // The colons of an address stand in brackets.
        Some((name, port))
            if !port.contains(']') && (name.ends_with(']') || !name.contains(':')) =>
        {
            (name, Some(port))
        }
        _ => (host, None),
    }
}

/// A host as browsers write it in an origin: they leave the usual port out.
pub(crate) fn without_default_port<'a>(scheme: &str, host: &'a str) -> &'a str {
    match (scheme, split_port(host)) {
        ("http", (name, Some("80"))) | ("https", (name, Some("443"))) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripped(base: &str, uri: &str) -> String {
        let mut uri: Uri = uri.parse().unwrap();
        BasePath::parse(base.as_bytes()).unwrap().strip(&mut uri);
        uri.to_string()
    }

    #[test]
    fn a_base_path_is_left_out_as_a_whole_only() {
        for base in ["/a/b", "/a/b/"] {
            assert_eq!(
                stripped(base, "/a/b/api/v1/tickets?x=1"),
                "/api/v1/tickets?x=1"
            );
            assert_eq!(stripped(base, "/a/b"), "/");
            assert_eq!(stripped(base, "/a/b?x"), "/?x");
            assert_eq!(stripped(base, "/a/bc/d"), "/a/bc/d");
            assert_eq!(stripped(base, "/docs"), "/docs");
            assert_eq!(
                stripped(base, "http://h.example/a/b/docs"),
                "http://h.example/docs"
            );
        }
        assert_eq!(stripped("", "/a"), "/a");
        assert_eq!(stripped("/", "/a"), "/a");
    }

    #[test]
    fn what_is_no_base_path_is_refused() {
        let long = format!("/{}", "a".repeat(BASE_CHARS_MAX));
        for text in [
            "a",
            "//evil.example",
            "/a//b",
            "/../a",
            "/a b",
            "/a\"",
            "/a?b",
            &long,
        ] {
            assert_eq!(BasePath::parse(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn a_host_is_meant_with_any_port_or_with_its_own() {
        let host = |text: &str| HostName::try_from(text.to_owned()).unwrap();
        assert!(host("tickets.example").is("Tickets.Example:8443"));
        assert!(host("tickets.example:81").is("tickets.example:81"));
        assert!(!host("tickets.example:81").is("tickets.example"));
        assert!(!host("tickets.example").is("tickets.example.evil"));
        assert!(host("[::1]").is("[::1]:8080") && host("::1").is("::1"));
        assert!(HostName::try_from(String::new()).is_err());
        assert!(HostName::try_from("https://a".to_owned()).is_err());
    }

    #[test]
    fn an_origin_is_a_scheme_and_a_host() {
        let origin = AllowedOrigin::try_from("HTTPS://Shop.example:443".to_owned()).unwrap();
        assert!(origin.is(&HeaderValue::from_static("https://shop.example")));
        assert!(!origin.is(&HeaderValue::from_static("http://shop.example")));
        for text in [
            "*",
            "shop.example",
            "https://",
            "https://a/b",
            "ftp://a",
            "null",
        ] {
            assert!(AllowedOrigin::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
