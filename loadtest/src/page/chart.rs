//! Plots as SVG, coloured by the page's style sheet, so that they follow light and dark.

mod axis;
mod labels;
mod units;

use std::fmt::Write as _;

use self::axis::{Axis, grid, time_axis, x_label};
use self::labels::label_places;
pub(super) use self::units::{Unit, clock};

/// The size of a plot and of what is around it, in the units of its view box.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 230.0;
const LEFT: f64 = 66.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 34.0;

/// A line over time.
#[derive(Debug)]
pub(super) struct Series {
    /// As the legend has it.
    pub(super) name: &'static str,
    /// The class of its colour.
    pub(super) class: &'static str,
    /// A value for each of the equal parts of the time; nothing where there is none.
    pub(super) values: Vec<Option<f64>>,
    /// How it is drawn.
    pub(super) look: Look,
}

/// How values are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// A line.
    Line,
    /// A line with what is below it.
    Area,
    /// A dot for each: what was looked at now and then.
    Dots,
}

/// Lines over `seconds`, with what each part of the time says when one points at it.
pub(super) fn lines(label: &str, series: &[Series], seconds: f64, unit: Unit) -> String {
    let seen = |one: &&Series| one.values.iter().any(Option::is_some);
    let series: Vec<_> = series.iter().filter(seen).collect();
    let values = series
        .iter()
        .flat_map(|one| one.values.iter().flatten().copied());
    let axis = Axis::of(unit, values);
    let mut svg = open(label, &highest(&series, unit));
    grid(&mut svg, axis, unit);
    time_axis(&mut svg, seconds);
    let parts = series.iter().map(|one| one.values.len()).max().unwrap_or(0);
    for one in &series {
        draw(&mut svg, one, axis, parts);
    }
    for at in 0..parts {
        let mut words = format!("after {}", clock(seconds * exact(at) / exact(parts)));
        for one in &series {
            if let Some(Some(value)) = one.values.get(at) {
                let _ = write!(words, "\n{} {}", one.name, unit.text(*value));
            }
        }
        let width = plot_width() / exact(parts);
        let x = LEFT + width * exact(at);
        let height = HEIGHT - TOP - BOTTOM;
        let _ = write!(
            svg,
            "<rect class=\"hit\" x=\"{x:.1}\" y=\"{TOP}\" width=\"{width:.2}\" \
             height=\"{height}\"><title>{words}</title></rect>"
        );
    }
    svg.push_str("</svg></div>");
    svg + &legend(&series)
}

/// Bars over a logarithmic axis of time, with marks at some of them.
pub(super) fn bars(
    label: &str,
    bins: &[(f64, f64, u64)],
    marks: &[(&'static str, &'static str, f64)],
) -> String {
    let highest = bins.iter().map(|bin| bin.2).max().unwrap_or(0);
    let axis = Axis::of(Unit::Count, std::iter::once(exact_u64(highest)));
    let figures: Vec<_> = marks
        .iter()
        .map(|(name, _, ms)| format!("{name} {}", Unit::LogMs.text(*ms)))
        .collect();
    let mut svg = open(label, &figures.join(", "));
    grid(&mut svg, axis, Unit::Count);
    let (low, high) = match (bins.first(), bins.last()) {
        (Some(first), Some(last)) => (first.0, last.1),
        _ => (1.0, 10.0),
    };
    let x = |ms: f64| LEFT + plot_width() * (ms / low).log10() / (high / low).log10();
    for (from, to, count) in bins {
        let (left, right) = (x(*from), x(*to));
        let top = axis.y(exact_u64(*count));
        let _ = write!(
            svg,
            "<rect class=\"bar\" x=\"{:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\">\
             <title>{} to {}: {count} requests</title></rect>",
            left + 0.5,
            (right - left - 1.0).max(0.5),
            HEIGHT - BOTTOM - top,
            Unit::LogMs.text(*from),
            Unit::LogMs.text(*to),
        );
    }
    let mut decade = 10f64.powf(low.log10().ceil());
    while decade <= high * 1.001 {
        x_label(&mut svg, x(decade), &Unit::LogMs.text(decade));
        decade *= 10.0;
    }
    let places: Vec<_> = marks
        .iter()
        .map(|mark| x(mark.2.clamp(low, high)))
        .collect();
    let labels = label_places(&places);
    for ((name, class, ms), (place, label)) in marks.iter().zip(places.iter().zip(labels)) {
        let top = TOP + 18.0 * exact(label.row);
        let (anchor, beside) = if label.left {
            ("end", -5.0)
        } else {
            ("start", 5.0)
        };
        let _ = write!(
            svg,
            "<line class=\"mark {class}\" x1=\"{place:.1}\" x2=\"{place:.1}\" y1=\"{top}\" \
             y2=\"{:.1}\"/><text class=\"mark-text\" x=\"{:.1}\" y=\"{:.1}\" \
             text-anchor=\"{anchor}\">{name} {}</text>",
            HEIGHT - BOTTOM,
            place + beside,
            top + 13.0,
            Unit::LogMs.text(*ms),
        );
    }
    svg.push_str("</svg></div>");
    svg
}

