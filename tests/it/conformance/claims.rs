//! Claiming jobs, keeping and losing claims, leases.

use std::collections::HashSet;

use chrono::TimeDelta;
use domain::ids::IdSource;
use domain::job::{
    Band, ClaimRequest, Claimed, Kinds, Lane, NewJob, Outcome, Policy, Queue, State, next,
};
use domain::jobs::LEASE_BELIEVED;
use domain::{JobId, WorkerId};

use super::{Env, micros};

fn ids(claimed: &[Claimed]) -> Vec<JobId> {
    claimed.iter().map(|job| job.claim.job_id).collect()
}

async fn claim_as(env: &Env, request: &ClaimRequest) -> Vec<Claimed> {
    let mut tx = env.begin().await;
    let batch = tx.claim_jobs(request).await.unwrap();
    tx.commit().await.unwrap();
    batch.jobs
}

async fn set_paused(env: &Env, queue: Queue, paused: bool) {
    pause_lane(env, queue, None, paused).await;
}

async fn pause_lane(env: &Env, queue: Queue, lane: impl Into<Option<Lane>>, paused: bool) {
    let mut tx = env.begin().await;
    tx.set_paused(queue, lane.into(), paused).await.unwrap();
    tx.commit().await.unwrap();
}

conformance! {
    /// Port: claim_jobs.
    async fn claimed_job_comes_as_it_was_written_with_its_first_attempt(env) {
        let new = NewJob { trace: Some("t".into()), ..env.due_in(5) };
        env.insert_jobs(std::slice::from_ref(&new)).await;
        let request = env.request(Queue::System, 1);
        let claimed = claim_as(env, &request).await;
        let job = &claimed[0];
        assert_eq!((job.claim.job_id, job.claim.token), (new.id, request.token));
        assert_eq!((job.kind.as_str(), job.args.as_str(), job.attempt), ("noop", "{}", 1));
        let times = (job.due_at, job.run_at, job.created_at);
        assert_eq!(times, (new.due_at, new.run_at, new.created_at));
        assert_eq!(job.trace, new.trace);
        let job = env.read().await.find_job(new.id).await.unwrap().unwrap();
        assert_eq!((job.state, job.attempt), (State::Running, 1));
        assert_eq!(job.claimed_by, Some(request.worker));
    }

    async fn claimed_job_is_invisible_to_other_workers(env) {
        env.insert_jobs(&[env.noop()]).await;
        assert_eq!(env.claim(9).await.len(), 1);
        assert_eq!(env.claim(9).await.len(), 0);
    }

    async fn kinds_that_are_not_asked_for_are_left_alone(env) {
        let of = |kind| NewJob { kind, ..env.noop() };
        let jobs = ["a", "b", "a", "c", "b"].map(of);
        env.insert_jobs(&jobs).await;
        for (kinds, oldest, expected) in [
            (Kinds::Only("unheard_of".into()), 1, vec![]),
            (Kinds::Only("b".into()), 0, vec![1, 4]),
            (Kinds::Except(vec!["c".into(), "b".into()]), 1, vec![0, 2]),
            (Kinds::Any, 1, vec![3]),
        ] {
            let request = ClaimRequest { kinds: kinds.clone(), oldest, ..env.request(Queue::System, 9) };
            let claimed = ids(&claim_as(env, &request).await);
            let expected: Vec<_> = expected.into_iter().map(|at: usize| jobs[at].id).collect();
            assert_eq!(claimed, expected, "{kinds:?}");
        }
    }

    /// Port: count_workers.
    async fn workers_are_counted_by_queue_while_they_hold_jobs(env) {
        assert_eq!(env.read().await.count_workers().await.unwrap(), []);
        let prints = (0..2).map(|_| NewJob { queue: Queue::Prints, ..env.noop() });
        let jobs: Vec<_> = (0..3).map(|_| env.noop()).chain(prints).collect();
        env.insert_jobs(&jobs).await;
        let held = env.claim_of(Queue::Prints, 2).await;
        let one = env.request(Queue::System, 1);
        claim_as(env, &one).await;
        claim_as(env, &ClaimRequest { worker: one.worker, ..env.request(Queue::System, 1) }).await;
        env.claim(1).await;
        let count = async || {
            let mut counted = env.read().await.count_workers().await.unwrap();
            counted.sort_unstable();
            counted
        };
        assert_eq!(count().await, [(Queue::Prints, 1), (Queue::System, 2)]);
        let mut tx = env.begin().await;
        for job in &held {
            let done = next(job, &Outcome::Done, &Policy::DEFAULT, env.now());
            tx.settle_jobs(&[(job.claim, done)]).await.unwrap();
        }
        tx.commit().await.unwrap();
        assert_eq!(count().await, [(Queue::System, 2)]);
    }

    async fn claim_that_was_rolled_back_leaves_the_job_to_others(env) {
        env.insert_jobs(&[env.noop()]).await;
        let mut tx = env.begin().await;
        let batch = tx.claim_jobs(&env.request(Queue::System, 1)).await.unwrap();
        assert_eq!(batch.jobs.len(), 1);
        drop(tx);
        let again = env.claim(1).await;
        assert_eq!((again.len(), again[0].attempt), (1, 1));
    }

    async fn racing_workers_share_the_jobs_without_overlap(env) {
        let jobs: Vec<_> = (0..60).map(|_| env.noop()).collect();
        env.insert_jobs(&jobs).await;
        let workers: Vec<_> = (0..10)
            .map(|_| {
                let (store, request) = (env.store.clone(), env.request(Queue::System, 7));
                tokio::spawn(async move {
                    let mut tx = store.begin().await.unwrap();
                    let batch = tx.claim_jobs(&request).await.unwrap();
                    tx.commit().await.unwrap();
                    ids(&batch.jobs)
                })
            })
            .collect();
        let mut claimed = Vec::new();
        for worker in workers {
            claimed.extend(worker.await.unwrap());
        }
        assert_eq!(claimed.len(), 60);
        assert_eq!(claimed.into_iter().collect::<HashSet<_>>().len(), 60);
    }

    async fn jobs_of_another_queue_are_not_claimed(env) {
        env.insert_jobs(&[env.noop()]).await;
        assert_eq!(env.claim_of(Queue::Prints, 9).await.len(), 0);
        assert_eq!(env.claim_of(Queue::Plans, 9).await.len(), 0);
    }

    async fn within_a_band_the_earliest_due_is_claimed_first(env) {
        let jobs = [5, 1, 3, 2, 4].map(|hours| env.due_in(hours));
        env.insert_jobs(&jobs).await;
        let claimed = ids(&env.claim(3).await);
        assert_eq!(claimed, [jobs[1].id, jobs[3].id, jobs[2].id]);
        assert_eq!(ids(&env.claim(9).await), [jobs[4].id, jobs[0].id]);
    }

    async fn bands_are_served_in_order_each_up_to_its_share(env) {
        let later: Vec<_> = (0..5).map(|n| env.due_in(1_000 + n)).collect();
        let soon: Vec<_> = (0..5).map(|n| env.due_in(48 + n)).collect();
        let imminent: Vec<_> = (0..5).map(|n| env.due_in(n)).collect();
        for jobs in [&later, &soon, &imminent] {
            env.insert_jobs(jobs).await;
        }
        let now = env.now();
        let request = ClaimRequest {
            bands: vec![
                Lane::Later.band(now, 2),
                Lane::Soon.band(now, 1),
                Lane::Imminent.band(now, 9),
                Lane::Later.band(now, 9),
            ],
            ..env.request(Queue::System, 9)
        };
        let claimed = ids(&claim_as(env, &request).await);
        let expected = later[..2].iter().chain(&soon[..1]).chain(&imminent).chain(&later[2..3]);
        assert_eq!(claimed, expected.map(|job| job.id).collect::<Vec<_>>());
    }

    async fn bands_include_their_beginning_and_not_their_end(env) {
        let jobs = [0, 1, 2].map(|n| NewJob { due_at: env.now() + micros(n), ..env.noop() });
        env.insert_jobs(&jobs).await;
        let lane = Lane::Imminent;
        let band = Band { lane, from: jobs[1].due_at, before: jobs[2].due_at, max: 9 };
        let request = ClaimRequest { bands: vec![band], ..env.request(Queue::System, 9) };
        assert_eq!(ids(&claim_as(env, &request).await), [jobs[1].id]);
    }

    async fn job_is_not_claimable_before_its_time(env) {
        let run_at = env.now() + TimeDelta::seconds(2);
        let later = NewJob { run_at: run_at + micros(1), ..env.noop() };
        env.insert_jobs(&[NewJob { run_at, ..env.noop() }, later]).await;
        let mut tx = env.begin().await;
        let batch = tx.claim_jobs(&env.request(Queue::System, 9)).await.unwrap();
        assert!(batch.jobs.is_empty());
        assert_eq!(batch.next_run_at, Some(run_at));
        drop(tx);
        env.clock.advance(TimeDelta::seconds(2));
        assert_eq!(env.claim(9).await.len(), 1);
    }

    async fn empty_queue_has_no_next_moment(env) {
        let elsewhere = NewJob { run_at: env.now() + micros(1), ..env.noop() };
        env.insert_jobs(&[elsewhere]).await;
        let mut tx = env.begin().await;
        let batch = tx.claim_jobs(&env.request(Queue::Prints, 9)).await.unwrap();
        assert!(batch.jobs.is_empty() && batch.next_run_at.is_none());
    }

    /// Port: set_paused.
    async fn nothing_of_a_paused_queue_is_claimed(env) {
        env.insert_jobs(&[env.noop()]).await;
        set_paused(env, Queue::System, true).await;
        set_paused(env, Queue::System, true).await;
        set_paused(env, Queue::Prints, false).await;
        assert_eq!(env.claim(9).await.len(), 0);
        set_paused(env, Queue::System, false).await;
        set_paused(env, Queue::Plans, true).await;
        assert_eq!(env.claim(9).await.len(), 1);
    }

    async fn nothing_of_a_paused_lane_is_claimed(env) {
        let jobs = [env.due_in(1), env.due_in(48), env.due_in(1_000)];
        env.insert_jobs(&jobs).await;
        pause_lane(env, Queue::System, Lane::Imminent, true).await;
        pause_lane(env, Queue::System, Lane::Soon, true).await;
        pause_lane(env, Queue::Plans, Lane::Later, true).await;
        // By age it would be the first one.
        let request = ClaimRequest { oldest: 9, ..env.request(Queue::System, 9) };
        assert_eq!(ids(&claim_as(env, &request).await), [jobs[2].id]);
        // A lane that is paused by itself stays so when its queue goes on.
        set_paused(env, Queue::System, true).await;
        pause_lane(env, Queue::System, Lane::Soon, false).await;
        assert_eq!(env.claim(9).await.len(), 0);
        set_paused(env, Queue::System, false).await;
        assert_eq!(ids(&env.claim(9).await), [jobs[1].id]);
        pause_lane(env, Queue::System, Lane::Imminent, false).await;
        assert_eq!(ids(&env.claim(9).await), [jobs[0].id]);
    }

    async fn the_oldest_are_claimed_first_up_to_their_number(env) {
        let key = env.unique("a");
        env.insert_jobs(std::slice::from_ref(&key)).await;
        assert_eq!(env.claim(1).await.len(), 1);
        // The oldest one waits for its like to end.
        env.insert_jobs(&[env.unique("a")]).await;
        let jobs = [1_000, 500, 48, 2, 1].map(|hours| env.due_in(hours));
        env.insert_jobs(&jobs).await;
        let request = ClaimRequest { oldest: 2, ..env.request(Queue::System, 3) };
        let claimed = ids(&claim_as(env, &request).await);
        assert_eq!(claimed, [jobs[0].id, jobs[1].id, jobs[4].id]);
        // No more than were asked for, and none of another queue.
        let request = ClaimRequest { oldest: 9, ..env.request(Queue::System, 1) };
        assert_eq!(ids(&claim_as(env, &request).await), [jobs[2].id]);
        let request = ClaimRequest { oldest: 9, ..env.request(Queue::Prints, 9) };
        assert_eq!(claim_as(env, &request).await.len(), 0);
    }

    async fn job_whose_key_is_running_is_not_claimed(env) {
        env.insert_jobs(&[env.unique("a")]).await;
        let running = env.claim(9).await;
        let free = env.unique("b");
        env.insert_jobs(&[env.unique("a"), free.clone()]).await;
        assert_eq!(ids(&env.claim(9).await), [free.id]);
        let done = next(&running[0], &Outcome::Done, &Policy::DEFAULT, env.now());
        let mut tx = env.begin().await;
        assert_eq!(tx.settle_jobs(&[(running[0].claim, done)]).await.unwrap(), [true]);
        tx.commit().await.unwrap();
        assert_eq!(env.claim(9).await.len(), 1);
    }

    /// Port: list_expired.
    async fn jobs_are_listed_once_their_lease_has_ended(env) {
        env.insert_jobs(&[env.noop(), env.noop(), env.noop()]).await;
        let first = env.claim(1).await;
        env.clock.advance(micros(1));
        let second = env.claim(1).await;
        let ends = env.now() + domain::jobs::LEASE;
        let mut view = env.read().await;
        assert_eq!(view.list_expired(ends - micros(2), LEASE_BELIEVED, 9).await.unwrap().len(), 0);
        let expired = view.list_expired(ends - micros(1), LEASE_BELIEVED, 9).await.unwrap();
        assert_eq!(ids(&expired), ids(&first));
        assert_eq!((expired[0].claim, expired[0].attempt), (first[0].claim, 1));
        let expired = view.list_expired(ends, LEASE_BELIEVED, 9).await.unwrap();
        assert_eq!(ids(&expired), [ids(&first), ids(&second)].concat());
        assert_eq!(view.list_expired(ends, LEASE_BELIEVED, 1).await.unwrap().len(), 1);
    }

    /// Port: take_lease.
    async fn lease_has_one_holder_until_it_ends(env) {
        let (one, two) = (WorkerId(env.ids.next()), WorkerId(env.ids.next()));
        let (now, minute) = (env.now(), TimeDelta::minutes(1));
        let mut tx = env.begin().await;
        assert!(tx.take_lease("seating", one, now, now + minute).await.unwrap());
        assert!(!tx.take_lease("seating", two, now, now + minute).await.unwrap());
        assert!(tx.take_lease("pruning", two, now, now + minute).await.unwrap());
        // Renewed by its holder, it stands longer.
        assert!(tx.take_lease("seating", one, now, now + minute * 2).await.unwrap());
        assert!(!tx.take_lease("seating", two, now + minute, now + minute * 3).await.unwrap());
        tx.commit().await.unwrap();
        let mut tx = env.begin().await;
        let (ends, later) = (now + minute * 2, now + minute * 4);
        assert!(!tx.take_lease("seating", two, ends - micros(1), later).await.unwrap());
        assert!(tx.take_lease("seating", two, ends, later).await.unwrap());
        assert!(!tx.take_lease("seating", one, ends, later).await.unwrap());
    }

    /// Port: lease_age.
    async fn lease_tells_how_long_ago_it_ended(env) {
        let holder = WorkerId(env.ids.next());
        let (now, minute) = (env.now(), TimeDelta::minutes(1));
        let mut tx = env.begin().await;
        tx.take_lease("counters", holder, now, now).await.unwrap();
        tx.take_lease("seating", holder, now, now + minute).await.unwrap();
        tx.commit().await.unwrap();
        let mut view = env.read().await;
        let later = now + minute * 3;
        for (name, age) in [
            ("counters", Some(minute * 3)),
            ("seating", Some(minute * 2)),
            ("unheard of", None),
        ] {
            assert_eq!(view.lease_age(name, later).await.unwrap(), age, "{name}");
        }
        assert_eq!(view.lease_age("seating", now).await.unwrap(), Some(-minute));
    }
}
