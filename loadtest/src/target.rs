//! Whom the load is for, and that nobody else is hit by it.

use std::net::{Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::connection::ConnectionError;
use crate::tls::{Tls, Trust};

/// The most addresses of a name that are tried.
const ADDRESSES_MAX: usize = 16;
/// The interface's own path, which a target may be given with.
const INTERFACE: &str = "/api/v1";

/// A server that was found, and that may be loaded.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where it may be: every address of its name.
    addresses: Arc<[SocketAddr]>,
    /// Which of them answered last.
    preferred: Arc<AtomicUsize>,
    /// `host`, or `host:port` if the port is not the scheme's own, as requests name it.
    pub(crate) host: String,
    /// What stands before every path, such as `/tickets`; mostly nothing.
    pub(crate) base: String,
    /// How to speak TLS to it, if it is spoken.
    pub(crate) tls: Option<Tls>,
}

/// Why a run did not begin or was broken off.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The address is not one that this client can ask.
    #[error("{0:?} is no target; it is like http://127.0.0.1:8080 or https://tickets.example")]
    Address(String),
    /// Nobody can be trusted as it was asked for.
    #[error("{0}")]
    Trust(String),
    /// Nobody knows the name.
    #[error("{0} cannot be found")]
    Unknown(String, #[source] std::io::Error),
    /// Somebody else's machine, perhaps.
    #[error(
        "{0} is not this machine; a load test can put a server out of service. If it is yours to \
         load, say --i-own-this-target"
    )]
    Foreign(String),
    /// A request outside the load itself got no answer.
    #[error("{0} got no answer")]
    Unanswered(String, #[source] ConnectionError),
    /// This machine had no file, port or memory left to ask.
    #[error("{0} could not be asked")]
    NotSent(String, #[source] ConnectionError),
    /// It got an answer that is not the contract's.
    #[error("{what} was answered with {status}: {detail}")]
    Refused {
        /// What was asked.
        what: String,
        /// HTTP status.
        status: u16,
        /// The beginning of the body, or what is wrong with it.
        detail: String,
    },
    /// The operator stopped it before anybody came.
    #[error("the run was stopped before anybody came")]
    Stopped,
    /// The system did not give what the generator needs.
    #[error("the generator cannot start")]
    Generator(#[source] std::io::Error),
    /// A generator's thread ended early.
    #[error("a thread of the generator ended early; this is a defect")]
    Died,
}

impl Target {
    /// Finds the server of a URL, which may end in `/api/v1`. Refuses one that is not on this
    /// machine, unless its owner asks.
    pub async fn find(url: &str, owned: bool, trust: &Trust) -> Result<Self, LoadError> {
        let wrong = || LoadError::Address(url.to_owned());
        let place = Place::of(url).ok_or_else(wrong)?;
        let found = tokio::net::lookup_host((place.name.as_str(), place.port)).await;
        let found = found.map_err(|error| LoadError::Unknown(place.host.clone(), error))?;
        let mut all: Vec<_> = Vec::new();
        for address in found {
            if !all.contains(&address) {
                all.push(address);
            }
        }
        if all.is_empty() {
            return Err(wrong());
        }
        // A name that leads here and elsewhere is elsewhere's, too.
        if !owned && !all.iter().all(|address| address.ip().is_loopback()) {
            return Err(LoadError::Foreign(place.host));
        }
        let tls = place.encrypted.then(|| Tls::new(&place.name, trust));
        Ok(Self {
            tls: tls.transpose().map_err(LoadError::Trust)?,
            ..Self::at(&all, &place.host, &place.base)
        })
    }

    /// A server at one of some addresses, without TLS.
    pub(crate) fn at(addresses: &[SocketAddr], host: &str, base: &str) -> Self {
        let some = addresses.iter().take(ADDRESSES_MAX);
        Self {
            addresses: some.copied().collect(),
            preferred: Arc::default(),
            host: host.to_owned(),
            base: base.to_owned(),
            tls: None,
        }
    }

    /// Its addresses with their places, beginning with the one that answered last.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = (usize, SocketAddr)> {
        let first = self.preferred.load(Ordering::Relaxed);
        let all = self.addresses.len();
        (0..all).map(move |turn| {
            let at = (first + turn) % all;
            (at, self.addresses[at])
        })
    }

    /// Notes which address answered.
    pub(crate) fn prefer(&self, at: usize) {
        self.preferred.store(at, Ordering::Relaxed);
    }

    /// Whether it speaks TLS.
    pub fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// `http://host:port`, with its base path.
    pub fn url(&self) -> String {
        let scheme = if self.is_encrypted() { "https" } else { "http" };
        format!("{scheme}://{}{}", self.host, self.base)
    }
}

/// What a URL says.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    encrypted: bool,
    /// A name or an address, without brackets.
    name: String,
    port: u16,
    host: String,
    base: String,
}

