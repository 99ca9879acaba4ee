//! Jobs are added, found, listed, counted and pruned.

use chrono::TimeDelta;
use domain::JobId;
use domain::ids::IdSource;
use domain::job::{Job, Lane, NewJob, Outcome, Policy, Queue, RenderPlan, State, next};
use domain::jobs::{JobFilter, QueueDepth};
use domain::ports::BATCH_MAX;

use super::Env;

async fn find(env: &Env, id: JobId) -> Option<Job> {
    env.read().await.find_job(id).await.unwrap()
}

async fn list(env: &Env, filter: JobFilter) -> Vec<JobId> {
    let listed = env.read().await.list_jobs(&filter).await.unwrap();
    listed.iter().map(|job| job.id).collect()
}

/// Runs a job to an end of that sort.
async fn end(env: &Env, outcome: Outcome) -> JobId {
    let job = env.noop();
    env.insert_jobs(std::slice::from_ref(&job)).await;
    let claimed = env.claim(1).await;
    let transition = next(&claimed[0], &outcome, &Policy::DEFAULT, env.now());
    let mut tx = env.begin().await;
    assert_eq!(
        tx.settle_jobs(&[(claimed[0].claim, transition)])
            .await
            .unwrap(),
        [true]
    );
    tx.commit().await.unwrap();
    job.id
}

async fn count(env: &Env) -> Vec<QueueDepth> {
    let mut counted = env.read().await.count_jobs(env.now()).await.unwrap();
    counted.sort_by_key(|depth| (depth.queue.as_str(), depth.state.as_str(), depth.lane));
    counted
}

