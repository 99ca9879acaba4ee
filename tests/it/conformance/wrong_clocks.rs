//! A clock was hours ahead and was set right: nothing that it said of the future is believed for
//! longer than it could be true.

use bytes::Bytes;
use chrono::TimeDelta;
use domain::ids::IdSource;
use domain::job::{Lane, Pauses};
use domain::job::{Learned, NewJob, Outcome, Pause, Policy, Queue, State, WAIT_MAX, next};
use domain::jobs::{LEASE, LEASE_BELIEVED};
use domain::keys::{Answer, KEPT_FOR, StoredKey};
use domain::{JobId, WorkerId};

use super::{Env, micros};

/// By how much it was ahead.
const AHEAD: TimeDelta = TimeDelta::hours(5);

async fn expired(env: &Env) -> usize {
    let mut view = env.read().await;
    let expired = view.list_expired(env.now(), LEASE_BELIEVED, 9).await;
    expired.unwrap().len()
}

async fn take(env: &Env, holder: WorkerId, lasts: TimeDelta) -> bool {
    let mut tx = env.begin().await;
    let now = env.now();
    let taken = tx.take_lease("scheduler", holder, now, now + lasts).await;
    tx.commit().await.unwrap();
    taken.unwrap()
}

async fn settle(env: &Env, outcome: Outcome) -> JobId {
    env.insert_jobs(&[env.noop()]).await;
    let claimed = env.claim(1).await.remove(0);
    let transition = next(&claimed, &outcome, &Policy::DEFAULT, env.now());
    let mut tx = env.begin().await;
    let stood = tx.settle_jobs(&[(claimed.claim, transition)]).await;
    assert_eq!(stood.unwrap(), [true]);
    tx.commit().await.unwrap();
    claimed.claim.job_id
}

async fn state(env: &Env, id: JobId) -> Option<State> {
    let found = env.read().await.find_job(id).await.unwrap();
    found.map(|job| job.state)
}

