//! Sizes the pools of a process, by what waits in the ledger and how long such jobs took lately.
//!
//! Nothing is counted while every pool is as small as it may be and its claims bring all there is.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::job::{self, Need, PoolLimits, PoolSize, Queue, Resize, ServiceTime};
use domain::{Context, Error, Outage};
use metrics::Gauge;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::slots::Slots;

/// Counting a long queue takes time; no more than one part in so many goes into it, up to
/// [`REST_MAX`].
const COUNTING_SHARE: u32 = 20;
/// The longest rest between two looks. One that took long because the machine stood still tells
/// nothing about the next one, and meanwhile no pool is sized.
const REST_MAX: Duration = Duration::from_secs(5);

/// What there is to say about a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolReport {
    /// Whose jobs it runs.
    pub queue: Queue,
    /// Jobs that it may hold at a time.
    pub places: u32,
    /// What it would have if it had no limits and followed every need at once.
    pub target: u32,
    /// Jobs that it holds.
    pub held: u32,
}

/// The size of one pool.
#[derive(Debug)]
pub(crate) struct Scale {
    queue: Queue,
    slots: Arc<Slots>,
    size: Mutex<PoolSize>,
    /// Whether the last claim brought as many jobs as were asked for.
    backlog: AtomicBool,
    target: AtomicU32,
    /// Wakes the scaler.
    asked: Arc<Notify>,
    places_gauge: Gauge,
    target_gauge: Gauge,
}

/// Sizes the pools of a process.
pub(crate) struct Scaler {
    pub(crate) ctx: Arc<Context>,
    pub(crate) pools: Vec<Arc<Scale>>,
    pub(crate) asked: Arc<Notify>,
    pub(crate) interval: Duration,
    /// How often to look for work of pools without places, should a wakeup have been lost.
    pub(crate) poll_interval: Duration,
    pub(crate) stop: CancellationToken,
}

impl Scale {
    pub(crate) fn new(queue: Queue, limits: PoolLimits, asked: Arc<Notify>) -> Arc<Self> {
        let name = queue.as_str();
        let size = PoolSize::new(limits);
        let running = metrics::gauge!("ticketoverflow_jobs_running", "queue" => name);
        let scale = Self {
            queue,
            slots: Slots::new(size.places() as usize, running),
            size: Mutex::new(size),
            backlog: AtomicBool::new(false),
            target: AtomicU32::new(0),
            asked,
            places_gauge: metrics::gauge!("ticketoverflow_pool_places", "queue" => name),
            target_gauge: metrics::gauge!("ticketoverflow_pool_target", "queue" => name),
        };
        scale.places_gauge.set(f64::from(limits.min));
        Arc::new(scale)
    }

    pub(crate) fn slots(&self) -> &Arc<Slots> {
        &self.slots
    }

    /// Makes room for a first job, if there are no places: somebody said that there may be one.
    pub(crate) fn wake(&self) {
        let resized = self.size().wake();
        if let Some(resize) = resized {
            self.apply(resize);
            let (queue, to) = (self.queue.as_str(), resize.to);
            tracing::info!(queue, from = 0, to, "a pool without places is woken");
        }
    }

    /// What the last claim found: as many jobs as were asked for, or fewer.
    pub(crate) fn claimed(&self, plenty: bool) {
        if !self.backlog.swap(plenty, Ordering::AcqRel) && plenty {
            self.asked.notify_one();
        }
    }

    pub(crate) fn report(&self) -> PoolReport {
        PoolReport {
            queue: self.queue,
            places: self.size().places(),
            target: self.target.load(Ordering::Relaxed),
            held: u32::try_from(self.slots.taken()).unwrap_or(u32::MAX),
        }
    }

    /// Whether it matters now how much there is to do.
    fn wants_to_know(&self) -> bool {
        self.backlog.load(Ordering::Acquire) || !self.size().is_smallest()
    }

    /// Decides on the size and says why. What cannot be had, because its queue is paused or its
    /// like runs, needs no places: a pool grows only while its claims bring all they ask for.
    fn decide(&self, need: Need, processes: u32, service: ServiceTime) {
        let target = need.part_of(processes);
        self.target.store(target, Ordering::Relaxed);
        self.target_gauge.set(f64::from(target));
        let mut size = self.size();
        let wanted = if self.backlog.load(Ordering::Acquire) {
            target
        } else {
            target.min(size.places().max(1))
        };
        let Some(resize) = size.decide(wanted, std::time::Instant::now()) else {
            return;
        };
        drop(size);
        self.apply(resize);
        tracing::info!(
            queue = self.queue.as_str(),
            from = resize.from,
            to = resize.to,
            needed = need.places,
            processes,
            work_s = need.work_s,
            left_s = need.left_s,
            service_s = service.seconds,
            learned_from = service.runs,
            "a pool is resized"
        );
    }

