//! Plots as SVG, coloured by the page's style sheet, so that they follow light and dark.

mod labels;

use std::fmt::Write as _;

use self::labels::label_places;

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

/// How values are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// A number of something.
    Count,
    /// A time in milliseconds, on a logarithmic axis.
    LogMs,
    /// A time in seconds.
    Seconds,
}

impl Unit {
    /// A value in words.
    pub(super) fn text(self, value: f64) -> String {
        match self {
            Self::Count if value >= 1e6 => format!("{}M", short(value / 1e6)),
            Self::Count if value >= 1e4 => format!("{}k", short(value / 1e3)),
            Self::Count => short(value),
            Self::Seconds if value >= 1.0 || value == 0.0 => format!("{} s", short(value)),
            Self::Seconds => format!("{} ms", short(value * 1e3)),
            Self::LogMs if value >= 1e3 => format!("{} s", short(value / 1e3)),
            Self::LogMs if value >= 1.0 || value == 0.0 => format!("{} ms", short(value)),
            Self::LogMs => format!("{} µs", short(value * 1e3)),
        }
    }
}

/// The vertical axis of a plot.
#[derive(Debug, Clone, Copy)]
struct Axis {
    low: f64,
    high: f64,
    log: bool,
}

impl Axis {
    fn of(unit: Unit, values: impl Iterator<Item = f64>) -> Self {
        let (mut low, mut high) = (f64::INFINITY, 0.0f64);
        for value in values.filter(|value| *value > 0.0) {
            low = low.min(value);
            high = high.max(value);
        }
        if unit == Unit::LogMs {
            let (low, high) = if high > 0.0 { (low, high) } else { (1.0, 1.0) };
            // Whole decades, so that every line of the grid has a number.
            let (low, high) = (low.log10().floor(), (high * 1.01).log10().ceil());
            let high = if high - low < 1.0 { low + 1.0 } else { high };
            return Self {
                low: 10f64.powf(low),
                high: 10f64.powf(high),
                log: true,
            };
        }
        let step = step(high.max(if unit == Unit::Count { 4.0 } else { 0.01 }));
        Self {
            low: 0.0,
            high: (high / step).ceil().max(1.0) * step,
            log: false,
        }
    }

    fn y(self, value: f64) -> f64 {
        let share = if self.log {
            let value = value.max(self.low);
            (value / self.low).log10() / (self.high / self.low).log10()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        HEIGHT - BOTTOM - share.clamp(0.0, 1.0) * (HEIGHT - TOP - BOTTOM)
    }

    fn ticks(self) -> Vec<f64> {
        let mut ticks = Vec::new();
        let mut at = self.low;
        let step = step(self.high);
        while at <= self.high * 1.000_001 && ticks.len() < 20 {
            ticks.push(at);
            at = if self.log { at * 10.0 } else { at + step };
        }
        ticks
    }
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

fn grid(svg: &mut String, axis: Axis, unit: Unit) {
    for tick in axis.ticks() {
        let y = axis.y(tick);
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            WIDTH - RIGHT,
            LEFT - 8.0,
            y + 5.0,
            unit.text(tick),
        );
    }
}

fn time_axis(svg: &mut String, seconds: f64) {
    let step = time_step(seconds);
    let mut at = 0.0;
    while at <= seconds * 1.000_1 {
        x_label(
            svg,
            LEFT + plot_width() * at / seconds.max(0.001),
            &clock(at),
        );
        at += step;
    }
}

fn x_label(svg: &mut String, x: f64, text: &str) {
    let bottom = HEIGHT - BOTTOM;
    // The last label must not stick out.
    let anchor = if x > WIDTH - RIGHT - 16.0 {
        "end"
    } else {
        "middle"
    };
    let _ = write!(
        svg,
        "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{bottom}\" y2=\"{}\"/>\
         <text class=\"tick\" x=\"{x:.1}\" y=\"{}\" text-anchor=\"{anchor}\">{text}</text>",
        bottom + 4.0,
        bottom + 22.0,
    );
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

/// Seconds as people read a clock.
pub(super) fn clock(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{} s", short(seconds));
    }
    let whole = seconds.round();
    if whole < 3_600.0 {
        format!("{}:{:02}", (whole / 60.0).floor(), whole % 60.0)
    } else {
        format!(
            "{}:{:02} h",
            (whole / 3_600.0).floor(),
            ((whole % 3_600.0) / 60.0).floor()
        )
    }
}

/// A step of 1, 2 or 5 times a power of ten that divides a value into a few parts.
fn step(high: f64) -> f64 {
    let rough = high / 4.0;
    let power = 10f64.powf(rough.log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0]
        .map(|factor| factor * power)
        .into_iter()
        .find(|step| *step >= rough * 0.999)
        .unwrap_or(power * 10.0)
}

fn time_step(seconds: f64) -> f64 {
    let steps = [
        0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_200.0, 1_800.0,
    ];
    steps
        .into_iter()
        .find(|step| seconds / step <= 6.0)
        .unwrap_or(3_600.0)
}

/// A number with no more digits than one reads.
fn short(value: f64) -> String {
    let digits = match value.abs() {
        value if value >= 100.0 || value.fract().abs() < 1e-9 => 0,
        value if value >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
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
