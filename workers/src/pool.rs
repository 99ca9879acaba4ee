//! A pool: a claimer, an apalis worker, and whoever starts them again should they end.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use apalis::prelude::{WorkerBuilder, WorkerContext};
use domain::job::Queue;
use domain::{Context, WorkerId};
use futures::FutureExt;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::backend::Inbox;
use crate::claimer::{Claimer, Held};
use crate::company::Company;
use crate::handler::{Handler, panic_words};
use crate::kinds::KindLimits;
use crate::leases::Leases;
use crate::registry::Registry;
use crate::scaler::Scale;
use crate::strangers::Strangers;

/// The wait before something is started again that should not have ended.
const RESTART_WAIT_FIRST: Duration = Duration::from_millis(100);
const RESTART_WAIT_LONGEST: Duration = Duration::from_secs(5);

/// What all pools of a process share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) ctx: Arc<Context>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) leases: Arc<Leases>,
    pub(crate) company: Company,
    pub(crate) strangers: Strangers,
    pub(crate) kinds: KindLimits,
    pub(crate) worker: WorkerId,
    pub(crate) poll_interval: Duration,
    pub(crate) stop: CancellationToken,
}

/// Runs a pool until it is told to stop and its jobs have ended.
pub(crate) async fn run(shared: Shared, queue: Queue, places_max: u32, scale: Arc<Scale>) {
    let slots = Arc::clone(scale.slots());
    let writer = shared.ctx.writer().clone();
    let (out, jobs) = mpsc::channel::<Held>(places_max as usize);
    let inbox = Inbox::new(jobs);
    let handler = Arc::new(Handler {
        ctx: Arc::clone(&shared.ctx),
        registry: shared.registry,
        slots: Arc::clone(&slots),
        company: shared.company,
        strangers: shared.strangers,
    });
    let claimer = Arc::new(Claimer {
        ctx: shared.ctx,
        queue,
        worker: shared.worker,
        slots,
        kinds: shared.kinds,
        scale,
        leases: shared.leases,
        poll_interval: shared.poll_interval,
        out,
        stop: shared.stop.clone(),
    });
    // A task of its own: claiming goes on while jobs keep this one busy, and where the crowd does
    // not hold up the transactions that it is.
    let claiming = writer.spawn({
        let stop = shared.stop.clone();
        async move {
            keep_running("a job claimer", &stop, || async {
                claimer.run().await;
                Ok(())
            })
            .await;
        }
    });
    let name = format!("{}-{}", queue.as_str(), shared.worker);
    let working = keep_running("a job worker", &shared.stop, || {
        work(&name, inbox.clone(), Arc::clone(&handler), &shared.stop)
    });
    let handing_back = async {
        // Only when it has ended does nothing more come in.
        let _ = claiming.await;
        let left = std::iter::from_fn(|| inbox.take());
        futures::future::join_all(left.map(|held| handler.hand_back(held))).await;
    };
    tokio::join!(working, handing_back);
}

/// An apalis worker from its start until it was told to stop and its jobs have ended.
async fn work(
    name: &str,
    inbox: Inbox,
    handler: Arc<Handler>,
    stop: &CancellationToken,
) -> Result<(), String> {
    let worker = WorkerContext::new(name);
    let running = WorkerBuilder::new(worker.clone())
        .backend(inbox)
        .build(move |held: Held| Arc::clone(&handler).handle(held))
        .run();
    let mut running = std::pin::pin!(running);
    tokio::select! {
        // First: a worker can be stopped only once it was started.
        biased;
        ended = &mut running => return ended.map_err(|error| error.to_string()),
        () = stop.cancelled() => {}
    }
    worker.stop().map_err(|error| error.to_string())?;
    running.await.map_err(|error| error.to_string())
}

/// Starts something again, with growing waits, whenever it ends before it was told to stop.
async fn keep_running<Running>(what: &str, stop: &CancellationToken, start: impl Fn() -> Running)
where
    Running: Future<Output = Result<(), String>>,
{
    let mut wait = RESTART_WAIT_FIRST;
    loop {
        let began = tokio::time::Instant::now();
        let ended = AssertUnwindSafe(start()).catch_unwind().await;
        if stop.is_cancelled() {
            return;
        }
        let why = match ended {
            Ok(Ok(())) => "it ended".to_owned(),
            Ok(Err(error)) => error,
            Err(panic) => format!("it panicked: {}", panic_words(panic.as_ref())),
        };
        if began.elapsed() > RESTART_WAIT_LONGEST {
            wait = RESTART_WAIT_FIRST;
        }
        tracing::error!(why, "{what} ended and is started again");
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = (wait * 2).min(RESTART_WAIT_LONGEST);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_ends_or_panics_is_started_again_until_it_is_told_to_stop() {
        let (stop, starts) = (CancellationToken::new(), AtomicU32::new(0));
        keep_running("a test", &stop, || async {
            match starts.fetch_add(1, Ordering::SeqCst) {
                0 => Ok(()),
                1 => Err("no".to_owned()),
                2 => panic!("on purpose"),
                _ => {
                    stop.cancel();
                    Ok(())
                }
            }
        })
        .await;
        assert_eq!(starts.into_inner(), 4);
    }
}
