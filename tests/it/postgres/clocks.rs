//! Claims and leases last by the server's clock, whatever clock those who ask go by.

use std::time::Duration;

use chrono::TimeDelta;
use domain::ids::IdSource;
use domain::job::{ClaimRequest, Claimed, Lane, NewJob, Noop, Queue, Renewal, Standing};
use domain::ports::Store;
use domain::{ClaimToken, Clock, JobId, SystemClock, SystemIds, Timestamp, WorkerId};
use storage::postgres::PostgresStore;
use tests::postgres::options;
use tests::{Database, eventually};

const LEASE: TimeDelta = TimeDelta::seconds(60);

/// Shorter than any test.
const SHORT: TimeDelta = TimeDelta::milliseconds(1);

async fn open() -> (Database, PostgresStore) {
    let database = Database::new().await;
    let store = PostgresStore::open(database.url(), options())
        .await
        .unwrap();
    (database, store)
}

fn hours(by: i64) -> Timestamp {
    SystemClock.now() + TimeDelta::hours(by)
}

/// Claims a new job at what the worker takes for the present.
async fn claim(store: &PostgresStore, now: Timestamp, lease: TimeDelta) -> Claimed {
    let ids = SystemIds;
    let early = hours(-1_000);
    let request = ClaimRequest {
        queue: Queue::System,
        oldest: 0,
        bands: Lane::ALL.map(|lane| lane.band(now, 9)).into(),
        max: 1,
        kinds: domain::job::Kinds::Any,
        worker: WorkerId(ids.next()),
        token: ClaimToken(ids.next()),
        now,
        until: now + lease,
    };
    let mut tx = store.begin().await.unwrap();
    let job = NewJob::of(&Noop {}, JobId(ids.next()), early, early);
    tx.insert_jobs(&[job]).await.unwrap();
    let claimed = tx.claim_jobs(&request).await.unwrap().jobs.remove(0);
    tx.commit().await.unwrap();
    claimed
}

async fn expired(store: &PostgresStore, now: Timestamp) -> usize {
    let mut view = store.read().await.unwrap();
    view.list_expired(now, LEASE * 2, 9).await.unwrap().len()
}

#[tokio::test]
async fn claim_stands_for_its_time_whoever_is_early_or_late() {
    let (_database, store) = open().await;
    for worker in [-2, 0, 2] {
        claim(&store, hours(worker), LEASE).await;
    }
    for scheduler in [-2, 0, 2] {
        assert_eq!(expired(&store, hours(scheduler)).await, 0);
    }
    for worker in [-2, 2] {
        claim(&store, hours(worker), SHORT).await;
    }
    for scheduler in [-2, 2] {
        let both = || async { (expired(&store, hours(scheduler)).await == 2).then_some(()) };
        eventually("both claims end", both).await;
    }
}

#[tokio::test]
async fn claim_is_renewed_from_the_servers_present_on() {
    let (_database, store) = open().await;
    let claimed = claim(&store, hours(0), SHORT).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(expired(&store, hours(0)).await, 1);
    let now = hours(-2);
    let mut tx = store.begin().await.unwrap();
    let renewal = Renewal {
        claim: claimed.claim,
        progress: None,
    };
    let stand = tx.extend_claims(&[renewal], now, now + LEASE).await;
    assert_eq!(stand.unwrap(), [Standing::Stands]);
    tx.commit().await.unwrap();
    assert_eq!(expired(&store, hours(0)).await, 0);
}

#[tokio::test]
async fn lease_is_not_taken_by_whoever_is_early() {
    let (_database, store) = open().await;
    let [one, two] = [(); 2].map(|()| WorkerId(SystemIds.next()));
    let take = async |holder, hour, lease| {
        let now = hours(hour);
        let mut tx = store.begin().await.unwrap();
        let taken = tx.take_lease("a", holder, now, now + lease).await.unwrap();
        tx.commit().await.unwrap();
        taken
    };
    assert!(take(one, -2, LEASE).await);
    assert!(!take(two, 2, LEASE).await);
    // Given back, it ends at once.
    assert!(take(one, 2, TimeDelta::zero()).await);
    assert!(take(two, -2, LEASE).await);
    assert!(!take(one, 2, LEASE).await);
}

#[tokio::test]
async fn new_job_waits_by_the_servers_clock() {
    let (_database, store) = open().await;
    for hour in [-2, 0, 2] {
        let now = hours(hour);
        let job = NewJob {
            run_at: now + TimeDelta::seconds(30),
            ..NewJob::of(&Noop {}, JobId(SystemIds.next()), now, now)
        };
        let id = job.id;
        let mut tx = store.begin().await.unwrap();
        tx.insert_jobs(&[job]).await.unwrap();
        tx.commit().await.unwrap();
        let found = store.read().await.unwrap().find_job(id).await.unwrap();
        let waits = found.unwrap().run_at - SystemClock.now();
        assert!(
            waits > TimeDelta::minutes(-5) && waits <= TimeDelta::seconds(30),
            "{waits}"
        );
    }
}
