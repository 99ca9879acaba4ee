//! Whether a figure drifts: the line through what was measured of it.

use serde::Serialize;

/// The line of least squares through the second half of some values, by its two ends. The first
/// half is left to what fills up or warms up.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Trend {
    pub(super) start: f64,
    pub(super) end: f64,
}

impl Trend {
    /// Of values in the order of their times.
    pub(super) fn of(points: &[(f64, f64)]) -> Self {
        let half = &points[points.len() / 2..];
        #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
        let count = half.len().max(1) as f64;
        let (at, value) = half.iter().fold((0.0, 0.0), |(x, y), point| {
            (x + point.0 / count, y + point.1 / count)
        });
        let (mut up, mut along) = (0.0, 0.0);
        for point in half {
            up += (point.0 - at) * (point.1 - value);
            along += (point.0 - at).powi(2);
        }
        let slope = if along > 0.0 { up / along } else { 0.0 };
        let on_line = |x: f64| value + slope * (x - at);
        Self {
            start: half.first().map_or(0.0, |point| on_line(point.0)),
            end: half.last().map_or(0.0, |point| on_line(point.0)),
        }
    }

    /// How much more it is at the end.
    pub(super) fn grown(self) -> f64 {
        self.end - self.start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_through_the_second_half_only() {
        let steady: Vec<_> = (0..10)
            .map(|at| (f64::from(at), if at < 5 { 99.0 } else { 7.0 }))
            .collect();
        let line = Trend::of(&steady);
        assert!((line.start - 7.0).abs() < 1e-9 && line.grown().abs() < 1e-9);
        let rising: Vec<_> = (0..10).map(|at| (f64::from(at), f64::from(at))).collect();
        let line = Trend::of(&rising);
        assert!((line.start - 5.0).abs() < 1e-9 && (line.grown() - 4.0).abs() < 1e-9);
        let nothing = Trend {
            start: 0.0,
            end: 0.0,
        };
        assert_eq!(Trend::of(&[]), nothing);
    }
}