    fn apply(&self, resize: Resize) {
        self.slots.resize(resize.to as usize);
        self.places_gauge.set(f64::from(resize.to));
        metrics::counter!(
            "ticketoverflow_pool_resizes_total",
            "queue" => self.queue.as_str(), "direction" => resize.direction()
        )
        .increment(1);
    }

    fn size(&self) -> MutexGuard<'_, PoolSize> {
        self.size.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long to rest after a look that took so long.
fn rest_after(look: Duration) -> Duration {
    look.saturating_mul(COUNTING_SHARE).min(REST_MAX)
}

impl Scaler {
    /// Sizes until the process stops.
    pub(crate) async fn run(&self) {
        let mut outage = Outage::of("sizing the pools");
        let (mut looked_at, mut rest) = (Instant::now(), Duration::ZERO);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.asked.notified() => {}
                () = tokio::time::sleep(self.interval) => {}
            }
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep_until(looked_at + rest) => {}
            }
            if !self.is_due(looked_at) {
                continue;
            }
            let began = Instant::now();
            rest = match self.look().await {
                Ok(()) => {
                    outage.worked();
                    rest_after(began.elapsed())
                }
                Err(error) => outage.failed(&error),
            };
            looked_at = Instant::now();
        }
    }

    fn is_due(&self, looked_at: Instant) -> bool {
        let asleep = self.pools.iter().any(|pool| pool.slots.all() == 0);
        self.pools.iter().any(|pool| pool.wants_to_know())
            || (asleep && looked_at.elapsed() >= self.poll_interval)
    }

    async fn look(&self) -> Result<(), Error> {
        let now = self.ctx.clock.now();
        let mut view = self.ctx.store.read().await?;
        let depths = view.count_jobs(now).await?;
        let depths = view.list_pauses().await?.open(&depths);
        let workers = view.count_workers().await?;
        drop(view);
        for pool in &self.pools {
            let service = self.ctx.service_times().of(pool.queue);
            let need = job::need(pool.queue, &depths, service.seconds, now);
            let holders = workers.iter().find(|(queue, _)| *queue == pool.queue);
            let holders = holders.map_or(0, |(_, workers)| *workers);
            // A process that holds nothing yet is not among them.
            let processes = holders + u32::from(pool.slots.are_idle());
            pool.decide(need, processes.max(1), service);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: ServiceTime = ServiceTime {
        seconds: 0.01,
        runs: 9,
    };

    fn scale(min: u32) -> Arc<Scale> {
        let limits = PoolLimits {
            min,
            max: 8,
            shrink_after: Duration::ZERO,
        };
        Scale::new(Queue::Prints, limits, Arc::default())
    }

    fn need(places: u32) -> Need {
        Need {
            places,
            work_s: f64::from(places),
            left_s: 1.0,
        }
    }

    #[test]
    fn a_pool_does_not_grow_for_what_its_claims_do_not_bring() {
        let scale = scale(2);
        scale.decide(need(20), 1, SERVICE);
        assert_eq!((scale.report().places, scale.report().target), (2, 20));
        scale.claimed(true);
        scale.decide(need(20), 1, SERVICE);
        assert_eq!((scale.report().places, scale.slots().all()), (8, 8));
    }

    #[test]
    fn a_process_takes_its_part_of_what_is_needed() {
        let scale = scale(0);
        scale.claimed(true);
        scale.decide(need(9), 3, SERVICE);
        assert_eq!(scale.report().places, 3);
    }

    #[test]
    fn a_pool_without_places_tries_one_for_what_waits() {
        let scale = scale(0);
        scale.decide(need(20), 1, SERVICE);
        assert_eq!(scale.report().places, 1);
    }

    #[test]
    fn counting_has_its_share_of_the_time_but_one_long_look_stops_nothing() {
        assert_eq!(
            rest_after(Duration::from_millis(3)),
            Duration::from_millis(60)
        );
        assert_eq!(rest_after(Duration::from_secs(4)), REST_MAX);
    }

    #[tokio::test]
    async fn the_scaler_is_asked_when_there_is_more_than_a_pool_holds() {
        let asked = Arc::new(Notify::new());
        let limits = PoolLimits {
            min: 1,
            max: 8,
            shrink_after: Duration::ZERO,
        };
        let scale = Scale::new(Queue::Prints, limits, Arc::clone(&asked));
        assert!(!scale.wants_to_know());
        scale.claimed(true);
        asked.notified().await;
        assert!(scale.wants_to_know());
        scale.claimed(false);
        assert!(!scale.wants_to_know());
    }
}
