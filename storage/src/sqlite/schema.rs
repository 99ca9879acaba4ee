//! The schema of a SQLite ledger: which migrations there are, which a database has, and applying
//! the rest.

use std::path::Path;

use sqlx::migrate::MigrateError;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::failure::open_failed;
use crate::error::OpenError;
use crate::schema::{self, APPLIED, Listed, SchemaReport};

/// Every migration, in order.
const MIGRATIONS: [Listed; 10] = [
    (
        1,
        "ledger",
        include_str!("../../../migrations/sqlite/0001_ledger.sql"),
    ),
    (
        2,
        "ticket_slots",
        include_str!("../../../migrations/sqlite/0002_ticket_slots.sql"),
    ),
    (
        3,
        "layouts",
        include_str!("../../../migrations/sqlite/0003_layouts.sql"),
    ),
    (
        4,
        "job_control",
        include_str!("../../../migrations/sqlite/0004_job_control.sql"),
    ),
    (
        5,
        "job_losses",
        include_str!("../../../migrations/sqlite/0005_job_losses.sql"),
    ),
    (
        6,
        "sold_side_by_side",
        include_str!("../../../migrations/sqlite/0006_sold_side_by_side.sql"),
    ),
    (
        7,
        "shows",
        include_str!("../../../migrations/sqlite/0007_shows.sql"),
    ),
    (
        8,
        "seats",
        include_str!("../../../migrations/sqlite/0008_seats.sql"),
    ),
    (
        9,
        "concert_numbers",
        include_str!("../../../migrations/sqlite/0009_concert_numbers.sql"),
    ),
    (
        10,
        "service_times",
        include_str!("../../../migrations/sqlite/0010_service_times.sql"),
    ),
];

const HAS_MIGRATIONS: &str = "
    select count(*)
      from sqlite_schema
     where type = 'table'
       and name = '_sqlx_migrations'";

/// Reads a database without changing it; one that does not exist yet has nothing applied.
pub(crate) async fn read(file: &Path) -> Result<SchemaReport, OpenError> {
    if !file.exists() {
        return Ok(SchemaReport::of(Vec::new(), &MIGRATIONS));
    }
    let failed = |error| open_failed(file, error);
    let options = SqliteConnectOptions::new()
        .filename(file)
        .disable_statement_logging();
    let mut conn = options.connect().await.map_err(failed)?;
    let report = read_from(&mut conn).await.map_err(failed);
    // It was only read; a failure to close it loses nothing.
    let _ = conn.close().await;
    report
}

pub(super) async fn read_from(conn: &mut SqliteConnection) -> Result<SchemaReport, sqlx::Error> {
    let tables: i64 = sqlx::query_scalar(HAS_MIGRATIONS)
        .fetch_one(&mut *conn)
        .await?;
    let mut applied = Vec::new();
    if tables > 0 {
        applied = sqlx::query_scalar(APPLIED).fetch_all(&mut *conn).await?;
    }
    Ok(SchemaReport::of(applied, &MIGRATIONS))
}

