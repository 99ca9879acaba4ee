//! Pictures as they were when somebody last looked at them.
//!
//! `TICKETOVERFLOW_GOLDEN=renew cargo test -p renderers --test it -- golden` draws them anew; look at
//! each that changed before it is committed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::layout::Layout;
use domain::layout::houses::{self, House};
use renderers::{Brand, BrandColour, Language, PlanDocument, Sheet, SoldSeats, TicketDocument};
use renderers::{plan_png, ticket_png};

use crate::browser::difference;
use crate::support::{named, plan, ticket};

/// The share of pixels that may look another way: what another processor's rounding changes.
const DIFFERENCE_MAX: f64 = 0.000_5;
/// Dots an inch, and the width of plans: enough to see a word, a dot and a frame.
const DPI: u32 = 60;
const WIDTH: u32 = 600;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn full(language: Language, sheet: Sheet) -> TicketDocument {
    TicketDocument {
        begins: chrono::NaiveTime::from_hms_opt(19, 30, 0),
        doors: chrono::NaiveTime::from_hms_opt(18, 45, 0),
        time_zone: Some("Europe/Vienna".to_owned()),
        seat_section: Some("Balcony".to_owned()),
        terms: Some("No refunds. No cameras.".to_owned()),
        language,
        sheet,
        ..ticket()
    }
}

fn house() -> PlanDocument {
    let document = serde_json::to_vec(&houses::document(House::Arena, 1_500)).unwrap();
    let layout = Layout::parse(&document).unwrap();
    let capacity = layout.seats();
    PlanDocument {
        layout: Some(Arc::new(layout)),
        held: SoldSeats::from_ranges([(100, 40)]),
        ..plan(capacity, (0..capacity).step_by(3).collect())
    }
}

/// Every picture by its name.
fn pictures() -> Vec<(&'static str, Vec<u8>)> {
    let ticket = |document: &TicketDocument| ticket_png(document, DPI).unwrap();
    let branded = TicketDocument {
        brand: Some(Brand {
            colour: Some(BrandColour([10, 125, 79])),
            logo: None,
        }),
        ..full(Language::De, Sheet::Phone)
    };
    let cancelled = |document: TicketDocument| {
        ticket(&TicketDocument {
            cancelled: true,
            ..document
        })
    };
    // After midnight: the doors open the evening before.
    let late = TicketDocument {
        begins: chrono::NaiveTime::from_hms_opt(0, 30, 0),
        doors: chrono::NaiveTime::from_hms_opt(23, 30, 0),
        ..full(Language::De, Sheet::A4)
    };
    let rows = plan(2_000, (0..2_000).step_by(3).collect());
    let shared = plan(150_000, SoldSeats::from_ranges([(0, 70_000)]));
    let house = house();
    vec![
        ("ticket-en", ticket(&full(Language::En, Sheet::A4))),
        ("ticket-ar", ticket(&full(Language::Ar, Sheet::A4))),
        ("ticket-ja", ticket(&full(Language::Ja, Sheet::A4))),
        (
            "ticket-long",
            ticket(&named(&"Philharmonie der Nationen ".repeat(20))),
        ),
        ("ticket-missing", ticket(&named("Hi 🎉 김철수"))),
        ("phone-de", ticket(&branded)),
        ("phone-ar", ticket(&full(Language::Ar, Sheet::Phone))),
        ("ticket-late", ticket(&late)),
        ("cancelled-en", cancelled(full(Language::En, Sheet::A4))),
        ("cancelled-ar", cancelled(full(Language::Ar, Sheet::A4))),
        ("cancelled-ja", cancelled(full(Language::Ja, Sheet::A4))),
        (
            "cancelled-long",
            cancelled(named(&"Philharmonie der Nationen ".repeat(20))),
        ),
        ("cancelled-phone-de", cancelled(branded)),
        (
            "cancelled-phone-ar",
            cancelled(full(Language::Ar, Sheet::Phone)),
        ),
        ("plan-rows", plan_png(&rows, WIDTH).unwrap()),
        ("plan-shared", plan_png(&shared, WIDTH).unwrap()),
        ("plan-arena", plan_png(&house, WIDTH).unwrap()),
    ]
}

/// The pictures of the README: those that `gallery/draw` makes of the documents beside them.
#[test]
fn gallery_shows_what_its_documents_give() {
    let gallery = Path::new(env!("CARGO_MANIFEST_DIR")).join("gallery");
    let read = |name: &str| std::fs::read(gallery.join(name)).unwrap();
    let tickets = [
        ("ticket", "ticket-en"),
        ("ticket-ar", "ticket-ar"),
        ("ticket-ja", "ticket-ja"),
        ("ticket-phone-de", "ticket-phone-de"),
    ];
    let mut drawn = Vec::new();
    for (document, picture) in tickets {
        let document = serde_json::from_slice(&read(&format!("{document}.json"))).unwrap();
        drawn.push((picture, ticket_png(&document, 110).unwrap()));
    }
    let houses = [
        ("theatre", House::Theatre, 1_200),
        ("arena", House::Arena, 15_000),
        ("stadium", House::Stadium, 80_000),
    ];
    for (name, house, seats) in houses {
        let mut document: PlanDocument =
            serde_json::from_slice(&read(&format!("{name}.json"))).unwrap();
        let layout = serde_json::to_vec(&houses::document(house, seats)).unwrap();
        document.layout = Some(Arc::new(Layout::parse(&layout).unwrap()));
        drawn.push((name, plan_png(&document, 1_200).unwrap()));
    }
    for (name, now) in drawn {
        let then = read(&format!("{name}.png"));
        assert_eq!(crate::png::size(&now), crate::png::size(&then), "{name}");
        let share = difference(&now, &then).max(difference(&then, &now));
        assert!(
            share <= DIFFERENCE_MAX,
            "{name} is out of date: {share:.5}; renderers/gallery/draw makes it again"
        );
    }
}

#[test]
fn pictures_look_as_they_did() {
    let renew = std::env::var_os("TICKETOVERFLOW_GOLDEN").is_some_and(|wish| wish == "renew");
    let mut changed = Vec::new();
    for (name, now) in pictures() {
        let file = folder().join(format!("{name}.png"));
        if renew {
            std::fs::write(&file, &now).unwrap();
        }
        let then = std::fs::read(&file).unwrap();
        let share = difference(&now, &then).max(difference(&then, &now));
        if crate::png::size(&now) != crate::png::size(&then) || share > DIFFERENCE_MAX {
            changed.push(format!("{name}: {share:.5}"));
        }
    }
    let way_out = "look at them, then TICKETOVERFLOW_GOLDEN=renew cargo test -p renderers golden";
    assert!(changed.is_empty(), "{changed:?} changed; {way_out}");
}
