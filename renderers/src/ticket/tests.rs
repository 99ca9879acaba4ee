use super::*;
use crate::scene::{Item, Modules, Text};

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

#[test]
fn nothing_overlaps_whatever_the_names_are() {
    let short = [
        "Mara",
        "Philharmonie der Nationen",
        "A b c d e f g h i j k l m n o p q r s",
    ];
    let long = ["W", "word ", "漢", "ا", "ي ", "g"].map(|unit| unit.repeat(1000));
    for name in short.into_iter().chain(long.iter().map(String::as_str)) {
        let document = TicketDocument {
            ticket_id: "0197a3c4-5e6f-7a8b-9c0d-1e2f3a4b5c6d".to_owned(),
            concert_id: "0197a3c4-5e6f-7a8b-9c0d-1e2f3a4b5c6d".to_owned(),
            concert_name: name.to_owned(),
            venue: name.to_owned(),
            date: chrono::NaiveDate::from_ymd_opt(2026, 9, 30).unwrap(),
            seat_row: name.to_owned(),
            seat_section: None,
            seat_number: "1000000".to_owned(),
            holder_name: name.to_owned(),
            holder_email: name.to_owned(),
            code: "CODE".to_owned(),
        };
        let items = face::items(&document, Words::Outlines).unwrap();
        let texts = paper::items()
            .iter()
            .chain(&items)
            .filter_map(|item| match item {
                Item::Text(text) => Some(boxes(text)),
                _ => None,
            });
        let texts: Vec<_> = texts.collect();
        let code = [
            paper::CODE.x,
            paper::CODE.y,
            PAGE[0],
            paper::CODE.y + paper::CODE.height,
        ];
        for (index, lines) in texts.iter().enumerate() {
            for line in lines {
                assert!(
                    line[0] >= 39.0 && line[2] <= PAGE[0] - 39.0,
                    "{name:.9}: {line:?}"
                );
                assert!(!overlap(line, &code), "{name:.9}: {line:?} covers the code");
                let folds = line[1] < paper::FOLD && line[3] > paper::FOLD;
                assert!(!folds, "{name:.9}: {line:?} is on the fold");
                for other in texts[index + 1..].iter().flatten() {
                    assert!(!overlap(line, other), "{name:.9}: {line:?} and {other:?}");
                }
            }
        }
    }
}

#[test]
fn code_is_at_least_30_mm_wide() {
    let Modules { size, .. } = face::code(&"A".repeat(200)).unwrap();
    let modules = paper::CODE.width / size;
    // A symbol of 200 letters has 49 modules on a side, and four light ones around.
    assert!((modules - 57.0).abs() < 0.01, "{modules}");
    assert!(49.0 * size / 72.0 * 25.4 >= 30.0, "{size}");
}