/// Applies what is missing, each migration in a transaction of its own.
pub(super) async fn migrate(conn: &mut SqliteConnection, file: &Path) -> Result<(), OpenError> {
    let database = file.display().to_string();
    read_from(conn)
        .await
        .map_err(|error| open_failed(file, error))?
        .demand_known(&database)?;
    let applied = schema::migrator(&MIGRATIONS)
        .run_direct(None, conn, false)
        .await;
    applied.map_err(|error| match error {
        MigrateError::Execute(error) => open_failed(file, error),
        other => OpenError::Migration {
            database,
            source: other.into(),
        },
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use domain::ConcertId;
    use domain::audit::Invariant;
    use domain::ids::SeededIds;
    use domain::ports::Store;
    use domain::seat::SeatNo;
    use domain::ticket::Print;
    use domain::tickets::TicketFilter;
    use tempfile::TempDir;
    use uuid::Uuid;

    use super::super::tests::{open, sell, user};
    use super::super::{Options, SqliteStore};
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_in_the_list() {
        assert_eq!(schema::files(&MIGRATIONS), schema::folder("sqlite"));
    }

    /// Two concerts and their tickets in two slots, as version 7 had them.
    const WRITTEN_BY_VERSION_7: &str = "
        insert into concerts (id, name, venue, date, capacity, status, version, created_at)
        values (unhex(printf('%032x', 1)), 'n', 'v', '2031-05-17', 100, 'ACTIVE', 1, 1),
               (unhex(printf('%032x', 2)), 'n', 'v', '2031-05-17', 100, 'ACTIVE', 1, 1);

        insert into sales (concert_id, sold, marked_at)
        select id, 50, 6
          from concerts;

        insert into shows (concert_id, doors_at, prices)
        select id, '19:30', '{}'
          from concerts;

        insert into plans (concert_id, version, sold, file, read_at)
        select id, 1, 50, 'a file', 7
          from concerts;

        with recursive numbers (n) as (
            select 0 union all select n + 1 from numbers where n < 99
        )
        insert into tickets (
            concert_id, seat_no, id, user_id, bought_at, print, print_version, slot)
        select unhex(printf('%032x', 1 + n % 2)), n / 2,
               unhex(printf('%032x', 1000 + n)), unhex(printf('%032x', 1 + n % 10)), n,
               iif(n = 7, 'done', 'none'), iif(n = 7, 1, 0), 5 + n / 64
          from numbers;";

    const CONCERTS: [ConcertId; 2] = [ConcertId(Uuid::from_u128(1)), ConcertId(Uuid::from_u128(2))];

    async fn opened_after_version_7(folder: &TempDir) -> SqliteStore {
        let file = written_by_version_7(folder, WRITTEN_BY_VERSION_7).await;
        open(&file).await
    }

    async fn written_by_version_7(folder: &TempDir, written: &'static str) -> PathBuf {
        let file = folder.path().join("ledger.db");
        let options = SqliteConnectOptions::new()
            .filename(&file)
            .create_if_missing(true);
        let mut conn = options.connect().await.unwrap();
        let migrator = schema::migrator(&MIGRATIONS[..7]);
        migrator.run_direct(None, &mut conn, false).await.unwrap();
        sqlx::raw_sql(written).execute(&mut conn).await.unwrap();
        conn.close().await.unwrap();
        file
    }

    #[tokio::test]
    async fn tickets_of_version_7_have_their_seats_and_users_in_the_newest_one() {
        let folder = TempDir::new().unwrap();
        let store = opened_after_version_7(&folder).await;
        assert_eq!(
            sell(&store, &SeededIds::new(5), CONCERTS[0], 48..51).await,
            [false, false, true]
        );
        let mut view = store.snapshot().await.unwrap();
        for (concert, seats) in CONCERTS.into_iter().zip([51, 50]) {
            let sold = view.list_sold(concert, SeatNo(0), 100).await.unwrap();
            assert!(sold.into_iter().eq((0..seats).map(SeatNo)));
        }
        let of_user = TicketFilter {
            user_id: Some(user(4)),
            concert_id: None,
        };
        let of_user = view.list_tickets(of_user, None, 1_000).await.unwrap();
        assert_eq!(of_user.len(), 10);
        let all = view
            .list_tickets(TicketFilter::default(), None, 1_000)
            .await;
        let all = all.unwrap();
        let printed = all.iter().filter(|ticket| ticket.print != Print::Never);
        assert_eq!((all.len(), printed.count()), (101, 1));
        // The one that was sold here is not counted; nothing else is wrong.
        let violations = view.find_violations(9).await.unwrap();
        let [violation] = violations.as_slice() else {
            panic!("{violations:?}");
        };
        assert_eq!(violation.invariant, Invariant::SoldCount);
    }

    #[tokio::test]
    async fn a_ticket_of_no_concert_is_not_left_behind() {
        let folder = TempDir::new().unwrap();
        let ticket = "
            insert into tickets (concert_id, seat_no, id, user_id, bought_at)
            values (zeroblob(16), 0, zeroblob(16), zeroblob(16), 0)";
        let file = written_by_version_7(&folder, ticket).await;
        let opened = SqliteStore::open(&file, Options::serve()).await;
        let error = format!("{:?}", opened.unwrap_err());
        assert!(
            error.contains("rows of unknown concerts: the audit of the version before"),
            "{error}"
        );
        let report = read(&file).await.unwrap();
        assert_eq!(report.applied.last(), Some(&8));
    }

    /// Tables that others refer to.
    const PARENTS: &str = "
        select distinct f.\"table\"
          from sqlite_schema as t
         cross join pragma_foreign_key_list(t.name) as f
         where t.type = 'table'
         order by 1";

    #[tokio::test]
    async fn what_version_7_had_of_a_concert_is_there_in_the_newest_one() {
        let folder = TempDir::new().unwrap();
        let store = opened_after_version_7(&folder).await;
        let mut view = store.snapshot().await.unwrap();
        for id in CONCERTS {
            assert_eq!(view.find_offer(id).await.unwrap().unwrap().sold, 50);
            assert_eq!(view.find_plan(id).await.unwrap().unwrap().sold, 50);
            let show = view.find_show(id).await.unwrap().unwrap();
            assert!(show.doors_at.is_some());
        }
        let marked = view.list_marked(9).await.unwrap();
        assert!(marked.into_iter().map(|(id, _)| id).eq(CONCERTS));
        let mut lease = store.readers.lend().await.unwrap();
        let parents: Vec<String> = sqlx::query_scalar(PARENTS)
            .fetch_all(&mut *lease)
            .await
            .unwrap();
        assert_eq!(parents, ["concerts", "layouts"]);
    }
}
