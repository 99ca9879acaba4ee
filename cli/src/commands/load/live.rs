//! How a run goes: some lines that change on a terminal, a line now and then elsewhere.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use loadtest::{Kind, Moment, Second};

use super::summary::ms;
use crate::out::{grouped, rate};

/// Seconds between two lines where no terminal is.
const LINE_EVERY: u64 = 5;

/// Shows a run on standard error.
#[derive(Debug)]
pub(super) struct Live {
    bar: Option<ProgressBar>,
    audits: bool,
}

impl Live {
    pub(super) fn start(about: &str) -> Self {
        plain(about);
        let bar = std::io::stderr().is_terminal().then(|| {
            let template =
                "{bar:40.cyan/blue} {human_pos}/{human_len} customers [{elapsed}]\n{msg}";
            let style = ProgressStyle::with_template(template).expect("it is well-formed");
            let bar = ProgressBar::new(1).with_style(style);
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self { bar, audits: false }
    }

    pub(super) fn tell(&mut self, moment: &Moment<'_>) {
        if moment.auditing {
            if !self.audits {
                self.audits = true;
                self.say("everybody has left; reading what they bought");
            }
            return;
        }
        if let Some(bar) = &self.bar {
            bar.set_length(moment.customers);
            bar.set_position(moment.total.left);
            bar.set_message(block(moment));
        } else if moment.elapsed.as_secs().is_multiple_of(LINE_EVERY)
            || moment.elapsed.as_secs() == 1
        {
            plain(&one_line(moment));
        }
    }

    fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(text.to_owned()),
            None => plain(text),
        }
    }

    pub(super) fn end(self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn one_line(moment: &Moment<'_>) -> String {
    let second = moment.second;
    let plans = second.plan_stale_s.or(second.sample.plan_stale_s);
    format!(
        "{:>5} s  {:>7}/s  p50 {:>7} ms  p99 {:>7} ms  p99.9 {:>7} ms  sold {}  printed {}  \
         plans {} s behind  {}",
        moment.elapsed.as_secs(),
        rate(count(second.answers())),
        ms(&second.latency, 0.5),
        ms(&second.latency, 0.99),
        ms(&second.latency, 0.999),
        grouped(moment.total.count(Kind::Buy, 201)),
        grouped(printed(moment)),
        figure(plans, 1),
        statuses(second),
    )
}

/// A figure with so many digits after the point; a dash where there is none.
fn figure(figure: Option<f64>, digits: usize) -> String {
    figure.map_or("–".into(), |value| format!("{value:.digits$}"))
}

fn block(moment: &Moment<'_>) -> String {
    let second = moment.second;
    let mut lines = vec![
        format!(
            "  requests {:>8}/s   p50 {} ms   p99 {} ms   p99.9 {} ms   {}",
            rate(count(second.answers())),
            ms(&second.latency, 0.5),
            ms(&second.latency, 0.99),
            ms(&second.latency, 0.999),
            statuses(second),
        ),
        format!(
            "  sold {:>12}   printed {}   here {}   sold out {}",
            grouped(moment.total.count(Kind::Buy, 201)),
            grouped(printed(moment)),
            grouped(second.here),
            grouped(moment.total.count(Kind::Buy, 422)),
        ),
    ];
    let sample = &second.sample;
    lines.push(format!(
        "  server: {} prints wait, {} jobs run in {} places, plans {} s behind",
        figure(sample.prints_waiting, 0),
        figure(sample.running, 0),
        figure(sample.places, 0),
        figure(sample.plan_stale_s, 1),
    ));
    let faults: u64 = moment
        .total
        .faults
        .values()
        .map(|faults| faults.count)
        .sum();
    let total = moment.total;
    let unsent = total.unsent.count + total.turned_away;
    if faults > 0 || total.errors.count > 0 || total.unanswered > 0 || unsent > 0 {
        lines.push(format!(
            "  {} broken promises, {} customers not served, {} requests without an answer, {} not \
             sent",
            grouped(faults),
            grouped(total.unanswered),
            grouped(total.errors.count),
            grouped(unsent),
        ));
    }
    lines.join("\n")
}

fn printed(moment: &Moment<'_>) -> u64 {
    moment
        .total
        .waits
        .values()
        .map(loadtest::Latency::count)
        .sum()
}

fn statuses(second: &Second) -> String {
    let mut parts: Vec<_> = second
        .by_status
        .iter()
        .map(|(status, count)| format!("{status}: {}", grouped(*count)))
        .collect();
    if second.unanswered > 0 {
        parts.push(format!("none: {}", grouped(second.unanswered)));
    }
    parts.join("  ")
}

fn count(count: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "rates are for people")]
    let count = count as f64;
    count
}

pub(super) fn plain(text: &str) {
    // Nobody to tell it to is no reason to stop working.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use loadtest::Interval;

    use super::*;

    #[test]
    fn a_second_without_answers_has_no_latency() {
        let mut second = Second::default();
        let total = Interval::default();
        let told = |second: &Second| {
            let moment = Moment {
                auditing: false,
                elapsed: Duration::from_secs(1),
                customers: 1,
                second,
                total: &total,
            };
            (one_line(&moment), block(&moment))
        };
        let (line, lines) = told(&second);
        assert!(line.contains("p50       – ms  p99       – ms"), "{line}");
        assert!(line.contains("plans – s behind"), "{line}");
        assert!(
            lines.contains("p50 – ms   p99 – ms   p99.9 – ms"),
            "{lines}"
        );
        second.latency.record(Duration::from_micros(1_500));
        let (line, lines) = told(&second);
        assert!(line.contains("p50     1.5 ms  p99     1.5 ms"), "{line}");
        assert!(lines.contains("p50 1.5 ms   p99 1.5 ms"), "{lines}");
    }
}
