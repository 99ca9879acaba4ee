//! Where Redis is.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, TlsCertificates};

use crate::tls;

/// Where Redis is:
///
/// - `redis://[[user]:password@]host[:port][/db]`: one server
/// - `redis+sentinel://[[user]:password@]host[:port][,host[:port]…]/master[/db]`: the server that
///   these Sentinels (port 26379) call the master; user and password are the server's, those of
///   the Sentinels follow as `?sentinel_user=…&sentinel_password=…`
/// - `redis+cluster://[[user]:password@]host[:port][,host[:port]…]`: the cluster that these nodes
///   belong to
///
/// With `rediss` in place of `redis` all connections, those to Sentinels too, are encrypted, and
/// the servers' certificates are verified with the names by which they are reached: by the system's
/// authorities, or those of a PEM file, `?sslrootcert=/path`.
///
/// Users, passwords and the file are percent-encoded. Users and passwords are shown by neither
/// `Debug` nor an error.
#[derive(Clone)]
pub struct RedisUrl {
    pub(super) nodes: Vec<ConnectionInfo>,
    pub(super) kind: Kind,
    /// There if connections are encrypted.
    pub(super) tls: Option<TlsCertificates>,
}

/// What the nodes of an URL are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Single,
    /// The nodes are Sentinels, but carry user, password and database of the server.
    Sentinel {
        master: String,
        login: Login,
    },
    Cluster,
}

/// Who the Sentinels are told that we are.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Login {
    user: Option<String>,
    password: Option<String>,
}

/// Why an URL of Redis cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It is not of a form that [`RedisUrl`] knows.
    #[error(
        "not a Redis URL; use redis://host:port/db, redis+sentinel://host,host/master/db \
         or redis+cluster://host,host, with rediss for TLS"
    )]
    Form,
    /// A part of it is wrong.
    #[error("the Redis URL has no usable {0}")]
    Part(&'static str),
    /// A parameter that it does not have.
    #[error(
        "the Redis URL has a parameter {0:?} that means nothing here; there are sslrootcert with \
         rediss, and sentinel_user and sentinel_password with Sentinels"
    )]
    Parameter(String),
    /// What is trusted cannot be read.
    #[error("the Redis URL's sslrootcert: {0}")]
    Certificates(String),
}

const PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

impl FromStr for RedisUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Form)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, hosts) = match authority.rsplit_once('@') {
            Some((user, hosts)) => (format!("{user}@"), hosts),
            None => (String::new(), authority),
        };
        let (base, kind) = scheme.split_once('+').unwrap_or((scheme, ""));
        let encrypted = match base {
            "redis" => false,
            "rediss" => true,
            _ => return Err(UrlError::Form),
        };
        let parameters = Parameters::parse(query, encrypted, kind == "sentinel")?;
        let (kind, database, port) = match kind {
            "" if scheme == base => (Kind::Single, path, PORT),
            "cluster" if path.is_empty() => (Kind::Cluster, "", PORT),
            "cluster" => return Err(UrlError::Part("database: a cluster has only one")),
            "sentinel" => {
                let (master, database) = path.split_once('/').unwrap_or((path, ""));
                if master.is_empty() {
                    return Err(UrlError::Part("name of the master"));
                }
                let (master, login) = (master.to_owned(), parameters.login);
                (Kind::Sentinel { master, login }, database, SENTINEL_PORT)
            }
            _ => return Err(UrlError::Form),
        };
        if !database.is_empty() && database.parse::<u16>().is_err() {
            return Err(UrlError::Part("number of the database"));
        }
        if kind == Kind::Single && hosts.contains(',') {
            return Err(UrlError::Part("host: there is more than one"));
        }
        let tls = parameters.tls;
        let nodes = hosts
            .split(',')
            .map(|host| node(&user, host, port, database, tls.as_ref()))
            .collect::<Result<_, _>>()?;
        Ok(Self { nodes, kind, tls })
    }
}

/// What follows the question mark.
struct Parameters {
    tls: Option<TlsCertificates>,
    login: Login,
}

impl Parameters {
    fn parse(query: &str, encrypted: bool, sentinel: bool) -> Result<Self, UrlError> {
        let mut login = Login::default();
        let mut tls = encrypted.then_some(TlsCertificates {
            client_tls: None,
            root_cert: None,
        });
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = percent_decode_str(value).decode_utf8();
            let value = value.map_err(|_| UrlError::Part("parameters: they are not UTF-8"))?;
            match (name, &mut tls) {
                ("sslrootcert", Some(tls)) => {
                    let pem = tls::read_certificates(Path::new(&*value));
                    tls.root_cert = Some(pem.map_err(UrlError::Certificates)?);
                }
                ("sentinel_user", _) if sentinel => login.user = Some(value.into()),
                ("sentinel_password", _) if sentinel => login.password = Some(value.into()),
                _ => return Err(UrlError::Parameter(name.to_owned())),
            }
        }
        if login.user.is_some() && login.password.is_none() {
            return Err(UrlError::Part("sentinel_password for its sentinel_user"));
        }
        Ok(Self { tls, login })
    }
}

