//! Scheduled jobs whose time has come, by the thousand.

use chrono::TimeDelta;
use domain::JobId;
use domain::job::{ClaimRequest, ClaimedBatch, Lane, NewJob, Queue, State};
use domain::ports::BATCH_MAX;

use super::Env;

/// Jobs that came due while nobody claimed, the one that came due last first.
async fn overdue(env: &Env, count: usize) -> Vec<NewJob> {
    let created_at = env.now() - TimeDelta::hours(2);
    let jobs: Vec<_> = (1..=count)
        .map(|at| NewJob {
            created_at,
            run_at: env.now() - TimeDelta::milliseconds(i64::try_from(at).unwrap()),
            ..env.noop()
        })
        .collect();
    for some in jobs.chunks(BATCH_MAX) {
        env.insert_jobs(some).await;
    }
    jobs
}

async fn claim(env: &Env, request: &ClaimRequest) -> ClaimedBatch {
    let mut tx = env.begin().await;
    let batch = tx.claim_jobs(request).await.unwrap();
    tx.commit().await.unwrap();
    batch
}

async fn count(env: &Env, state: State) -> u64 {
    let depths = env.read().await.count_jobs(env.now()).await.unwrap();
    let of_it = depths.iter().filter(|depth| depth.state == state);
    of_it.map(|depth| depth.jobs).sum()
}

async fn state(env: &Env, id: JobId) -> State {
    env.read().await.find_job(id).await.unwrap().unwrap().state
}

conformance! {
    /// Port: claim_jobs.
    async fn jobs_that_came_due_become_available_a_batch_at_a_time(env) {
        let jobs = overdue(env, BATCH_MAX + 3).await;
        let first = claim(env, &env.request(Queue::System, 1)).await;
        assert_eq!((first.promoted as usize, first.more_due), (BATCH_MAX, true));
        assert_eq!(first.jobs.len(), 1);
        assert_eq!(count(env, State::Available).await, BATCH_MAX as u64 - 1);
        for last in &jobs[..3] {
            assert_eq!(state(env, last.id).await, State::Scheduled, "it came due after the others");
        }
        let second = claim(env, &env.request(Queue::System, 1)).await;
        assert_eq!((second.jobs.len(), second.promoted, second.more_due), (1, 3, false));
        assert_eq!(count(env, State::Scheduled).await, 0);
        let third = claim(env, &env.request(Queue::System, 1)).await;
        assert_eq!((third.jobs.len(), third.promoted, third.more_due), (1, 0, false));
    }

    async fn request_for_no_jobs_makes_available_what_has_come_due(env) {
        overdue(env, 2).await;
        let later = NewJob { run_at: env.now() + TimeDelta::seconds(50), ..env.noop() };
        env.insert_jobs(std::slice::from_ref(&later)).await;
        let elsewhere = env.request(Queue::Prints, 0);
        assert_eq!(claim(env, &elsewhere).await.promoted, 0);
        let nothing = ClaimRequest { oldest: 9, ..env.request(Queue::System, 0) };
        let batch = claim(env, &nothing).await;
        assert_eq!((batch.jobs.len(), batch.promoted, batch.more_due), (0, 2, false));
        assert_eq!(count(env, State::Available).await, 2);
        assert_eq!(state(env, later.id).await, State::Scheduled);
    }

    async fn jobs_of_a_paused_lane_become_available_and_stay_so(env) {
        let jobs = overdue(env, 2).await;
        let mut tx = env.begin().await;
        for lane in Lane::ALL {
            tx.set_paused(Queue::System, Some(lane), true).await.unwrap();
        }
        tx.commit().await.unwrap();
        let batch = claim(env, &env.request(Queue::System, 9)).await;
        assert_eq!((batch.jobs.len(), batch.promoted), (0, 2));
        assert_eq!(state(env, jobs[0].id).await, State::Available);
        assert_eq!(claim(env, &env.request(Queue::System, 9)).await.promoted, 0);
    }
}
