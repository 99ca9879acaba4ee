//! What makes the figures of a run doubtful.

use super::{Cut, Gathered, Options};
use crate::drive::{Mode, Plan};
use crate::record::{Interval, Kind, Requests};
use crate::scenario::Step;

/// A generator of which so large a part of the visits began late is a bottleneck.
const LATE_SHARE_MAX: f64 = 0.01;
/// One of which a thread was so busy for a second is one, too.
const BUSY_MAX: f64 = 0.9;

/// Requests that half of the time wait so much longer for a connection than for their answer tell of
/// the connections more than of the server.
const WAITING_MS_MAX: f64 = 5.0;

/// The most causes that are warned of; all of them stand in the result.
const CAUSES_MAX: usize = 5;

pub(super) fn warnings(options: &Options, plan: &Plan, gathered: &Gathered) -> Vec<String> {
    let total = &gathered.total;
    let mut warnings = Vec::new();
    warnings.extend(cut_short(options, plan, gathered));
    warnings.extend(unsent(total));
    let share = ratio(total.late, total.arrived);
    if share > LATE_SHARE_MAX {
        warnings.push(format!(
            "the generator was slow: {:.1} % of the visits began late although connections were \
             free. Give it more threads, another machine, or a lower rate",
            share * 100.0
        ));
    }
    // At full speed a busy generator is what was asked for; its processor time is told anyway.
    if gathered.busiest > BUSY_MAX && options.mode != Mode::Max {
        warnings.push(format!(
            "the generator was busy: a thread used {:.0} % of a processor for a second; latencies \
             may be its own. Give it more threads or another machine",
            gathered.busiest * 100.0
        ));
    }
    if options.mode == Mode::Max && gathered.busiest > BUSY_MAX && plan.threads == 1 {
        warnings.push(
            "the only thread of the generator was busy all of the time: the server may be faster. \
             Try --threads 2"
                .into(),
        );
    }
    warnings.extend(starved(total, plan.connections));
    if total.turned_away > 0 {
        warnings.push(format!(
            "{} customers were not sent because too many waited already; latencies would be worse \
             with them",
            total.turned_away
        ));
    }
    let causes = total.causes.lines();
    let more = causes.len().saturating_sub(CAUSES_MAX);
    warnings.extend(causes.into_iter().take(CAUSES_MAX));
    if more > 0 {
        warnings.push(format!("requests failed for {more} more reasons"));
    }
    if total.unserved > 0 {
        warnings.push(format!(
            "{} customers who wanted to buy left with neither a ticket nor the word that it is \
             sold out",
            total.unserved
        ));
    }
    let buys = total.requests.get(&Kind::Buy);
    if options.scenario.has(Step::Buy) && buys.is_none_or(|buys| buys.answers() == 0) {
        warnings.push("nobody bought anything".into());
    }
    warnings
}

fn cut_short(options: &Options, plan: &Plan, gathered: &Gathered) -> Option<String> {
    let why = match gathered.cut? {
        Cut::Signal => "a signal".to_owned(),
        Cut::Limit => format!(
            "its limit of {} s (--duration-max)",
            options.limit.as_secs_f64()
        ),
    };
    Some(format!(
        "the run was cut short by {why}: {} of at most {} customers had come and left",
        gathered.total.left,
        plan.scenario.customers()
    ))
}

/// What the generator could not send, which is a fault of its own machine.
fn unsent(total: &Interval) -> Option<String> {
    let first = total.unsent.details.first()?;
    Some(format!(
        "{} requests were not sent, which is no fault of the server's: {first}. Raise the limit of \
         open files (ulimit -n), give fewer --connections, or add generators",
        total.unsent.count
    ))
}

/// Waiting for a connection is no lateness, as one that is free would have been used.
fn starved(total: &Interval, connections: usize) -> Option<String> {
    let mut all = Requests::default();
    for (_, requests) in total
        .requests
        .iter()
        .filter(|(kind, _)| **kind != Kind::Poll)
    {
        all.add(requests);
    }
    let (latency, service) = (all.latency.ms(0.5), all.service.ms(0.5));
    (latency - service > service.max(WAITING_MS_MAX)).then(|| {
        format!(
            "requests waited longer for one of {connections} connections than for an answer: \
             half took {latency:.0} ms, though the server had answered half after \
             {service:.1} ms. Unless it is to have no more of them, give --connections"
        )
    })
}

fn ratio(part: u64, whole: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    let (part, whole) = (part as f64, whole.max(1) as f64);
    part / whole
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_generator_with_too_few_connections_says_so() {
        let seen = |latency_ms, service_ms| {
            let mut total = Interval::default();
            let (latency, service) = (
                Duration::from_millis(latency_ms),
                Duration::from_millis(service_ms),
            );
            total.answered(Kind::Buy, 201, latency, service);
            starved(&total, 1)
        };
        assert!(seen(256, 1).is_some_and(|warning| warning.contains("of 1 connections")));
        // A slow server is no lack of connections, nor is a pause of some milliseconds.
        for (latency_ms, service_ms) in [(256, 250), (256, 200), (4, 1), (1, 1)] {
            assert_eq!(seen(latency_ms, service_ms), None);
        }
    }
}
