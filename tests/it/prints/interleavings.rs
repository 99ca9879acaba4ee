//! A thousand seeds of small random interleavings of changes, prints and reads.

use std::sync::atomic::{AtomicU64, Ordering};

use domain::ids::mix;
use futures::StreamExt;
use serde_json::json;
use tests::{Http, TestApp};

use super::Sketcher;

const SEEDS: u64 = 1_000;
/// Races that run at a time, so that their writes share a sync of the disk.
const AT_A_TIME: usize = 24;
const CHANGES: u64 = 3;
const READS: u64 = 6;

/// One concert whose name is the number of its changes, and a ticket for it.
struct Race<'a> {
    http: &'a Http,
    seed: u64,
    concert: String,
    ticket: String,
    /// The changes that were answered so far: nothing older may be served from now on.
    answered: AtomicU64,
}

impl<'a> Race<'a> {
    async fn new(http: &'a Http, seed: u64) -> Self {
        let concert = http.create_concert("Name 0", 1).await;
        let ticket = http.bought(&concert, 1).await;
        Self {
            http,
            seed,
            concert,
            ticket,
            answered: AtomicU64::new(0),
        }
    }

    /// A random number of this race, the same in every run.
    fn random(&self, salt: u64) -> u64 {
        mix(mix(self.seed) ^ salt)
    }

    async fn wait(&self, salt: u64) {
        for _ in 0..self.random(salt) % 16 {
            tokio::task::yield_now().await;
        }
        if self.random(salt) >> 32 & 1 == 0 {
            let micros = self.random(salt) >> 48 & 0xfff;
            tokio::time::sleep(std::time::Duration::from_micros(micros)).await;
        }
    }

    async fn change(&self) {
        for number in 1..=CHANGES {
            self.wait(number).await;
            let path = format!("/api/v1/concerts/{}", self.concert);
            let body = json!({"name": format!("Name {number}")});
            let changed = self.http.put(&path, &body).await;
            assert_eq!(changed.status, 200, "{}", changed.text());
            self.answered.store(number, Ordering::SeqCst);
        }
    }

    async fn read(&self, reader: u64) {
        for number in 0..READS {
            let salt = 1_000 * (reader + 1) + number;
            self.wait(salt).await;
            if self.random(salt).is_multiple_of(3) {
                let asked = self.http.post_empty(&self.print()).await;
                assert_eq!(asked.status, 202, "{}", asked.text());
            }
            self.fetch().await;
        }
    }

    /// Fetches the print; what is there must be of a version that was current meanwhile.
    async fn fetch(&self) -> Option<u64> {
        let oldest = self.answered.load(Ordering::SeqCst);
        let suffix = ["", ".pdf", ".png"][usize::try_from(oldest).expect("small") % 3];
        let answer = self.http.get(&format!("{}{suffix}", self.print())).await;
        if answer.status == 404 {
            return None;
        }
        assert_eq!(answer.status, 200, "seed {}: {}", self.seed, answer.text());
        let text = answer.text();
        let name = text.split("Name ").nth(1).expect("a print shows the name");
        let version = name
            .split('<')
            .next()
            .and_then(|digits| digits.parse().ok());
        let version = version.expect("the name is the number of changes");
        assert!(
            version >= oldest,
            "seed {}: version {version} was served after change {oldest} was answered",
            self.seed
        );
        Some(version)
    }

    /// Whatever happened, a print that is asked for now shows the last change.
    async fn settle(&self) {
        self.http.post_empty(&self.print()).await;
        self.http.until_print(&self.ticket, "PRINTED").await;
        assert_eq!(self.fetch().await, Some(CHANGES), "seed {}", self.seed);
    }

    fn print(&self) -> String {
        format!("/api/v1/tickets/{}/print", self.ticket)
    }
}

#[tests::every_engine]
async fn no_interleaving_serves_an_old_print() {
    let app = TestApp::with(Sketcher::tweaks(7)).await;
    let races = (0..SEEDS).map(|seed| {
        let http = app.http.clone();
        tokio::spawn(async move {
            let race = Race::new(&http, seed).await;
            futures::join!(race.change(), race.read(0), race.read(1));
            race.settle().await;
        })
    });
    let mut races = futures::stream::iter(races).buffer_unordered(AT_A_TIME);
    while let Some(ended) = races.next().await {
        ended.expect("the race holds");
    }
    drop(races);
    app.stop().await;
}
