//! The report of a run as a page that needs nothing else: no script, no font, no network. It is
//! for those who decide, so it begins with what was promised.

mod chart;
mod figures;
mod tables;

use std::fmt::Write as _;

use self::chart::{Look, Series, Unit, bars, lines};
use self::figures::{Parts, bins};
use crate::record::Kind;
use crate::report::{Report, Second};

/// The page, as HTML.
pub fn page(report: &Report) -> String {
    let mut html = String::with_capacity(128 * 1024);
    let title = escape(&format!("{}: {}", report.scenario, report.about));
    let _ = write!(
        html,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}</title><style>{}</style></head><body><main>",
        include_str!("style.css")
    );
    header(&mut html, report);
    tiles(&mut html, report);
    html.push_str("<div class=\"cards\">");
    plots(&mut html, report);
    tables::promises(&mut html, &report.verdicts);
    tables::requests(&mut html, report);
    tables::sales(&mut html, report);
    html.push_str("</div>");
    footer(&mut html, report);
    html.push_str("</main></body></html>\n");
    html
}

fn header(html: &mut String, report: &Report) {
    let when = chrono::DateTime::from_timestamp(report.started_at, 0)
        .map(|time| time.format("%e %B %Y, %H:%M UTC").to_string())
        .unwrap_or_default();
    let generators = match report.generators {
        1 => "one generator".to_owned(),
        more => format!("{more} generators"),
    };
    let how = match report.mode.as_str() {
        "open" => "customers came on time, however slow the server was (open loop)",
        "closed" => "each customer waited for the last answer (closed loop)",
        _ => "as fast as it goes",
    };
    let _ = write!(
        html,
        "<header><h1>Load test: {}</h1><p>{}</p><p>{} · {} · {} · {generators}, {how}</p></header>",
        escape(&report.scenario),
        escape(&report.about),
        escape(&report.target),
        when.trim(),
        chart::clock(report.elapsed_s.round()),
    );
    let is_sure = report.holds() && report.warnings.is_empty();
    let (class, sign) = match (report.is_broken(), is_sure) {
        (true, _) => ("broken", "✗"),
        (false, true) => ("kept", "✓"),
        (false, false) => ("doubtful", "!"),
    };
    let _ = write!(
        html,
        "<div class=\"verdict {class}\"><b>{sign}</b>{}</div>",
        report.summary()
    );
    for warning in &report.warnings {
        let _ = write!(html, "<div class=\"warning\">{}</div>", escape(warning));
    }
}

fn tiles(html: &mut String, report: &Report) {
    let (all, buys) = (report.all_requests(), report.of_kind(Kind::Buy));
    #[expect(clippy::cast_precision_loss, reason = "at most some hours")]
    let step_s = report.timeline.step_s.max(1) as f64;
    let busiest = report.timeline.steps.values().map(Second::answers).max();
    let peak = Unit::Count.text((figures::exact(busiest.unwrap_or(0)) / step_s).round());
    let ms = tables::milliseconds;
    html.push_str("<div class=\"tiles\">");
    let mut tile = |figure: &str, what: &str| {
        let _ = write!(
            html,
            "<div class=\"tile\"><b>{figure}</b><span>{what}</span></div>"
        );
    };
    let seats: u64 = report.concerts.iter().map(|one| one.capacity).sum();
    tile(
        &grouped(report.bought()),
        &format!("tickets sold, of {} seats", grouped(seats)),
    );
    let refused: u64 = report.concerts.iter().map(|one| one.refused).sum();
    tile(&grouped(refused), "told “sold out”");
    tile(&format!("{peak}/s"), "requests, in the busiest second");
    tile(
        &ms(&buys.latency, 0.5),
        "half of the purchases took at most",
    );
    tile(&ms(&buys.latency, 0.99), "99 of 100 purchases took at most");
    tile(&ms(&all.latency, 1.0), "the longest of all requests");
    let printed: u64 = report.waits.iter().map(|waits| waits.wait.count()).sum();
    if printed > 0 {
        tile(&grouped(printed), "tickets printed");
    }
    html.push_str("</div>");
}

fn plots(html: &mut String, report: &Report) {
    let parts = Parts::of(report);
    plot_requests(html, report, &parts);
    plot_server(html, &parts);
}