/// Begins a plot, with its figures for those who do not see it.
fn open(label: &str, figures: &str) -> String {
    format!(
        "<div class=\"plot\"><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"{label}: {figures}\">"
    )
}

/// The highest value of each line, in words.
fn highest(series: &[&Series], unit: Unit) -> String {
    let all = series.iter().map(|one| {
        let highest = one.values.iter().flatten().copied().fold(0.0, f64::max);
        format!("{} at most {}", one.name, unit.text(highest))
    });
    let all: Vec<_> = all.collect();
    if all.is_empty() {
        return "no figures".into();
    }
    all.join(", ")
}

fn draw(svg: &mut String, series: &Series, axis: Axis, parts: usize) {
    let x = |at: usize| LEFT + plot_width() * (exact(at) + 0.5) / exact(parts);
    // A line ends where values are missing and begins anew after it.
    for run in series
        .values
        .iter()
        .enumerate()
        .collect::<Vec<_>>()
        .split(|(_, one)| one.is_none())
    {
        let points: Vec<_> = run
            .iter()
            .filter_map(|(at, value)| Some((x(*at), axis.y((**value)?))))
            .collect();
        let (Some(first), Some(last)) = (points.first(), points.last()) else {
            continue;
        };
        let path: Vec<_> = points
            .iter()
            .map(|(x, y)| format!("{x:.1} {y:.1}"))
            .collect();
        let path = path.join(" L");
        let class = series.class;
        if series.look == Look::Area {
            let base = HEIGHT - BOTTOM;
            let _ = write!(
                svg,
                "<path class=\"fill {class}\" d=\"M{:.1} {base} L{path} L{:.1} {base} Z\"/>",
                first.0, last.0
            );
        }
        if points.len() == 1 || series.look == Look::Dots {
            for (x, y) in points {
                let _ = write!(
                    svg,
                    "<circle class=\"dot {class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>"
                );
            }
        } else {
            let _ = write!(svg, "<path class=\"line {class}\" d=\"M{path}\"/>");
        }
    }
}

/// Names the lines, each with a piece of it: not everybody tells colours apart.
fn legend(series: &[&Series]) -> String {
    let mut html = String::from("<p class=\"legend\">");
    for one in series {
        let piece = if one.look == Look::Dots {
            format!(
                "<circle class=\"dot {}\" cx=\"12\" cy=\"5\" r=\"3\"/>",
                one.class
            )
        } else {
            format!("<path class=\"line {}\" d=\"M0 5 H24\"/>", one.class)
        };
        let _ = write!(
            html,
            "<span><svg class=\"key\" viewBox=\"0 0 24 10\" aria-hidden=\"true\">{piece}</svg>{}</span>",
            one.name
        );
    }
    html + "</p>"
}

fn plot_width() -> f64 {
    WIDTH - LEFT - RIGHT
}

#[expect(clippy::cast_precision_loss, reason = "plots have few parts")]
fn exact(count: usize) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "pictures need no 2^53")]
fn exact_u64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
