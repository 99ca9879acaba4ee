use std::sync::Arc;

use domain::layout::Layout;
use renderers::{PlanDocument, RenderError, SoldSeats, plan_png, plan_svg};
use roxmltree::Document;

use crate::support::plan;
use crate::svg::{descriptions, texts};

fn rendered(document: &PlanDocument) -> String {
    String::from_utf8(plan_svg(document).unwrap()).unwrap()
}

fn every_other(capacity: u32) -> SoldSeats {
    (0..capacity).step_by(2).collect()
}

/// Dots in the seat paths: each is a line of no length.
fn dots(svg: &Document) -> usize {
    let paths = svg.descendants().filter_map(|node| node.attribute("d"));
    paths.map(|path| path.matches("h0").count()).sum()
}

#[test]
fn description_is_id_capacity_and_sold() {
    for (capacity, sold) in [(0, 0), (1, 1), (100, 37), (1_000_000, 999_999)] {
        let document = plan(capacity, SoldSeats::from_ranges([(0, sold)]));
        let svg = rendered(&document);
        let expected = format!("{}|{capacity}|{sold}", document.concert_id);
        assert_eq!(descriptions(&Document::parse(&svg).unwrap()), [expected]);
    }
}

#[test]
fn name_venue_and_figures_are_texts() {
    let document = plan(3_000, every_other(3_000));
    let svg = rendered(&document);
    let texts = texts(&Document::parse(&svg).unwrap());
    for words in [
        &document.concert_name,
        &document.venue,
        "Saturday, 7 November 2026",
        "1,500 free",
        "1,500 of 3,000 sold",
        "STAGE",
        "Free",
        "Sold",
        "A",
        "AM",
    ] {
        assert!(
            texts.iter().any(|text| text == words),
            "{words} in {texts:?}"
        );
    }
}

#[test]
fn every_seat_has_one_dot_up_to_96_000() {
    for capacity in [0, 1, 2, 12, 100, 3_000, 10_000, 96_000] {
        let svg = rendered(&plan(capacity, every_other(capacity)));
        assert_eq!(dots(&Document::parse(&svg).unwrap()), capacity as usize);
    }
}

#[test]
fn sizes_are_bounded() {
    for capacity in [80_000, 96_000, 97_000, 250_000, 1_000_000] {
        let svg = rendered(&plan(capacity, every_other(capacity)));
        assert!(svg.len() < 1_500_000, "{capacity}: {} bytes", svg.len());
        let elements = Document::parse(&svg).unwrap().descendants().count();
        assert!(elements < 3_000, "{capacity}: {elements} nodes");
    }
}

#[test]
fn free_and_sold_seats_differ_in_size() {
    let svg = rendered(&plan(100, every_other(100)));
    let svg = Document::parse(&svg).unwrap();
    let widths: Vec<f32> = svg
        .descendants()
        .filter(|node| node.attribute("d").is_some_and(|path| path.contains("h0")))
        .map(|node| node.attribute("stroke-width").unwrap().parse().unwrap())
        .collect();
    assert_eq!(widths.len(), 2);
    assert!(widths[0] > 1.5 * widths[1], "{widths:?}");
}

#[test]
fn pictures_have_the_width_asked_for() {
    for (capacity, width) in [(0, 800), (12, 200), (3_000, 1_600), (1_000_000, 400)] {
        let png = plan_png(&plan(capacity, every_other(capacity)), width).unwrap();
        assert_eq!(crate::png::size(&png)[0], width);
    }
}

#[test]
fn same_document_gives_the_same_plan() {
    let document = plan(3_000, every_other(3_000));
    assert_eq!(plan_svg(&document).unwrap(), plan_svg(&document).unwrap());
    assert_eq!(
        plan_png(&document, 800).unwrap(),
        plan_png(&document, 800).unwrap()
    );
}

#[test]
fn seats_beyond_the_hall_are_refused() {
    let error = plan_svg(&plan(10, [10].into_iter().collect())).unwrap_err();
    assert_eq!(
        error,
        RenderError::SeatOutOfRange {
            seat: 10,
            capacity: 10
        }
    );
    let error = plan_svg(&plan(1_000_001, SoldSeats::new())).unwrap_err();
    assert_eq!(
        error,
        RenderError::CapacityTooLarge {
            capacity: 1_000_001
        }
    );
    let error = plan_png(&plan(10, SoldSeats::new()), 4_001).unwrap_err();
    let expected = RenderError::SizeOutOfRange {
        what: "width_px",
        value: 4_001,
        min: 200,
        max: 4_000,
    };
    assert_eq!(error, expected);
}

