//! The tables of the page.

use std::fmt::Write as _;

use super::chart::Unit;
use super::{escape, figures, grouped};
use crate::histogram::Latency;
use crate::report::Report;
use crate::verdict::Verdict;

/// The most concerts that the page lists.
const CONCERTS_MAX: usize = 30;

/// The verdict stands beside the name, where a narrow screen shows it, too.
pub(super) fn promises(html: &mut String, verdicts: &[Verdict]) {
    html.push_str(
        "<section class=\"card wide\"><h2>Promises</h2><p class=\"hint\">What was promised, and \
         what was found.</p><table><tr><th scope=\"col\">Promise</th>\
         <th scope=\"col\">Verdict</th><th scope=\"col\">Found</th></tr>",
    );
    for verdict in verdicts {
        let (class, word) = match (verdict.ok, verdict.unmeasured) {
            (true, _) => ("ok", "✓ kept"),
            (false, true) => ("unknown", "– not measured"),
            (false, false) => ("not", "✗ broken"),
        };
        let _ = write!(
            html,
            "<tr><th scope=\"row\">{} <span class=\"hint\">{}</span></th>\
             <td class=\"{class}\">{word}</td><td>{}</td></tr>",
            escape(&verdict.name),
            figures::meaning(&verdict.name),
            escape(&verdict.found_text()),
        );
        for detail in &verdict.details {
            let _ = write!(
                html,
                "<tr><td class=\"details\" colspan=\"3\">{}</td></tr>",
                escape(detail)
            );
        }
    }
    html.push_str("</table></section>");
}

pub(super) fn requests(html: &mut String, report: &Report) {
    html.push_str(
        "<section class=\"card wide\"><h2>Requests</h2><p class=\"hint\">Latency counts from the \
         moment when a request was due; “service” from the moment when it was sent.</p><table>\
         <tr><th scope=\"col\"></th><th scope=\"col\">requests</th><th scope=\"col\">half (p50)</th>\
         <th scope=\"col\">99 of 100 (p99)</th><th scope=\"col\">99.9 of 100 (p99.9)</th>\
         <th scope=\"col\">longest</th><th scope=\"col\">service p99</th><th scope=\"col\">answers</th></tr>",
    );
    for (kind, requests) in &report.requests {
        let ms = |quantile| milliseconds(&requests.latency, quantile);
        let mut statuses: Vec<_> = requests
            .by_status
            .iter()
            .map(|(status, count)| format!("{status}: {}", grouped(*count)))
            .collect();
        if requests.unanswered > 0 {
            statuses.push(format!("none: {}", grouped(requests.unanswered)));
        }
        let _ = write!(
            html,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>\
             <td>{}</td></tr>",
            kind.name(),
            grouped(requests.answers()),
            ms(0.5),
            ms(0.99),
            ms(0.999),
            ms(1.0),
            milliseconds(&requests.service, 0.99),
            statuses.join(", "),
        );
    }
    html.push_str("</table></section>");
}

pub(super) fn sales(html: &mut String, report: &Report) {
    html.push_str(
        "<section class=\"card wide\"><h2>Concerts</h2><table><tr><th scope=\"col\"></th><th scope=\"col\">seats</th>\
         <th scope=\"col\">sold</th><th scope=\"col\">told “sold out”</th><th scope=\"col\">listed at the end</th></tr>",
    );
    for concert in report.concerts.iter().take(CONCERTS_MAX) {
        let _ = write!(
            html,
            "<tr><th scope=\"row\">{} <span class=\"hint\">{}</span></th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(&concert.key),
            escape(&concert.id),
            grouped(concert.capacity),
            grouped(concert.bought),
            grouped(concert.refused),
            grouped(concert.listed),
        );
    }
    html.push_str("</table>");
    let more = report.concerts.len().saturating_sub(CONCERTS_MAX);
    if more > 0 {
        let _ = write!(html, "<p class=\"hint\">and {more} more</p>");
    }
    if !report.waits.is_empty() {
        html.push_str(
            "<h2>Prints</h2><table><tr><th scope=\"col\"></th><th scope=\"col\">printed</th><th scope=\"col\">half within</th>\
             <th scope=\"col\">99 of 100 within</th><th scope=\"col\">the last one after</th></tr>",
        );
        for waits in &report.waits {
            let _ = write!(
                html,
                "<tr><th scope=\"row\">{}{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                escape(&waits.crowd),
                if waits.urgent { " (urgent)" } else { "" },
                grouped(waits.wait.count()),
                milliseconds(&waits.wait, 0.5),
                milliseconds(&waits.wait, 0.99),
                milliseconds(&waits.wait, 1.0),
            );
        }
        html.push_str("</table>");
    }
    html.push_str("</section>");
}

/// A quantile of some times, 1 for the longest; a dash if there is none.
pub(super) fn milliseconds(times: &Latency, quantile: f64) -> String {
    match times.count() {
        0 => "–".into(),
        _ if quantile >= 1.0 => Unit::LogMs.text(times.max_ms()),
        _ => Unit::LogMs.text(times.ms(quantile)),
    }
}
