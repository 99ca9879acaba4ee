//! Processes and the schema that they find.

use tests::{Cluster, Database};

const RUN: [&str; 5] = ["run", "--listen", "127.0.0.1:0", "--roles", "api"];

#[tokio::test(flavor = "multi_thread")]
async fn an_old_schema_is_refused_with_what_to_run_and_three_who_run_it_do_it_once() {
    let cluster = Cluster::on(Database::empty(), tests::redis::shared().url());
    let said = cluster.run(&RUN).failure();
    assert!(said.contains("ticketoverflow migrate"), "{said}");
    std::thread::scope(|scope| {
        let migrations = [(); 3].map(|()| scope.spawn(|| cluster.run(&["migrate"]).success()));
        for migration in migrations {
            let said = migration.join().expect("it ends well");
            assert!(said.contains("up to date"), "{said}");
        }
    });
    let applied = "select count(*) - count(distinct version) from _sqlx_migrations";
    assert_eq!(cluster.number(applied), 0);
    let server = cluster.start("api");
    server.http.create_concert("A night", 10).await;
    cluster.assert_audit();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_lacks_the_last_migration_is_refused() {
    let cluster = Cluster::new().await;
    cluster.database.sql(
        "delete from _sqlx_migrations
          where version = (select max(version) from _sqlx_migrations)",
    );
    for args in [&RUN[..], &["audit"]] {
        let said = cluster.run(args).failure();
        assert!(said.contains("ticketoverflow migrate"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_schema_is_refused_with_what_to_do() {
    let cluster = Cluster::new().await;
    cluster.database.sql(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (99, 'later', true, '', 0)",
    );
    for args in [&RUN[..], &["migrate"], &["audit"]] {
        let said = cluster.run(args).failure();
        assert!(said.contains("99") && said.contains("newer"), "{said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}
