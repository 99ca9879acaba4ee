//! Sends the crowds: threads, each with connections of its own, that share nothing on the way of
//! a request.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::{Barrier, mpsc, watch};
use tokio::task::{JoinSet, LocalSet};

use crate::histogram::Latency;
use crate::pacer::{GRID, Pacer};
use crate::random::number;
use crate::record::Interval;
use crate::sale::Sale;
use crate::scenario::{Crowd, Pace, Phase, Scenario};
use crate::system;
use crate::visit::Visit;
use crate::worker::Worker;

/// A visit that begins later than this is late.
const LATE: Duration = Duration::from_millis(5);
/// Visitors of a generator beyond whom others are turned away, and counted, unless fewer of their
/// crowd are here than its equal part of this number. So twice as many may be here at most, and no
/// crowd keeps another one out.
const VISITORS_MAX: usize = 50_000;

/// How long those who are here may stay when the run is stopped.
const LEAVE_WITHIN: Duration = Duration::from_secs(5);
/// How often the runtime is given a turn until they have gone; it sends dozens home in each.
const TURNS_MAX: usize = 10_000;

/// How load is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Customers come when they come, however slow the server is. Latency counts from then.
    Open,
    /// Each of some clients comes again after its visit and a pause: a slow server is spared.
    Closed,
    /// As many as the server takes: a closed loop without pauses on every connection.
    Max,
}

/// What all threads know.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) scenario: Scenario,
    pub(crate) sale: Arc<Sale>,
    pub(crate) mode: Mode,
    pub(crate) connections: usize,
    pub(crate) threads: usize,
    pub(crate) seed: u64,
    pub(crate) retries_max: u32,
    /// When nobody comes any more, in closed loops.
    pub(crate) ends: Option<Instant>,
    pub(crate) stop: watch::Receiver<bool>,
    /// Where threads wait for each other between phases.
    pub(crate) barrier: Barrier,
}

/// What a thread says.
#[derive(Debug)]
pub(crate) enum Message {
    /// What happened in a second since the beginning.
    Second {
        second: u32,
        interval: Box<Interval>,
        here: usize,
        cpu: Duration,
    },
    /// It has ended.
    End(Box<End>),
    /// It could not begin.
    Failed(std::io::Error),
    /// It broke off, which is a defect.
    Died,
}

/// Tells that a thread broke off, which the others would wait for in vain.
struct Alarm<'a>(&'a mpsc::UnboundedSender<Message>);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Whoever listened may have gone for the same reason.
            let _ = self.0.send(Message::Died);
        }
    }
}

/// What a thread has to say at the end.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) interval: Interval,
    pub(crate) bought: Vec<Vec<u128>>,
    pub(crate) refused: Vec<u64>,
    pub(crate) opened: u64,
    /// How long TLS took to agree, of each connection that speaks it.
    pub(crate) handshakes: Latency,
    /// Processor time of the whole process; one of the threads tells it while all are there.
    pub(crate) process_cpu: Option<Duration>,
}

/// A thread of the generator, from its beginning to its end.
pub(crate) fn run_thread(
    plan: &Arc<Plan>,
    at: usize,
    messages: &mpsc::UnboundedSender<Message>,
) -> std::io::Result<()> {
    let _alarm = Alarm(messages);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let pacer = Rc::new(Pacer::start()?);
    let share = plan.connections.div_ceil(plan.threads);
    let worker = Rc::new(Worker::new(&plan.sale, share, plan.retries_max));
    let local = LocalSet::new();
    let driver = Rc::new(Driver {
        plan: Arc::clone(plan),
        at,
        worker,
        pacer,
    });
    local.block_on(&runtime, async {
        let ticking = tokio::task::spawn_local(tick(Rc::clone(&driver), messages.clone()));
        let mut crowds_before = 0;
        for phase in &plan.scenario.phases {
            plan.barrier.wait().await;
            driver.run_phase(phase, crowds_before).await;
            crowds_before += phase.crowds.len();
        }
        ticking.abort();
        let tells = plan.barrier.wait().await.is_leader();
        let process_cpu = tells.then(system::process_cpu);
        plan.barrier.wait().await;
        let worker = &driver.worker;
        // Nobody listens when the run was broken off.
        let _ = messages.send(Message::End(Box::new(End {
            interval: worker.interval.take(),
            bought: worker.bought.take(),
            refused: worker.refused.take(),
            opened: worker.pool.opened(),
            handshakes: worker.pool.take_handshakes(),
            process_cpu,
        })));
    });
    Ok(())
}

/// Tells what happened, every second.
async fn tick(driver: Rc<Driver>, messages: mpsc::UnboundedSender<Message>) {
    let begun = tokio::time::Instant::from_std(driver.plan.sale.begun());
    let mut cpu_before = system::thread_cpu();
    for second in 0.. {
        tokio::time::sleep_until(begun + Duration::from_secs(u64::from(second) + 1)).await;
        let cpu = system::thread_cpu();
        let message = Message::Second {
            second,
            interval: Box::new(driver.worker.interval.take()),
            here: driver.worker.here.get(),
            cpu: cpu.saturating_sub(cpu_before),
        };
        cpu_before = cpu;
        if messages.send(message).is_err() {
            return;
        }
    }
}

