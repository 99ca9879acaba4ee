//! No statement of the service may read a table from end to end: each is found in the source
//! and its plan looked at. And what the tests of this engine share.

use std::fs;
use std::ops::Range;
use std::path::Path;

use domain::clock::from_micros;
use domain::concert::{Concert, Name, Status, parse_date};
use domain::ids::{IdSource, SeededIds};
use domain::job::{NewJob, Noop};
use domain::jobs::JobFilter;
use domain::ports::Store;
use domain::seat::SeatNo;
use domain::tickets::NewTicket;
use domain::{ConcertId, JobId, TicketId, UserId};
use sqlx::{AssertSqlSafe, Row};
use tempfile::TempDir;
use uuid::Uuid;

use super::{Options, SqliteStore};

pub(super) async fn open(file: &Path) -> SqliteStore {
    SqliteStore::open(file, Options::serve()).await.unwrap()
}

pub(super) async fn new_concert(store: &SqliteStore, ids: &SeededIds, capacity: u32) -> ConcertId {
    let concert = Concert {
        id: ConcertId(ids.next()),
        name: Name::parse("n").unwrap(),
        venue: Name::parse("v").unwrap(),
        date: parse_date("2031-05-17").unwrap(),
        capacity,
        layout_id: None,
        status: Status::Active,
        version: 1,
        created_at: from_micros(1),
    };
    let mut tx = store.begin().await.unwrap();
    tx.insert_concert(&concert).await.unwrap();
    tx.commit().await.unwrap();
    concert.id
}

/// Sells these seats, each to one of ten users, and tells which were free.
pub(super) async fn sell(
    store: &SqliteStore,
    ids: &SeededIds,
    concert: ConcertId,
    seats: Range<u32>,
) -> Vec<bool> {
    let tickets: Vec<_> = seats
        .map(|seat| NewTicket {
            id: TicketId(ids.next()),
            concert_id: concert,
            user_id: user(seat % 10),
            seat: SeatNo(seat),
            bought_at: from_micros(7),
        })
        .collect();
    let mut tx = store.begin().await.unwrap();
    let sold = tx.insert_tickets(&tickets).await.unwrap();
    tx.commit().await.unwrap();
    sold
}

pub(super) fn user(number: u32) -> UserId {
    UserId(Uuid::from_u128(u128::from(number) + 1))
}

/// Statements that read a whole table or index on purpose, with what they read.
const MEANT: [(&str, &str); 16] = [
    // Pages of everything, in the order of the key, ended by their limit.
    ("LIST_JOBS", "jobs"),
    ("LIST_JOBS", "finished_jobs"),
    // Few: moved on before they are many.
    ("COUNT_NEW", "new_seats"),
    ("MERGE", "new_seats"),
    // Partial indexes that hold only what is asked for.
    ("LIST_DEAD", "finished_jobs"),
    ("COUNT_JOBS", "jobs"),
    ("COUNT_JOBS", "finished_jobs"),
    ("COUNT_WORKERS", "jobs"),
    // When a server starts, and nobody waits for it.
    ("END_LEASES", "leases"),
    ("END_CLAIMS", "jobs"),
    // Counted up to a limit; and a row for each concert is added up.
    ("MEASURE_SIZE", "concerts"),
    ("MEASURE_SIZE", "sales"),
    ("MEASURE_SIZE", "jobs"),
    ("MEASURE_SIZE", "finished_jobs"),
    ("MEASURE_SIZE", "idempotency_keys"),
    ("MEASURE_SIZE", "plans"),
];

const TABLES: [&str; 11] = [
    "layouts",
    "concerts",
    "sales",
    "tickets",
    "seats",
    "new_seats",
    "jobs",
    "finished_jobs",
    "plans",
    "idempotency_keys",
    "leases",
];

/// The constants of a source file that hold statements: name and text.
fn statements(source: &str) -> Vec<(String, String)> {
    source
        .split("\nconst ")
        .skip(1)
        .filter_map(|rest| {
            let (name, rest) = rest.split_once(": &str = \"")?;
            let (text, _) = rest.split_once("\";")?;
            let verb = text.split_whitespace().next()?;
            let plans = ["select", "insert", "update", "delete", "with"].contains(&verb);
            plans.then(|| (name.to_owned(), text.to_owned()))
        })
        .collect()
}

/// The table that a line of a plan scans, under whatever name the statement gives it.
fn scanned(line: &str, statement: &str) -> Option<&'static str> {
    let name = line.strip_prefix("SCAN ")?.split_whitespace().next()?;
    TABLES.into_iter().find(|table| {
        *table == name
            || statement.contains(&format!("{table} as {name}\n"))
            || statement.contains(&format!("{table} as {name} "))
    })
}

#[tokio::test]
async fn no_statement_scans_a_table() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("ledger.db");
    let store = SqliteStore::open(&file, Options::serve()).await.unwrap();
    let mut lease = store.writer.lend().await.unwrap();
    let (mut looked_at, mut scans) = (0, Vec::new());
    for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/sqlite")).unwrap() {
        let path = entry.unwrap().path();
        // An audit reads everything: that is its purpose.
        if path.ends_with("audit.rs") || path.extension().is_none_or(|ext| ext != "rs") {
            continue;
        }
        for (name, statement) in statements(&fs::read_to_string(&path).unwrap()) {
            looked_at += 1;
            let explain = AssertSqlSafe(format!("explain query plan {statement}"));
            let plan = sqlx::query(explain).fetch_all(&mut *lease).await.unwrap();
            for row in plan {
                let line: String = row.get("detail");
                if let Some(table) = scanned(&line, &statement)
                    && !MEANT.contains(&(name.as_str(), table))
                {
                    scans.push(format!("{name}: {line}"));
                }
            }
        }
    }
    assert!(looked_at > 40, "only {looked_at} statements were found");
    assert_eq!(scans, Vec::<String>::new());
}

#[tokio::test]
async fn a_row_of_another_version_is_shown_and_the_others_are_counted() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder.path().join("ledger.db")).await;
    let ids = SeededIds::new(3);
    let now = from_micros(7);
    let jobs = [(); 3].map(|()| NewJob::of(&Noop {}, JobId(ids.next()), now, now));
    let mut tx = store.begin().await.unwrap();
    tx.insert_jobs(&jobs).await.unwrap();
    tx.commit().await.unwrap();
    let mut lease = store.writer.lend().await.unwrap();
    for change in [
        "update jobs set queue = 'mails' where id = (select max(id) from jobs)",
        "update jobs set errors = 'oh', progress = '{' where id = (select min(id) from jobs)",
    ] {
        sqlx::query(change).execute(&mut *lease).await.unwrap();
    }
    drop(lease);
    let all = JobFilter {
        max: 9,
        ..JobFilter::default()
    };
    let mut view = store.read().await.unwrap();
    let listed = view.list_jobs(&all).await.unwrap();
    let queues: Vec<_> = listed.iter().map(|job| job.queue.as_str()).collect();
    assert_eq!(queues, ["mails", "system", "system"]);
    assert_eq!(listed[2].errors[0].error, "oh");
    assert_eq!(listed[2].progress, None);
    let counted = view.count_jobs(now).await.unwrap();
    assert_eq!(counted.iter().map(|depth| depth.jobs).sum::<u64>(), 2);
}