fn plot_requests(html: &mut String, report: &Report, parts: &Parts) {
    let seconds = parts.seconds();
    let throughput = [
        area("answers a second", "c1", parts.rate(Second::answers)),
        line("tickets sold", "c4", parts.rate(|one| one.bought)),
        line(
            "too busy, failed, no answer",
            "c3",
            parts.rate(figures::failures),
        ),
    ];
    let plot = lines("Throughput over time", &throughput, seconds, Unit::Count);
    card(
        html,
        "Throughput",
        "What the server answered, second by second.",
        &plot,
    );
    let latency = [
        line("99.9 of 100", "c3", parts.latency(0.999)),
        line("99 of 100", "c2", parts.latency(0.99)),
        line("half", "c1", parts.latency(0.5)),
    ];
    let plot = lines("Latency over time", &latency, seconds, Unit::LogMs);
    let hint = "So many requests were answered within this time of being due. One line up is ten \
                times as long.";
    card(html, "Latency over time", hint, &plot);
    let all = report.all_requests().latency;
    let marks = [
        ("half", "c1", all.ms(0.5)),
        ("99 of 100", "c2", all.ms(0.99)),
        ("99.9 of 100", "c3", all.ms(0.999)),
    ];
    // What was not measured has no place on the axis.
    let marks = if all.count() == 0 { &[] } else { &marks[..] };
    let plot = bars("Histogram of latency", &bins(&all), marks);
    card(
        html,
        "Latency of all requests",
        "How many requests took how long.",
        &plot,
    );
}

fn plot_server(html: &mut String, parts: &Parts) {
    let seconds = parts.seconds();
    let queue = [
        area(
            "prints that wait",
            "c2",
            parts.gauge(|one| one.prints_waiting),
        ),
        line("jobs that run", "c1", parts.gauge(|one| one.running)),
        line("places of the workers", "c4", parts.gauge(|one| one.places)),
    ];
    let plot = lines("Queue and workers over time", &queue, seconds, Unit::Count);
    card(
        html,
        "Queue and workers",
        "As the server says it in its metrics.",
        &plot,
    );
    let stale = [
        area(
            "as the server says",
            "c1",
            parts.gauge(|one| one.plan_stale_s),
        ),
        Series {
            look: Look::Dots,
            ..line("as fetched", "c3", parts.stale())
        },
    ];
    let plot = lines(
        "Age of seating plans over time",
        &stale,
        seconds,
        Unit::Seconds,
    );
    let hint = "How long ago the oldest sale was that the seating plan did not show.";
    card(html, "Age of seating plans", hint, &plot);
    let here = [
        area(
            "customers who were there",
            "c1",
            parts.highest(|one| one.here),
        ),
        line("came in a second", "c4", parts.rate(|one| one.arrived)),
    ];
    let plot = lines("Customers over time", &here, seconds, Unit::Count);
    card(
        html,
        "Customers",
        "Those who came, and those who were waiting or reading.",
        &plot,
    );
}

fn line(name: &'static str, class: &'static str, values: Vec<Option<f64>>) -> Series {
    Series {
        name,
        class,
        values,
        look: Look::Line,
    }
}

fn area(name: &'static str, class: &'static str, values: Vec<Option<f64>>) -> Series {
    Series {
        look: Look::Area,
        ..line(name, class, values)
    }
}

fn card(html: &mut String, title: &str, hint: &str, body: &str) {
    let _ = write!(
        html,
        "<section class=\"card\"><h2>{title}</h2><p class=\"hint\">{hint}</p>{body}</section>"
    );
}

fn footer(html: &mut String, report: &Report) {
    let generator = &report.generator;
    let _ = write!(
        html,
        "<footer>Generator: {}, {} opened of {} at most, {:.1} µs of processor time a request; 99 of \
         100 visits began at most {} late",
        several(generator.threads, "thread"),
        several(generator.opened, "connection"),
        grouped(generator.connections),
        report.cpu_us_each(),
        tables::milliseconds(&generator.lateness, 0.99),
    );
    if generator.handshakes.count() > 0 {
        let _ = write!(
            html,
            " · TLS: {}, half within {}, 99 of 100 within {}",
            several(generator.handshakes.count(), "handshake"),
            tables::milliseconds(&generator.handshakes, 0.5),
            tables::milliseconds(&generator.handshakes, 0.99),
        );
    }
    let server = &report.server;
    for (what, bytes) in [
        ("memory of the server, at most", server.rss_max),
        ("ledger", server.ledger_bytes),
        ("other files", server.other_bytes),
    ] {
        if let Some(bytes) = bytes {
            let _ = write!(html, " · {what} {} MB", grouped(bytes.div_ceil(1_000_000)));
        }
    }
    html.push_str("</footer>");
}

/// A number of things, with an s when they are several.
fn several(number: u64, thing: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {thing}{ending}", grouped(number))
}

/// A number with commas between the thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            other => safe.push(other),
        }
    }
    safe
}