impl Place {
    fn of(url: &str) -> Option<Self> {
        let (encrypted, rest) = match url.split_once("://") {
            None => (false, url),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            Some(_) => return None,
        };
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let own_port = if encrypted { 443 } else { 80 };
        // The last colon of an address of the sixth version is none before a port.
        let (host, port) = match host.rsplit_once(':') {
            Some((name, port)) if !host.ends_with(']') => {
                let digits = port.bytes().all(|byte| byte.is_ascii_digit());
                (name, port.parse().ok().filter(|_| digits)?)
            }
            _ => (host, own_port),
        };
        let name = match host.strip_prefix('[') {
            Some(rest) => {
                let name = rest.strip_suffix(']')?;
                name.parse::<Ipv6Addr>().ok()?;
                name
            }
            None => host,
        };
        let plain = |char: char| char.is_ascii_alphanumeric() || ".-_".contains(char);
        if name.is_empty() || (name == host && !name.chars().all(plain)) {
            return None;
        }
        let base = path.trim_end_matches('/');
        let base = base.strip_suffix(INTERFACE).unwrap_or(base);
        let base = base.trim_end_matches('/');
        let in_path = |char: char| plain(char) || "/~%!$&'()*+,;=:@".contains(char);
        // What stands below the interface is a thing of the server, and not the server.
        if base.contains(INTERFACE) || !base.chars().all(in_path) {
            return None;
        }
        let host = match port {
            port if port == own_port => host.to_owned(),
            port => format!("{host}:{port}"),
        };
        Some(Self {
            encrypted,
            name: name.to_owned(),
            port,
            host,
            base: base.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn find(url: &str, owned: bool) -> Result<Target, LoadError> {
        Target::find(url, owned, &Trust::Anybody).await
    }

    #[tokio::test]
    async fn only_this_machine_is_loaded_unless_somebody_answers_for_it() {
        for url in [
            "http://127.0.0.1:8080",
            "127.0.0.1:8080",
            "http://[::1]:8080/",
            "https://127.0.0.1",
        ] {
            assert!(find(url, false).await.is_ok(), "{url}");
        }
        for url in ["http://192.0.2.7:80", "https://[2001:db8::1]"] {
            let refused = find(url, false).await;
            assert!(matches!(refused, Err(LoadError::Foreign(_))), "{url}");
            assert!(find(url, true).await.is_ok(), "{url}");
        }
    }

    #[tokio::test]
    async fn a_target_may_be_given_with_its_base_path() {
        for (url, base, shown) in [
            ("http://127.0.0.1:8080/api/v1", "", "http://127.0.0.1:8080"),
            ("127.0.0.1:8080/api/v1/", "", "http://127.0.0.1:8080"),
            ("HTTP://[::1]:80//", "", "http://[::1]"),
            (
                "https://127.0.0.1/tickets/api/v1",
                "/tickets",
                "https://127.0.0.1/tickets",
            ),
            (
                "https://127.0.0.1:8443/a/b/",
                "/a/b",
                "https://127.0.0.1:8443/a/b",
            ),
        ] {
            let target = find(url, false).await.unwrap();
            assert_eq!((target.base.as_str(), target.url()), (base, shown.into()));
        }
    }

    #[tokio::test]
    async fn what_is_no_target_is_refused() {
        for url in [
            "",
            "http://",
            "http:///api/v1",
            "http://a b",
            "http://a/b c",
            "http://a/?b",
            "http://a#b",
            "http://me@a",
            "http://a:",
            "http://a:+80",
            "http://a:65536",
            "http://::1",
            "http://[a]",
            "ftp://a",
            "http://a/api/v1/tickets",
        ] {
            let wrong = find(url, true).await;
            assert!(
                matches!(wrong, Err(LoadError::Address(_))),
                "{url}: {wrong:?}"
            );
        }
    }
}
