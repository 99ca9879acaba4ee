//! The document's members. Those that are not listed are ignored: newer files may have more.

use serde::Deserialize;

use super::PlaceKind;

#[derive(Debug, Deserialize)]
pub(super) struct Document {
    pub(super) name: String,
    pub(super) zones: Vec<ZoneOf>,
    pub(super) size: Option<Size>,
    #[serde(default)]
    pub(super) categories: Vec<CategoryOf>,
    pub(super) focal_point: Option<Point>,
}

#[derive(Debug, Deserialize)]
pub(super) struct CategoryOf {
    pub(super) name: String,
    pub(super) color: Option<String>,
    pub(super) price: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Size {
    pub(super) width: f64,
    pub(super) height: f64,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
}

#[derive(Debug, Deserialize)]
pub(super) struct ZoneOf {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) level: Option<String>,
    #[serde(default)]
    pub(super) position: Point,
    #[serde(default)]
    pub(super) rows: Vec<RowOf>,
    #[serde(default)]
    pub(super) areas: Vec<AreaOf>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RowOf {
    pub(super) row_number: String,
    #[serde(default)]
    pub(super) position: Point,
    pub(super) seats: Vec<SeatOf>,
}

#[derive(Debug, Deserialize)]
pub(super) struct SeatOf {
    pub(super) seat_number: String,
    #[serde(default)]
    pub(super) seat_guid: Option<String>,
    pub(super) position: Point,
    #[serde(default)]
    pub(super) kind: PlaceKind,
    #[serde(default)]
    pub(super) category: Option<String>,
}

/// Older files have `width` and `height`, newer ones a member named like the shape.
#[derive(Debug, Deserialize)]
pub(super) struct AreaOf {
    pub(super) position: Point,
    #[serde(default)]
    pub(super) rotation: f64,
    pub(super) capacity: Option<u32>,
    #[serde(default)]
    pub(super) category: Option<String>,
    pub(super) color: Option<String>,
    pub(super) width: Option<f64>,
    pub(super) height: Option<f64>,
    pub(super) rectangle: Option<Size>,
    pub(super) circle: Option<CircleOf>,
    pub(super) ellipse: Option<EllipseOf>,
    pub(super) polygon: Option<PolygonOf>,
    pub(super) text: Option<TextOf>,
}

#[derive(Debug, Deserialize)]
pub(super) struct CircleOf {
    pub(super) radius: f64,
}

#[derive(Debug, Deserialize)]
pub(super) struct EllipseOf {
    pub(super) radius: Point,
}

#[derive(Debug, Deserialize)]
pub(super) struct PolygonOf {
    pub(super) points: Vec<Point>,
}

#[derive(Debug, Deserialize)]
pub(super) struct TextOf {
    #[serde(default)]
    pub(super) position: Point,
    #[serde(default)]
    pub(super) text: String,
}
