//! URLs of databases, also with several hosts, which the driver does not know:
//! `postgres://user@one:5432,two:5432/database?target_session_attrs=read-write`.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::error::OpenError;
use crate::tls;

/// Said in URLs for other clients. Ours always looks for a server that can write.
const ATTRIBUTES: &str = "target_session_attrs";
const WRITING: [&str; 3] = ["read-write", "primary", "any"];

/// How connections are encrypted and whom they trust, as libpq names it:
/// <https://www.postgresql.org/docs/current/libpq-ssl.html>.
const SSL_MODE: &str = "sslmode";
const SSL_MODES: [&str; 5] = ["disable", "prefer", "require", "verify-ca", "verify-full"];
const ROOT_CERTIFICATES: &str = "sslrootcert";

/// The other parameters that the driver knows. It passes over those that it does not, and a wish
/// for TLS that is misspelt would be one.
const PARAMETERS: [&str; 11] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "sslcert",
    "sslkey",
    "statement-cache-capacity",
    "user",
];

/// Where a database is: one server or several of which one can write.
#[derive(Clone)]
pub(super) struct Address {
    hosts: Vec<PgConnectOptions>,
    /// Without user and password.
    shown: String,
}

impl Address {
    pub(super) fn parse(url: &str, application_name: &str) -> Result<Self, OpenError> {
        let wrong = |what: &str| OpenError::Address(what.into());
        let (scheme, rest) = url
            .split_once("://")
            .ok_or_else(|| wrong("it has no ://"))?;
        if !["postgres", "postgresql"].contains(&scheme) {
            return Err(wrong("it does not begin with postgres://"));
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let query = Query::parse(query)?;
        let at = if user.is_empty() { "" } else { "@" };
        let hosts = hosts.split(',').map(|host| {
            let url = format!("{scheme}://{user}{at}{host}/{database}?{}", query.kept);
            let options = PgConnectOptions::from_str(&url)
                .map_err(|error| OpenError::Address(error.to_string()))?;
            let options = options
                .application_name(application_name)
                .disable_statement_logging();
            Ok(match query.ssl_mode {
                Some(mode) => options.ssl_mode(mode),
                None => options,
            })
        });
        let hosts = hosts.collect::<Result<Vec<_>, OpenError>>()?;
        let shown: Vec<_> = hosts.iter().map(place).collect();
        let database = hosts[0]
            .get_database()
            .unwrap_or_else(|| hosts[0].get_username());
        Ok(Self {
            shown: format!("postgres://{}/{database}", shown.join(",")),
            hosts,
        })
    }

    /// How to connect to each server.
    pub(super) fn hosts(&self) -> &[PgConnectOptions] {
        &self.hosts
    }
}

fn place(options: &PgConnectOptions) -> String {
    match options.get_socket() {
        Some(folder) => folder.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    }
}

/// What stands after the question mark.
struct Query {
    /// For the driver.
    kept: String,
    /// What the driver makes of it less strictly than libpq.
    ssl_mode: Option<PgSslMode>,
}

impl Query {
    fn parse(query: &str) -> Result<Self, OpenError> {
        let wrong = |what: String| Err(OpenError::Address(what));
        let (mut kept, mut mode, mut trusted) = (Vec::new(), None, false);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                ATTRIBUTES if WRITING.contains(&value) => continue,
                ATTRIBUTES => {
                    return wrong(format!(
                        "{ATTRIBUTES}={value} is not possible, the ledger must be written; \
                         leave it out"
                    ));
                }
                SSL_MODE if mode.is_none() && SSL_MODES.contains(&value) => mode = Some(value),
                SSL_MODE => {
                    return wrong(format!(
                        "{SSL_MODE}={value} is not possible; it is given once and one of {}",
                        SSL_MODES.join(", ")
                    ));
                }
                ROOT_CERTIFICATES => {
                    let file = percent_decode_str(value).decode_utf8_lossy();
                    if let Err(error) = tls::read_certificates(Path::new(&*file)) {
                        return wrong(format!("{ROOT_CERTIFICATES}: {error}"));
                    }
                    trusted = true;
                }
                _ if PARAMETERS.contains(&name) || name.starts_with("options[") => {}
                _ => return wrong(format!("it has a parameter that nobody knows, {name:?}")),
            }
            kept.push(pair);
        }
        let ssl_mode = match mode {
            // As libpq does: whoever says whom to trust wants it verified.
            Some("require") if trusted => Some(PgSslMode::VerifyCa),
            None | Some("disable" | "prefer") if trusted => {
                return wrong(format!(
                    "{ROOT_CERTIFICATES} verifies nothing with this {SSL_MODE}; \
                     {SSL_MODE}=verify-full does"
                ));
            }
            _ => None,
        };
        Ok(Self {
            kept: kept.join("&"),
            ssl_mode,
        })
    }
}

