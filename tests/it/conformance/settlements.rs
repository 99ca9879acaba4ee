//! Jobs are settled by who holds them and moved by operators.

use chrono::TimeDelta;
use domain::JobId;
use domain::ids::IdSource;
use domain::job::{
    AttemptError, Claimed, ERRORS_KEPT, Job, NewJob, Outcome, Policy, State, Transition, next,
};
use domain::jobs::LEASE_BELIEVED;

use super::{Env, stale};

fn retry(why: &str, after_s: i64) -> Outcome {
    Outcome::Retry(why.into(), Some(TimeDelta::seconds(after_s)))
}

fn transition(env: &Env, job: &Claimed, outcome: &Outcome) -> Transition {
    let patient = Policy {
        attempts_max: 1_000,
        ..Policy::DEFAULT
    };
    next(job, outcome, &patient, env.now())
}

async fn settle(env: &Env, job: &Claimed, outcome: &Outcome) -> bool {
    let mut tx = env.begin().await;
    let stood = tx
        .settle_jobs(&[(job.claim, transition(env, job, outcome))])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    stood[0]
}

async fn find(env: &Env, id: JobId) -> Job {
    env.read().await.find_job(id).await.unwrap().unwrap()
}

/// A job that somebody runs.
async fn running(env: &Env, job: NewJob) -> Claimed {
    assert_eq!(env.insert_jobs(&[job]).await, [true]);
    env.claim(1).await.remove(0)
}

async fn move_job(env: &Env, id: JobId, to: State) -> bool {
    let to = Transition {
        at: env.now(),
        state: to,
        attempt: 0,
        run_at: env.now(),
        finished_at: to.is_finished().then(|| env.now()),
        losses: 0,
        error: None,
    };
    let mut tx = env.begin().await;
    let moved = tx.move_job(id, &to).await.unwrap();
    tx.commit().await.unwrap();
    moved
}

