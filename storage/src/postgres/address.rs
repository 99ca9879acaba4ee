//! URLs of databases, also with several hosts, which the driver does not know:
//! `postgres://user@one:5432,two:5432/database?target_session_attrs=read-write`.

use std::fmt;
use std::str::FromStr;

use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;

use crate::error::OpenError;

/// Said in URLs for other clients. Ours always looks for a server that can write.
const ATTRIBUTES: &str = "target_session_attrs";
const WRITING: [&str; 3] = ["read-write", "primary", "any"];

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
        let query = without_attributes(query)?;
        let at = if user.is_empty() { "" } else { "@" };
        let hosts = hosts.split(',').map(|host| {
            let url = format!("{scheme}://{user}{at}{host}/{database}?{query}");
            let options = PgConnectOptions::from_str(&url)
                .map_err(|error| OpenError::Address(error.to_string()))?;
            Ok(options
                .application_name(application_name)
                .disable_statement_logging())
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

fn without_attributes(query: &str) -> Result<String, OpenError> {
    let mut kept = Vec::new();
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some((ATTRIBUTES, wanted)) if WRITING.contains(&wanted) => {}
            Some((ATTRIBUTES, other)) => {
                return Err(OpenError::Address(format!(
                    "{ATTRIBUTES}={other} is not possible, the ledger must be written; \
                     leave it out"
                )));
            }
            _ => kept.push(pair),
        }
    }
    Ok(kept.join("&"))
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
    fn what_cannot_be_written_to_is_refused_and_no_password_is_told() {
        for url in [
            "one/db",
            "mysql://one/db",
            "postgres://me:secret@one:port/db",
            "postgres://me:secret@one/db?target_session_attrs=standby",
        ] {
            let refused = parse(url).unwrap_err().to_string();
            assert!(!refused.contains("secret"), "{refused}");
        }
    }
}
