//! P7: how long the lowest lane waits while more urgent work comes in than can be done.

use std::collections::HashMap;

use chrono::TimeDelta;
use domain::JobId;
use domain::job::{ClaimRequest, NewJob, Outcome, Places, Policy, Queue, Rota, next};

use super::Env;

/// Jobs that can be run in a second, on the average.
const CAPACITY: u32 = 10;
/// Ten minutes.
const SECONDS: u32 = 600;

/// When a job came: the jobs that waited before it, and the claims so far.
struct Arrival {
    waited: u32,
    claims: u32,
    low: bool,
}

impl Arrival {
    /// The promise of [`Rota`], in claims.
    fn bound(&self) -> u32 {
        2 * Rota::SHARE * (self.waited + 1)
    }
}

/// The jobs of a second: twice what can be done, nine of ten for tonight. The others are for ever
/// earlier shows, so that in the order of due times the first of them would never be the next.
fn arrivals(env: &Env, second: u32) -> Vec<(NewJob, bool)> {
    (0..2 * CAPACITY)
        .map(|n| {
            let low = n % 10 == 9;
            let hours = if low { 20_000 - i64::from(second) } else { 1 };
            (env.due_in(hours), low)
        })
        .collect()
}

conformance! {
    /// Port: claim_jobs.
    async fn lowest_lane_waits_no_longer_than_promised_under_an_overload_of_nine_to_one(env) {
        let mut rota = Rota::default();
        let mut waiting: HashMap<JobId, Arrival> = HashMap::new();
        let (mut claims, mut low_done) = (0, 0);
        for second in 0..SECONDS {
            env.clock.advance(TimeDelta::seconds(1));
            let mut tx = env.begin().await;
            let jobs = arrivals(env, second);
            for (job, low) in &jobs {
                let waited = u32::try_from(waiting.len()).unwrap();
                waiting.insert(job.id, Arrival { waited, claims, low: *low });
            }
            let jobs: Vec<_> = jobs.into_iter().map(|(job, _)| job).collect();
            tx.insert_jobs(&jobs).await.unwrap();
            // Batches of 1 to 19, so that shares fall anywhere in them.
            let free = 1 + (second * 7) % (2 * CAPACITY - 1);
            let Places { oldest, bands } = rota.places(free, env.now());
            let request = ClaimRequest { oldest, bands, ..env.request(Queue::System, free) };
            let batch = tx.claim_jobs(&request).await.unwrap();
            let taken = u32::try_from(batch.jobs.len()).unwrap();
            rota.took(taken);
            claims += taken;
            let mut settled = Vec::new();
            for job in &batch.jobs {
                let came = waiting.remove(&job.claim.job_id).unwrap();
                assert!(claims - came.claims <= came.bound() + free, "second {second}");
                low_done += u32::from(came.low);
                let done = next(job, &Outcome::Done, &Policy::DEFAULT, env.now());
                settled.push((job.claim, done));
            }
            tx.settle_jobs(&settled).await.unwrap();
            tx.commit().await.unwrap();
        }
        assert!(waiting.len() > 5_000, "it was an overload");
        assert!(low_done >= claims / (2 * Rota::SHARE), "{low_done} of {claims}");
        for came in waiting.values() {
            assert!(claims - came.claims <= came.bound(), "it waits for ever");
        }
    }
}
