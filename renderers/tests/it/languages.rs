//! Tickets in the buyer's language, on both sheets.

use renderers::{Language, OnMissing, PdfBackend, RenderError, Sheet, TicketDocument, read_codes};
use renderers::{ticket_missing, ticket_pdf, ticket_pdf_by, ticket_png, ticket_svg};
use roxmltree::Document;

use crate::browser::difference;
use crate::support::{CODE, grey_print, named, rasterised, run, scanned, ticket};

fn variants() -> impl Iterator<Item = TicketDocument> {
    let sheets = [Sheet::A4, Sheet::Phone];
    Language::ALL.into_iter().flat_map(move |language| {
        sheets.map(|sheet| TicketDocument {
            language,
            sheet,
            ..ticket()
        })
    })
}

#[test]
fn every_variant_is_sound_says_its_words_and_has_its_code() {
    for document in variants() {
        let what = format!("{:?} {:?}", document.language, document.sheet);
        let svg = String::from_utf8(ticket_svg(&document).unwrap()).unwrap();
        let svg = Document::parse(&svg).unwrap();
        let language = svg.root_element().attribute("lang");
        assert_eq!(language, Some(document.language.tag()));
        let pdf = ticket_pdf(&document).unwrap();
        run("qpdf", "qpdf", &["--check", "{}"], &pdf);
        let text = run("poppler-utils", "pdftotext", &["{}", "-"], &pdf);
        for words in [&document.holder_name, &document.ticket_id] {
            assert!(text.contains(words), "{what}: {words} in {text}");
        }
        assert_eq!(scanned(&rasterised(&pdf)), CODE, "{what}");
    }
}

#[test]
fn dates_and_labels_are_the_languages() {
    for (language, words) in [
        (
            Language::De,
            ["Samstag, 7. November 2026", "Reihe AB, Platz 112"],
        ),
        (Language::Ja, ["2026年11月7日（土）", "チケット情報"]),
        (Language::Ar, ["السبت، 7 نوفمبر 2026", "بيانات التذكرة"]),
    ] {
        let document = TicketDocument {
            language,
            ..ticket()
        };
        let svg = String::from_utf8(ticket_svg(&document).unwrap()).unwrap();
        for words in words {
            assert!(svg.contains(words), "{words}");
        }
    }
}

#[test]
fn doors_of_the_evening_before_come_with_their_day() {
    let at = |hour, minute| chrono::NaiveTime::from_hms_opt(hour, minute, 0);
    let said = |language, begins, doors| {
        let document = TicketDocument {
            language,
            begins,
            doors,
            ..ticket()
        };
        String::from_utf8(ticket_svg(&document).unwrap()).unwrap()
    };
    for (language, words) in [
        (Language::En, "Doors: Friday, 6 November · 23:30"),
        (Language::De, "Einlass: Freitag, 6. November · 23:30 Uhr"),
        (Language::Ja, "開場 11月6日（金） · 23:30"),
    ] {
        let svg = said(language, at(0, 30), at(23, 30));
        assert!(svg.contains(words), "{words}");
    }
    for (begins, doors) in [
        (at(19, 30), at(18, 45)),
        (at(18, 45), at(18, 45)),
        (None, at(18, 45)),
    ] {
        let svg = said(Language::En, begins, doors);
        assert!(svg.contains(">Doors: 18:45<"), "{begins:?}");
    }
}

#[test]
fn structure_tells_what_is_read_and_in_which_order() {
    let pdf = ticket_pdf(&ticket()).unwrap();
    let tree = run("poppler-utils", "pdfinfo", &["-struct-text", "{}"], &pdf);
    let at = |words: &str| {
        tree.find(words)
            .unwrap_or_else(|| panic!("{words} in {tree}"))
    };
    let order = [
        "H1",
        "Northern",
        "Saturday",
        "Sydney Opera House",
        "Zoë",
        "Good to know",
        "Ticket details",
    ];
    assert!(order.map(at).is_sorted(), "{tree}");
    assert!(tree.contains("Figure"), "{tree}");
    let info = run("poppler-utils", "pdfinfo", &["{}"], &pdf);
    let has = |name: &str, value: &str| {
        info.lines()
            .any(|line| line.starts_with(name) && line.ends_with(value))
    };
    assert!(
        has("Tagged:", "yes") && has("Metadata Stream:", "yes"),
        "{info}"
    );
}

#[test]
fn both_back_ends_say_the_same_and_look_alike() {
    for document in [ticket(), named("Мумий Тролль محمد שלום 東京")] {
        let [one, two] = [PdfBackend::Tagged, PdfBackend::Printpdf]
            .map(|backend| ticket_pdf_by(&document, backend).unwrap());
        let [words, others] =
            [&one, &two].map(|pdf| run("poppler-utils", "pdftotext", &["{}", "-"], pdf));
        assert_eq!(words, others);
        let share = difference(&rasterised(&one), &rasterised(&two));
        assert!(share < 0.002, "{share} of the pixels differ");
    }
}

#[test]
fn code_survives_a_grey_print_and_is_read_by_ourselves_too() {
    for document in variants().take(2) {
        let printed = grey_print(&ticket_pdf(&document).unwrap());
        assert_eq!(scanned(&printed), CODE);
        assert_eq!(read_codes(&printed).unwrap(), [CODE]);
        let picture = ticket_png(&document, 150).unwrap();
        assert_eq!(read_codes(&picture).unwrap(), [CODE]);
    }
    assert!(read_codes(b"no picture").is_err());
}

#[test]
fn characters_without_a_glyph_are_told_and_refused_if_that_is_wanted() {
    assert_eq!(ticket_missing(&ticket()), []);
    let document = named("Hi 🎉");
    assert_eq!(ticket_missing(&document), ['🎉']);
    let strict = TicketDocument {
        on_missing: OnMissing::Refuse,
        ..document
    };
    let refused = RenderError::NoGlyph {
        character: '🎉',
        text: "Hi 🎉".to_owned(),
    };
    assert_eq!(ticket_pdf(&strict).unwrap_err(), refused);
    assert_eq!(ticket_png(&strict, 72).unwrap_err(), refused);
    // A viewer has more typefaces than we have.
    ticket_svg(&strict).unwrap();
}
