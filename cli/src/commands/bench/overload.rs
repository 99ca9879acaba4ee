//! `bench overload`: several times what the ledger can take, against what it can.
//!
//! The ledger is slowed down, so that it is the ledger that is overloaded and not the machine,
//! which carries the load as well.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use loadtest::Request;
use serde_json::json;

use super::open_loop::{self, Answers, Offer};
use super::purchase::{Orders, create_concerts};
use super::{Measured, Outcome, resources};
use crate::args::{EngineArg, OverloadBenchArgs};
use crate::out;
use crate::progress::Progress;
use crate::service::{Service, Tweaks};

/// Parts of what the ledger should take, of which the one with the most sales is its peak.
const STEPS: [f64; 4] = [0.7, 0.8, 0.9, 1.0];
/// How long a write takes more, unless it is said: ten times what the ledger takes then is what two
/// cores carry.
const SLOW_MS: u64 = 400;
/// A cluster writes two groups at a time, and its servers want a part of the cores.
const SLOW_MS_OF_A_CLUSTER: u64 = 1_000;
/// What is offered after the overload, as a part of the peak.
const AFTER: f64 = 0.5;
/// How long the first groups take to fill: this long nothing is measured.
const WARM: Duration = Duration::from_secs(2);
/// How long it may take until nobody is refused any more.
const RECOVERS_WITHIN: Duration = Duration::from_secs(5);
/// What memory may grow by while the overload goes on: the ledger's own caches fill.
const GROWTH_MAX: u64 = 48 * 1_024 * 1_024;

/// What one load came to.
struct Load {
    answers: Answers,
    time: std::ops::Range<Duration>,
}

/// Offers more and more, then far too much, then little.
pub(super) async fn run(args: &OverloadBenchArgs) -> anyhow::Result<Outcome> {
    let slow_ms = args.slow_ms.unwrap_or(match args.bench.engine {
        EngineArg::Embedded => SLOW_MS,
        EngineArg::Cluster => SLOW_MS_OF_A_CLUSTER,
    });
    let tweaks = Tweaks {
        no_workers: true,
        ..Tweaks::default()
    };
    let (_folder, service) = super::start_as(&args.bench, tweaks, |config| {
        config.engine.slow_commits_ms = slow_ms;
    })
    .await?;
    let driver = Driver::new(&service, args).await?;
    let groups = service.context().store.groups_at_once();
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let takes =
        (domain::ports::BATCH_MAX * groups) as f64 / Duration::from_millis(slow_ms).as_secs_f64();

    let progress = Progress::start("offering", STEPS.len() as u64 + 2);
    let mut peak: Option<Load> = None;
    for (step, part) in (1..).zip(STEPS) {
        let load = driver.load(takes * part).await?;
        if peak.as_ref().is_none_or(|peak| load.rate() > peak.rate()) {
            peak = Some(load);
        }
        progress.set(step);
    }
    let peak = peak.expect("there are steps");
    // What is made once for many connections is there before memory is looked at.
    let memory = memory_of_overload(&driver, takes * f64::from(args.factor));
    let (over, grown) = memory.await?;
    progress.set(STEPS.len() as u64 + 1);
    let after = driver.load(takes * AFTER).await?;
    progress.done("done");
    service.stop().await?;
    Ok(outcome(args, slow_ms, &peak, &over, &after, grown))
}

/// The overload, with what memory grew by between its second quarter and its end.
async fn memory_of_overload(driver: &Driver, rate: f64) -> anyhow::Result<(Load, u64)> {
    let quarter = driver.offer.duration / 4;
    let early = async {
        tokio::time::sleep(quarter + WARM).await;
        resources::memory()
    };
    let late = async {
        tokio::time::sleep(driver.offer.duration).await;
        resources::memory()
    };
    let (over, early, late) = tokio::join!(driver.load(rate), early, late);
    Ok((over?, late?.saturating_sub(early?)))
}

struct Driver {
    server: SocketAddr,
    requests: Arc<Vec<Request>>,
    offer: Offer,
}

