//! `jobs`: what operators see of jobs and do to them, also while a server runs.

mod list;

use anyhow::{Context as _, anyhow};
use domain::JobId;
use domain::job::{Job, Lane, Pause, Pauses, Progress, Queue, State};
use domain::jobs::{self, Cancelled, JobFilter};
use serde_json::{Value, json};

use crate::args::{JobArgs, JobsCommand, LedgerArgs, QueueArgs, RetryArgs};
use crate::config::Config;
use crate::out;
use crate::wire::{self, Inspected};

/// Runs one of the `jobs` commands.
pub async fn jobs(command: JobsCommand) -> anyhow::Result<()> {
    match command {
        JobsCommand::List(args) => list::list(&args).await,
        JobsCommand::Show(args) => show(&args).await,
        JobsCommand::Retry(args) => retry(&args).await,
        JobsCommand::Cancel(args) => cancel(&args).await,
        JobsCommand::Pause(args) => set_paused(&args, true).await,
        JobsCommand::Resume(args) => set_paused(&args, false).await,
    }
}

async fn show(args: &JobArgs) -> anyhow::Result<()> {
    let (opened, id) = open_for(args).await?;
    let job = jobs::find(&opened.parts, id)
        .await
        .with_context(|| format!("job {id}"))?;
    if args.ledger.json {
        return out::json(&as_json(&job));
    }
    out::line(format!("job      {}", job.id));
    out::line(format!("kind     {} {}", job.kind, job.args));
    out::line(format!("queue    {}", job.queue));
    out::line(format!("state    {}", job.state.as_str()));
    out::line(format!("attempt  {}", job.attempt));
    out::line(format!("queued   {}", job.created_at));
    out::line(format!("due      {}", job.due_at));
    if let Some(worker) = job.claimed_by {
        out::line(format!("worker   {worker}"));
    }
    if let Some(Progress { percent, text }) = &job.progress {
        let percent = percent.map_or_else(String::new, |percent| format!("{percent} %, "));
        out::line(format!("progress {percent}{text}"));
    }
    if job.cancel_requested {
        out::line("stopping an operator cancelled it");
    }
    if job.suspect {
        out::line("suspect  workers died while they held this job: it runs alone");
    }
    if let Some(at) = job.finished_at {
        out::line(format!("finished {at}"));
    }
    if let Some(trace) = &job.trace {
        out::line(format!("trace    {trace}"));
    }
    for error in &job.errors {
        out::line(format!(
            "error    attempt {} at {}: {}",
            error.attempt, error.at, error.error
        ));
    }
    Ok(())
}

async fn retry(args: &RetryArgs) -> anyhow::Result<()> {
    if let Some(id) = &args.id {
        let id = parse_id(id)?;
        let opened = open(&args.ledger).await?;
        jobs::retry(&opened.parts, id)
            .await
            .with_context(|| format!("job {id}"))?;
        return done(&args.ledger, &format!("job {id} goes round again"));
    }
    let filter = JobFilter {
        state: Some(State::Discarded),
        queue: args.queue.as_deref().map(parse_queue).transpose()?,
        kind: args.kind.clone(),
        before: None,
        max: args.max,
    };
    let opened = open(&args.ledger).await?;
    list::demand_kind(opened.parts.store.as_ref(), args.kind.as_deref()).await?;
    let redriven = jobs::retry_all(&opened.parts, &filter).await?;
    if args.ledger.json {
        return out::json(&json!({
            "ok": true, "again": redriven.again, "stayed": redriven.stayed,
        }));
    }
    out::line(format!("{} dead letters go round again", redriven.again));
    if redriven.stayed > 0 {
        out::line(format!(
            "{} stay: a job of the same key is queued already",
            redriven.stayed
        ));
    }
    Ok(())
}

