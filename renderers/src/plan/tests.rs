use domain::layout::{Layout, NO_CATEGORY, Place, PlaceKind, Row, Zone};

use super::*;

fn document(capacity: u32, sold: impl IntoIterator<Item = u32>) -> PlanDocument {
    PlanDocument {
        concert_id: "c".to_owned(),
        concert_name: "Name".to_owned(),
        venue: "Venue".to_owned(),
        capacity,
        sold: sold.into_iter().collect(),
        ..PlanDocument::default()
    }
}

#[test]
fn plan_that_was_updated_is_the_one_that_is_drawn_anew() {
    for capacity in [1, 100, 10_000, 120_000] {
        let mut plan = SeatingPlan::new(document(capacity, [])).unwrap();
        for seats in [
            vec![0],
            vec![0, capacity - 1],
            vec![],
            (0..capacity).collect(),
        ] {
            let sold: SoldSeats = seats.iter().copied().collect();
            plan.update(sold, SoldSeats::new()).unwrap();
            let anew = plan_svg(&document(capacity, seats)).unwrap();
            assert_eq!(plan.svg(), anew, "{capacity}");
        }
    }
}

#[test]
fn sale_redraws_the_neighbours_only() {
    let mut plan = SeatingPlan::new(document(10_000, [])).unwrap();
    let chunks = plan.chunks.len();
    assert!(chunks > 10);
    assert_eq!(
        plan.update([17].into_iter().collect(), SoldSeats::new())
            .unwrap(),
        1
    );
    let far_apart: SoldSeats = [17, 9_999].into_iter().collect();
    assert_eq!(plan.update(far_apart.clone(), SoldSeats::new()).unwrap(), 1);
    assert_eq!(plan.update(far_apart, SoldSeats::new()).unwrap(), 0);
}

#[test]
fn first_held_seat_brings_its_entry_in_the_legend() {
    let mut plan = SeatingPlan::new(document(100, [1])).unwrap();
    let held: SoldSeats = [5].into_iter().collect();
    plan.update([1].into_iter().collect(), held.clone())
        .unwrap();
    let anew = PlanDocument {
        held,
        ..document(100, [1])
    };
    assert_eq!(plan.svg(), plan_svg(&anew).unwrap());
    assert!(String::from_utf8(plan.svg()).unwrap().contains("On hold"));
}

#[test]
fn chunks_cover_every_seat_and_dot_once() {
    for capacity in [0, 1, 999, 10_000, 96_000, 120_000, 1_000_000] {
        let field = Field::of_rows(Geometry::of(capacity));
        let dots = field.chunks.iter().flat_map(|chunk| chunk.dots.clone());
        assert!(dots.eq(0..field.dots.len()), "{capacity}");
        let seats = field.chunks.iter().flat_map(|chunk| chunk.seats.clone());
        assert!(seats.eq(0..capacity), "{capacity}");
    }
}

#[test]
fn sections_cover_every_seat_once() {
    for capacity in [0, 1, 999, 10_000, 1_000_000] {
        let sections = plan_sections(&document(capacity, []));
        let seats = sections.iter().flat_map(|section| section.seats.clone());
        assert!(seats.eq(0..capacity), "{capacity}");
    }
}

/// A house of rows of one seat, of which each zone has as many.
pub(super) fn single_seats(seats: u32, zones: u32, place: impl Fn(u32) -> [f32; 2]) -> Layout {
    let place = |seat: u32| {
        let [x, y] = place(seat);
        let number = seat.to_string().into();
        Place {
            x,
            y,
            number,
            kind: PlaceKind::Standard,
            category: NO_CATEGORY,
        }
    };
    let row = |seat: u32| Row {
        name: seat.to_string(),
        seats: seat..seat + 1,
    };
    let zone = |zone: u32| Zone {
        name: format!("Box {zone}"),
        level: None,
        seats: seats / zones * zone..seats / zones * (zone + 1),
    };
    Layout {
        name: "Boxes".to_owned(),
        places: (0..seats).map(place).collect(),
        zones: (0..zones).map(zone).collect(),
        rows: (0..seats).map(row).collect(),
        areas: Vec::new(),
        categories: Vec::new(),
        focal_point: None,
        bounds: [0.0, 0.0, 1_000.0, 1_000.0],
    }
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand seats")]
fn boxes(seats: u32, zones: u32) -> PlanDocument {
    let layout = single_seats(seats, zones, |seat| {
        [(seat % 100) as f32, (seat / 100) as f32]
    });
    PlanDocument {
        layout: Some(Arc::new(layout)),
        ..document(seats, [])
    }
}

#[test]
fn sections_beyond_the_outlined_ones_are_named_with_their_seats() {
    let markup = outlines::markup(&boxes(1_002, 1_002));
    let last = r#"<path data-section="Box 999" data-seats="999 1000" d="M"#;
    assert!(markup.contains(last), "the last outline");
    let names = [
        r#"<path data-section="Box 1000" data-seats="1000 1001"/>"#,
        r#"<path data-section="Box 1001" data-seats="1001 1002"/>"#,
    ];
    assert!(markup.ends_with(&format!("{}</g>", names.concat())));
    let markup = outlines::markup(&boxes(10_001, 10_001));
    assert_eq!(markup.matches("data-section=").count(), 10_000);
    assert!(markup.contains(r#"data-sections="10001" data-seats-max="20000""#));
}

#[test]
fn outline_goes_along_the_rows_of_its_own_section() {
    // Two sections of two rows of one seat each.
    let markup = outlines::markup(&boxes(4, 2));
    let corners = |section: &str| {
        let path = markup.split("<path ").find(|path| path.contains(section));
        let path = path.unwrap().split(" d=\"").nth(1).unwrap();
        path.split_once('z').unwrap().0.to_owned()
    };
    let house = boxes(4, 2).layout.unwrap();
    let house = House::of(&house);
    for (section, seats) in [("Box 0", [0_u8, 1]), ("Box 1", [2, 3])] {
        for seat in seats {
            let [x, _] = house.place(f32::from(seat), 0.0);
            let mut at = String::new();
            crate::svg::push_number(&mut at, x);
            assert!(corners(section).contains(&at), "{seat} of {section}");
        }
        assert_eq!(
            corners(section).split(['M', 'L']).skip(1).count(),
            4,
            "{section}"
        );
    }
}

#[test]
fn sections_of_one_name_are_told_apart_and_each_is_found() {
    let mut document = boxes(12, 6);
    let mut layout = Layout::clone(document.layout.as_ref().unwrap());
    let names = ["Stalls", "Stalls", "Stalls (2)", "", "4", "Stalls\u{0}"];
    for (zone, name) in layout.zones.iter_mut().zip(names) {
        name.clone_into(&mut zone.name);
    }
    document.layout = Some(Arc::new(layout));
    let sections = plan_sections(&document);
    let names: Vec<_> = sections.iter().map(|section| &*section.name).collect();
    let expected = [
        "Stalls",
        "Stalls (2)",
        "Stalls (2) (2)",
        "4",
        "4 (2)",
        "Stalls (3)",
    ];
    assert_eq!(names, expected);
    for section in &sections {
        let svg = plan_section_svg(&document, &section.name).unwrap();
        let first = format!("id=\"seat-{}\"", section.seats.start);
        assert!(
            String::from_utf8(svg).unwrap().contains(&first),
            "{}",
            section.name
        );
    }
}
