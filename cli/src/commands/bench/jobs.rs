//! `bench jobs`: no-op jobs through claim, run and settle, against bare inserts of jobs.

use std::time::{Duration, Instant};

use anyhow::bail;
use domain::job::{NewJob, Noop, Queue, State};
use domain::ports::BATCH_MAX;
use domain::{Context, JobId, jobs};

use super::{Measured, Outcome, ms, quantile};
use crate::args::JobsBenchArgs;
use crate::config::Config;
use crate::out;
use crate::progress::Progress;
use crate::service::{Service, Tweaks};

/// How long the jobs may take before the benchmark gives up.
const TIMEOUT: Duration = Duration::from_mins(10);
/// Counts jobs that have left their state.
const SETTLED: &str = "ticketoverflow_jobs_settled_total";
/// Jobs queued one by one to see how fast an idle worker starts.
const PICKUPS: usize = 200;

/// Queues jobs while their queue is paused, then lets them run.
pub(super) async fn run(args: &JobsBenchArgs) -> anyhow::Result<Outcome> {
    // What the platform can do is measured, not how it is rationed.
    let largest = |config: &mut Config| config.workers.system.min = config.workers.system.max;
    let (_folder, service) = super::start_as(&args.bench, Tweaks::default(), largest).await?;
    let ctx = service.context();
    let engine = args.bench.engine.name();
    let count = args.jobs as usize;
    jobs::set_paused(ctx, Queue::System, None, true).await?;

    let progress = Progress::start("queueing jobs", u64::from(args.jobs));
    let begun = Instant::now();
    for from in (0..count).step_by(BATCH_MAX) {
        queue_jobs(ctx, BATCH_MAX.min(count - from)).await?;
        progress.set(from as u64);
    }
    let inserted = f64::from(args.jobs) / begun.elapsed().as_secs_f64();
    progress.done(&format!("{}/s", out::rate(inserted)));

    let ran = f64::from(args.jobs) / run_all(&service, args.jobs).await?.as_secs_f64();

    let mut pickups = measure_pickups(ctx).await?;
    let measured = Measured {
        value: ran,
        unit: "jobs/s",
        baseline: inserted,
        p50_ms: quantile(&mut pickups, 0.5),
        p99_ms: quantile(&mut pickups, 0.99),
    };
    service.stop().await?;
    Ok(Outcome::new("jobs", engine, &measured, |ratio| {
        format!(
            "jobs {engine}: ratio {ratio:.2} ({}/s run ÷ {}/s queued; \
             an idle worker has a job done after p50 {:.2} ms, p99 {:.2} ms)",
            out::rate(ran),
            out::rate(inserted),
            measured.p50_ms,
            measured.p99_ms
        )
    }))
}

/// Lets the queued jobs run, and tells how long that took.
///
/// Progress is told by the process's own counter: to count the ledger's jobs again and again would
/// keep the database as busy as the jobs themselves.
async fn run_all(service: &Service, jobs: u32) -> anyhow::Result<Duration> {
    let (ctx, all) = (service.context(), u64::from(jobs));
    let settled = || service.counter(SETTLED, &[r#"kind="noop""#, r#"state="completed""#]);
    let before = settled();
    let progress = Progress::start("running jobs", all);
    let begun = Instant::now();
    jobs::set_paused(ctx, Queue::System, None, false).await?;
    loop {
        let done = settled() - before;
        if done >= all {
            break;
        }
        if begun.elapsed() > TIMEOUT {
            bail!(
                "{} jobs were not done after {} s",
                all - done,
                TIMEOUT.as_secs()
            );
        }
        progress.set(done);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let took = begun.elapsed();
    progress.done(&format!(
        "{}/s",
        out::rate(f64::from(jobs) / took.as_secs_f64())
    ));
    let left = unfinished(ctx).await?;
    if left > 0 {
        bail!("the ledger has {left} jobs that were counted as done");
    }
    Ok(took)
}

async fn queue_jobs(ctx: &Context, count: usize) -> anyhow::Result<Vec<JobId>> {
    let now = ctx.clock.now();
    let new: Vec<_> = (0..count)
        .map(|_| NewJob::of(&Noop {}, JobId(ctx.ids.next()), now, now))
        .collect();
    let mut tx = ctx.store.begin().await?;
    tx.insert_jobs(&new).await?;
    tx.commit().await?;
    Ok(new.iter().map(|job| job.id).collect())
}

async fn unfinished(ctx: &Context) -> anyhow::Result<u64> {
    let depths = ctx.store.read().await?.count_jobs(ctx.clock.now()).await?;
    let live = depths
        .iter()
        .filter(|depth| depth.queue == Queue::System && !depth.state.is_finished());
    Ok(live.map(|depth| depth.jobs).sum())
}

/// From the commit of one job to its end, on an idle system.
async fn measure_pickups(ctx: &Context) -> anyhow::Result<Vec<f64>> {
    let mut pickups = Vec::with_capacity(PICKUPS);
    for _ in 0..PICKUPS {
        let ids = queue_jobs(ctx, 1).await?;
        let begun = Instant::now();
        ctx.wakeups.wake(Queue::System);
        while jobs::find(ctx, ids[0]).await?.state != State::Completed {
            if begun.elapsed() > Duration::from_mins(1) {
                bail!("job {} was not done within a minute", ids[0]);
            }
            tokio::time::sleep(Duration::from_micros(100)).await;
        }
        pickups.push(ms(begun.elapsed()));
    }
    Ok(pickups)
}
