//! Names that nobody should have, and somebody will.

use renderers::{
    RenderError, TicketDocument, plan_png, plan_svg, ticket_pdf, ticket_png, ticket_svg,
};
use roxmltree::Document;

use crate::support::{named, plan, ticket};
use crate::svg::{descriptions, rendered, texts};

fn names() -> Vec<String> {
    let mut names: Vec<String> = [
        "<script>alert(\"&amp;'\")</script>",
        "]]><!-- & -->",
        "\u{202E}evil\u{202C} \u{2066}a\u{2069}b",
        "🎉 👩‍👩‍👧‍👦 🇦🇺 ❤️",
        "東京事変 椎名林檎 김치 ไทย हिन्दी",
        "محمد عبد الله - שלום 123 abc",
        "e\u{301}\u{302}\u{303}\u{304}\u{305} Nguyễn Thị Ánh",
        "\u{301}leading mark",
        "\u{FEFF}\u{200D}\u{200B}",
        "\u{E000}\u{10FFFD}\u{FDD0}",
        " leading and trailing ",
        "-",
        "",
    ]
    .map(str::to_owned)
    .into();
    for unit in [
        "W", "i", " ", "漢", "🎉", "\u{301}", "\u{FDFD}", "word ", "ا", "a\u{301}", "\u{AD}",
    ] {
        names.push(unit.repeat(1000 / unit.chars().count()));
    }
    names
}

#[test]
fn no_name_stops_a_ticket() {
    for name in names() {
        let document = named(&name);
        ticket_pdf(&document).unwrap();
        ticket_png(&document, 36).unwrap();
        let svg = rendered(&document);
        let svg = Document::parse(&svg).unwrap_or_else(|error| panic!("{name:?}: {error}"));
        assert_eq!(descriptions(&svg), [ticket().ticket_id], "{name:?}");
    }
}

#[test]
fn no_name_stops_a_plan() {
    for name in names() {
        let mut document = plan(12, [3].into_iter().collect());
        document.concert_name.clone_from(&name);
        document.venue.clone_from(&name);
        plan_png(&document, 200).unwrap();
        let svg = String::from_utf8(plan_svg(&document).unwrap()).unwrap();
        Document::parse(&svg).unwrap_or_else(|error| panic!("{name:?}: {error}"));
    }
}

#[test]
fn names_of_a_thousand_letters_are_whole_in_a_text_element() {
    for unit in ["W", "ш", "Lorem ipsum dolor "] {
        let name: String = unit.chars().cycle().take(1000).collect();
        let document = TicketDocument {
            concert_name: name.clone(),
            venue: name.clone(),
            ..ticket()
        };
        let svg = rendered(&document);
        let texts = texts(&Document::parse(&svg).unwrap());
        assert_eq!(
            texts.iter().filter(|text| **text == name).count(),
            2,
            "{unit}"
        );
    }
}

#[test]
fn control_characters_are_left_out() {
    let document = named("a\u{0}b\u{1F}c\u{7F}d\u{9F}e\tf\nJ\u{FFFF}k");
    let svg = rendered(&document);
    let texts = texts(&Document::parse(&svg).unwrap());
    assert_eq!(
        texts.iter().filter(|text| *text == "abcde f Jk").count(),
        3,
        "{texts:?}"
    );
    ticket_pdf(&document).unwrap();
}

#[test]
fn characters_that_turn_the_direction_stay_within_their_field() {
    let turned = TicketDocument {
        concert_name: "\u{202E}evil\u{2067}".to_owned(),
        holder_name: "\u{2066}\u{2066}\u{202B}open".to_owned(),
        ..ticket()
    };
    let pdf = ticket_pdf(&turned).unwrap();
    let text = crate::support::run("poppler-utils", "pdftotext", &["{}", "-"], &pdf);
    let svg = rendered(&turned);
    let texts = texts(&Document::parse(&svg).unwrap());
    for field in [&turned.venue, &turned.holder_email, &turned.ticket_id] {
        assert!(text.lines().any(|line| line == field), "{field} in {text}");
        assert!(texts.contains(field), "{field} in {texts:?}");
    }
    let calm = ticket_svg(&ticket()).unwrap();
    assert_eq!(
        svg.matches("<text").count(),
        String::from_utf8(calm).unwrap().matches("<text").count()
    );
}

#[test]
fn extreme_dates_seats_and_ids_are_printed() {
    let mut document = ticket();
    document.date = chrono::NaiveDate::from_ymd_opt(9999, 12, 31).unwrap();
    document.seat_row = "Balcony, left side, standing room behind the pillar".to_owned();
    document.seat_number = u32::MAX.to_string();
    document.ticket_id = "x".repeat(300);
    document.holder_email = format!("{}@example.org", "e".repeat(300));
    for document in [
        document,
        TicketDocument {
            ticket_id: String::new(),
            ..ticket()
        },
    ] {
        ticket_svg(&document).unwrap();
        ticket_pdf(&document).unwrap();
    }
}

#[test]
fn code_beyond_a_qr_symbol_is_an_error() {
    let code = "A".repeat(4_000);
    let document = TicketDocument { code, ..ticket() };
    let expected = RenderError::CodeTooLong { length: 4_000 };
    assert_eq!(ticket_svg(&document).unwrap_err(), expected);
    assert_eq!(ticket_pdf(&document).unwrap_err(), expected);
    assert_eq!(ticket_png(&document, 150).unwrap_err(), expected);
}
