//! Where Redis is.

use std::fmt;
use std::str::FromStr;

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo};

/// Where Redis is:
///
/// - `redis://[[user]:password@]host[:port][/db]`: one server
/// - `redis+sentinel://[[user]:password@]host[:port][,host[:port]…]/master[/db]`: the server that
///   these Sentinels (port 26379) call the master; user and password are the server's
/// - `redis+cluster://[[user]:password@]host[:port][,host[:port]…]`: the cluster that these nodes
///   belong to
///
/// User and password are percent-encoded, and shown by neither `Debug` nor an error.
#[derive(Clone)]
pub struct RedisUrl {
    pub(super) nodes: Vec<ConnectionInfo>,
    pub(super) kind: Kind,
}

/// What the nodes of an URL are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Single,
    /// The nodes are Sentinels, but carry user, password and database of the server.
    Sentinel {
        master: String,
    },
    Cluster,
}

/// Why an URL of Redis cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It is not of a form that [`RedisUrl`] knows.
    #[error(
        "not a Redis URL; use redis://host:port/db, redis+sentinel://host,host/master/db \
         or redis+cluster://host,host"
    )]
    Form,
    /// A part of it is wrong.
    #[error("the Redis URL has no usable {0}")]
    Part(&'static str),
    /// TLS.
    #[error(
        "rediss:// needs TLS, which this build leaves to a proxy (stunnel, Envoy) beside Redis; \
         use redis://"
    )]
    Tls,
}

const PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

impl FromStr for RedisUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Form)?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, hosts) = match authority.rsplit_once('@') {
            Some((user, hosts)) => (format!("{user}@"), hosts),
            None => (String::new(), authority),
        };
        let (kind, database, port) = match scheme {
            "redis" => (Kind::Single, path, PORT),
            "redis+cluster" if path.is_empty() => (Kind::Cluster, "", PORT),
            "redis+cluster" => return Err(UrlError::Part("database: a cluster has only one")),
            "redis+sentinel" => {
                let (master, database) = path.split_once('/').unwrap_or((path, ""));
                if master.is_empty() {
                    return Err(UrlError::Part("name of the master"));
                }
                let master = master.to_owned();
                (Kind::Sentinel { master }, database, SENTINEL_PORT)
            }
            "rediss" | "rediss+sentinel" | "rediss+cluster" => return Err(UrlError::Tls),
            _ => return Err(UrlError::Form),
        };
        if !database.is_empty() && database.parse::<u16>().is_err() {
            return Err(UrlError::Part("number of the database"));
        }
        if kind == Kind::Single && hosts.contains(',') {
            return Err(UrlError::Part("host: there is more than one"));
        }
        let nodes = hosts
            .split(',')
            .map(|host| node(&user, host, port, database))
            .collect::<Result<_, _>>()?;
        Ok(Self { nodes, kind })
    }
}

fn node(user: &str, host: &str, port: u16, database: &str) -> Result<ConnectionInfo, UrlError> {
    let bare = host.rsplit(']').next().unwrap_or_default();
    let port = if bare.contains(':') {
        String::new()
    } else {
        format!(":{port}")
    };
    let settings = redis::io::tcp::TcpSettings::default().set_nodelay(true);
    format!("redis://{user}{host}{port}/{database}")
        .into_connection_info()
        .map(|info| info.set_tcp_settings(settings))
        // Not the library's message, which may repeat the URL.
        .map_err(|_| UrlError::Part("host, port, user or password"))
}

impl RedisUrl {
    /// The same login at another address.
    pub(super) fn at(&self, host: String, port: u16) -> ConnectionInfo {
        let login = self.nodes.first().expect("an URL has a node").clone();
        login.set_addr(ConnectionAddr::Tcp(host, port))
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<_> = self.nodes.iter().map(|node| shown(node.addr())).collect();
        let hosts = hosts.join(",");
        let database = match self
            .nodes
            .first()
            .map_or(0, |node| node.redis_settings().db())
        {
            0 => String::new(),
            database => format!("/{database}"),
        };
        match &self.kind {
            Kind::Single => write!(f, "redis://{hosts}{database}"),
            Kind::Sentinel { master } => write!(f, "redis+sentinel://{hosts}/{master}{database}"),
            Kind::Cluster => write!(f, "redis+cluster://{hosts}"),
        }
    }
}

/// An address as it stands in an URL.
fn shown(address: &ConnectionAddr) -> String {
    match address {
        ConnectionAddr::Tcp(host, port) if host.contains(':') => format!("[{host}]:{port}"),
        other => other.to_string(),
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn debug(url: &str) -> String {
        format!("{:?}", url.parse::<RedisUrl>().unwrap())
    }

    #[test]
    fn every_form_is_read_and_shown_without_its_password() {
        for (url, expected) in [
            ("redis://localhost", "redis://localhost:6379"),
            ("redis://:secret@[::1]:7000/2", "redis://[::1]:7000/2"),
            (
                "redis+sentinel://me:s%40crt@a,b:7,c/tickets/3",
                "redis+sentinel://a:26379,b:7,c:26379/tickets/3",
            ),
            (
                "redis+cluster://:secret@a:1,b",
                "redis+cluster://a:1,b:6379",
            ),
        ] {
            assert_eq!(debug(url), expected);
        }
        let url: RedisUrl = "redis+cluster://me:s%40crt@a".parse().unwrap();
        let login = url.nodes[0].redis_settings();
        assert_eq!(
            (login.username(), login.password()),
            (Some("me"), Some("s@crt"))
        );
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_repeating_it() {
        for url in [
            "",
            "localhost:6379",
            "http://secret@a",
            "redis://:secret@",
            "redis://:secret@a,b",
            "redis://:secret@a:b",
            "redis://:secret@a/b",
            "redis+sentinel://:secret@a",
            "redis+sentinel://:secret@a//1",
            "redis+cluster://:secret@a,,b",
            "redis+cluster://:secret@a/1",
            "rediss://:secret@a",
        ] {
            let error = url.parse::<RedisUrl>().expect_err(url);
            assert!(!format!("{error} {error:?}").contains("secret"), "{url}");
        }
    }
}
