//! Whether a figure drifts, by the second half of what was measured of it: the first one is left
//! to what warms up or fills up.

use serde::Serialize;

use super::super::median;

/// Where a figure stands at the beginning and at the end of the second half.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Trend {
    pub(super) start: f64,
    pub(super) end: f64,
}

impl Trend {
    /// The ends of the line of least squares. No figure is negative, so neither are they.
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
            start: half.first().map_or(0.0, |point| on_line(point.0).max(0.0)),
            end: half.last().map_or(0.0, |point| on_line(point.0).max(0.0)),
        }
    }

    /// The medians of the third and of the last quarter, for figures of which a few may be far from
    /// all others: a line would lean on those.
    pub(super) fn of_medians(points: &[(f64, f64)]) -> Self {
        let half = &points[points.len() / 2..];
        let (third, last) = half.split_at(half.len() / 2);
        let of = |quarter: &[(f64, f64)]| {
            let mut values: Vec<_> = quarter.iter().map(|point| point.1).collect();
            median(&mut values)
        };
        Self {
            start: of(third),
            end: of(last),
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
        let falling: Vec<_> = rising.iter().map(|at| (at.0, 7.2 - at.1)).collect();
        assert!(Trend::of(&falling).end.abs() < 1e-9);
        let nothing = Trend {
            start: 0.0,
            end: 0.0,
        };
        assert_eq!(Trend::of(&[]), nothing);
        assert_eq!(Trend::of_medians(&[]), nothing);
    }

    #[test]
    fn a_hiccup_does_not_move_a_median() {
        let mut points: Vec<_> = (0..20).map(|at| (f64::from(at), 5.0)).collect();
        points[12].1 = 9_000.0;
        points[19].1 = 9_000.0;
        let trend = Trend::of_medians(&points);
        assert!((trend.start - 5.0).abs() < 1e-9 && trend.grown().abs() < 1e-9);
        for point in &mut points[15..] {
            point.1 = 50.0;
        }
        assert!((Trend::of_medians(&points).grown() - 45.0).abs() < 1e-9);
    }
}