#[derive(Debug)]
struct Driver {
    plan: Arc<Plan>,
    at: usize,
    worker: Rc<Worker>,
    pacer: Rc<Pacer>,
}

/// A crowd of the phase that runs.
#[derive(Debug, Clone)]
struct Coming {
    crowd: Rc<Crowd>,
    /// Its place among all crowds.
    at: usize,
    pace: Pace,
    concerts: Rc<[usize]>,
    seed: u64,
    begun: Instant,
    /// The thread's part of all visitors.
    share: Share,
    /// Becomes true when nobody of the crowd is to come any more.
    stop: watch::Receiver<bool>,
}

impl Driver {
    async fn run_phase(self: &Rc<Self>, phase: &Phase, crowds_before: usize) {
        let (mut crowds, mut filling) = (JoinSet::new(), JoinSet::new());
        let (gone, others_gone) = watch::channel(false);
        let begun = Instant::now();
        for (at, crowd) in phase.crowds.iter().enumerate() {
            let place = crowds_before + at;
            let salt = u64::try_from(place).unwrap_or(0);
            let open = self.plan.mode == Mode::Open;
            // Nobody knows how long a closed loop takes: who fills its time goes with the others.
            let (set, stop) = if crowd.fill && !open {
                (&mut filling, &others_gone)
            } else {
                (&mut crowds, &self.plan.stop)
            };
            let coming = Coming {
                crowd: Rc::new(crowd.clone()),
                at: place,
                pace: crowd.pace(&phase.crowds),
                concerts: self.plan.sale.places(&crowd.concerts).into(),
                seed: number(self.plan.seed, salt),
                begun,
                share: Share {
                    threads: self.plan.threads,
                    crowds: phase.crowds.len(),
                },
                stop: stop.clone(),
            };
            let by_clock = open || crowd.keeps_to_clock();
            let driver = Rc::clone(self);
            if by_clock {
                set.spawn_local(async move { driver.send_by_clock(coming).await });
            } else {
                set.spawn_local(async move { driver.keep_clients(coming).await });
            }
        }
        self.until_gone(crowds).await;
        // The others' clients of the same crowds may still be there.
        self.plan.barrier.wait().await;
        gone.send_replace(true);
        self.until_gone(filling).await;
    }

