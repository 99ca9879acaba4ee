//! Tickets of concerts that will not take place say so.

use renderers::{Language, PdfBackend, Sheet, TicketDocument};
use renderers::{ticket_pdf, ticket_pdf_by, ticket_png};
use roxmltree::{Document, Node};

use crate::browser::difference;
use crate::support::{CODE, named, rasterised, run, scanned, ticket};
use crate::svg::{descriptions, rendered, texts};

/// The word in each language, in small letters.
const WORDS: [(Language, &str); 8] = [
    (Language::En, "cancelled"),
    (Language::De, "abgesagt"),
    (Language::Fr, "annulé"),
    (Language::Es, "cancelado"),
    (Language::It, "annullato"),
    (Language::Ro, "anulat"),
    (Language::Ar, "أُلغي الحفل"),
    (Language::Ja, "公演中止"),
];

fn cancelled(language: Language, sheet: Sheet) -> TicketDocument {
    TicketDocument {
        cancelled: true,
        language,
        sheet,
        ..ticket()
    }
}

/// The size of the text that is these words.
fn size_of(svg: &Document, words: &str) -> Option<f32> {
    let is_it = |node: &Node| {
        let said = node.descendants().filter(Node::is_text);
        let said = said.filter_map(|node| node.text());
        node.tag_name().name() == "text" && said.collect::<String>().to_lowercase() == words
    };
    let size = svg.descendants().find(is_it)?.attribute("font-size")?;
    size.parse().ok()
}

#[test]
fn cancelled_ticket_says_so_large_in_every_language_format_and_sheet() {
    for (language, word) in WORDS {
        for sheet in [Sheet::A4, Sheet::Phone] {
            let document = cancelled(language, sheet);
            let svg = rendered(&document);
            let svg = Document::parse(&svg).unwrap();
            let size = size_of(&svg, word);
            assert!(size.is_some_and(|size| size >= 20.0), "{word} {size:?}");
            let plain = rendered(&TicketDocument {
                cancelled: false,
                ..document.clone()
            });
            assert_eq!(size_of(&Document::parse(&plain).unwrap(), word), None);
            let pdf = ticket_pdf(&document).unwrap();
            run("qpdf", "qpdf", &["--check", "{}"], &pdf);
            let said = run("poppler-utils", "pdftotext", &["{}", "-"], &pdf);
            // Arabic comes in the order in which it is drawn.
            let is_said = language == Language::Ar || said.to_lowercase().contains(word);
            assert!(is_said, "{word} in {said}");
            // A scanner reads the code, to say why it is refused.
            let png = ticket_png(&document, 150).unwrap();
            assert_eq!(scanned(&png), CODE, "{word}");
            assert_eq!(scanned(&rasterised(&pdf)), CODE, "{word}");
            let other = ticket_png(
                &TicketDocument {
                    cancelled: false,
                    ..document
                },
                150,
            );
            let share = difference(&png, &other.unwrap());
            assert!(share > 0.01, "{word}: {share} of the pixels differ");
        }
    }
}

#[test]
fn cancelled_ticket_still_says_whose_it_is_and_for_what() {
    for sheet in [Sheet::A4, Sheet::Phone] {
        let document = cancelled(Language::En, sheet);
        let svg = rendered(&document);
        let svg = Document::parse(&svg).unwrap();
        assert_eq!(descriptions(&svg), [document.ticket_id.as_str()]);
        let texts = texts(&svg);
        for field in [
            &document.concert_name,
            &document.venue,
            &document.holder_name,
            &document.holder_email,
            &document.ticket_id,
        ] {
            assert!(texts.contains(field), "{field} in {texts:?}");
        }
        let admits = texts
            .iter()
            .any(|text| text.eq_ignore_ascii_case("admit one"));
        assert!(!admits, "{texts:?}");
    }
}

#[test]
fn both_back_ends_mark_a_cancelled_ticket_alike() {
    for sheet in [Sheet::A4, Sheet::Phone] {
        let document = TicketDocument {
            cancelled: true,
            sheet,
            ..named("Мумий Тролль 東京")
        };
        let [one, two] = [PdfBackend::Tagged, PdfBackend::Printpdf]
            .map(|backend| ticket_pdf_by(&document, backend).unwrap());
        let share = difference(&rasterised(&one), &rasterised(&two));
        assert!(share < 0.002, "{share} of the pixels differ");
    }
}

#[test]
fn document_says_whether_it_is_cancelled_only_if_it_is() {
    let document = cancelled(Language::De, Sheet::Phone);
    let json = serde_json::to_value(&document).unwrap();
    assert_eq!(json["cancelled"], true);
    let read: TicketDocument = serde_json::from_value(json).unwrap();
    assert_eq!(read, document);
    let json = serde_json::to_value(ticket()).unwrap();
    assert!(json.get("cancelled").is_none());
}
