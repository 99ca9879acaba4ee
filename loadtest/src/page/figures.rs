//! What the plots show: a run's seconds, put together so that there are not too many of them.

use crate::histogram::Latency;
use crate::report::{Report, Second};
use crate::watch::Sample;

/// The most points of a line.
const PARTS_MAX: usize = 240;
/// Bars of a decade of the histogram.
const BINS_PER_DECADE: i32 = 10;

/// Equal parts of a run.
#[derive(Debug)]
pub(super) struct Parts {
    parts: Vec<Second>,
    width_s: f64,
}

impl Parts {
    pub(super) fn of(report: &Report) -> Self {
        let (steps, step_s) = (&report.timeline.steps, report.timeline.step_s.max(1));
        let ends = (steps.first_key_value(), steps.last_key_value());
        let (first, last) = match ends {
            (Some((first, _)), Some((last, _))) => (*first, *last),
            _ => (0, 0),
        };
        let all = usize::try_from((last - first) / step_s).unwrap_or(0) + 1;
        let joined = all.div_ceil(PARTS_MAX);
        let mut parts = vec![Second::default(); all.div_ceil(joined)];
        for (at, step) in steps {
            let place = usize::try_from((at - first) / step_s).unwrap_or(0) / joined;
            parts[place].follow(step);
        }
        #[expect(clippy::cast_precision_loss, reason = "at most some hours")]
        let width_s = joined as f64 * step_s as f64;
        Self { parts, width_s }
    }

    /// The time of all parts.
    pub(super) fn seconds(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "at most 240 parts")]
        let parts = self.parts.len() as f64;
        parts * self.width_s
    }

    /// How much of something there was in a second.
    pub(super) fn rate(&self, count: impl Fn(&Second) -> u64) -> Vec<Option<f64>> {
        let each = |part: &Second| exact(count(part)) / self.width_s;
        self.parts.iter().map(|part| Some(each(part))).collect()
    }

    /// The most of something.
    pub(super) fn highest(&self, count: impl Fn(&Second) -> u64) -> Vec<Option<f64>> {
        self.parts
            .iter()
            .map(|second| Some(exact(count(second))))
            .collect()
    }

    /// A quantile of the latency, in milliseconds, where there was any.
    pub(super) fn latency(&self, quantile: f64) -> Vec<Option<f64>> {
        let each = |latency: &Latency| (latency.count() > 0).then(|| latency.ms(quantile));
        self.parts
            .iter()
            .map(|second| each(&second.latency))
            .collect()
    }

    /// What the server said of itself at the end of each part.
    pub(super) fn gauge(&self, figure: impl Fn(&Sample) -> Option<f64>) -> Vec<Option<f64>> {
        self.parts
            .iter()
            .map(|second| figure(&second.sample))
            .collect()
    }

    /// The age of the stalest plan that was fetched.
    pub(super) fn stale(&self) -> Vec<Option<f64>> {
        self.parts
            .iter()
            .map(|second| second.plan_stale_s)
            .collect()
    }
}

/// Requests that failed for the server's or the network's sake.
pub(super) fn failures(second: &Second) -> u64 {
    let failed = second
        .by_status
        .iter()
        .filter(|(status, _)| **status >= 500);
    failed.map(|(_, count)| count).sum::<u64>() + second.unanswered
}

/// How many latencies lie in each of the equal parts of the decades that they span: from and to in
/// milliseconds, and their number.
pub(super) fn bins(latency: &Latency) -> Vec<(f64, f64, u64)> {
    if latency.count() == 0 {
        return Vec::new();
    }
    let edge = |bin: i32| 10f64.powf(f64::from(bin) / f64::from(BINS_PER_DECADE));
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a logarithm of minutes is small"
    )]
    let bin_of = |ms: f64| (ms.max(0.001).log10() * f64::from(BINS_PER_DECADE)).floor() as i32;
    let (first, last) = (bin_of(latency.ms(0.0)), bin_of(latency.max_ms()));
    // A histogram of a single bar says nothing of its width.
    let (first, last) = (first.min(last - BINS_PER_DECADE / 2), last.max(first) + 1);
    (first..=last)
        .map(|bin| {
            let (from, to) = (edge(bin), edge(bin + 1));
            let count = latency.between(micros(from), micros(to).saturating_sub(1));
            (from, to, count)
        })
        .collect()
}

/// What a promise means, for those who have not made it.
pub(super) fn meaning(name: &str) -> &'static str {
    match name {
        "P1 oversold" => "tickets sold beyond the seats that there are",
        "P2 undersold" => "seats left although a customer was told “sold out”",
        "P2 unserved" => {
            "customers who got no answer or a failure, or were sent away as often as they asked"
        }
        "P3 lost" => "tickets that were acknowledged and are not there",
        "P4 sold-twice" => "purchases that were given somebody else’s ticket",
        "P4 duplicate-ids" => "tickets that are listed twice",
        "P5 not-printed" => "prints that were ordered and never made",
        "P5 printed-without-print" => "tickets said to be printed whose print cannot be fetched",
        "P6 stale-bytes" => "prints handed out that show what is no longer so",
        "P7 urgent-p99" => "99 of 100 prints for tonight were made within this time",
        "P8 plan-staleness" => "the oldest sale that a seating plan did not show",
        "P8 plan-back" => "seating plans that took back a sale",
        "P8 plan-ahead" => "seating plans that show more sales than there were",
        "P9 wrong-answers" => "answers that the interface does not foresee",
        "P9 list-differs" => "things that lists show differently from what they are by themselves",
        "P9 not-audited" => "audits that could not read what the server keeps",
        "P9 unknown-names" => "tickets of users whom nobody knows",
        "P9 status-differs" => "sold-out concerts that do not say so",
        _ => "",
    }
}

pub(super) fn exact(count: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "pictures need no 2^53")]
    let count = count as f64;
    count
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a latency is positive and at most some minutes"
)]
fn micros(ms: f64) -> u64 {
    (ms * 1_000.0).round().max(1.0) as u64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_latency_is_in_one_bar() {
        let mut latency = Latency::default();
        for micros in [90u64, 100, 101, 999, 1_000, 12_345, 1_999_999] {
            latency.record(Duration::from_micros(micros));
        }
        let bars = bins(&latency);
        assert_eq!(bars.iter().map(|bar| bar.2).sum::<u64>(), 7);
        assert!(bars.len() > 20 && bins(&Latency::default()).is_empty());
    }
}
