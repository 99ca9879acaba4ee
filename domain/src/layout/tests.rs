#![expect(clippy::float_cmp, reason = "sums of small whole numbers are exact")]

use serde_json::{Value, json};

use super::*;

fn seat(x: i32, number: &str) -> Value {
    json!({"seat_number": number, "seat_guid": format!("g{x}"), "position": {"x": x, "y": 0}, "category": "A"})
}

/// Two zones of a file as pretix writes it, with members that mean nothing to us.
fn house() -> Value {
    json!({
        "name": "House",
        "size": {"width": 400, "height": 300},
        "categories": [{"name": "A", "color": "#ff0000"}],
        "zones": [
            {
                "name": "Stalls", "uuid": "x", "position": {"x": 10, "y": 100},
                "rows": [
                    {"row_number": "1", "row_number_position": "both", "position": {"x": 0, "y": 0},
                     "seats": [seat(0, "1"), seat(20, "2")]},
                    {"row_number": "2", "position": {"x": 0, "y": 30}, "seats": [seat(40, "1")]},
                ],
                "areas": [
                    {"shape": "rectangle", "color": "#cccccc", "position": {"x": 50, "y": -90},
                     "rotation": 0, "rectangle": {"width": 100, "height": 40},
                     "text": {"position": {"x": 50, "y": 20}, "text": "Stage", "color": "#000"}},
                ],
            },
            {
                "name": "Balcony", "position": {"x": 0, "y": 200},
                "rows": [{"row_number": "A", "seats": [
                    {"seat_number": "W1", "position": {"x": 5, "y": 5}, "kind": "accessible"},
                ]}],
            },
        ],
    })
}

fn read(document: &Value) -> Result<Layout, InvalidLayout> {
    Layout::parse(document.to_string().as_bytes())
}

fn mistakes(document: &Value) -> Vec<Mistake> {
    read(document).unwrap_err().0
}

#[test]
fn seats_are_numbered_in_the_order_of_the_document_and_placed_by_zone_and_row() {
    let layout = read(&house()).unwrap();
    assert_eq!(layout.seats(), 4);
    let places: Vec<_> = layout
        .places
        .iter()
        .map(|place| [place.x, place.y])
        .collect();
    assert_eq!(
        places,
        [[10.0, 100.0], [30.0, 100.0], [50.0, 130.0], [5.0, 205.0]]
    );
    let labels: Vec<_> = (0..4)
        .map(|n| layout.label(SeatNo(n)).unwrap().to_string())
        .collect();
    let expected = [
        "Stalls, row 1, seat 1",
        "Stalls, row 1, seat 2",
        "Stalls, row 2, seat 1",
        "Balcony, row A, seat W1",
    ];
    assert_eq!(labels, expected);
    assert_eq!(layout.label(SeatNo(4)), None);
    assert_eq!(layout.places[3].kind, PlaceKind::Accessible);
    assert_eq!(layout.bounds, [0.0, 0.0, 400.0, 300.0]);
    let stage = &layout.areas[0];
    assert_eq!(stage.outline[2], [160.0, 50.0]);
    assert_eq!(stage.text, Some(("Stage".into(), [110.0, 30.0])));
    assert_eq!(stage.fill, [0xcc; 3]);
}

#[test]
fn mistake_is_named_by_its_place() {
    let cases: [(&str, Value, &str, &str); 8] = [
        ("/name", json!(5), "/name", "invalid type"),
        ("/name", json!("a\u{0}b"), "/name", "control"),
        (
            "/zones/0/rows/0/seats/1/position/x",
            json!(0),
            "/zones/0/rows/0/seats/1/position",
            "seat 0",
        ),
        (
            "/zones/0/rows/0/seats/1/position/x",
            json!(1e7),
            "/zones/0/rows/0/seats/1/position",
            "units",
        ),
        (
            "/zones/0/rows/0/seats/1/position/x",
            json!("no"),
            "/zones/0/rows/0/seats/1/position/x",
            "invalid type",
        ),
        (
            "/zones/0/rows/1/seats/0/seat_guid",
            json!("g0"),
            "/zones/0/rows/1/seats/0/seat_guid",
            "seat 0",
        ),
        (
            "/zones/1/rows/0/seats/0/kind",
            json!("sofa"),
            "/zones/1/rows/0/seats/0/kind",
            "unknown variant",
        ),
        (
            "/zones/0/areas/0/rectangle",
            json!(null),
            "/zones/0/areas/0",
            "polygon",
        ),
    ];
    for (at, value, pointer, words) in cases {
        let mut document = house();
        *document.pointer_mut(at).unwrap() = value;
        let found = mistakes(&document);
        assert_eq!(found[0].pointer, pointer, "{found:?}");
        assert!(found[0].detail.contains(words), "{found:?}");
    }
}

