//! PostgreSQL: the modes of TLS that libpq has.

use std::sync::Arc;

use storage::postgres::PostgresStore;
use tests::Authority;
use tests::postgres::{PostgresServer, options};

use super::{ELSEWHERE, HERE, assert_says, encoded, words};

/// Asks a server something with these parameters, and gives what was wrong.
async fn ask(server: &Arc<PostgresServer>, query: &str) -> Result<(), String> {
    let url = format!(
        "postgres://ledger@{HERE}:{}/postgres?{query}",
        server.port()
    );
    let asked = PostgresStore::schema(&url, options()).await;
    asked.map(drop).map_err(|error| words(&error))
}

#[tokio::test]
async fn the_right_certificate_is_accepted_in_every_mode() {
    let authority = Authority::new();
    let server = PostgresServer::start_encrypted(&authority.issue(HERE));
    let trusted = encoded(&authority.file());
    for query in [
        format!("sslmode=verify-full&sslrootcert={trusted}"),
        format!("sslrootcert={trusted}&sslmode=verify-ca"),
        format!("sslmode=require&sslrootcert={trusted}"),
        "sslmode=require".to_owned(),
        "sslmode=prefer".to_owned(),
        String::new(),
    ] {
        ask(&server, &query).await.expect(&query);
    }
    // The server tells that those above came with TLS.
    let said = ask(&server, "sslmode=disable").await.unwrap_err();
    assert_says(&said, "no encryption");
}

#[tokio::test]
async fn a_certificate_of_another_host_is_refused() {
    let authority = Authority::new();
    let server = PostgresServer::start_encrypted(&authority.issue(ELSEWHERE));
    let trusted = encoded(&authority.file());
    let query = format!("sslmode=verify-full&sslrootcert={trusted}");
    let said = ask(&server, &query).await.unwrap_err();
    assert_says(&said, "certificate not valid for name");
    assert_says(&said, HERE);
    let query = format!("sslmode=verify-ca&sslrootcert={trusted}");
    ask(&server, &query).await.expect("no name is compared");
}

#[tokio::test]
async fn an_unknown_issuer_is_refused() {
    let server = PostgresServer::start_encrypted(&Authority::new().issue(HERE));
    let other = Authority::new();
    let trusted = encoded(&other.file());
    for mode in ["require", "verify-ca", "verify-full"] {
        let query = format!("sslmode={mode}&sslrootcert={trusted}");
        let said = ask(&server, &query).await.unwrap_err();
        assert_says(&said, "UnknownIssuer");
    }
    let said = ask(&server, "sslmode=verify-full").await.unwrap_err();
    assert_says(&said, "UnknownIssuer");
    drop(other);
    let query = format!("sslmode=verify-full&sslrootcert={trusted}");
    assert_says(&ask(&server, &query).await.unwrap_err(), "cannot be read");
}

#[tokio::test]
async fn a_server_without_tls_is_refused_when_tls_is_required() {
    let authority = Authority::new();
    let trusted = encoded(&authority.file());
    let server = PostgresServer::start_listening();
    for query in [
        "sslmode=require".to_owned(),
        format!("sslmode=verify-ca&sslrootcert={trusted}"),
        format!("sslmode=verify-full&sslrootcert={trusted}"),
    ] {
        let said = ask(&server, &query).await.unwrap_err();
        assert_says(&said, "does not support TLS");
    }
    for query in ["sslmode=prefer", "sslmode=disable", ""] {
        ask(&server, query).await.expect(query);
    }
}