/// As it may be shown: without user and password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Address, OpenError> {
        Address::parse(url, "test")
    }

    #[test]
    fn each_of_several_hosts_has_its_own_port_and_shares_the_rest() {
        let url = "postgres://me:p%40ss@one:5433,two,[::1]:7/db?target_session_attrs=read-write";
        let address = parse(url).unwrap();
        let hosts: Vec<_> = address.hosts().iter().map(place).collect();
        assert_eq!(hosts, ["one:5433", "two:5432", "[::1]:7"]);
        for host in address.hosts() {
            assert_eq!(
                (host.get_username(), host.get_database()),
                ("me", Some("db"))
            );
        }
        assert_eq!(
            address.to_string(),
            "postgres://one:5433,two:5432,[::1]:7/db"
        );
    }

    #[test]
    fn socket_is_an_address_too() {
        let address = parse("postgres:///db?host=/run/pg&port=9").unwrap();
        assert_eq!(address.to_string(), "postgres:///run/pg/db");
        assert_eq!(address.hosts()[0].get_port(), 9);
    }

    #[test]
    fn modes_of_tls_are_those_of_libpq() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca +1.pem");
        let made = rcgen::generate_simple_self_signed(vec!["one".into()]).unwrap();
        std::fs::write(&file, made.cert.pem()).unwrap();
        let file = file.display().to_string();
        let file = file.replace(' ', "%20").replace('+', "%2B");
        let mode = |query: &str| {
            let address = parse(&format!("postgres://one,two/db?{query}"))?;
            let modes = address.hosts().iter();
            let modes: Vec<_> = modes
                .map(|host| format!("{:?}", host.get_ssl_mode()))
                .collect();
            assert_eq!(modes[0], modes[1]);
            Ok::<_, OpenError>(modes[0].clone())
        };
        for (query, expected) in [
            ("sslmode=disable", "Disable"),
            ("sslmode=prefer", "Prefer"),
            ("sslmode=require", "Require"),
            ("sslmode=verify-ca", "VerifyCa"),
            ("sslmode=verify-full", "VerifyFull"),
            (&format!("sslrootcert={file}&sslmode=require"), "VerifyCa"),
            (
                &format!("sslmode=verify-full&sslrootcert={file}"),
                "VerifyFull",
            ),
        ] {
            assert_eq!(mode(query).unwrap(), expected, "{query}");
        }
        for query in ["", "sslmode=disable&", "sslmode=prefer&"] {
            let refused = mode(&format!("{query}sslrootcert={file}")).unwrap_err();
            assert!(refused.to_string().contains("verify-full"), "{refused}");
        }
    }

    #[test]
    fn what_cannot_be_written_to_is_refused_and_no_password_is_told() {
        for url in [
            "one/db",
            "mysql://one/db",
            "postgres://me:secret@one:port/db",
            "postgres://me:secret@one/db?target_session_attrs=standby",
            "postgres://me:secret@one/db?sslmode=allow",
            "postgres://me:secret@one/db?sslmode=verify-full&sslmode=disable",
            "postgres://me:secret@one/db?ssl-mode=require",
            "postgres://me:secret@one/db?ssl=true",
            "postgres://me:secret@one/db?sslrootcert=/nowhere/ca.pem&sslmode=verify-full",
        ] {
            let refused = parse(url).unwrap_err().to_string();
            assert!(!refused.contains("secret"), "{refused}");
        }
    }
}
