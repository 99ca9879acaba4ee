//! What operators do to jobs, from another process, while they run.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use domain::WorkerId;
use domain::job::{
    CANCELLED, Claimed, Job as Row, Kind, NewJob, Noop, Outcome, Policy, Progress, Queue, Rota,
    State,
};
use domain::jobs::{self, Settled};
use domain::prints::Effect;
use domain::ticket::PrintStatus;
use domain::tickets;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tests::{eventually, process};
use workers::{Job, JobContext, JobResult, Registry, Success};

use super::gate::Ended;
use super::{GRACE, Platform};

/// Reports how far it is and goes on elsewhere until it is told to stop.
#[derive(Serialize, Deserialize)]
struct Talkative {}

static HEARD: AtomicBool = AtomicBool::new(false);

impl Kind for Talkative {
    const NAME: &'static str = "talkative";
    const QUEUE: Queue = Queue::System;
    /// It ends when it is told to, and not before.
    const POLICY: Policy = Policy {
        timeout: Duration::from_hours(1),
        ..Policy::DEFAULT
    };
}

impl Job for Talkative {
    async fn run(&self, ctx: &JobContext) -> JobResult {
        ctx.check()?;
        let stop = ctx.stop().clone();
        tokio::spawn(async move {
            stop.cancelled().await;
            HEARD.store(true, Ordering::SeqCst);
        });
        ctx.report(Some(30), "row 7 of 20");
        std::future::pending::<()>().await;
        Ok(Success::nothing())
    }
}

impl Platform {
    /// `jobs …` as an operator calls it.
    #[track_caller]
    fn operate(&self, args: &[&str]) -> Value {
        let args = [&["jobs"], args, &["--json"]].concat();
        let said = process::run(self.folder.path(), &args).success();
        serde_json::from_str(&said).expect("it prints JSON")
    }

    /// Takes the only job that waits, as a worker would.
    async fn claim(&self, queue: Queue) -> Claimed {
        let worker = WorkerId(self.ctx.ids.next());
        let mut rota = Rota::default();
        let batch = jobs::claim(&self.ctx, queue, 9, &mut rota, worker).await;
        let mut claimed = batch.unwrap().jobs;
        assert_eq!(claimed.len(), 1);
        claimed.remove(0)
    }

    async fn until_asked(&self, id: domain::JobId, asked: impl Fn(&Row) -> bool) -> Row {
        let found = || async { Some(self.find(id).await).filter(&asked) };
        eventually("a running job says more", found).await
    }
}

