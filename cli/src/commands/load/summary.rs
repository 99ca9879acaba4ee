//! The end of a run on the terminal: figures, warnings, and a line for each promise.

use loadtest::{Kind, Latency, LoadReport, Requests};

use crate::out::{grouped, line, rate, several};

/// Prints everything; the promises last.
pub(super) fn print(report: &LoadReport) {
    let generators = match report.generators {
        1 => String::new(),
        more => format!(", {more} generators"),
    };
    line(format!(
        "{} against {}, {} loop{generators}, {:.1} s",
        report.scenario, report.target, report.mode, report.elapsed_s
    ));
    line("");
    line(format!(
        "{:16} {:>10} {:>9} {:>9} {:>9} {:>9} {:>9}  answers",
        "", "requests", "per s", "p50 ms", "p99 ms", "p99.9 ms", "max ms"
    ));
    for (kind, requests) in &report.requests {
        row(kind.name(), requests, report.elapsed_s);
    }
    if report.requests.len() > 1 {
        let waited = report.requests.contains_key(&Kind::Poll);
        let all = if waited { "all but waiting" } else { "all" };
        row(all, &report.all_requests(), report.elapsed_s);
    }
    for waits in &report.waits {
        let urgent = if waits.urgent { ", urgent" } else { "" };
        line(format!(
            "prints of {}{urgent}: {} made, {} after the order",
            waits.crowd,
            grouped(waits.wait.count()),
            quantiles(&waits.wait)
        ));
    }
    line("");
    concerts(report);
    machines(report);
    for warning in &report.warnings {
        line(format!("warning: {warning}"));
    }
    line("");
    report.verdicts.iter().for_each(line);
    line("");
    line(report.summary());
}

fn row(name: &str, requests: &Requests, elapsed_s: f64) {
    let answers = requests.answers();
    let mut statuses: Vec<_> = requests
        .by_status
        .iter()
        .map(|(status, count)| format!("{status}: {}", grouped(*count)))
        .collect();
    if requests.unanswered > 0 {
        statuses.push(format!("none: {}", grouped(requests.unanswered)));
    }
    let statuses = statuses.join(", ");
    let latency = &requests.latency;
    line(format!(
        "{name:16} {:>10} {:>9} {:>9} {:>9} {:>9} {:>9}  {statuses}",
        grouped(answers),
        rate(per_second(answers, elapsed_s)),
        ms(latency, 0.5),
        ms(latency, 0.99),
        ms(latency, 0.999),
        ms(latency, 1.0),
    ));
}

fn concerts(report: &LoadReport) {
    let sum = |each: fn(&loadtest::ConcertSales) -> u64| report.concerts.iter().map(each).sum();
    let (seats, bought, refused): (u64, u64, u64) = (
        sum(|one| one.capacity),
        sum(|one| one.bought),
        sum(|one| one.refused),
    );
    line(format!(
        "{} with {} seats: {} tickets bought, {} customers told \"sold out\", {} listed",
        several(
            u64::try_from(report.concerts.len()).unwrap_or(u64::MAX),
            "concert"
        ),
        grouped(seats),
        grouped(bought),
        grouped(refused),
        grouped(sum(|one| one.listed)),
    ));
}

fn machines(report: &LoadReport) {
    let generator = &report.generator;
    line(format!(
        "generator: {}, {} opened, {:.1} µs of processor time a request, \
         visits began {} ms late (p99)",
        several(generator.threads, "thread"),
        several(generator.opened, "connection"),
        report.cpu_us_each(),
        match generator.lateness.count() {
            0 => "–".into(),
            _ => format!("{:.2}", generator.lateness.ms(0.99)),
        },
    ));
    if generator.handshakes.count() > 0 {
        line(format!(
            "TLS: {}, {}",
            several(generator.handshakes.count(), "handshake"),
            quantiles(&generator.handshakes)
        ));
    }
    if generator.resent > 0 {
        line(format!(
            "{} sent again, as the server had closed an idle connection",
            several(generator.resent, "request")
        ));
    }
    let megabytes = |bytes: u64| format!("{} MB", grouped(bytes.div_ceil(1_000_000)));
    let server = &report.server;
    let seen: Vec<_> = [
        ("memory at most", server.rss_max),
        ("ledger", server.ledger_bytes),
        ("other files", server.other_bytes),
    ]
    .into_iter()
    .filter_map(|(what, bytes)| Some(format!("{what} {}", megabytes(bytes?))))
    .collect();
    if !seen.is_empty() {
        line(format!("server: {}", seen.join(", ")));
    }
}

fn quantiles(latency: &Latency) -> String {
    if latency.count() == 0 {
        return "–".into();
    }
    format!(
        "p50 {:.0} ms, p99 {:.0} ms, at most {:.0} ms",
        latency.ms(0.5),
        latency.ms(0.99),
        latency.max_ms()
    )
}

/// A quantile in milliseconds, 1 for the longest; a dash where there is nothing.
pub(super) fn ms(latency: &Latency, quantile: f64) -> String {
    match latency.count() {
        0 => "–".into(),
        _ if quantile >= 1.0 => format!("{:.1}", latency.max_ms()),
        _ => format!("{:.1}", latency.ms(quantile)),
    }
}

/// A rate over a time.
pub(super) fn per_second(count: u64, seconds: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "rates are for people")]
    let count = count as f64;
    count / seconds.max(0.001)
}