impl Driver {
    async fn new(service: &Service, args: &OverloadBenchArgs) -> anyhow::Result<Self> {
        let concerts = create_concerts(service.context(), 1).await?;
        let host = service.address().to_string();
        let orders = Orders::of(service.context(), &concerts);
        let post = |body| Request::new("POST", "/api/v1/tickets", &host).json(body);
        Ok(Self {
            server: service.address(),
            requests: Arc::new(orders.bodies.into_iter().map(post).collect()),
            offer: Offer {
                rate: 0.0,
                duration: WARM + Duration::from_secs(args.seconds),
                connections: args.connections,
            },
        })
    }

    async fn load(&self, rate: f64) -> anyhow::Result<Load> {
        let offer = Offer { rate, ..self.offer };
        Ok(Load {
            answers: open_loop::offer(self.server, &self.requests, offer).await?,
            time: WARM..offer.duration,
        })
    }
}

impl Load {
    fn rate(&self) -> f64 {
        self.answers.rate(201, self.time.clone())
    }

    fn latency_ms(&self, status: u16, share: f64) -> f64 {
        self.answers.latency_ms(status, self.time.clone(), share)
    }

    fn count(&self, status: u16) -> usize {
        self.answers
            .of(status, Duration::ZERO..Duration::MAX)
            .count()
    }

    /// Answers that are neither a sale nor a refusal for want of places.
    fn others(&self) -> usize {
        self.answers.0.len() - self.count(201) - self.count(503)
    }

    /// When the last one was refused.
    fn last_shed(&self) -> Duration {
        let refused = self.answers.of(503, Duration::ZERO..Duration::MAX);
        refused.map(|answer| answer.at).max().unwrap_or_default()
    }
}

fn outcome(
    args: &OverloadBenchArgs,
    slow_ms: u64,
    peak: &Load,
    over: &Load,
    after: &Load,
    grown: u64,
) -> Outcome {
    let engine = args.bench.engine.name();
    let measured = Measured {
        value: over.rate(),
        unit: "purchases/s",
        baseline: peak.rate(),
        p50_ms: over.latency_ms(201, 0.5),
        p99_ms: over.latency_ms(201, 0.99),
    };
    let peak_p99_ms = peak.latency_ms(201, 0.99);
    let shed_p99_ms = over.latency_ms(503, 0.99);
    let recovered = after.last_shed();
    let others = peak.others() + over.others() + after.others();
    let line = |ratio| {
        format!(
            "overload {engine}: ratio {ratio:.2} ({}/s sold of {} times as many offered ÷ {}/s at \
             its peak; p99 of who was let in {:.0} ms ÷ {peak_p99_ms:.0} ms; {} refused, p99 \
             {shed_p99_ms:.0} ms; {others} other answers; memory +{} MiB; nobody refused {:.1} s \
             after)",
            out::rate(measured.value),
            args.factor,
            out::rate(measured.baseline),
            measured.p99_ms,
            over.count(503),
            grown / 1_048_576,
            recovered.as_secs_f64(),
        )
    };
    let ratio = measured.value / measured.baseline;
    Outcome::new("overload", engine, &measured, line)
        .claim(ratio >= 0.9, "fewer were sold under overload than before")
        .claim(
            measured.p99_ms <= 2.0 * peak_p99_ms,
            "those who were let in waited more than twice as long",
        )
        .claim(
            over.count(503) > 0,
            "nobody was refused: this was no overload",
        )
        .claim(others == 0, "some answers were neither 201 nor 503")
        .claim(grown <= GROWTH_MAX, "memory grew")
        .claim(recovered <= RECOVERS_WITHIN, "it did not recover in time")
        .with(json!({
            "factor": args.factor,
            "slow_ms": slow_ms,
            "peak_p99_ms": peak_p99_ms,
            "refused": over.count(503),
            "refused_p99_ms": shed_p99_ms,
            "other_answers": others,
            "memory_grown_bytes": grown,
            "recovered_after_s": recovered.as_secs_f64(),
        }))
}
