//! From a document to a layout, with everything that is wrong named by its place.

use std::collections::HashMap;

use super::format::{AreaOf, CategoryOf, Document, Point, SeatOf, ZoneOf};
use super::general;
use super::shapes::{cell, colour, is_near, narrow, outline, sum};
use super::{Area, Category, LAYOUT_BYTES_MAX, Layout, NO_CATEGORY, Place, PlaceKind, Row, Zone};
use crate::seat::CAPACITY_MAX;

/// Characters of a name, a row's or a seat's number.
const NAME_CHARS_MAX: usize = 100;
/// Areas of a house.
const AREAS_MAX: usize = 10_000;
/// Categories of a house.
const CATEGORIES_MAX: usize = 200;
/// Mistakes that are told at once.
const MISTAKES_MAX: usize = 100;
/// Why a document is no layout.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the document is not a seating layout")]
pub struct InvalidLayout(pub Vec<Mistake>);

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where: a JSON pointer (RFC 6901).
    pub pointer: String,
    /// What.
    pub detail: String,
}

pub(super) fn read(document: &[u8]) -> Result<Layout, InvalidLayout> {
    if document.len() > LAYOUT_BYTES_MAX {
        let detail = format!("has more than {LAYOUT_BYTES_MAX} bytes");
        return Err(InvalidLayout(vec![mistake(String::new(), detail)]));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(document);
    let parsed = serde_path_to_error::deserialize::<_, Document>(&mut deserializer);
    let document = parsed.map_err(|error| {
        let (pointer, detail) = (pointer(error.path()), error.inner().to_string());
        InvalidLayout(vec![mistake(pointer, detail)])
    })?;
    if let Err(error) = deserializer.end() {
        return Err(InvalidLayout(vec![mistake(
            String::new(),
            error.to_string(),
        )]));
    }
    Reader::default().read(document)
}

#[derive(Default)]
struct Reader {
    layout: Vec<Place>,
    zones: Vec<Zone>,
    rows: Vec<Row>,
    areas: Vec<Area>,
    categories: Vec<Category>,
    /// Where each seat is, to find two in one place, and each `seat_guid`.
    taken: HashMap<(i64, i64), u32>,
    guids: HashMap<String, u32>,
    mistakes: Vec<Mistake>,
}

impl Reader {
    fn read(mut self, document: Document) -> Result<Layout, InvalidLayout> {
        self.name("/name", &document.name);
        let seats: usize = document.zones.iter().map(ZoneOf::seats).sum();
        if seats > CAPACITY_MAX as usize {
            let detail = format!("has {seats} seats; {CAPACITY_MAX} are the most");
            self.wrong("/zones", detail);
            return Err(InvalidLayout(self.mistakes));
        }
        if seats == 0 {
            self.wrong("/zones", "has no seats");
        }
        self.categories(document.categories);
        let focal_point = document.focal_point.map(|point| {
            if !is_near(point) {
                self.wrong("/focal_point", "is more than 1,000,000 units away");
            }
            narrow(point)
        });
        for (number, zone) in document.zones.into_iter().enumerate() {
            self.zone(&format!("/zones/{number}"), zone);
        }
        let bounds = self.bounds(document.size.map(|size| [size.width, size.height]));
        if !self.mistakes.is_empty() {
            return Err(InvalidLayout(self.mistakes));
        }
        Ok(Layout {
            name: document.name,
            places: self.layout,
            zones: self.zones,
            rows: self.rows,
            areas: self.areas,
            categories: self.categories,
            focal_point,
            bounds,
        })
    }

    fn categories(&mut self, categories: Vec<CategoryOf>) {
        if categories.len() > CATEGORIES_MAX {
            let detail = format!("has more than {CATEGORIES_MAX} categories");
            self.wrong("/categories", detail);
        }
        for (number, category) in categories.into_iter().take(CATEGORIES_MAX).enumerate() {
            let at = format!("/categories/{number}");
            self.name(&format!("{at}/name"), &category.name);
            if let Some(price) = &category.price {
                self.name(&format!("{at}/price"), price);
            }
            self.categories.push(Category {
                name: category.name,
                colour: category.color.map(|color| colour(Some(&color))),
                price: category.price,
            });
        }
    }

    /// The index of a category. Files of others name some that they do not list.
    fn category(&self, name: Option<&str>) -> u8 {
        let known = self
            .categories
            .iter()
            .position(|known| Some(known.name.as_str()) == name);
        known
            .and_then(|at| u8::try_from(at).ok())
            .unwrap_or(NO_CATEGORY)
    }

    fn zone(&mut self, at: &str, zone: ZoneOf) {
        self.name(&format!("{at}/name"), &zone.name);
        if let Some(level) = &zone.level {
            self.name(&format!("{at}/level"), level);
        }
        let first = self.next_seat();
        for (number, row) in zone.rows.into_iter().enumerate() {
            let at = format!("{at}/rows/{number}");
            self.name(&format!("{at}/row_number"), &row.row_number);
            let origin = sum(zone.position, row.position);
            let first = self.next_seat();
            for (number, seat) in row.seats.into_iter().enumerate() {
                self.seat(&at, number, origin, seat);
            }
            self.rows.push(Row {
                name: row.row_number,
                seats: first..self.next_seat(),
            });
        }
        for (number, area) in zone.areas.into_iter().enumerate() {
            self.area(&format!("{at}/areas/{number}"), zone.position, area);
        }
        self.zones.push(Zone {
            name: zone.name,
            level: zone.level,
            seats: first..self.next_seat(),
        });
    }

    fn seat(&mut self, row: &str, number: usize, origin: Point, seat: SeatOf) {
        let at = || format!("{row}/seats/{number}");
        let place = sum(origin, seat.position);
        if !is_near(place) {
            self.wrong(
                format!("{}/position", at()),
                "is more than 1,000,000 units away",
            );
            return;
        }
        self.name_of(&seat.seat_number, || format!("{}/seat_number", at()));
        let this = self.next_seat();
        if let Some(other) = self.taken.insert(cell(place), this) {
            let detail = format!("is where seat {other} of the document is, counted from 0");
            self.wrong(format!("{}/position", at()), detail);
        }
        if let Some(guid) = seat.seat_guid
            && let Some(other) = self.guids.insert(guid, this)
        {
            let detail = format!("is that of seat {other} of the document, counted from 0");
            self.wrong(format!("{}/seat_guid", at()), detail);
        }
        let [x, y] = narrow(place);
        self.layout.push(Place {
            x,
            y,
            number: seat.seat_number.into(),
            kind: seat.kind,
            category: self.category(seat.category.as_deref()),
        });
    }

    fn area(&mut self, at: &str, origin: Point, area: AreaOf) {
        if self.areas.len() >= AREAS_MAX {
            self.wrong(at, format!("is more than {AREAS_MAX} areas"));
            return;
        }
        let Some(outline) = outline(&area) else {
            let detail =
                "needs a rectangle, a circle, an ellipse, or a polygon of 3 to 10,000 points";
            self.wrong(at, detail);
            return;
        };
        let origin = sum(origin, area.position);
        let (sin, cos) = area.rotation.to_radians().sin_cos();
        let placed: Vec<_> = outline
            .into_iter()
            .map(|point| {
                let turned = Point {
                    x: point.x * cos - point.y * sin,
                    y: point.x * sin + point.y * cos,
                };
                sum(origin, turned)
            })
            .collect();
        let text = area.text.filter(|text| !text.text.trim().is_empty());
        let text_at = text
            .as_ref()
            .map_or(origin, |text| sum(origin, text.position));
        if !placed.iter().copied().chain([text_at]).all(is_near) {
            self.wrong(at, "is more than 1,000,000 units away");
            return;
        }
        if let Some(text) = &text {
            self.name(&format!("{at}/text/text"), &text.text);
        }
        let outline: Vec<_> = placed.into_iter().map(narrow).collect();
        if let Some(capacity) = area.capacity {
            self.general(&outline, capacity, area.category.as_deref());
        }
        self.areas.push(Area {
            outline,
            fill: colour(area.color.as_deref()),
            text: text.map(|text| (text.text, narrow(text_at))),
        });
    }

    /// The places of an area where nobody has one to themselves, counted from 1.
    fn general(&mut self, outline: &[[f32; 2]], capacity: u32, category: Option<&str>) {
        let first = self.next_seat();
        let category = self.category(category);
        let places = general::places(outline, capacity as usize);
        self.layout
            .extend((1..).zip(places).map(|(number, [x, y])| Place {
                x,
                y,
                number: u32::to_string(&number).into(),
                kind: PlaceKind::Standard,
                category,
            }));
        self.rows.push(Row {
            name: String::new(),
            seats: first..self.next_seat(),
        });
    }

    /// The box around everything; at least the size that the document gives.
    fn bounds(&self, size: Option<[f64; 2]>) -> [f32; 4] {
        let points = self.layout.iter().map(|place| [place.x, place.y]);
        let corners = self
            .areas
            .iter()
            .flat_map(|area| area.outline.iter().copied());
        let size = size.map(|[width, height]| Point {
            x: width,
            y: height,
        });
        let size = size.filter(|size| is_near(*size)).map(narrow);
        let frame = size.into_iter().flat_map(|size| [[0.0, 0.0], size]);
        let start = [
            f32::INFINITY,
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::NEG_INFINITY,
        ];
        points
            .chain(corners)
            .chain(frame)
            .fold(start, |[l, t, r, b], [x, y]| {
                [l.min(x), t.min(y), r.max(x), b.max(y)]
            })
    }

    fn next_seat(&self) -> u32 {
        u32::try_from(self.layout.len()).expect("the number of seats was checked")
    }

    fn name(&mut self, at: &str, name: &str) {
        self.name_of(name, || at.to_owned());
    }

    fn name_of(&mut self, name: &str, at: impl Fn() -> String) {
        if name.chars().count() > NAME_CHARS_MAX {
            self.wrong(at(), format!("has more than {NAME_CHARS_MAX} characters"));
        }
        if name.chars().any(char::is_control) {
            self.wrong(at(), "has control characters");
        }
    }

    fn wrong(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        if self.mistakes.len() < MISTAKES_MAX {
            self.mistakes.push(mistake(pointer.into(), detail.into()));
        }
    }
}

impl ZoneOf {
    fn seats(&self) -> usize {
        let seats: usize = self.rows.iter().map(|row| row.seats.len()).sum();
        let capacities = self.areas.iter().filter_map(|area| area.capacity);
        let standing: usize = capacities.map(|capacity| capacity as usize).sum();
        seats + standing
    }
}

fn mistake(pointer: String, detail: String) -> Mistake {
    Mistake { pointer, detail }
}

/// RFC 6901: `~` and `/` are escaped.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use std::fmt::Write;

    use serde_path_to_error::Segment;

    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => write!(pointer, "/{index}").expect("a string takes all"),
            Segment::Map { key } => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            // The rest comes with enums, which have no members here.
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}
