//! Points, outlines and colours of a document.

use super::format::{AreaOf, Point};

/// Coordinates lie within this distance of the origin, in the document's units.
const COORDINATE_MAX: f64 = 1_000_000.0;
/// Points of a polygon.
const POINTS_MAX: usize = 10_000;
/// Two seats in one place: nearer than a hundredth of a unit.
const PER_UNIT: f64 = 100.0;
/// Corners of a circle.
const CIRCLE_CORNERS: u32 = 48;

/// Around the area's own origin. Rectangles begin there, as in pretix's files; round shapes have
/// it in their middle.
pub(super) fn outline(area: &AreaOf) -> Option<Vec<Point>> {
    let rectangle = |width: f64, height: f64| {
        let corners = [(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)];
        corners.map(|(x, y)| Point { x, y }).to_vec()
    };
    if let Some(size) = &area.rectangle {
        return Some(rectangle(size.width, size.height));
    }
    if let Some(circle) = &area.circle {
        return Some(ellipse(circle.radius, circle.radius));
    }
    if let Some(round) = &area.ellipse {
        return Some(ellipse(round.radius.x, round.radius.y));
    }
    if let Some(polygon) = &area.polygon {
        let fits = (3..=POINTS_MAX).contains(&polygon.points.len());
        return fits.then(|| polygon.points.clone());
    }
    Some(rectangle(area.width?, area.height?))
}

fn ellipse(x: f64, y: f64) -> Vec<Point> {
    let corner = |n: u32| f64::from(n) / f64::from(CIRCLE_CORNERS) * std::f64::consts::TAU;
    (0..CIRCLE_CORNERS)
        .map(|n| Point {
            x: corner(n).cos() * x,
            y: corner(n).sin() * y,
        })
        .collect()
}

/// `#rgb` or `#rrggbb`; a light grey for anything else, as names of colours are many.
pub(super) fn colour(text: Option<&str>) -> [u8; 3] {
    const OTHER: [u8; 3] = [0xe4, 0xe7, 0xec];
    let Some(digits) = text.and_then(|text| text.strip_prefix('#')) else {
        return OTHER;
    };
    let digits: Option<Vec<u8>> = digits
        .chars()
        .map(|digit| {
            digit
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        })
        .collect();
    match digits.as_deref() {
        Some([red, green, blue]) => [red * 17, green * 17, blue * 17],
        Some(six) if six.len() == 6 => [0, 2, 4].map(|at| six[at] * 16 + six[at + 1]),
        _ => OTHER,
    }
}

pub(super) fn sum(a: Point, b: Point) -> Point {
    Point {
        x: a.x + b.x,
        y: a.y + b.y,
    }
}

/// Not a number is not near either.
pub(super) fn is_near(point: Point) -> bool {
    point.x.abs() <= COORDINATE_MAX && point.y.abs() <= COORDINATE_MAX
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "coordinates are within a million, and a cell is a hundredth"
)]
pub(super) fn cell(point: Point) -> (i64, i64) {
    (
        (point.x * PER_UNIT).round() as i64,
        (point.y * PER_UNIT).round() as i64,
    )
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a picture needs no more than seven digits"
)]
pub(super) fn narrow(point: Point) -> [f32; 2] {
    [point.x as f32, point.y as f32]
}
