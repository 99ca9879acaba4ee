//! Layouts of houses that nobody has drawn: a theatre, an arena and a stadium of any size.

use serde_json::{Value, json};

use crate::seat::{CAPACITY_MAX, row_name};

/// Distance of neighbouring seats and of rows.
const SEAT: f64 = 20.0;
const ROW: f64 = 26.0;
/// What an aisle takes beside a section.
const AISLE: f64 = 22.0;
/// Between two tiers.
const GAP: f64 = 70.0;

/// A sort of house.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum House {
    /// Stalls and balconies in arcs around a stage.
    Theatre,
    /// A standing floor before a stage, and two tiers around.
    Arena,
    /// A pitch, and three tiers around.
    Stadium,
}

/// How a house is built.
struct Plan {
    /// Rows of each tier, with its name and the category of its seats.
    tiers: &'static [(&'static str, usize, &'static str)],
    sections: u32,
    /// Where the first section begins and the last one ends, in degrees, clockwise from the right.
    from: f64,
    to: f64,
    /// How much wider and less deep than a circle it is.
    stretch: [f64; 2],
    /// The least distance of the first row from the middle.
    radius_min: f64,
}

const THEATRE: Plan = Plan {
    tiers: &[
        ("Stalls", 18, "A"),
        ("Balcony", 9, "B"),
        ("Gallery", 6, "C"),
    ],
    sections: 3,
    from: 25.0,
    to: 155.0,
    stretch: [1.0, 1.0],
    radius_min: 190.0,
};

const ARENA: Plan = Plan {
    tiers: &[("Lower", 16, "A"), ("Upper", 18, "B")],
    sections: 20,
    from: -60.0,
    to: 240.0,
    stretch: [1.2, 0.9],
    radius_min: 320.0,
};

const STADIUM: Plan = Plan {
    tiers: &[("Lower", 22, "A"), ("Middle", 16, "B"), ("Upper", 24, "C")],
    sections: 36,
    from: -90.0,
    to: 270.0,
    stretch: [1.25, 0.85],
    radius_min: 400.0,
};

/// The document of a house with so many places, at least 1 and at most a million.
pub fn document(house: House, places: u32) -> Value {
    let places = places.clamp(1, CAPACITY_MAX);
    let (plan, name, standing) = match house {
        House::Theatre => (&THEATRE, "Theatre", 0),
        House::Arena => (&ARENA, "Arena", places / 6),
        House::Stadium => (&STADIUM, "Stadium", 0),
    };
    let radius = plan.radius(places - standing);
    let mut zones = vec![middle(house, radius, plan.stretch, standing)];
    zones.extend(seats(plan, radius, places - standing));
    json!({
        "name": format!("{name}, {places} places"),
        "focal_point": {"x": 0, "y": 0},
        "categories": [
            {"name": "A", "color": "#0b7a5b", "price": "€ 89"},
            {"name": "B", "color": "#1f5fbf", "price": "€ 59"},
            {"name": "C", "color": "#7a3fb0", "price": "€ 39"},
        ],
        "zones": zones,
    })
}

impl Plan {
    /// The distance of the first row at which so many seats have room in all rows.
    fn radius(&self, seats: u32) -> f64 {
        let rows: usize = self.tiers.iter().map(|(_, rows, _)| rows).sum();
        let rows = f64::from(u32::try_from(rows).expect("some dozen rows"));
        let angle = (self.to - self.from).to_radians();
        let middle = f64::from(seats) * SEAT / (angle * rows);
        // Aisles take a few seats of each row.
        let aisles = f64::from(self.sections) * 2.0 * AISLE / angle;
        (middle + aisles - rows * ROW / 2.0).max(self.radius_min)
    }

    /// The angle of a section.
    fn step(&self) -> f64 {
        (self.to - self.from).to_radians() / f64::from(self.sections)
    }

    /// Seats that a row of one section has room for.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a row is some dozen seats long"
    )]
    fn section_room(&self, radius: f64) -> u32 {
        ((self.step() * radius - AISLE) / SEAT).max(0.0) as u32
    }
}

/// The stage or the pitch, and who stands before it.
fn middle(house: House, radius: f64, [wide, deep]: [f64; 2], standing: u32) -> Value {
    let rectangle = |x: f64, y: f64, width: f64, height: f64, color: &str, text: &str| {
        json!({
            "position": {"x": x.round(), "y": y.round()}, "color": color,
            "rectangle": {"width": width.round(), "height": height.round()},
            "text": {"position": {"x": (width / 2.0).round(), "y": (height / 2.0).round()}, "text": text},
        })
    };
    let (w, h) = (radius * wide, radius * deep);
    let areas = match house {
        House::Theatre => vec![rectangle(
            -w * 0.7,
            -h * 0.45,
            w * 1.4,
            h * 0.6,
            "#14171f",
            "Stage",
        )],
        House::Arena => {
            let stage = rectangle(-w * 0.4, -h * 0.9, w * 0.8, h * 0.35, "#14171f", "Stage");
            let mut floor = rectangle(-w * 0.6, -h * 0.45, w * 1.2, h * 1.1, "#eef0f3", "");
            floor["capacity"] = json!(standing);
            floor["category"] = json!("B");
            vec![stage, floor]
        }
        House::Stadium => {
            vec![rectangle(
                -w * 0.7,
                -h * 0.62,
                w * 1.4,
                h * 1.24,
                "#dfeee4",
                "Pitch",
            )]
        }
    };
    let name = if standing > 0 { "Floor" } else { "" };
    json!({"name": name, "position": {"x": 0, "y": 0}, "areas": areas})
}