conformance! {
    /// Port: take_lease.
    async fn lease_that_began_in_the_future_is_free(env) {
        let [one, two] = [(); 2].map(|()| WorkerId(env.ids.next()));
        let hour = TimeDelta::hours(1);
        env.clock.advance(AHEAD);
        assert!(take(env, one, LEASE).await);
        env.clock.advance(-AHEAD);
        assert!(take(env, two, hour).await, "its length is over before it began");
        assert!(!take(env, one, LEASE).await, "a long one that began now is believed");
        env.clock.advance(AHEAD);
        // Given back.
        assert!(take(env, two, TimeDelta::zero()).await);
        env.clock.advance(-AHEAD);
        assert!(take(env, one, LEASE).await);
    }

    /// Port: list_expired.
    async fn claim_that_ends_later_than_claims_last_has_expired(env) {
        env.insert_jobs(&[env.noop(), env.noop()]).await;
        env.clock.advance(AHEAD);
        let first = env.claim(1).await.remove(0);
        env.clock.advance(-AHEAD);
        let second = env.claim(1).await.remove(0);
        let mut view = env.read().await;
        let expired = view.list_expired(env.now(), LEASE_BELIEVED, 9).await.unwrap();
        assert_eq!(expired.iter().map(|job| job.claim).collect::<Vec<_>>(), [first.claim]);
        drop(view);
        env.clock.advance(LEASE);
        let mut view = env.read().await;
        let expired = view.list_expired(env.now(), LEASE_BELIEVED, 9).await.unwrap();
        let claims: Vec<_> = expired.iter().map(|job| job.claim).collect();
        assert_eq!(claims, [second.claim, first.claim]);
    }

    async fn clock_that_is_put_back_a_little_loses_no_claims(env) {
        env.insert_jobs(&[env.noop()]).await;
        env.claim(1).await;
        env.clock.advance(-LEASE);
        assert_eq!(expired(env).await, 0);
        env.clock.advance(-micros(1));
        assert_eq!(expired(env).await, 1);
    }

    /// Port: claim_jobs.
    async fn wait_that_is_longer_than_any_is_over(env) {
        env.clock.advance(AHEAD);
        let later = settle(env, Outcome::Retry("away".into(), None)).await;
        env.clock.advance(-AHEAD);
        let soon = NewJob { run_at: env.now() + WAIT_MAX, ..env.noop() };
        env.insert_jobs(std::slice::from_ref(&soon)).await;
        let elsewhere = env.request(Queue::Prints, 0);
        let mut tx = env.begin().await;
        assert_eq!(tx.claim_jobs(&elsewhere).await.unwrap().promoted, 0);
        let batch = tx.claim_jobs(&env.request(Queue::System, 9)).await.unwrap();
        tx.commit().await.unwrap();
        let claimed: Vec<_> = batch.jobs.iter().map(|job| job.claim.job_id).collect();
        assert_eq!((claimed, batch.promoted), (vec![later], 1));
        assert_eq!(state(env, soon.id).await, Some(State::Scheduled));
    }

    /// Port: insert_jobs.
    async fn new_job_of_a_clock_ahead_does_not_wait_for_it(env) {
        let now = env.now() + AHEAD;
        let job = NewJob { created_at: now, run_at: now + micros(1), ..env.noop() };
        env.insert_jobs(&[job]).await;
        assert_eq!(env.claim(9).await.len(), 1);
    }

    /// Port: prune_keys.
    async fn key_of_a_clock_ahead_is_kept_as_long_as_any_other(env) {
        let key = StoredKey {
            key: "a".into(),
            fingerprint: [7; 32],
            answer: Answer { status: 201, headers: vec![], body: Bytes::new() },
            created_at: env.now() + AHEAD,
        };
        let mut tx = env.begin().await;
        tx.insert_keys(&[key], env.now()).await.unwrap();
        assert_eq!(tx.prune_keys(env.now(), KEPT_FOR, 9).await.unwrap(), 0);
        let ends = env.now() + KEPT_FOR;
        assert_eq!(tx.prune_keys(ends, KEPT_FOR, 9).await.unwrap(), 0);
        assert_eq!(tx.prune_keys(ends + micros(1), KEPT_FOR, 9).await.unwrap(), 1);
    }

    /// Port: prune_jobs.
    async fn job_that_ended_by_a_clock_ahead_is_kept_as_long_as_any_other(env) {
        env.clock.advance(AHEAD);
        let id = settle(env, Outcome::Done).await;
        env.clock.advance(-AHEAD);
        let hour = TimeDelta::hours(1);
        let mut tx = env.begin().await;
        assert_eq!(tx.prune_jobs(env.now(), hour, 9).await.unwrap(), 0);
        assert_eq!(tx.prune_jobs(env.now() + hour + micros(1), hour, 9).await.unwrap(), 1);
        assert_eq!(tx.find_job(id).await.unwrap(), None);
    }

    /// Port: record_sales.
    async fn sale_by_the_right_clock_corrects_a_mark_of_the_future(env) {
        let concert = env.concert(10).await;
        env.clock.advance(AHEAD);
        env.sell(&concert, &[0]).await;
        env.clock.advance(-AHEAD);
        env.sell(&concert, &[1]).await;
        let marked = env.read().await.list_marked(9).await.unwrap();
        assert_eq!(marked, [(concert.id, env.now())]);
    }

    /// Port: list_pauses.
    async fn pauses_are_listed_for_as_long_as_they_last(env) {
        let pause = |queue, lane| Pause { queue, lane };
        let all = [
            pause(Queue::Prints, None),
            pause(Queue::Prints, Some(Lane::Later)),
            pause(Queue::System, Some(Lane::Soon)),
        ];
        let mut tx = env.begin().await;
        assert!(tx.list_pauses().await.unwrap().is_empty());
        for Pause { queue, lane } in all {
            tx.set_paused(queue, lane, true).await.unwrap();
        }
        assert_eq!(tx.list_pauses().await.unwrap(), Pauses::of(all.to_vec()));
        tx.set_paused(Queue::Prints, None, false).await.unwrap();
        tx.commit().await.unwrap();
        let pauses = env.read().await.list_pauses().await.unwrap();
        assert_eq!(pauses, Pauses::of(all[1..].to_vec()));
    }

    /// Ports: put_service_times, list_service_times.
    async fn service_times_are_kept_as_they_were_told_last(env) {
        let learned = |kind: &str, queue, seconds, runs| Learned {
            kind: kind.into(),
            queue,
            seconds,
            runs,
        };
        let first = learned("render_plan", Queue::Plans, 0.25, 3);
        let (old, new) = (
            learned("noop", Queue::System, 1e-5, 1),
            learned("noop", Queue::System, 0.125, 128),
        );
        for told in [vec![old, first.clone()], vec![new.clone()], vec![]] {
            let mut tx = env.begin().await;
            tx.put_service_times(&told, env.now()).await.unwrap();
            tx.commit().await.unwrap();
        }
        let kept = env.read().await.list_service_times().await.unwrap();
        assert_eq!(kept, [new, first]);
    }
}