#[test]
fn document_without_seats_or_with_too_many_is_refused() {
    let none = json!({"name": "x", "zones": []});
    assert_eq!(mistakes(&none)[0].pointer, "/zones");
    // The shortest seat takes more than 40 bytes, so a million of them are too many bytes.
    let seats = vec![r#"{"seat_number":"","position":{"x":1,"y":1}}"#; 1_000_001].join(",");
    let many =
        format!(r#"{{"name":"x","zones":[{{"rows":[{{"row_number":"","seats":[{seats}]}}]}}]}}"#);
    let found = Layout::parse(many.as_bytes()).unwrap_err().0;
    assert!(found[0].detail.contains("33554432 bytes"), "{found:?}");
}

#[test]
fn what_is_no_json_or_goes_on_after_it_is_refused() {
    for document in [
        "",
        "[",
        "{\"name\": \"x\"",
        "{\"name\":\"x\",\"zones\":[]} x",
    ] {
        assert!(Layout::parse(document.as_bytes()).is_err(), "{document}");
    }
    assert!(Layout::parse(&[0xff, 0xfe]).is_err());
}

#[test]
fn no_more_than_a_hundred_mistakes_are_told() {
    let seats: Vec<_> = (0..500).map(|_| seat(1, "1")).collect();
    let document = json!({"name": "x", "zones": [{"rows": [{"row_number": "1", "seats": seats}]}]});
    assert_eq!(mistakes(&document).len(), 100);
}

#[test]
fn area_with_a_capacity_has_its_places_after_the_rows_of_its_zone() {
    let mut document = house();
    document["zones"][0]["areas"][0]["capacity"] = json!(3);
    document["zones"][0]["areas"][0]["category"] = json!("A");
    let layout = read(&document).unwrap();
    assert_eq!(layout.seats(), 7);
    let labels: Vec<_> = (3..7)
        .map(|n| layout.label(SeatNo(n)).unwrap().to_string())
        .collect();
    let expected = [
        "Stalls, place 1",
        "Stalls, place 2",
        "Stalls, place 3",
        "Balcony, row A, seat W1",
    ];
    assert_eq!(labels, expected);
    assert_eq!(layout.zones[0].seats, 0..6);
    for place in &layout.places[3..6] {
        assert!((60.0..=160.0).contains(&place.x) && (10.0..=50.0).contains(&place.y));
        assert_eq!(place.category, 0);
    }
    document["zones"][0]["areas"][0]["capacity"] = json!(1_000_000);
    assert_eq!(mistakes(&document)[0].pointer, "/zones");
}

#[test]
fn categories_levels_and_the_focal_point_are_read() {
    let mut document = house();
    document["categories"][0]["price"] = json!("€ 49");
    document["zones"][1]["level"] = json!("First floor");
    document["focal_point"] = json!({"x": 100, "y": 20});
    let layout = read(&document).unwrap();
    let category = Category {
        name: "A".into(),
        colour: Some([255, 0, 0]),
        price: Some("€ 49".into()),
    };
    assert_eq!(layout.categories, [category]);
    assert_eq!(
        (layout.places[0].category, layout.places[3].category),
        (0, NO_CATEGORY)
    );
    assert_eq!(layout.zones[1].level.as_deref(), Some("First floor"));
    assert_eq!(layout.focal_point, Some([100.0, 20.0]));
}

#[test]
fn schema_is_json_and_names_every_member_that_is_read() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let members = |at: &str| schema.pointer(at).unwrap().as_object().unwrap();
    assert!(members("/properties").contains_key("focal_point"));
    for member in ["seat_number", "seat_guid", "position", "category", "kind"] {
        assert!(
            members("/$defs/seat/properties").contains_key(member),
            "{member}"
        );
    }
    assert!(members("/$defs/area/properties").contains_key("capacity"));
}
