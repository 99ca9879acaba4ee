use std::sync::Arc;

use super::*;
use crate::language::Language;
use crate::scene::{Item, Text};

/// Left, top, right, bottom of each line, as the letters of most scripts reach.
fn boxes(text: &Text) -> Vec<[f32; 4]> {
    let size = text.fitted.size;
    let line = |(line, x, y)| [x, y - 0.75 * size, x + text.width_of(line), y + 0.22 * size];
    text.lines()
        .filter(|(line, ..)| line.width > 0.0)
        .map(line)
        .collect()
}

fn overlap(a: &[f32; 4], b: &[f32; 4]) -> bool {
    a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
}

fn ticket(name: &str, language: Language, sheet: Sheet) -> TicketDocument {
    let name = name.to_owned();
    TicketDocument {
        ticket_id: "0197a3c4-5e6f-7a8b-9c0d-1e2f3a4b5c6d".to_owned(),
        concert_id: "0197a3c4-5e6f-7a8b-9c0d-1e2f3a4b5c6d".to_owned(),
        concert_name: name.clone(),
        venue: name.clone(),
        date: chrono::NaiveDate::from_ymd_opt(2026, 9, 30).unwrap(),
        // The longest words: the doors open the evening before.
        begins: chrono::NaiveTime::from_hms_opt(0, 15, 0),
        doors: chrono::NaiveTime::from_hms_opt(23, 30, 0),
        time_zone: Some("America/Argentina/Buenos_Aires".to_owned()),
        seat_section: Some(name.clone()),
        seat_row: name.clone(),
        seat_number: "1000000".to_owned(),
        holder_name: name.clone(),
        holder_email: name.clone(),
        terms: Some(name),
        code: "CODE".to_owned(),
        language,
        sheet,
        ..TicketDocument::default()
    }
}

fn names() -> Vec<String> {
    let short = [
        "Mara",
        "Philharmonie der Nationen",
        "A b c d e f g h i j k l m n o p q r s",
        "東京事変",
        "محمد عبد الله",
    ];
    let long = ["W", "word ", "漢", "ا", "ي ", "g"].map(|unit| unit.repeat(1000));
    short.map(str::to_owned).into_iter().chain(long).collect()
}

#[test]
fn nothing_overlaps_whatever_the_names_and_the_language_are() {
    for name in names() {
        for language in Language::ALL {
            for sheet in [Sheet::A4, Sheet::Phone] {
                for cancelled in [false, true] {
                    check(&TicketDocument {
                        cancelled,
                        ..ticket(&name, language, sheet)
                    });
                }
            }
        }
    }
}

fn check(document: &TicketDocument) {
    let TicketDocument {
        language,
        sheet,
        cancelled,
        ..
    } = document;
    let name = &document.holder_name;
    let what = format!("{name:.9} {language:?} {sheet:?} {cancelled}");
    let [width, height] = size(document.sheet);
    let paper = Paper::of(document);
    let face = face(document, Glyphs::Ours).unwrap();
    let lines: Vec<_> = paper.letters().chain(texts(&face)).map(boxes).collect();
    let code = paper
        .items()
        .iter()
        .chain(&face)
        .find_map(|item| match item {
            Item::Modules(modules) => {
                let quiet = f32::from(QUIET_ZONE) * modules.size;
                let side = f32::from(modules.side) * modules.size + quiet;
                Some([
                    modules.x - quiet,
                    modules.y - quiet,
                    modules.x + side,
                    modules.y + side,
                ])
            }
            _ => None,
        });
    let code = code.expect("a ticket has a code");
    for (index, text) in lines.iter().enumerate() {
        for line in text {
            assert!(
                line[0] >= 22.0 && line[2] <= width - 22.0,
                "{what}: {line:?}"
            );
            assert!(line[1] >= 0.0 && line[3] <= height, "{what}: {line:?}");
            assert!(!overlap(line, &code), "{what}: {line:?} covers the code");
            let folds = line[1] < a4::FOLD && line[3] > a4::FOLD;
            assert!(
                document.sheet != Sheet::A4 || !folds,
                "{what}: {line:?} is on the fold"
            );
            for other in lines[index + 1..].iter().flatten() {
                assert!(!overlap(line, other), "{what}: {line:?} and {other:?}");
            }
        }
    }
}

#[test]
fn words_of_every_language_have_their_letters() {
    for language in Language::ALL {
        for sheet in [Sheet::A4, Sheet::Phone] {
            let document = TicketDocument {
                cancelled: true,
                ..ticket("Mara", language, sheet)
            };
            assert_eq!(ticket_missing(&document), [], "{language:?}");
            let paper = Paper::of(&document);
            assert_eq!(
                paper.letters().flat_map(Text::missing).count(),
                0,
                "{language:?}"
            );
            let note = note(&document, &Setter::of(&document));
            let Item::Text(note) = note else {
                panic!("it is a text")
            };
            assert_eq!(note.missing().count(), 0, "{language:?}");
            assert!(note.fitted.complete, "{language:?}: the note is cut");
        }
    }
}

#[test]
fn paper_of_one_ticket_is_not_that_of_another() {
    let ticket = ticket("Mara", Language::En, Sheet::A4);
    let same = TicketDocument {
        holder_name: "Zoë".into(),
        ..ticket.clone()
    };
    assert!(Arc::ptr_eq(&Paper::of(&ticket), &Paper::of(&same)));
    for other in [
        TicketDocument {
            language: Language::De,
            ..ticket.clone()
        },
        TicketDocument {
            sheet: Sheet::Phone,
            ..ticket.clone()
        },
        TicketDocument {
            terms: None,
            ..ticket.clone()
        },
        TicketDocument {
            cancelled: true,
            ..ticket.clone()
        },
    ] {
        assert!(!Arc::ptr_eq(&Paper::of(&ticket), &Paper::of(&other)));
    }
}

#[test]
fn code_is_at_least_30_mm_wide_on_every_sheet() {
    for field in [a4::CODE, phone::CODE] {
        let Modules { size, side, .. } = code(&"A".repeat(200), &field, String::new()).unwrap();
        // A symbol of 200 letters has 49 modules on a side.
        assert_eq!(side, 49);
        assert!(49.0 * size / 72.0 * 25.4 >= 30.0, "{size}");
    }
}
