//! Publishes how long the queues are and how old.

use std::collections::HashMap;

use domain::job::{self, Lane, Pauses, Queue, State};
use domain::jobs::{self, QueueDepth};
use domain::{Context, Error, Timestamp};

use crate::seating::Seating;

/// Reads the queues and sets the gauges, those without a job to 0.
pub(crate) async fn tick(ctx: &Context, seating: &Seating) -> Result<(), Error> {
    let now = ctx.clock.now();
    let mut view = ctx.store.read().await?;
    let depths = view.count_jobs(now).await?;
    let pauses = view.list_pauses().await?;
    drop(view);
    // This process may run no jobs itself.
    jobs::learn_from_others(ctx).await?;
    publish(&Figures::of(&depths, now));
    publish_paused(&pauses);
    let open = pauses.open(&depths);
    publish_needed(|queue| {
        let service_s = ctx.service_times().of(queue).seconds;
        job::need(queue, &open, service_s, now).places
    });
    metrics::gauge!("ticketoverflow_plan_staleness_seconds")
        .set(seating.oldest_mark_s().max(plan_wait(&depths, now)));
    Ok(())
}

/// Sets every gauge to 0: another scheduler publishes them now.
pub(crate) fn clear() {
    publish(&Figures::default());
    publish_paused(&Pauses::default());
    publish_needed(|_| 0);
    metrics::gauge!("ticketoverflow_plan_staleness_seconds").set(0.0);
}

/// The states that have gauges. Of jobs that were completed or cancelled a whole day's would have to
/// be counted each time: `ticketoverflow_jobs_settled_total` counts them as they end.
const COUNTED: [State; 4] = [
    State::Available,
    State::Scheduled,
    State::Running,
    State::Discarded,
];

#[derive(Debug, Default)]
struct Figures {
    jobs: HashMap<(Queue, State, Lane), u64>,
    oldest_s: HashMap<(Queue, Lane), f64>,
}

impl Figures {
    fn of(depths: &[QueueDepth], now: Timestamp) -> Self {
        let mut figures = Self::default();
        for depth in depths {
            *figures
                .jobs
                .entry((depth.queue, depth.state, depth.lane))
                .or_default() += depth.jobs;
            if depth.state == State::Available || depth.state == State::Scheduled {
                let oldest_s = figures
                    .oldest_s
                    .entry((depth.queue, depth.lane))
                    .or_default();
                *oldest_s = oldest_s.max(age_s(depth, now));
            }
        }
        figures
    }
}

fn publish(figures: &Figures) {
    for queue in Queue::ALL {
        for lane in Lane::ALL {
            let (queue_name, lane_name) = (queue.as_str(), lane.as_str());
            for state in COUNTED {
                let jobs = figures.jobs.get(&(queue, state, lane)).copied();
                #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 jobs")]
                metrics::gauge!(
                    "ticketoverflow_jobs",
                    "queue" => queue_name, "state" => state.as_str(), "lane" => lane_name
                )
                .set(jobs.unwrap_or(0) as f64);
            }
            let oldest_s = figures.oldest_s.get(&(queue, lane)).copied();
            metrics::gauge!(
                "ticketoverflow_jobs_oldest_seconds",
                "queue" => queue_name, "lane" => lane_name
            )
            .set(oldest_s.unwrap_or(0.0));
        }
    }
}

/// Of each lane whether operators hold it back, by itself or with its queue.
fn publish_paused(pauses: &Pauses) {
    for queue in Queue::ALL {
        for lane in Lane::ALL {
            metrics::gauge!(
                "ticketoverflow_jobs_paused",
                "queue" => queue.as_str(), "lane" => lane.as_str()
            )
            .set(u32::from(pauses.hold(queue, lane)));
        }
    }
}

/// What an autoscaler asks for: also right while there is no worker at all.
fn publish_needed(needed: impl Fn(Queue) -> u32) {
    for queue in Queue::ALL {
        metrics::gauge!("ticketoverflow_workers_needed", "queue" => queue.as_str())
            .set(f64::from(needed(queue)));
    }
}

/// How long the oldest plan that is ordered and not published has been waiting.
fn plan_wait(depths: &[QueueDepth], now: Timestamp) -> f64 {
    depths
        .iter()
        .filter(|depth| depth.queue == Queue::Plans && !depth.state.is_finished())
        .map(|depth| age_s(depth, now))
        .fold(0.0, f64::max)
}

fn age_s(depth: &QueueDepth, now: Timestamp) -> f64 {
    (now - depth.oldest_run_at).as_seconds_f64().max(0.0)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use domain::clock::from_micros;

    use super::*;

    fn depth(queue: Queue, state: State, lane: Lane, jobs: u64, age_s: i64) -> QueueDepth {
        QueueDepth {
            queue,
            state,
            lane,
            jobs,
            oldest_run_at: now() - TimeDelta::seconds(age_s),
        }
    }

    fn now() -> Timestamp {
        from_micros(1_800_000_000_000_000)
    }

    #[test]
    fn only_jobs_that_wait_have_an_age_and_one_that_is_due_later_has_none() {
        let figures = Figures::of(
            &[
                depth(Queue::Prints, State::Available, Lane::Soon, 7, 3),
                depth(Queue::Prints, State::Scheduled, Lane::Soon, 1, -60),
                depth(Queue::Prints, State::Running, Lane::Soon, 2, 9),
                depth(Queue::Prints, State::Completed, Lane::Soon, 5, 999),
            ],
            now(),
        );
        assert_eq!(
            figures.oldest_s.get(&(Queue::Prints, Lane::Soon)),
            Some(&3.0)
        );
        assert_eq!(
            figures.jobs[&(Queue::Prints, State::Completed, Lane::Soon)],
            5
        );
        assert_eq!(figures.jobs.len(), 4);
    }

    #[test]
    fn a_plan_is_as_stale_as_the_oldest_one_that_is_not_published() {
        let depths = [
            depth(Queue::Plans, State::Running, Lane::Imminent, 1, 4),
            depth(Queue::Plans, State::Available, Lane::Imminent, 1, 2),
            depth(Queue::Plans, State::Completed, Lane::Imminent, 9, 50),
            depth(Queue::Prints, State::Available, Lane::Imminent, 9, 60),
        ];
        assert!((plan_wait(&depths, now()) - 4.0).abs() < f64::EPSILON);
        assert!(plan_wait(&[], now()).abs() < f64::EPSILON);
    }
}
