//! Whom the load is for, and that nobody else is hit by it.

use std::net::SocketAddr;

use crate::connection::ConnectionError;

/// A server that was found, and that may be loaded.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where it is.
    pub address: SocketAddr,
    /// `host:port`, as requests name it.
    pub host: String,
}

/// Why a run did not begin or was broken off.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The address is not one that this client can ask.
    #[error("{0:?} is no target; it is like http://127.0.0.1:8080")]
    Address(String),
    /// Only what is encrypted elsewhere can be loaded.
    #[error("the generator does not speak TLS; load the server behind the proxy that ends it")]
    Encrypted,
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
    /// The system did not give what the generator needs.
    #[error("the generator cannot start")]
    Generator(#[source] std::io::Error),
    /// A generator's thread ended early.
    #[error("a thread of the generator ended early; this is a defect")]
    Died,
}

impl Target {
    /// Finds the server of a URL. Refuses one that is not on this machine, unless its owner asks.
    pub async fn find(url: &str, owned: bool) -> Result<Self, LoadError> {
        if url.starts_with("https://") {
            return Err(LoadError::Encrypted);
        }
        let wrong = || LoadError::Address(url.to_owned());
        let host = url.strip_prefix("http://").unwrap_or(url);
        let host = host.strip_suffix('/').unwrap_or(host);
        let plain = |char: char| char.is_ascii_alphanumeric() || ".-_:[]".contains(char);
        if host.is_empty() || !host.chars().all(plain) {
            return Err(wrong());
        }
        let named = host.rsplit_once(':').is_some_and(|(_, port)| {
            !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
        });
        let host = if named {
            host.to_owned()
        } else {
            format!("{host}:80")
        };
        let found = tokio::net::lookup_host(&host).await;
        let found = found.map_err(|error| LoadError::Unknown(host.clone(), error))?;
        let all: Vec<_> = found.collect();
        let address = *all.first().ok_or_else(wrong)?;
        // A name that leads here and elsewhere is elsewhere's, too.
        if !owned && !all.iter().all(|address| address.ip().is_loopback()) {
            return Err(LoadError::Foreign(host));
        }
        Ok(Self { address, host })
    }

    /// `http://host:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_this_machine_is_loaded_unless_somebody_answers_for_it() {
        for url in [
            "http://127.0.0.1:8080",
            "127.0.0.1:8080",
            "http://[::1]:8080/",
        ] {
            assert!(Target::find(url, false).await.is_ok(), "{url}");
        }
        for url in ["http://192.0.2.7:80", "http://[2001:db8::1]:80"] {
            let refused = Target::find(url, false).await;
            assert!(matches!(refused, Err(LoadError::Foreign(_))), "{url}");
            assert!(Target::find(url, true).await.is_ok(), "{url}");
        }
        assert!(matches!(
            Target::find("https://127.0.0.1", true).await,
            Err(LoadError::Encrypted)
        ));
        for url in ["http://a/b", "http://", "http://a b"] {
            let wrong = Target::find(url, true).await;
            assert!(matches!(wrong, Err(LoadError::Address(_))), "{url}");
        }
    }
}
