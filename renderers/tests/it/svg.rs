use renderers::{TicketDocument, ticket_svg};
use roxmltree::{Document, Node};

use crate::support::{named, ticket};

const NAMESPACE: &str = "http://www.w3.org/2000/svg";

pub(crate) fn rendered(document: &TicketDocument) -> String {
    String::from_utf8(ticket_svg(document).unwrap()).unwrap()
}

/// The direct children of the root that are `<desc>`.
pub(crate) fn descriptions<'a>(svg: &'a Document) -> Vec<&'a str> {
    let root = svg.root_element();
    assert!(root.has_tag_name((NAMESPACE, "svg")));
    let children = root
        .children()
        .filter(|node| node.has_tag_name((NAMESPACE, "desc")));
    children
        .map(|node| node.text().unwrap_or_default())
        .collect()
}

/// The words of every `<text>` element, with those of its `<tspan>`s.
pub(crate) fn texts(svg: &Document) -> Vec<String> {
    let words = |node: Node| {
        node.descendants()
            .filter_map(|n| n.text().filter(|_| n.is_text()))
            .collect()
    };
    svg.descendants()
        .filter(|node| node.has_tag_name((NAMESPACE, "text")))
        .map(words)
        .collect()
}

#[test]
fn description_is_exactly_the_ticket_id() {
    let svg = rendered(&ticket());
    let svg = Document::parse(&svg).unwrap();
    assert_eq!(descriptions(&svg), [ticket().ticket_id]);
}

#[test]
fn every_field_is_whole_in_a_text_element() {
    let document = ticket();
    let svg = rendered(&document);
    let texts = texts(&Document::parse(&svg).unwrap());
    for field in [
        &document.concert_name,
        &document.venue,
        &document.concert_id,
        &document.holder_name,
        &document.holder_email,
        &document.ticket_id,
        "2026-11-07",
        "Saturday, 7 November 2026",
        "Row AB, seat 112",
        "AB",
        "112",
    ] {
        assert!(
            texts.iter().any(|text| text == field),
            "{field} in {texts:?}"
        );
    }
}

#[test]
fn short_names_are_not_divided() {
    let svg = rendered(&ticket());
    assert!(!svg.contains("<tspan"), "{svg}");
}

#[test]
fn long_names_are_whole_in_one_text_element_and_in_a_title() {
    let name = "Philharmonie  der Nationen, ".repeat(20);
    let svg = rendered(&named(&name));
    let svg = Document::parse(&svg).unwrap();
    assert_eq!(texts(&svg).iter().filter(|text| **text == name).count(), 3);
    let titles = svg
        .descendants()
        .filter(|node| node.has_tag_name((NAMESPACE, "title")));
    assert_eq!(titles.filter(|node| node.text() == Some(&name)).count(), 3);
}

#[test]
fn letters_that_no_slice_has_come_in_a_font_of_their_own() {
    use base64::Engine as _;
    use skrifa::MetadataProvider as _;

    let svg = rendered(&named("東京事変"));
    let rules: Vec<_> = svg
        .split("@font-face")
        .filter(|rule| rule.contains("U+6771"))
        .collect();
    assert!(!rules.is_empty());
    for rule in rules {
        let data = rule.split_once("font/sfnt;base64,").unwrap().1;
        let data = data.split_once(')').unwrap().0;
        let font = base64::engine::general_purpose::STANDARD
            .decode(data)
            .unwrap();
        let font = skrifa::FontRef::new(&font).unwrap();
        let map = font.charmap();
        for character in "東京事変".chars() {
            let glyph = map.map(character).unwrap();
            assert!(font.outline_glyphs().get(glyph).is_some(), "{character}");
        }
        assert!(map.map('林').is_none(), "only what the file needs");
    }
    assert!(!rendered(&ticket()).contains("font/sfnt"));
}

#[test]
fn page_is_a4() {
    let svg = rendered(&ticket());
    let svg = Document::parse(&svg).unwrap();
    assert_eq!(svg.root_element().attribute("width"), Some("210mm"));
    assert_eq!(svg.root_element().attribute("height"), Some("297mm"));
}

#[test]
fn same_document_gives_the_same_svg() {
    assert_eq!(rendered(&ticket()), rendered(&ticket()));
}
