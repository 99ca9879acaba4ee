use chrono::TimeDelta;
use domain::clock::from_micros;
use domain::concert::{Concert, Name, Status, parse_date};
use domain::job::{ClaimRequest, Kinds, Lane, NewJob, Noop, Queue};
use domain::ports::{Store, StoreError};
use domain::{ClaimToken, ConcertId, JobId, Timestamp, WorkerId};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tempfile::TempDir;
use uuid::Uuid;

use super::*;

fn now() -> Timestamp {
    from_micros(1_800_000_000_000_000)
}

async fn open(folder: &TempDir, access: Access) -> Result<Opened, OpenError> {
    open_embedded(folder.path(), access).await
}

async fn serve(folder: &TempDir) -> Opened {
    open(folder, Access::Serve).await.unwrap()
}

async fn insert_concert(store: &SqliteStore, id: u128) -> ConcertId {
    let concert = Concert {
        id: ConcertId(Uuid::from_u128(id)),
        name: Name::parse("n").unwrap(),
        venue: Name::parse("v").unwrap(),
        date: parse_date("2027-03-04").unwrap(),
        capacity: 10,
        layout_id: None,
        status: Status::Active,
        version: 1,
        created_at: now(),
    };
    let mut tx = store.begin().await.unwrap();
    tx.insert_concert(&concert).await.unwrap();
    tx.commit().await.unwrap();
    concert.id
}

/// Changes the database behind the store's back.
async fn tamper(folder: &TempDir, statement: &'static str) {
    let options = SqliteConnectOptions::new().filename(folder.path().join(DATABASE));
    let mut conn = options.connect().await.unwrap();
    sqlx::query(statement).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
}

#[tokio::test]
async fn second_serving_process_is_refused_until_the_first_one_ends() {
    let folder = TempDir::new().unwrap();
    let first = serve(&folder).await;
    let second = open(&folder, Access::Serve).await;
    assert!(matches!(second, Err(OpenError::InUse(_))), "{second:?}");
    drop(first);
    serve(&folder).await;
}

#[tokio::test]
async fn ledger_can_be_inspected_and_changed_beside_a_serving_process() {
    let folder = TempDir::new().unwrap();
    let serving = serve(&folder).await;
    let id = insert_concert(&serving.store, 1).await;
    let beside = open(&folder, Access::Inspect).await.unwrap();
    let mut view = beside.store.read().await.unwrap();
    assert!(view.find_offer(id).await.unwrap().is_some());
    let id = insert_concert(&beside.store, 2).await;
    let mut view = serving.store.read().await.unwrap();
    assert!(view.find_offer(id).await.unwrap().is_some());
}

#[tokio::test]
async fn nothing_is_created_to_be_inspected() {
    let folder = TempDir::new().unwrap();
    let opened = open(&folder, Access::Inspect).await;
    assert!(matches!(opened, Err(OpenError::Missing(_))), "{opened:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn file_that_is_no_database_is_refused_and_left_as_it_is() {
    let text: &[u8] = b"this is no database, but somebody may want it";
    let mut damaged = b"SQLite format 3\0".to_vec();
    damaged.extend([0xff; 8_000]);
    for bytes in [text, &damaged] {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join(DATABASE);
        fs::write(&file, bytes).unwrap();
        for access in [Access::Serve, Access::Inspect] {
            let opened = open(&folder, access).await;
            assert!(
                matches!(opened, Err(OpenError::Corrupt { .. })),
                "{opened:?}"
            );
        }
        assert_eq!(fs::read(&file).unwrap(), bytes);
    }
}

#[tokio::test]
async fn folder_that_cannot_be_made_is_refused() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "in the way").unwrap();
    let opened = open_embedded(&file.join("data"), Access::Serve).await;
    assert!(
        matches!(opened, Err(OpenError::Folder { .. })),
        "{opened:?}"
    );
}

#[tokio::test]
async fn database_of_a_newer_program_is_refused() {
    let folder = TempDir::new().unwrap();
    serve(&folder).await.store.close().await;
    tamper(
        &folder,
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (9999, 'of the future', true, x'00', 1)",
    )
    .await;
    for access in [Access::Serve, Access::Inspect] {
        let opened = open(&folder, access).await;
        let Err(OpenError::Newer { found, .. }) = opened else {
            panic!("{opened:?}");
        };
        assert_eq!(found, 9999);
    }
    assert_eq!(schema(folder.path()).await.unwrap().unknown(), [9999]);
}

#[tokio::test]
async fn altered_migration_is_refused() {
    let folder = TempDir::new().unwrap();
    serve(&folder).await.store.close().await;
    tamper(&folder, "update _sqlx_migrations set checksum = x'00'").await;
    let opened = open(&folder, Access::Serve).await;
    assert!(
        matches!(opened, Err(OpenError::Migration { .. })),
        "{opened:?}"
    );
}

#[tokio::test]
async fn schema_is_reported_before_and_after_migrating() {
    let folder = TempDir::new().unwrap();
    let before = schema(folder.path()).await.unwrap();
    assert_eq!(before.applied, Vec::<i64>::new());
    assert_eq!(before.pending(), before.known);
    tamper_with_nothing(&folder);
    let opened = open(&folder, Access::Inspect).await;
    assert!(matches!(opened, Err(OpenError::Older { .. })), "{opened:?}");
    let after = migrate(folder.path()).await.unwrap();
    assert_eq!(after.pending(), []);
    assert_eq!(after, schema(folder.path()).await.unwrap());
    assert!(open(&folder, Access::Inspect).await.is_ok());
}

