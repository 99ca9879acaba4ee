use renderers::ticket_pdf;

use crate::support::{CODE, named, rasterised, run, scanned, ticket};

fn text_of(name: &str) -> String {
    let pdf = ticket_pdf(&named(name)).unwrap();
    run("poppler-utils", "pdftotext", &["{}", "-"], &pdf)
}

#[test]
fn file_is_sound() {
    for document in [
        ticket(),
        named("東京 🎉 محمد שלום"),
        named(&"W".repeat(1000)),
    ] {
        let pdf = ticket_pdf(&document).unwrap();
        run("qpdf", "qpdf", &["--check", "{}"], &pdf);
    }
}

#[test]
fn same_document_gives_the_same_pdf() {
    for document in [ticket(), named("東京 🎉 محمد שלום")] {
        assert_eq!(
            ticket_pdf(&document).unwrap(),
            ticket_pdf(&document).unwrap()
        );
    }
}

#[test]
fn page_is_one_a4_sheet() {
    let info = run(
        "poppler-utils",
        "pdfinfo",
        &["{}"],
        &ticket_pdf(&ticket()).unwrap(),
    );
    let words: Vec<_> = info.split_whitespace().collect();
    assert!(
        words.windows(2).any(|pair| pair == ["Pages:", "1"]),
        "{info}"
    );
    assert!(info.contains("(A4)"), "{info}");
}

#[test]
fn fonts_are_embedded_subsets_with_unicode() {
    let pdf = ticket_pdf(&named("Мумий Тролль محمد שלום")).unwrap();
    let fonts = run("poppler-utils", "pdffonts", &["{}"], &pdf);
    let fonts: Vec<_> = fonts.lines().skip(2).collect();
    assert_eq!(fonts.len(), 4, "{fonts:?}");
    for font in fonts {
        let columns: Vec<_> = font.split_whitespace().collect();
        // name, type in two words, encoding, then: embedded, subset, unicode.
        assert_eq!(columns[4..7], ["yes", "yes", "yes"], "{font}");
    }
}

#[test]
fn every_field_can_be_selected() {
    let document = ticket();
    let text = run(
        "poppler-utils",
        "pdftotext",
        &["{}", "-"],
        &ticket_pdf(&document).unwrap(),
    );
    for field in [
        &document.venue,
        &document.concert_id,
        &document.holder_name,
        &document.holder_email,
        &document.ticket_id,
        "2026-11-07",
        "Saturday, 7 November 2026",
        "Row AB, seat 112",
    ] {
        assert!(text.lines().any(|line| line == field), "{field} in {text}");
    }
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(&document.concert_name), "{text}");
}

#[test]
fn words_come_back_in_logical_order() {
    for name in [
        "Сергей Щербаков",
        "Γιώργος Σεφέρης",
        "Nguyễn Thị Ánh",
        "שלום בן דוד",
        "محمد الحسيني",
        "東京事変",
        "Taylor Swift | Сергей | 東京 | José | שלום | سلام",
        "fi ffi office",
        "<b>&\"'</b>",
    ] {
        let text = text_of(name);
        // Poppler marks the direction of right-to-left lines; the letters are what counts.
        let text: String = text
            .chars()
            .filter(|c| !('\u{202A}'..='\u{202E}').contains(c))
            .collect();
        assert!(
            text.lines().filter(|line| *line == name).count() >= 2,
            "{name} in {text}"
        );
    }
}

#[test]
fn characters_without_a_glyph_can_be_selected() {
    for name in ["김철수", "Hi 🎉"] {
        let text = text_of(name);
        assert!(
            text.lines().filter(|line| *line == name).count() >= 2,
            "{name} in {text}"
        );
        assert!(text.contains("Unicode code point"), "{text}");
    }
    for name in ["Mara", "椎名 林檎"] {
        let text = text_of(name);
        assert!(!text.contains("Unicode code point"), "{name} in {text}");
    }
}

#[test]
fn code_is_read_from_the_rasterised_page() {
    let pdf = ticket_pdf(&ticket()).unwrap();
    assert_eq!(scanned(&rasterised(&pdf)), CODE);
}