/// The sections of every tier. Tiers are full from the front on; the last one that is needed
/// has what is left in all of its rows alike, so that none ends in a row of two.
fn seats(plan: &Plan, radius: f64, places: u32) -> Vec<Value> {
    let mut zones = Vec::new();
    let mut left = places;
    let mut radius = radius;
    for (tier, (name, rows, category)) in plan.tiers.iter().enumerate() {
        // The last tier takes whatever is left.
        let is_last = tier + 1 == plan.tiers.len();
        let (mut radii, mut room) = (Vec::new(), 0);
        while room < left && (is_last || radii.len() < *rows) {
            radii.push(radius);
            room += plan.sections * plan.section_room(radius);
            radius += ROW;
        }
        radius += GAP;
        let seated = left.min(room);
        left -= seated;
        let mut sections = vec![Vec::new(); plan.sections as usize];
        let (mut passed, mut given) = (0, 0);
        for (row, radius) in (0..).zip(&radii) {
            for (number, section) in (0..).zip(&mut sections) {
                passed += plan.section_room(*radius);
                let due = share(seated, passed, room);
                let seats = arc(plan, *radius, number, due - given);
                given = due;
                if !seats.is_empty() {
                    section.push(seat_row(&seats, row, category));
                }
            }
        }
        let filled = (1..).zip(sections).filter(|(_, rows)| !rows.is_empty());
        zones.extend(filled.map(|(number, rows)| {
            let name = match (plan.sections, number) {
                (3, 1) => format!("{name} right"),
                (3, 2) => format!("{name} centre"),
                (3, _) => format!("{name} left"),
                // Blocks are numbered by their tier, as stadiums do.
                _ => (100 * (tier + 1) + number).to_string(),
            };
            json!({"name": name, "level": plan.tiers[tier].0, "position": {"x": 0, "y": 0}, "rows": rows})
        }));
    }
    zones
}

/// `seats` × `part` ÷ `whole`, rounded down.
fn share(seats: u32, part: u32, whole: u32) -> u32 {
    let share = u64::from(seats) * u64::from(part) / u64::from(whole.max(1));
    u32::try_from(share).expect("no more than the seats")
}

/// The seats of one section's row, in the middle of its arc.
fn arc(plan: &Plan, radius: f64, section: u32, count: u32) -> Vec<[f64; 2]> {
    let step = plan.step();
    let start = plan.from.to_radians() + step * f64::from(section);
    let first = start + (step - f64::from(count.max(1) - 1) * SEAT / radius) / 2.0;
    let seats = (0..count).map(|seat| {
        let angle = first + f64::from(seat) * SEAT / radius;
        let [x, y] = [angle.cos() * plan.stretch[0], angle.sin() * plan.stretch[1]];
        [
            (x * radius * 10.0).round() / 10.0,
            (y * radius * 10.0).round() / 10.0,
        ]
    });
    seats.collect()
}

fn seat_row(seats: &[[f64; 2]], row: u32, category: &str) -> Value {
    let length = seats.len();
    let seats = (1..).zip(seats).map(|(number, [x, y]): (usize, _)| {
        let mut seat = json!({
            "seat_number": number.to_string(), "category": category,
            "position": {"x": x, "y": y},
        });
        // At the ends of the first row there is room for wheelchairs, and for who comes with them.
        let from_end = (number - 1).min(length - number);
        match (row, from_end) {
            (0, 0) => seat["kind"] = json!("accessible"),
            (0, 1) => seat["kind"] = json!("companion"),
            _ => {}
        }
        seat
    });
    json!({"row_number": row_name(row), "position": {"x": 0, "y": 0}, "seats": seats.collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Layout;

    #[test]
    fn every_house_has_as_many_places_as_were_asked_for_and_is_a_layout() {
        for house in [House::Theatre, House::Arena, House::Stadium] {
            for places in [1, 100, 1_200, 15_000] {
                let document = document(house, places).to_string();
                let layout = Layout::parse(document.as_bytes());
                let layout = layout.unwrap_or_else(|error| panic!("{house:?}: {:?}", error.0));
                assert_eq!(layout.seats(), places, "{house:?}");
            }
        }
    }

    #[test]
    fn no_section_ends_in_a_row_of_a_few_seats() {
        for (house, places) in [(House::Theatre, 1_200), (House::Stadium, 40_000)] {
            let document = document(house, places);
            for zone in document["zones"].as_array().unwrap() {
                let rows = zone["rows"].as_array().into_iter().flatten();
                let seats = rows.map(|row| row["seats"].as_array().unwrap().len());
                let seats: Vec<_> = seats.collect();
                let is_stub = |pair: &[usize]| 4 * pair[1] < 3 * pair[0];
                assert!(!seats.windows(2).any(is_stub), "{seats:?}");
            }
        }
    }

    #[test]
    fn stadium_of_150_000_can_be_uploaded() {
        let document = document(House::Stadium, 150_000).to_string();
        assert!(
            document.len() < crate::layout::LAYOUT_BYTES_MAX,
            "{}",
            document.len()
        );
        assert_eq!(Layout::parse(document.as_bytes()).unwrap().seats(), 150_000);
    }
}
