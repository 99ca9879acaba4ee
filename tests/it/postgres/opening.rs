//! Databases are opened if they are what this program needs, and refused with the way out.

use std::fs;

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
async fn what_was_counted_in_several_rows_is_counted_in_one_after_the_migration() {
    let database = Database::empty();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations/postgres");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let migrate = |number: usize| {
        let migration = fs::read_to_string(&files[number - 1]).unwrap();
        database.sql(&format!("begin; {migration}; commit"));
    };
    (1..8).for_each(migrate);
    database.sql(
        "insert into concerts (id, name, venue, date, capacity, status, version, created_at)
         select ('00000000-0000-0000-0000-00000000000' || no)::uuid, 'Elsa', 'Hall', '2030-01-01',
                9, 'ACTIVE', 1, 0
           from generate_series(1, 3) as no;
         insert into sales (concert_id, stripe, sold, marked_at)
         values ('00000000-0000-0000-0000-000000000001', 0, 3, null),
                ('00000000-0000-0000-0000-000000000001', 7, 2, 50),
                ('00000000-0000-0000-0000-000000000001', 9, 1, 40),
                ('00000000-0000-0000-0000-000000000002', 5, 4, null)",
    );
    migrate(8);
    let counted = database.sql(
        "select right(concert_id::text, 1), sold, marked_at
           from sales
          order by concert_id",
    );
    assert_eq!(counted, "1|6|40\n2|4|\n");
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
