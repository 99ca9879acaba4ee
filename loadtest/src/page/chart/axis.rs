//! The axes of a plot, with round numbers at them.

use std::fmt::Write as _;

use super::units::{Unit, clock};
use super::{BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, plot_width};

/// The vertical axis of a plot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    /// Between two lines of the grid, unless it is logarithmic.
    step: f64,
    log: bool,
}

impl Axis {
    pub(super) fn of(unit: Unit, values: impl Iterator<Item = f64>) -> Self {
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
                step: 0.0,
                log: true,
            };
        }
        let step = step(high.max(if unit == Unit::Count { 4.0 } else { 0.01 }));
        // Nobody comes by halves.
        let is_broken = unit == Unit::Count && step.fract() > 0.0;
        let step = if is_broken { 2.0 * step } else { step };
        Self {
            low: 0.0,
            high: (high / step).ceil().max(1.0) * step,
            step,
            log: false,
        }
    }

    pub(super) fn y(self, value: f64) -> f64 {
        let share = if self.log {
            let value = value.max(self.low);
            (value / self.low).log10() / (self.high / self.low).log10()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        HEIGHT - BOTTOM - share.clamp(0.0, 1.0) * (HEIGHT - TOP - BOTTOM)
    }

    pub(super) fn ticks(self) -> Vec<f64> {
        let mut ticks = Vec::new();
        let mut at = self.low;
        while at <= self.high * 1.000_001 && ticks.len() < 20 {
            ticks.push(at);
            at = if self.log { at * 10.0 } else { at + self.step };
        }
        ticks
    }
}

/// A line and a number for each step of the vertical axis.
pub(super) fn grid(svg: &mut String, axis: Axis, unit: Unit) {
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

/// The horizontal axis of a plot over time.
pub(super) fn time_axis(svg: &mut String, seconds: f64) {
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

/// A mark with a text below the plot.
pub(super) fn x_label(svg: &mut String, x: f64, text: &str) {
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
