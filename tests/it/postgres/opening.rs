//! Databases are opened if they are what this program needs, and refused with the way out.

use futures::future::join_all;
use storage::OpenError;
use storage::postgres::{Options, PostgresStore};
use tests::postgres::options;
use tests::{Cable, Database, eventually};

async fn refused(url: &str) -> OpenError {
    PostgresStore::open(url, options()).await.unwrap_err()
}

#[tokio::test]
async fn database_that_was_not_migrated_is_refused_until_it_is() {
    let database = Database::empty();
    let url = database.url();
    let report = PostgresStore::schema(url, options()).await.unwrap();
    assert_eq!(
        (report.applied.len(), report.pending().len()),
        (0, report.known.len())
    );
    let error = refused(url).await;
    assert!(
        matches!(error, OpenError::Older { found: 0, .. }),
        "{error:?}"
    );
    assert!(
        error.to_string().contains("`ticketoverflow migrate`"),
        "{error}"
    );
    // Several processes may be started with a new version at once.
    let migrations = (0..4).map(|_| PostgresStore::migrate(url, options()));
    for report in join_all(migrations).await {
        assert_eq!(report.unwrap().pending(), []);
    }
    PostgresStore::open(url, options()).await.unwrap();
}

#[tokio::test]
async fn database_of_a_newer_program_is_refused() {
    let database = Database::new().await;
    database.sql(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (99, 'later', true, '', 0)",
    );
    let error = refused(database.url()).await;
    assert!(
        matches!(error, OpenError::Newer { found: 99, .. }),
        "{error:?}"
    );
    let error = PostgresStore::migrate(database.url(), options())
        .await
        .unwrap_err();
    assert!(matches!(error, OpenError::Newer { .. }), "{error:?}");
}

#[tokio::test]
async fn server_that_only_reads_is_refused() {
    let database = Database::new().await;
    database.sql(
        "do $$
         begin
             execute format('alter database %I set default_transaction_read_only = on',
                            current_database());
         end $$",
    );
    let error = refused(database.url()).await;
    assert!(matches!(error, OpenError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn of_several_hosts_the_one_that_answers_is_used() {
    let database = Database::new().await;
    let cable = Cable::to(&database.socket()).await;
    let hosts = format!("127.0.0.1:1,{}", cable.address());
    let url = database.url_by(&hosts) + "?target_session_attrs=read-write";
    let named = Options {
        application_name: "several-hosts".into(),
        ..options()
    };
    let store = PostgresStore::open(&url, named).await.unwrap();
    let tx = domain::ports::Store::begin(&store).await.unwrap();
    let connections = "select count(*) from pg_stat_activity where application_name = ";
    // The one that asked whether the schema is right ends by itself.
    eventually("there is one connection", || async {
        let count = database.sql(&format!("{connections} 'several-hosts'"));
        (count.trim() == "1").then_some(())
    })
    .await;
    drop(tx);
    store.close().await;
}

#[tokio::test]
async fn address_without_a_server_is_told_without_its_password() {
    let error = refused("postgres://me:secret@127.0.0.1:1/db").await;
    let OpenError::Unreachable { database, source } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(database, "postgres://127.0.0.1:1/db");
    assert!(!format!("{error} {source:?}").contains("secret"));
}