#[test]
fn documents_survive_json_and_refuse_unknown_keys() {
    let document = plan(3_000, every_other(100));
    let json = serde_json::to_string(&document).unwrap();
    assert_eq!(
        serde_json::from_str::<PlanDocument>(&json).unwrap(),
        document
    );
    let extended = json.replacen('{', "{\"colour\":\"red\",", 1);
    assert!(serde_json::from_str::<PlanDocument>(&extended).is_err());
}

/// Two rows of ten with a wheelchair's place each, and a stage.
fn house() -> Arc<Layout> {
    let seat = |x: u32| {
        let kind = if x == 9 { "accessible" } else { "standard" };
        format!(
            r#"{{"seat_number":"{x}","position":{{"x":{},"y":0}},"kind":"{kind}"}}"#,
            x * 20
        )
    };
    let seats: Vec<_> = (0..10).map(seat).collect();
    let row = |y: u32| {
        let seats = seats.join(",");
        format!(r#"{{"row_number":"A","position":{{"x":0,"y":{y}}},"seats":[{seats}]}}"#)
    };
    let stage = r##"{"position":{"x":0,"y":-90},"color":"#000000","rectangle":{"width":180,"height":40},
                     "text":{"position":{"x":90,"y":20},"text":"<Stage> & more"}}"##;
    let document = format!(
        r#"{{"name":"H","zones":[{{"name":"Stalls","rows":[{},{}],"areas":[{stage}]}}]}}"#,
        row(0),
        row(30)
    );
    Arc::new(Layout::parse(document.as_bytes()).unwrap())
}

#[test]
fn every_seat_of_a_layout_is_drawn_once_in_its_status_and_shape() {
    let document = PlanDocument {
        layout: Some(house()),
        ..plan(20, SoldSeats::from_ranges([(0, 3), (9, 1)]))
    };
    let svg = rendered(&document);
    let svg = Document::parse(&svg).unwrap();
    let paths = svg
        .descendants()
        .filter(|node| node.has_attribute("stroke-linecap"));
    let drawn: Vec<_> = paths
        .map(|path| {
            let dots = path.attribute("d").unwrap().matches("h0").count();
            (
                path.attribute("stroke-linecap").unwrap(),
                path.attribute("stroke").unwrap(),
                dots,
            )
        })
        .collect();
    let (free, sold) = ("#0b7a5b", "#a9b0bc");
    let expected = [
        ("round", free, 15),
        ("round", sold, 3),
        ("square", free, 1),
        ("square", sold, 1),
    ];
    assert_eq!(drawn, expected);
    for words in ["Stalls", "<Stage> & more", "Room for wheelchairs"] {
        assert!(texts(&svg).iter().any(|text| text == words), "{words}");
    }
}

#[test]
fn layout_of_another_house_is_refused() {
    let document = PlanDocument {
        layout: Some(house()),
        ..plan(21, SoldSeats::new())
    };
    let refused = RenderError::LayoutDiffers {
        seats: 20,
        capacity: 21,
    };
    assert_eq!(plan_svg(&document).unwrap_err(), refused);
}

#[test]
fn outlines_of_sections_are_around_their_seats_and_name_them() {
    let layout = house();
    let seats = layout.seats();
    let named = PlanDocument {
        layout: Some(layout),
        ..plan(seats, SoldSeats::default())
    };
    for document in [named, plan(3_000, SoldSeats::default())] {
        let svg = rendered(&document);
        let svg = Document::parse(&svg).unwrap();
        let outlines: Vec<_> = svg
            .descendants()
            .filter(|node| node.has_attribute("data-section"))
            .collect();
        let sections = renderers::plan_sections(&document);
        assert_eq!(outlines.len(), sections.len());
        for (outline, section) in outlines.iter().zip(sections) {
            assert_eq!(outline.attribute("data-section"), Some(&*section.name));
            let seats = format!("{} {}", section.seats.start, section.seats.end);
            assert_eq!(outline.attribute("data-seats"), Some(&*seats));
            let title = outline.first_element_child().unwrap();
            assert_eq!(title.text(), Some(&*section.name));
            let path = outline.attribute("d").unwrap();
            assert!(path.starts_with('M') && path.ends_with('z'), "{path}");
        }
    }
}