conformance! {
    /// Port: list_waiting.
    async fn jobs_that_wait_are_listed_by_due_time_within_an_interval(env) {
        let mut jobs: Vec<_> = [5, 3, 4, 3, 9].map(|hours| env.due_in(hours)).into();
        jobs.push(NewJob { run_at: env.now() + TimeDelta::seconds(50), ..env.due_in(4) });
        jobs.push(NewJob { queue: Queue::Prints, ..env.due_in(4) });
        env.insert_jobs(&jobs).await;
        let at = |hours| env.now() + TimeDelta::hours(hours);
        let mut listed = Vec::new();
        let mut after = None;
        loop {
            let mut view = env.read().await;
            let interval = (at(3), at(9));
            let page = view.list_waiting(Queue::System, interval, after, 2).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some((last.due_at, last.id));
            assert!(page.iter().all(|job| (&*job.kind, &*job.args) == ("noop", "{}")));
            listed.extend(page.iter().map(|job| job.id));
        }
        let expected = [1, 3, 2, 5, 0].map(|at| jobs[at].id);
        assert_eq!(listed, expected, "those of equal times by their ids");
        let claimed = env.claim(1).await;
        let mut view = env.read().await;
        let left = view.list_waiting(Queue::System, (at(0), at(99)), None, 9).await.unwrap();
        assert!(left.iter().all(|job| job.id != claimed[0].claim.job_id), "it is running");
        assert_eq!(left.len(), 5);
    }

    /// Port: retime_jobs.
    async fn job_that_waits_gets_another_place_in_its_queue(env) {
        let soon = NewJob { run_at: env.now() + TimeDelta::seconds(50), ..env.due_in(7) };
        let (running, first, last) = (env.due_in(1), env.due_in(5), env.due_in(6));
        let jobs = [running, first, last, soon];
        env.insert_jobs(&jobs).await;
        let held = env.claim(1).await;
        assert_eq!(held[0].claim.job_id, jobs[0].id);
        let due_at = env.now() + TimeDelta::hours(2);
        let mut tx = env.begin().await;
        let wanted = [jobs[2].id, jobs[0].id, JobId(env.ids.next()), jobs[3].id];
        assert_eq!(tx.retime_jobs(&wanted, due_at).await.unwrap(), 2);
        assert_eq!(tx.retime_jobs(&[], due_at).await.unwrap(), 0);
        tx.commit().await.unwrap();
        for job in [&jobs[2], &jobs[3]] {
            assert_eq!(find(env, job.id).await.unwrap().due_at, due_at);
        }
        assert_eq!(find(env, jobs[0].id).await.unwrap().due_at, jobs[0].due_at, "it runs");
        assert_eq!(env.claim(1).await[0].claim.job_id, jobs[2].id, "it overtook the other one");
    }

    /// Ports: insert_jobs, find_job.
    async fn job_is_found_as_it_was_written(env) {
        let new = NewJob {
            due_at: env.now() - TimeDelta::days(40_000),
            unique_key: Some("a 'key'".into()),
            trace: Some("00-trace".into()),
            ..env.noop()
        };
        assert_eq!(env.insert_jobs(std::slice::from_ref(&new)).await, [true]);
        assert_eq!(
            find(env, new.id).await.unwrap(),
            Job {
                id: new.id,
                kind: "noop".into(),
                queue: "system".into(),
                state: State::Available,
                args: "{}".into(),
                attempt: 0,
                due_at: new.due_at,
                run_at: env.now(),
                created_at: env.now(),
                finished_at: None,
                claimed_by: None,
                cancel_requested: false,
                suspect: false,
                progress: None,
                errors: vec![],
                trace: Some("00-trace".into()),
            }
        );
        assert_eq!(find(env, JobId(env.ids.next())).await, None);
    }

    async fn job_of_a_later_time_is_scheduled(env) {
        let job = NewJob { run_at: env.now() + super::micros(1), ..env.noop() };
        env.insert_jobs(std::slice::from_ref(&job)).await;
        assert_eq!(find(env, job.id).await.unwrap().state, State::Scheduled);
    }

    async fn job_whose_key_is_queued_is_not_added(env) {
        let (one, two) = (env.unique("a"), env.unique("a"));
        let later = NewJob { run_at: env.now() + TimeDelta::hours(1), ..env.unique("b") };
        let jobs = [one.clone(), two.clone(), later, env.noop()];
        assert_eq!(env.insert_jobs(&jobs).await, [true, false, true, true]);
        assert_eq!(env.insert_jobs(&[env.unique("a"), env.unique("b")]).await, [false; 2]);
        assert!(find(env, one.id).await.is_some());
        assert_eq!(find(env, two.id).await, None);
    }

    async fn key_is_free_again_once_its_job_runs(env) {
        env.insert_jobs(&[env.unique("a")]).await;
        assert_eq!(env.claim(1).await.len(), 1);
        assert_eq!(env.insert_jobs(&[env.unique("a"), env.unique("a")]).await, [true, false]);
    }

    async fn largest_batch_is_added_at_once(env) {
        let jobs: Vec<_> = (0..BATCH_MAX).map(|_| env.noop()).collect();
        assert_eq!(env.insert_jobs(&jobs).await, vec![true; BATCH_MAX]);
        assert_eq!(env.insert_jobs(&[]).await, Vec::<bool>::new());
        assert_eq!(count(env).await[0].jobs, 1_000);
    }

    /// Port: list_jobs.
    async fn jobs_are_listed_the_newest_first_by_every_filter(env) {
        let done = end(env, Outcome::Done).await;
        let dead = end(env, Outcome::Fail("no".into())).await;
        let cancelled = end(env, Outcome::Cancel("no".into())).await;
        let (waiting, running) = (env.noop(), env.noop());
        env.insert_jobs(std::slice::from_ref(&running)).await;
        env.claim(1).await;
        let concert_id = env.new_concert(1).id;
        let plan = RenderPlan { concert_id };
        let plan = NewJob::of(&plan, JobId(env.ids.next()), env.now(), env.now());
        env.insert_jobs(&[waiting.clone(), plan.clone()]).await;
        let all = JobFilter { max: 10, ..JobFilter::default() };
        let mut expected = [done, dead, cancelled, waiting.id, running.id, plan.id];
        expected.sort_unstable_by(|one, other| other.cmp(one));
        assert_eq!(list(env, all.clone()).await, expected);
        assert_eq!(list(env, JobFilter { max: 2, ..all.clone() }).await, expected[..2]);
        let older = JobFilter { before: Some(expected[1]), ..all.clone() };
        assert_eq!(list(env, older.clone()).await, expected[2..]);
        let dead_ones = JobFilter { state: Some(State::Discarded), ..all.clone() };
        let at = expected.iter().position(|id| *id == dead).unwrap();
        for (before, found) in [(dead, &[][..]), (expected[at - 1], &[dead])] {
            let filter = JobFilter { before: Some(before), ..dead_ones.clone() };
            assert_eq!(list(env, filter).await, found);
        }
        for (state, id) in [
            (State::Completed, done),
            (State::Discarded, dead),
            (State::Cancelled, cancelled),
            (State::Running, running.id),
        ] {
            let filter = JobFilter { state: Some(state), ..all.clone() };
            assert_eq!(list(env, filter.clone()).await, [id]);
            let filter = JobFilter { queue: Some(Queue::Plans), ..filter };
            assert_eq!(list(env, filter).await, []);
        }
        let filter = JobFilter { queue: Some(Queue::Plans), ..all.clone() };
        assert_eq!(list(env, filter).await, [plan.id]);
        let filter = JobFilter { kind: Some("render_plan".into()), ..all };
        assert_eq!(list(env, filter).await, [plan.id]);
    }

    /// Port: count_jobs.
    async fn jobs_are_counted_by_queue_state_and_lane(env) {
        assert_eq!(count(env).await, []);
        end(env, Outcome::Done).await;
        end(env, Outcome::Fail("no".into())).await;
        env.insert_jobs(&[env.noop()]).await;
        env.claim(1).await;
        let oldest = env.now();
        env.insert_jobs(&[env.noop()]).await;
        env.clock.advance(TimeDelta::minutes(1));
        let at = env.now();
        let later = at + TimeDelta::hours(1);
        env.insert_jobs(&[
            env.noop(),
            env.due_in(24),
            env.due_in(13 * 24),
            env.due_in(14 * 24),
            NewJob { run_at: later, ..env.noop() },
        ])
        .await;
        let depth = |state, lane, jobs, oldest_run_at| QueueDepth {
            queue: Queue::System,
            state,
            lane,
            jobs,
            oldest_run_at,
        };
        assert_eq!(
            count(env).await,
            [
                depth(State::Available, Lane::Imminent, 2, oldest),
                depth(State::Available, Lane::Soon, 2, at),
                depth(State::Available, Lane::Later, 1, at),
                depth(State::Discarded, Lane::Imminent, 1, oldest),
                depth(State::Running, Lane::Imminent, 1, oldest),
                depth(State::Scheduled, Lane::Imminent, 1, later),
            ]
        );
    }

    async fn every_queue_is_counted_by_itself(env) {
        let concert = env.concert(10).await;
        let tickets = env.sell(&concert, &[0, 1]).await;
        env.claim_prints(&tickets).await;
        env.insert_jobs(&[env.noop()]).await;
        let counted: Vec<_> = count(env)
            .await
            .iter()
            .map(|depth| (depth.queue, depth.state, depth.jobs))
            .collect();
        assert_eq!(
            counted,
            [(Queue::Prints, State::Running, 2), (Queue::System, State::Available, 1)]
        );
    }

    /// Port: prune_jobs.
    async fn pruning_takes_old_finished_jobs_and_no_dead_letters(env) {
        let dead = end(env, Outcome::Fail("no".into())).await;
        let mut ended = Vec::new();
        for outcome in [Outcome::Done, Outcome::Cancel("no".into()), Outcome::Done] {
            ended.push(end(env, outcome).await);
            env.clock.advance(TimeDelta::seconds(1));
        }
        let waiting = env.noop();
        env.insert_jobs(std::slice::from_ref(&waiting)).await;
        let (now, kept) = (env.now(), TimeDelta::seconds(1));
        let mut tx = env.begin().await;
        assert_eq!(tx.prune_jobs(now, kept, 1).await.unwrap(), 1);
        assert_eq!(tx.prune_jobs(now, kept, 9).await.unwrap(), 1);
        tx.commit().await.unwrap();
        assert_eq!(find(env, ended[0]).await, None);
        assert_eq!(find(env, ended[1]).await, None);
        for kept in [ended[2], dead, waiting.id] {
            assert!(find(env, kept).await.is_some());
        }
    }
}
