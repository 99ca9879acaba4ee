//! `bench scale`: a burst of prints for tonight on a pool that has no places: how it grows, and
//! that it goes back to none without flapping.

use std::time::{Duration, Instant};

use anyhow::bail;
use domain::job::Queue;
use serde_json::json;

use super::prints::{self, SoldOut};
use super::{Measured, Outcome, plot};
use crate::args::ScaleBenchArgs;
use crate::config::Config;
use crate::progress::Progress;
use crate::service::{Service, Tweaks};

/// How often the pool is looked at.
const SAMPLE_EVERY: Duration = Duration::from_millis(50);
/// How long the pool needs less than it has before it shrinks: as long as prints for tonight may
/// take, since the need of late work rises until then.
const SHRINK_AFTER: Duration = Duration::from_secs(10);
/// Threads that draw.
const THREADS: usize = 2;
/// How long the prints may take before the benchmark gives up.
const TIMEOUT: Duration = Duration::from_mins(10);
/// How long the pool may take to shrink after the last print.
const BACK_WITHIN: Duration = Duration::from_secs(45);

/// What was seen at a moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    /// Seconds since the burst.
    pub(super) at_s: f64,
    /// Prints that wait or are made.
    pub(super) depth: u64,
    pub(super) places: u32,
    pub(super) target: u32,
}

/// What the samples say.
#[derive(Debug, PartialEq)]
struct Course {
    peak: u32,
    peak_after_s: f64,
    /// Times that it grew after it had shrunk.
    flaps: u32,
    /// From the last print to no places; nothing if that did not come.
    back_after_s: Option<f64>,
}

/// Orders prints, watches the pool until it is back at none, and draws what it saw.
pub(super) async fn run(args: &ScaleBenchArgs) -> anyhow::Result<Outcome> {
    let mut most = 0;
    let small_at_rest = |config: &mut Config| {
        shape(config, args.max_per_thread);
        most = config.workers.places_max(Queue::Prints);
    };
    let (_folder, service) = super::start_as(&args.bench, Tweaks::default(), small_at_rest).await?;
    let engine = args.bench.engine.name();
    let show = SoldOut::in_days(service.context(), 0, args.prints).await?;
    let samples = watch(&service, &show, u64::from(args.prints)).await?;
    service.stop().await?;

    if let Some(path) = &args.plot {
        plot::scale(path, &samples, args.prints)?;
    }
    let course = Course::of(&samples);
    let measured = Measured {
        value: f64::from(course.peak),
        unit: "places",
        baseline: f64::from(most),
        p50_ms: 0.0,
        p99_ms: 0.0,
    };
    let back = course
        .back_after_s
        .map_or("never".to_owned(), |s| format!("{s:.1} s later"));
    let outcome = Outcome::new("scale", engine, &measured, |ratio| {
        format!(
            "scale {engine}: ratio {ratio:.2} (peak of {} places ÷ {most} at most, {:.1} s after a \
             burst of {} prints; flapped {} times; all printed after {:.1} s, no places {back})",
            course.peak,
            course.peak_after_s,
            args.prints,
            course.flaps,
            last_print(&samples),
        )
    });
    Ok(outcome
        .claim(course.flaps == 0, "the pool grew again after it had shrunk")
        .claim(
            course.back_after_s.is_some(),
            "the pool kept places without work",
        )
        .claim(
            course.peak == most,
            "the pool did not grow to its most; try more --prints",
        )
        .with(json!({
            "prints": args.prints,
            "peak_after_s": course.peak_after_s,
            "flaps": course.flaps,
            "back_after_s": course.back_after_s,
            "samples": samples.len(),
        })))
}

/// A pool that has no places at rest.
fn shape(config: &mut Config, max_per_thread: u32) {
    let workers = &mut config.workers;
    // As many on every machine, so that runs can be compared.
    workers.render_threads = THREADS;
    workers.prints.min_per_thread = 0;
    workers.prints.max_per_thread = max_per_thread;
    workers.shrink_after_ms = u64::try_from(SHRINK_AFTER.as_millis()).unwrap_or(u64::MAX);
    workers.resize_interval_ms = 100;
}

async fn watch(service: &Service, show: &SoldOut, all: u64) -> anyhow::Result<Vec<Sample>> {
    let ctx = service.context();
    let begun = Instant::now();
    let mut samples = vec![sample(service, begun, 0)?];
    show.order_prints(ctx).await?;
    let progress = Progress::start("printing", all);
    let mut done_at = None;
    loop {
        let depth = prints::unfinished(ctx).await?;
        let now = sample(service, begun, depth)?;
        samples.push(now);
        progress.set(all - depth.min(all));
        if depth > 0 && begun.elapsed() > TIMEOUT {
            bail!("{depth} prints were not made after {} s", TIMEOUT.as_secs());
        }
        if depth == 0 {
            let done_at = *done_at.get_or_insert_with(Instant::now);
            if now.places == 0 || done_at.elapsed() > BACK_WITHIN {
                break;
            }
        }
        tokio::time::sleep(SAMPLE_EVERY).await;
    }
    progress.done("all printed");
    Ok(samples)
}

fn sample(service: &Service, begun: Instant, depth: u64) -> anyhow::Result<Sample> {
    let pools = service.pools();
    let Some(pool) = pools.iter().find(|pool| pool.queue == Queue::Prints) else {
        bail!("this process prints nothing");
    };
    Ok(Sample {
        at_s: begun.elapsed().as_secs_f64(),
        depth,
        places: pool.places,
        target: pool.target,
    })
}

fn last_print(samples: &[Sample]) -> f64 {
    let busy = samples.iter().rfind(|sample| sample.depth > 0);
    busy.map_or(0.0, |sample| sample.at_s)
}

impl Course {
    fn of(samples: &[Sample]) -> Self {
        let mut course = Self {
            peak: 0,
            peak_after_s: 0.0,
            flaps: 0,
            back_after_s: None,
        };
        let mut shrank = false;
        for pair in samples.windows(2) {
            let (before, now) = (pair[0].places, pair[1].places);
            if now > course.peak {
                (course.peak, course.peak_after_s) = (now, pair[1].at_s);
            }
            course.flaps += u32::from(shrank && now > before);
            // One growth after it shrank is one flap, however many steps it has.
            shrank = now < before || (shrank && now == before);
        }
        let last = samples.last().filter(|last| last.places == 0);
        course.back_after_s = last.map(|last| last.at_s - last_print(samples));
        course
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What places, a second apart, make of a course; work ends in the middle.
    fn course(places: &[u32]) -> Course {
        let half = places.len() / 2;
        let sample = |(at, &places): (usize, &u32)| Sample {
            at_s: f64::from(u32::try_from(at).unwrap()),
            depth: u64::from(at <= half),
            places,
            target: 0,
        };
        Course::of(&places.iter().enumerate().map(sample).collect::<Vec<_>>())
    }

    #[test]
    fn growing_and_then_shrinking_is_no_flapping() {
        let course = course(&[0, 1, 1, 8, 8, 3, 3, 0]);
        assert_eq!((course.peak, course.flaps), (8, 0));
        assert_eq!((course.peak_after_s, course.back_after_s), (3.0, Some(3.0)));
    }

    #[test]
    fn growing_again_is_flapping_and_staying_is_not_coming_back() {
        assert_eq!(course(&[0, 8, 2, 2, 5, 6, 0, 1]).flaps, 2);
        assert_eq!(course(&[0, 8, 8, 8]).back_after_s, None);
    }
}