fn why(job: &Row) -> Vec<&str> {
    job.errors.iter().map(|error| &*error.error).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn operator_sees_how_far_a_job_is_and_stops_it() {
    let platform = Platform::new().await;
    let workers = platform.work_with(Registry::default().with::<Talkative>());
    let job = platform.queue(platform.job(&Talkative {})).await;
    let seen = platform
        .until_asked(job, |job| job.progress.is_some())
        .await;
    assert_eq!(seen.progress, Some(Progress::new(Some(30), "row 7 of 20")));
    let id = job.to_string();
    assert_eq!(platform.operate(&["show", &id])["progress"]["percent"], 30);

    let said = platform.operate(&["cancel", &id]);
    let said = said["done"].as_str().unwrap();
    assert!(said.ends_with("is running and is asked to stop"), "{said}");
    let job = platform.until(job, State::Cancelled).await;
    assert_eq!(why(&job), [CANCELLED]);
    eventually("what goes on elsewhere hears of it", || async {
        HEARD.load(Ordering::SeqCst).then_some(())
    })
    .await;
    platform.until_looked(Queue::System).await;
    workers.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn print_that_is_cancelled_while_it_is_drawn_can_be_asked_for_again() {
    let platform = Platform::new().await;
    let workers = platform.work();
    let (ticket, job) = platform.hold_up_a_print().await;
    platform.operate(&["cancel", &job.to_string()]);
    platform
        .gate
        .until("the drawings are dropped", 2, |one| {
            one.ended == Ended::Dropped
        })
        .await;
    platform.until(job, State::Cancelled).await;
    let found = tickets::find(&platform.ctx, ticket).await.unwrap();
    assert_eq!(found.print_status(), PrintStatus::Error);

    platform.gate.open();
    platform.print(ticket).await;
    platform.until_printed(ticket).await;
    workers.stop(GRACE).await;
}

#[tokio::test]
async fn cancelled_job_is_not_tried_again_and_finished_work_counts() {
    let platform = Platform::new().await;
    let ctx = &platform.ctx;
    for (outcome, state, errors) in [
        (Outcome::Retry("broken".into(), None), State::Cancelled, 1),
        (Outcome::Release, State::Cancelled, 1),
        (Outcome::Lost, State::Cancelled, 1),
        (Outcome::Done, State::Completed, 0),
        (Outcome::Fail("never".into()), State::Discarded, 1),
    ] {
        let id = platform.queue(platform.job(&Noop {})).await;
        let job = platform.claim(Queue::System).await;
        jobs::cancel(ctx, id).await.unwrap();
        let settled = jobs::settle(ctx, &job, outcome.clone(), Effect::None).await;
        assert_eq!(settled.unwrap(), Settled::Done);
        let found = platform.find(id).await;
        assert_eq!(
            (found.state, found.errors.len()),
            (state, errors),
            "{outcome:?}"
        );
        assert!(jobs::cancel(ctx, id).await.is_err(), "it has ended");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_sent_round_again_by_kind_and_by_queue() {
    let platform = Platform::new().await;
    let ctx = &platform.ctx;
    let ticket = platform.ticket(platform.concert().await).await;
    let print = platform.print(ticket).await;
    let claimed = platform.claim(Queue::Prints).await;
    let mut dead = vec![claimed];
    // More than a batch.
    for _ in 0..120 {
        platform.queue(platform.job(&Noop {})).await;
        dead.push(platform.claim(Queue::System).await);
    }
    for job in &dead {
        let fail = Outcome::Fail("broken".into());
        jobs::settle(ctx, job, fail, Effect::None).await.unwrap();
    }
    let status = || async { tickets::find(ctx, ticket).await.unwrap().print_status() };
    assert_eq!(status().await, PrintStatus::Error);

    let none = platform.operate(&["retry", "--all", "--kind", "render_plan"]);
    assert_eq!((&none["again"], &none["stayed"]), (&0.into(), &0.into()));
    let few = platform.operate(&["retry", "--all", "--queue", "system", "--max", "5"]);
    assert_eq!(few["again"], 5);
    let rest = platform.operate(&["retry", "--all", "--kind", "noop"]);
    assert_eq!(rest["again"], 115);
    assert_eq!(platform.find(print).await.state, State::Discarded);
    let prints = platform.operate(&["retry", "--all"]);
    assert_eq!(prints["again"], 1);
    assert_eq!(status().await, PrintStatus::Pending);

    let workers = platform.work();
    platform.until_printed(ticket).await;
    for job in &dead {
        platform.until(job.claim.job_id, State::Completed).await;
    }
    workers.stop(GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letter_whose_like_is_queued_stays() {
    let platform = Platform::new().await;
    let unique = || NewJob {
        unique_key: Some("a".into()),
        ..platform.job(&Noop {})
    };
    let dead = platform.queue(unique()).await;
    let claimed = platform.claim(Queue::System).await;
    let fail = Outcome::Fail("broken".into());
    jobs::settle(&platform.ctx, &claimed, fail, Effect::None)
        .await
        .unwrap();
    platform.queue(unique()).await;
    let said = platform.operate(&["retry", "--all"]);
    assert_eq!((&said["again"], &said["stayed"]), (&0.into(), &1.into()));
    assert_eq!(platform.find(dead).await.state, State::Discarded);
}

#[tokio::test(flavor = "multi_thread")]
async fn lane_that_is_paused_waits_while_the_others_go_on() {
    let platform = Platform::new().await;
    let mut far = platform.job(&Noop {});
    far.due_at += TimeDelta::days(30);
    let far = platform.queue(far).await;
    let said = platform.operate(&["pause", "system", "--lane", "later"]);
    assert_eq!(
        said["done"],
        "jobs of the queue system, lane later, are paused"
    );
    let workers = platform.work();
    for _ in 0..30 {
        platform.until_looked(Queue::System).await;
    }
    assert_eq!(platform.find(far).await.state, State::Available);
    platform.operate(&["resume", "system", "--lane", "later"]);
    platform.until_looked(Queue::System).await;
    platform.until(far, State::Completed).await;
    workers.stop(GRACE).await;
}