conformance! {
    /// Port: settle_jobs.
    async fn every_outcome_is_written_as_decided(env) {
        for (outcome, state, finished) in [
            (Outcome::Done, State::Completed, true),
            (Outcome::Cancel("not wanted".into()), State::Cancelled, true),
            (Outcome::Fail("impossible".into()), State::Discarded, true),
            (retry("again", 60), State::Scheduled, false),
            (Outcome::Snooze(TimeDelta::minutes(1)), State::Scheduled, false),
            (Outcome::Lost, State::Available, false),
            (Outcome::Release, State::Available, false),
        ] {
            let job = running(env, NewJob { trace: Some("t".into()), ..env.noop() }).await;
            let expected = transition(env, &job, &outcome);
            assert!(settle(env, &job, &outcome).await);
            let found = find(env, job.claim.job_id).await;
            assert_eq!((found.state, found.attempt), (state, expected.attempt), "{outcome:?}");
            assert_eq!(found.finished_at, finished.then(|| env.now()), "{outcome:?}");
            assert_eq!(found.run_at, expected.run_at, "{outcome:?}");
            assert_eq!(found.errors, Vec::from_iter(expected.error), "{outcome:?}");
            assert_eq!((found.claimed_by, found.trace.as_deref()), (None, Some("t")));
            assert_eq!(found.created_at, env.now());
            // What was released must not be claimed in place of the next case's job.
            move_job(env, job.claim.job_id, State::Cancelled).await;
        }
    }

    async fn settling_with_a_stale_token_is_refused(env) {
        let job = running(env, env.noop()).await;
        let late = Claimed { claim: stale(env, job.claim), ..job.clone() };
        for outcome in [Outcome::Done, retry("again", 0), Outcome::Fail("no".into())] {
            assert!(!settle(env, &late, &outcome).await, "{outcome:?}");
        }
        let found = find(env, job.claim.job_id).await;
        assert_eq!((found.state, found.errors), (State::Running, vec![]));
        assert!(settle(env, &job, &Outcome::Done).await);
    }

    async fn job_is_settled_once(env) {
        let job = running(env, env.noop()).await;
        assert!(settle(env, &job, &Outcome::Done).await);
        assert!(!settle(env, &job, &Outcome::Done).await);
        assert!(!settle(env, &job, &retry("again", 0)).await);
        assert_eq!(find(env, job.claim.job_id).await.state, State::Completed);
    }

    async fn worker_whose_job_was_taken_over_cannot_settle_it(env) {
        let first = running(env, env.noop()).await;
        assert!(settle(env, &first, &retry("lost", 0)).await);
        let second = env.claim(1).await.remove(0);
        assert_eq!((second.claim.job_id, second.attempt), (first.claim.job_id, 2));
        assert!(!settle(env, &first, &Outcome::Done).await);
        assert!(settle(env, &second, &Outcome::Done).await);
    }

    async fn each_settlement_of_a_batch_is_judged_by_itself(env) {
        env.insert_jobs(&[env.noop(), env.noop(), env.noop(), env.noop()]).await;
        let jobs = env.claim(4).await;
        let settled = [
            (jobs[0].claim, transition(env, &jobs[0], &Outcome::Done)),
            (stale(env, jobs[1].claim), transition(env, &jobs[1], &Outcome::Done)),
            (jobs[2].claim, transition(env, &jobs[2], &retry("again", 9))),
            (stale(env, jobs[3].claim), transition(env, &jobs[3], &retry("again", 9))),
            // The rescue and the worker may meet in one batch: the first of them settles.
            (jobs[0].claim, transition(env, &jobs[0], &Outcome::Lost)),
            (jobs[2].claim, transition(env, &jobs[2], &Outcome::Done)),
        ];
        let mut tx = env.begin().await;
        let stood = tx.settle_jobs(&settled).await.unwrap();
        assert_eq!(stood, [true, false, true, false, false, false]);
        assert_eq!(tx.settle_jobs(&[]).await.unwrap(), Vec::<bool>::new());
        tx.commit().await.unwrap();
        let mut states = Vec::new();
        for job in &jobs {
            states.push(find(env, job.claim.job_id).await.state);
        }
        assert_eq!(
            states,
            [State::Completed, State::Running, State::Scheduled, State::Running]
        );
    }

    async fn settled_jobs_are_not_claimed_again_unless_they_wait(env) {
        let job = running(env, env.noop()).await;
        settle(env, &job, &retry("again", 10)).await;
        assert_eq!(env.claim(9).await.len(), 0);
        env.clock.advance(TimeDelta::seconds(10));
        let job = env.claim(9).await.remove(0);
        settle(env, &job, &Outcome::Done).await;
        env.clock.advance(TimeDelta::days(1));
        assert_eq!(env.claim(9).await.len(), 0);
        let mut view = env.read().await;
        let expired = view.list_expired(env.now(), LEASE_BELIEVED, 9).await.unwrap();
        assert_eq!(expired.len(), 0);
    }

    async fn last_errors_are_kept_the_oldest_first(env) {
        let mut job = running(env, env.noop()).await;
        let attempts = u32::try_from(ERRORS_KEPT).unwrap() + 3;
        for attempt in 1..=attempts {
            let why = format!("\"{attempt}\" \u{0} [,]");
            assert!(settle(env, &job, &retry(&why, 0)).await);
            job = env.claim(1).await.remove(0);
        }
        let errors = find(env, job.claim.job_id).await.errors;
        assert_eq!(errors.len(), ERRORS_KEPT);
        let kept: Vec<_> = errors.iter().map(|error| error.attempt).collect();
        assert_eq!(kept, (4..=attempts).collect::<Vec<_>>());
        assert_eq!(
            errors[0],
            AttemptError { attempt: 4, at: env.now(), error: "\"4\" \u{0} [,]".into() }
        );
    }

    async fn job_that_would_wait_beside_its_twin_is_cancelled(env) {
        let job = running(env, env.unique("a")).await;
        let twin = env.unique("a");
        env.insert_jobs(std::slice::from_ref(&twin)).await;
        assert!(settle(env, &job, &retry("broken", 5)).await);
        let found = find(env, job.claim.job_id).await;
        assert_eq!((found.state, found.finished_at), (State::Cancelled, Some(env.now())));
        let errors: Vec<_> = found.errors.iter().map(|error| error.error.as_str()).collect();
        assert_eq!(errors, ["broken", "another job of this key is queued"]);
        let next = env.claim(9).await;
        assert_eq!((next.len(), next[0].claim.job_id), (1, twin.id));
        // Without a twin it waits as it should.
        assert!(settle(env, &next[0], &Outcome::Release).await);
        assert_eq!(find(env, twin.id).await.state, State::Available);
    }

    /// Port: move_job.
    async fn dead_letter_goes_round_again(env) {
        let job = running(env, NewJob { trace: Some("t".into()), ..env.noop() }).await;
        let id = job.claim.job_id;
        settle(env, &job, &Outcome::Fail("broken".into())).await;
        env.clock.advance(TimeDelta::hours(1));
        assert!(move_job(env, id, State::Available).await);
        let found = find(env, id).await;
        assert_eq!((found.state, found.attempt, found.run_at), (State::Available, 0, env.now()));
        assert_eq!((found.finished_at, found.errors.len()), (None, 1));
        let again = env.claim(9).await;
        assert_eq!((again.len(), again[0].attempt), (1, 1));
        assert_eq!(again[0].trace.as_deref(), Some("t"));
        assert!(settle(env, &again[0], &Outcome::Done).await);
        assert_eq!(find(env, id).await.state, State::Completed);
    }

    async fn waiting_job_is_cancelled_with_its_reason(env) {
        let waiting = env.noop();
        let later = NewJob { run_at: env.now() + TimeDelta::hours(1), ..env.unique("a") };
        env.insert_jobs(&[waiting.clone(), later.clone()]).await;
        for id in [waiting.id, later.id] {
            let error = AttemptError { attempt: 0, at: env.now(), error: "by hand".into() };
            let cancelled = Transition {
                at: env.now(),
                state: State::Cancelled,
                attempt: 0,
                run_at: env.now(),
                finished_at: Some(env.now()),
                losses: 0,
                error: Some(error.clone()),
            };
            let mut tx = env.begin().await;
            assert!(tx.move_job(id, &cancelled).await.unwrap());
            assert!(!tx.move_job(id, &cancelled).await.unwrap());
            tx.commit().await.unwrap();
            let found = find(env, id).await;
            assert_eq!((found.state, found.finished_at), (State::Cancelled, Some(env.now())));
            assert_eq!(found.errors, [error]);
        }
        assert_eq!(env.claim(9).await.len(), 0);
        assert_eq!(env.insert_jobs(&[env.unique("a")]).await, [true]);
    }

    async fn scheduled_job_can_be_called_forward(env) {
        let later = NewJob { run_at: env.now() + TimeDelta::hours(1), ..env.noop() };
        env.insert_jobs(std::slice::from_ref(&later)).await;
        assert!(move_job(env, later.id, State::Available).await);
        assert_eq!(env.claim(9).await.len(), 1);
    }

    async fn running_and_unknown_jobs_are_not_moved(env) {
        let job = running(env, env.noop()).await;
        let id = job.claim.job_id;
        for state in [State::Available, State::Cancelled, State::Discarded] {
            assert!(!move_job(env, id, state).await);
            assert!(!move_job(env, JobId(env.ids.next()), state).await);
        }
        assert!(settle(env, &job, &Outcome::Done).await);
        assert!(!move_job(env, id, State::Completed).await);
    }

    async fn dead_letter_stays_while_another_job_of_its_key_is_queued(env) {
        let job = running(env, env.unique("a")).await;
        let id = job.claim.job_id;
        settle(env, &job, &Outcome::Fail("broken".into())).await;
        env.insert_jobs(&[env.unique("a")]).await;
        assert!(!move_job(env, id, State::Available).await);
        assert_eq!(find(env, id).await.state, State::Discarded);
        assert!(move_job(env, id, State::Cancelled).await);
        assert_eq!(find(env, id).await.state, State::Cancelled);
    }
}