fn node(
    user: &str,
    host: &str,
    port: u16,
    database: &str,
    tls: Option<&TlsCertificates>,
) -> Result<ConnectionInfo, UrlError> {
    // Not the library's message, which may repeat the URL.
    let wrong = || UrlError::Part("host, port, user or password");
    // The library takes what follows a # for a wish to have nothing verified.
    if user.contains('#') || host.contains('#') {
        return Err(wrong());
    }
    let bare = host.rsplit(']').next().unwrap_or_default();
    let port = if bare.contains(':') {
        String::new()
    } else {
        format!(":{port}")
    };
    let settings = redis::io::tcp::TcpSettings::default().set_nodelay(true);
    let info = format!("redis://{user}{host}{port}/{database}")
        .into_connection_info()
        .map_err(|_| wrong())?
        .set_tcp_settings(settings);
    match info.addr().clone() {
        ConnectionAddr::Tcp(host, port) => addressed(info, host, port, tls).map_err(|_| wrong()),
        _ => Err(wrong()),
    }
}

/// The same login at an address, encrypted if it has to be.
fn addressed(
    info: ConnectionInfo,
    host: String,
    port: u16,
    tls: Option<&TlsCertificates>,
) -> redis::RedisResult<ConnectionInfo> {
    let Some(certificates) = tls else {
        return Ok(info.set_addr(ConnectionAddr::Tcp(host, port)));
    };
    tls::prepare();
    let encrypted = info.set_addr(ConnectionAddr::TcpTls {
        host,
        port,
        insecure: false,
        tls_params: None,
    });
    let client = Client::build_with_tls(encrypted, certificates.clone())?;
    Ok(client.get_connection_info().clone())
}

impl RedisUrl {
    /// Whether keys are spread over several servers.
    pub(super) fn is_cluster(&self) -> bool {
        self.kind == Kind::Cluster
    }

    /// The same login at another address.
    pub(super) fn at(&self, host: String, port: u16) -> redis::RedisResult<ConnectionInfo> {
        let login = self.nodes.first().expect("an URL has a node").clone();
        addressed(login, host, port, self.tls.as_ref())
    }

    /// A Sentinel, with the login that it wants.
    pub(super) fn sentinel(node: &ConnectionInfo, login: &Login) -> ConnectionInfo {
        let mut settings = redis::RedisConnectionInfo::default();
        if let Some(user) = &login.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = &login.password {
            settings = settings.set_password(password);
        }
        node.clone().set_redis_settings(settings)
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(…)")
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<_> = self.nodes.iter().map(|node| shown(node.addr())).collect();
        let hosts = hosts.join(",");
        let base = if self.tls.is_some() {
            "rediss"
        } else {
            "redis"
        };
        let database = match self
            .nodes
            .first()
            .map_or(0, |node| node.redis_settings().db())
        {
            0 => String::new(),
            database => format!("/{database}"),
        };
        match &self.kind {
            Kind::Single => write!(f, "{base}://{hosts}{database}"),
            Kind::Sentinel { master, .. } => {
                write!(f, "{base}+sentinel://{hosts}/{master}{database}")
            }
            Kind::Cluster => write!(f, "{base}+cluster://{hosts}"),
        }
    }
}

/// An address as it stands in an URL.
fn shown(address: &ConnectionAddr) -> String {
    match address {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. }
            if host.contains(':') =>
        {
            format!("[{host}]:{port}")
        }
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
            ("rediss://me:secret@[::1]/2", "rediss://[::1]:6379/2"),
            (
                "rediss+cluster://:secret@a,b:7",
                "rediss+cluster://a:6379,b:7",
            ),
            (
                "rediss+sentinel://:secret@a,b/tickets?sentinel_user=me&sentinel_password=secret",
                "rediss+sentinel://a:26379,b:26379/tickets",
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
    fn what_asks_for_tls_gets_it_at_every_address() {
        for text in [
            "rediss://a",
            "rediss+cluster://a,b",
            "rediss+sentinel://a,b,c/m",
        ] {
            let url: RedisUrl = text.parse().unwrap();
            let found = url.at("d".into(), 1).unwrap();
            for node in url.nodes.iter().chain([&found]) {
                let ConnectionAddr::TcpTls { insecure, .. } = node.addr() else {
                    panic!("{text}: {:?} is not encrypted", node.addr());
                };
                assert!(!insecure, "{text}");
            }
        }
    }

    #[test]
    fn sentinels_are_told_their_own_login_and_never_the_servers() {
        for (query, expected) in [
            ("", (None, None)),
            ("?sentinel_password=x%26y%2B", (None, Some("x&y+"))),
            (
                "?sentinel_user=u&sentinel_password=p",
                (Some("u"), Some("p")),
            ),
        ] {
            let text = format!("redis+sentinel://me:secret@a/m/3{query}");
            let url: RedisUrl = text.parse().unwrap();
            let Kind::Sentinel { login, .. } = &url.kind else {
                panic!("it has Sentinels");
            };
            let sentinel = RedisUrl::sentinel(&url.nodes[0], login);
            let settings = sentinel.redis_settings();
            assert_eq!((settings.username(), settings.password()), expected);
            assert_eq!(settings.db(), 0, "a Sentinel has no databases");
            assert_eq!(url.nodes[0].redis_settings().password(), Some("secret"));
        }
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
            "redis+://:secret@a",
            "rediss+server://:secret@a",
            "rediss://:secret@a#insecure",
            "rediss://:secret@a/0#insecure",
            "rediss://:secret@a:1#insecure,b",
            "redis://:secret@a?sslrootcert=/ca.pem",
            "rediss://:secret@a?sslrootcert=/nowhere/ca.pem",
            "rediss://:secret@a?verify=no",
            "redis://:secret@a?sentinel_password=secret",
            "redis+sentinel://:secret@a/m?sentinel_user=me",
        ] {
            let error = url.parse::<RedisUrl>().expect_err(url);
            assert!(!format!("{error} {error:?}").contains("secret"), "{url}");
        }
    }
}