async fn cancel(args: &JobArgs) -> anyhow::Result<()> {
    let (opened, id) = open_for(args).await?;
    let cancelled = jobs::cancel(&opened.parts, id)
        .await
        .with_context(|| format!("job {id}"))?;
    let what = match cancelled {
        Cancelled::Now => format!("job {id} is cancelled"),
        Cancelled::Asked => format!("job {id} is running and is asked to stop"),
    };
    done(&args.ledger, &what)
}

async fn set_paused(args: &QueueArgs, paused: bool) -> anyhow::Result<()> {
    let queue = parse_queue(&args.queue)?;
    let lane = args.lane.as_deref().map(parse_lane).transpose()?;
    let opened = open(&args.ledger).await?;
    let pauses = jobs::set_paused(&opened.parts, queue, lane, paused).await?;
    let left = pauses.of_queue(queue);
    let state = if paused {
        "are paused".to_owned()
    } else if left.is_empty() {
        "are taken again".to_owned()
    } else if lane.is_some_and(|lane| left.hold(queue, lane)) {
        format!("are not taken yet, for this is still paused: {left}")
    } else {
        format!("are taken again, but for what is still paused: {left}")
    };
    let of_lane = lane.map_or_else(String::new, |lane| format!(", lane {},", lane.as_str()));
    let what = format!("jobs of the queue {}{of_lane} {state}", queue.as_str());
    if args.ledger.json {
        return out::json(&json!({ "ok": true, "done": what, "paused": paused_json(&pauses) }));
    }
    out::line(what);
    Ok(())
}

/// Everything that is paused; a lane of `null` is the whole queue.
fn paused_json(pauses: &Pauses) -> Value {
    let one =
        |Pause { queue, lane }| json!({ "queue": queue.as_str(), "lane": lane.map(Lane::as_str) });
    pauses.iter().map(one).collect()
}

async fn open(args: &LedgerArgs) -> anyhow::Result<Inspected> {
    wire::inspect(&Config::load(&args.common)?).await
}

async fn open_for(args: &JobArgs) -> anyhow::Result<(Inspected, JobId)> {
    let id = parse_id(&args.id)?;
    Ok((open(&args.ledger).await?, id))
}

fn parse_id(text: &str) -> anyhow::Result<JobId> {
    JobId::parse(text).ok_or_else(|| anyhow!("{text:?} is not the id of a job"))
}

fn done(args: &LedgerArgs, what: &str) -> anyhow::Result<()> {
    if args.json {
        return out::json(&json!({ "ok": true, "done": what }));
    }
    out::line(what);
    Ok(())
}

fn parse_state(text: &str) -> anyhow::Result<State> {
    State::parse(text).ok_or_else(|| {
        anyhow!(
            "--state: {text:?} is none of {}",
            State::ALL.map(State::as_str).join(", ")
        )
    })
}

fn parse_queue(text: &str) -> anyhow::Result<Queue> {
    Queue::parse(text).ok_or_else(|| {
        anyhow!(
            "there is no queue {text:?}, but {}",
            Queue::ALL.map(Queue::as_str).join(", ")
        )
    })
}

fn parse_lane(text: &str) -> anyhow::Result<Lane> {
    Lane::parse(text).ok_or_else(|| {
        anyhow!(
            "--lane: {text:?} is none of {}",
            Lane::ALL.map(Lane::as_str).join(", ")
        )
    })
}

fn as_json(job: &Job) -> Value {
    json!({
        "id": job.id.to_string(),
        "kind": job.kind,
        "queue": job.queue,
        "state": job.state.as_str(),
        "args": serde_json::from_str::<Value>(&job.args).unwrap_or_else(|_| json!(job.args)),
        "attempt": job.attempt,
        "due_at": job.due_at,
        "run_at": job.run_at,
        "created_at": job.created_at,
        "finished_at": job.finished_at,
        "claimed_by": job.claimed_by.map(|worker| worker.to_string()),
        "cancel_requested": job.cancel_requested,
        "suspect": job.suspect,
        "progress": job.progress,
        "errors": job.errors,
        "trace": job.trace,
    })
}