/// An empty file is a database without tables.
fn tamper_with_nothing(folder: &TempDir) {
    fs::write(folder.path().join(DATABASE), "").unwrap();
}

#[tokio::test]
async fn what_was_committed_survives_and_what_was_not_does_not() {
    let folder = TempDir::new().unwrap();
    let opened = serve(&folder).await;
    let kept = insert_concert(&opened.store, 1).await;
    let mut tx = opened.store.begin().await.unwrap();
    tx.record_sales(&[(kept, 3)], now()).await.unwrap();
    // What a killed process leaves: the files as they are, nothing closed, nothing rolled back.
    let copy = TempDir::new().unwrap();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    drop(tx);
    let opened = serve(&copy).await;
    let mut view = opened.store.read().await.unwrap();
    assert_eq!(view.find_offer(kept).await.unwrap().unwrap().sold, 0);
    assert_eq!(check(copy.path()).await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn closed_store_leaves_one_file_and_answers_that_it_is_unavailable() {
    let folder = TempDir::new().unwrap();
    let store = serve(&folder).await.store;
    insert_concert(&store, 1).await;
    store.close().await;
    store.close().await;
    assert!(!folder.path().join("ledger.db-wal").exists());
    let begun = store.begin().await.map(drop);
    assert!(
        matches!(begun, Err(StoreError::Unavailable(_))),
        "{begun:?}"
    );
}

#[tokio::test]
async fn damage_within_the_file_is_an_error_and_no_panic() {
    let folder = TempDir::new().unwrap();
    let store = serve(&folder).await.store;
    for id in 1..200 {
        insert_concert(&store, id).await;
    }
    store.close().await;
    drop(store);
    let file = folder.path().join(DATABASE);
    let mut bytes = fs::read(&file).unwrap();
    bytes[8_192..].fill(0x5a);
    fs::write(&file, bytes).unwrap();
    let found = match check(folder.path()).await {
        Ok(lines) => !lines.is_empty(),
        Err(error) => matches!(error, OpenError::Corrupt { .. }),
    };
    assert!(found);
    if let Ok(opened) = open(&folder, Access::Inspect).await {
        let mut view = opened.store.read().await.unwrap();
        let listed = view.list_offers(None, 1_000).await;
        assert!(
            matches!(listed, Err(StoreError::Corrupt { .. })),
            "{listed:?}"
        );
    }
}

#[tokio::test]
async fn oversold_concert_is_found() {
    let folder = TempDir::new().unwrap();
    let opened = serve(&folder).await;
    let id = insert_concert(&opened.store, 1).await;
    let ticket = domain::tickets::NewTicket {
        id: domain::TicketId(Uuid::from_u128(1)),
        concert_id: id,
        user_id: domain::UserId(Uuid::from_u128(1)),
        seat: domain::seat::SeatNo(3),
        bought_at: now(),
    };
    let mut tx = opened.store.begin().await.unwrap();
    assert_eq!(tx.insert_tickets(&[ticket]).await.unwrap(), [true]);
    tx.record_sales(&[(id, 1)], now()).await.unwrap();
    tx.commit().await.unwrap();
    tamper(&folder, "update concerts set capacity = 3").await;
    let mut snapshot = opened.store.snapshot().await.unwrap();
    let violations = snapshot.find_violations(9).await.unwrap();
    assert_eq!(violations.len(), 1);
    assert_eq!(violations[0].invariant, domain::audit::Invariant::Oversold);
}

/// Takes a lease and claims a job, both for an hour.
async fn hold(store: &SqliteStore) {
    let until = now() + TimeDelta::hours(1);
    let worker = WorkerId(Uuid::from_u128(1));
    let job = NewJob::of(&Noop {}, JobId(Uuid::from_u128(2)), now(), now());
    let request = ClaimRequest {
        queue: Queue::System,
        oldest: 0,
        bands: Lane::ALL.map(|lane| lane.band(now(), 9)).into(),
        max: 1,
        kinds: Kinds::Any,
        worker,
        token: ClaimToken(Uuid::from_u128(3)),
        now: now(),
        until,
    };
    let mut tx = store.begin().await.unwrap();
    tx.insert_jobs(&[job]).await.unwrap();
    assert_eq!(tx.claim_jobs(&request).await.unwrap().jobs.len(), 1);
    assert!(tx.take_lease("a", worker, now(), until).await.unwrap());
    tx.commit().await.unwrap();
}

/// Claims that have ended, and whether another holder may have the lease.
async fn let_go(store: &SqliteStore) -> (usize, bool) {
    let longest = TimeDelta::days(1);
    let mut tx = store.begin().await.unwrap();
    let expired = tx.list_expired(now(), longest, 9).await.unwrap().len();
    let other = WorkerId(Uuid::from_u128(9));
    let free = tx.take_lease("a", other, now(), now()).await.unwrap();
    (expired, free)
}

#[tokio::test]
async fn whoever_serves_takes_over_what_a_process_held_that_is_gone() {
    let folder = TempDir::new().unwrap();
    let opened = serve(&folder).await;
    hold(&opened.store).await;
    let beside = open(&folder, Access::Inspect).await.unwrap();
    assert_eq!(let_go(&beside.store).await, (0, false), "it lives");
    beside.store.close().await;
    opened.store.close().await;
    drop((beside, opened));

    let opened = serve(&folder).await;
    assert_eq!(let_go(&opened.store).await, (1, true));
}