    /// Waits until crowds have gone. When the run is stopped, who stays for long is sent home.
    async fn until_gone(&self, mut crowds: JoinSet<()>) {
        let mut stop = self.plan.stop.clone();
        let patience = async {
            if stop.wait_for(|stop| *stop).await.is_err() {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(LEAVE_WITHIN).await;
        };
        tokio::select! {
            () = async { while crowds.join_next().await.is_some() {} } => {}
            () = patience => {
                crowds.shutdown().await;
                // What they waited for in vain is counted as they go.
                for _ in 0..TURNS_MAX {
                    if self.worker.here.get() == 0 {
                        break;
                    }
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    /// An open loop: everybody comes when they are due.
    async fn send_by_clock(self: Rc<Self>, coming: Coming) {
        let mut visits = JoinSet::new();
        let mut stop = coming.stop.clone();
        let mine = coming.pace.arrivals(coming.seed).zip(0u64..);
        let threads = u64::try_from(self.plan.threads).unwrap_or(1);
        let own = u64::try_from(self.at).unwrap_or(0);
        for (due_s, number) in mine.filter(|(_, number)| number % threads == own) {
            let due = coming.begun + on_grid(due_s);
            // The clock may be behind, and is asked first.
            if *stop.borrow() || self.plan.ends.is_some_and(|ends| due >= ends) {
                break;
            }
            tokio::select! {
                biased;
                () = self.pacer.until(due) => {}
                _ = stop.wait_for(|stop| *stop) => break,
            }
            // Those who have left are not kept until the end.
            while visits.try_join_next().is_some() {}
            if is_turned_away(self.worker.here.get(), visits.len(), coming.share) {
                self.worker.interval.borrow_mut().turned_away += 1;
                continue;
            }
            self.note_lateness(due);
            let (driver, coming) = (Rc::clone(&self), coming.clone());
            visits.spawn_local(async move { driver.visit(&coming, number, due).await });
        }
        while visits.join_next().await.is_some() {}
    }

    /// A closed loop: some clients who come again.
    async fn keep_clients(self: Rc<Self>, coming: Coming) {
        let clients = if self.plan.mode == Mode::Max {
            u32::try_from(self.plan.connections).unwrap_or(u32::MAX)
        } else {
            coming.crowd.clients
        };
        let mut all = JoinSet::new();
        for client in 0..clients {
            if client as usize % self.plan.threads == self.at {
                let (driver, coming) = (Rc::clone(&self), coming.clone());
                all.spawn_local(async move { driver.run_client(&coming, client, clients).await });
            }
        }
        while all.join_next().await.is_some() {}
    }

    async fn run_client(&self, coming: &Coming, client: u32, clients: u32) {
        let mut stop = self.plan.stop.clone();
        let begins_s = coming.pace.client_begins_s(client, clients, coming.seed);
        let begins = coming.begun + Duration::from_secs_f64(begins_s);
        tokio::select! {
            biased;
            () = self.pacer.until(self.plan.ends.map_or(begins, |ends| begins.min(ends))) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let pause = match self.plan.mode {
            Mode::Max => Duration::ZERO,
            Mode::Open | Mode::Closed => Duration::from_secs_f64(coming.crowd.think_s),
        };
        let came = &self.plan.sale.came[coming.at];
        loop {
            let now = Instant::now();
            let over = self.plan.ends.is_some_and(|ends| now >= ends) || *stop.borrow();
            let number = came.fetch_add(1, Ordering::Relaxed);
            if over || number >= coming.pace.customers {
                return;
            }
            self.visit(coming, number, now).await;
            if !pause.is_zero() {
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    _ = stop.wait_for(|stop| *stop) => return,
                }
            }
        }
    }

    async fn visit(&self, coming: &Coming, visitor: u64, due: Instant) {
        let worker = &self.worker;
        let here = Here::come(worker);
        worker.interval.borrow_mut().arrived += 1;
        let random = number(coming.seed, visitor);
        let crowd = (coming.at, &*coming.crowd);
        let visit = Visit::new(worker, crowd, &coming.concerts, random);
        visit.run(due).await;
        worker.interval.borrow_mut().left += 1;
        drop(here);
    }

    fn note_lateness(&self, due: Instant) {
        let lateness = due.elapsed();
        let mut interval = self.worker.interval.borrow_mut();
        interval.lateness.record(lateness);
        // Without a free connection the customer would have had to wait anyway.
        if lateness > LATE && self.worker.pool.has_free() {
            interval.late += 1;
        }
    }
}

/// A visitor who is here, also when sent home.
struct Here<'a>(&'a Worker);

impl<'a> Here<'a> {
    fn come(worker: &'a Worker) -> Self {
        worker.here.set(worker.here.get() + 1);
        Self(worker)
    }
}

impl Drop for Here<'_> {
    fn drop(&mut self) {
        self.0.here.set(self.0.here.get() - 1);
    }
}

/// Among how many the visitors of a generator are divided.
#[derive(Debug, Clone, Copy)]
struct Share {
    threads: usize,
    crowds: usize,
}

/// Whether a thread where `here` visitors are, `own` of them of a crowd, has no room for another
/// one of that crowd.
fn is_turned_away(here: usize, own: usize, share: Share) -> bool {
    let room = VISITORS_MAX / share.threads;
    here >= room && own >= room / share.crowds
}

/// A time after the beginning, on the grid of alarms: arrivals are meant to happen there.
fn on_grid(seconds: f64) -> Duration {
    let exact = Duration::from_secs_f64(seconds).as_nanos();
    let grid = GRID.as_nanos();
    Duration::from_nanos(u64::try_from(exact / grid * grid).unwrap_or(u64::MAX))
}

/// Sums what the threads bought, by concert.
pub(crate) fn join_bought(
    ends: &mut [End],
    concerts: usize,
) -> (BTreeMap<usize, Vec<u128>>, Vec<u64>) {
    let mut bought: BTreeMap<usize, Vec<u128>> = BTreeMap::new();
    let mut refused = vec![0; concerts];
    for end in ends {
        for (at, ids) in end.bought.iter_mut().enumerate() {
            bought.entry(at).or_default().append(ids);
        }
        for (sum, count) in refused.iter_mut().zip(&end.refused) {
            *sum += count;
        }
    }
    (bought, refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_to_a_full_generator_is_turned_away_unless_their_crowd_has_less_than_its_part() {
        let two = Share {
            threads: 1,
            crowds: 2,
        };
        for (here, own, share, is_away) in [
            (VISITORS_MAX - 1, VISITORS_MAX - 1, two, false),
            (VISITORS_MAX, VISITORS_MAX, two, true),
            (VISITORS_MAX, 0, two, false),
            (VISITORS_MAX + 9, VISITORS_MAX / 2 - 1, two, false),
            (VISITORS_MAX + 9, VISITORS_MAX / 2, two, true),
            (
                VISITORS_MAX / 4,
                VISITORS_MAX / 8,
                Share { threads: 4, ..two },
                true,
            ),
            (VISITORS_MAX / 4, VISITORS_MAX / 8, two, false),
        ] {
            assert_eq!(
                is_turned_away(here, own, share),
                is_away,
                "{here} {own} {share:?}"
            );
        }
    }
}
