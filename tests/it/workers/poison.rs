//! Jobs that kill their process, and what becomes of them and of their neighbours.

use std::path::Path;
use std::process::Command;

use domain::job::{Job, Kind, LOSSES_MAX, NewJob, State};
use domain::ports::Store;
use domain::{Clock, JobId, SystemClock, SystemIds, ids::IdSource};
use tests::doom::{Killer, Mortal, Way};
use tests::process::Ended;

const INNOCENTS: usize = 12;
/// As often as the policy says.
const DEATHS_OF_ONE_MAX: usize = 5;
/// Until the jobs that all of them held run alone.
const DEATHS_OF_ALL: usize = LOSSES_MAX as usize;

fn job(kind: &impl Kind) -> NewJob {
    let now = SystemClock.now();
    NewJob::of(kind, JobId(SystemIds.next()), now, now)
}

async fn open(folder: &Path) -> storage::Opened {
    storage::open_embedded(folder, storage::Access::Inspect)
        .await
        .unwrap()
}

async fn find(opened: &storage::Opened, id: JobId) -> Job {
    let mut view = opened.store.read().await.unwrap();
    view.find_job(id).await.unwrap().unwrap()
}

/// Starts the process again and again until it ends well. Tells how often it died.
fn deaths(folder: &Path) -> usize {
    for deaths in 0..100 {
        let ended = Ended::of(
            Command::new(env!("CARGO_BIN_EXE_doomed"))
                .arg(folder)
                .arg(deaths.to_string()),
        );
        match ended.status {
            Some(0) => return deaths,
            // A panic, which is no death that this is about.
            Some(status) => panic!("exit status {status}: {}", ended.errors),
            None => {}
        }
    }
    panic!("it dies for ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_kill_their_process_are_dead_letters_and_their_neighbours_lose_no_attempt() {
    let folder = tempfile::tempdir().unwrap();
    storage::migrate(folder.path()).await.unwrap();
    let opened = open(folder.path()).await;
    let ways = [Way::Abort, Way::Overflow, Way::Exhaust];
    let killers = ways.map(|way| job(&Killer { way }));
    let innocents: Vec<_> = (0..INNOCENTS).map(|_| job(&Mortal {})).collect();
    let mut tx = opened.store.begin().await.unwrap();
    tx.insert_jobs(&killers).await.unwrap();
    tx.insert_jobs(&innocents).await.unwrap();
    tx.commit().await.unwrap();

    let at = folder.path().to_owned();
    let deaths = tokio::task::spawn_blocking(move || deaths(&at)).await;
    assert_eq!(
        deaths.unwrap(),
        DEATHS_OF_ALL + killers.len() * DEATHS_OF_ONE_MAX
    );
    for killer in &killers {
        let dead = find(&opened, killer.id).await;
        assert_eq!((dead.state, dead.attempt), (State::Discarded, 5));
        let charged = dead
            .errors
            .iter()
            .filter(|error| error.error.contains("the worker died while running it"));
        assert_eq!(charged.count(), 5, "{:?}", dead.errors);
    }
    for innocent in &innocents {
        let done = find(&opened, innocent.id).await;
        assert_eq!((done.state, done.attempt), (State::Completed, 1));
    }
}
