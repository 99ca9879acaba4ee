use renderers::{RenderError, ticket_png};

use crate::support::{CODE, scanned, ticket};

/// Width and height from the header, which every PNG begins with.
pub(crate) fn size(png: &[u8]) -> [u32; 2] {
    assert_eq!(png[..8], *b"\x89PNG\r\n\x1a\n");
    [16, 20].map(|at| u32::from_be_bytes(png[at..at + 4].try_into().unwrap()))
}

#[test]
fn code_is_read_from_the_picture() {
    for dpi in [96, 150, 300] {
        assert_eq!(
            scanned(&ticket_png(&ticket(), dpi).unwrap()),
            CODE,
            "{dpi} dpi"
        );
    }
}

#[test]
fn short_and_long_codes_are_read_from_the_picture() {
    for code in [
        "A".to_owned(),
        "TICKET ".repeat(28),
        "https://example.org/t?n=1&m=2".to_owned(),
    ] {
        let document = renderers::TicketDocument {
            code: code.clone(),
            ..ticket()
        };
        assert_eq!(scanned(&ticket_png(&document, 150).unwrap()), code);
    }
}

#[test]
fn picture_is_an_a4_page() {
    assert_eq!(size(&ticket_png(&ticket(), 150).unwrap()), [1240, 1754]);
    assert_eq!(size(&ticket_png(&ticket(), 72).unwrap()), [595, 842]);
}

#[test]
fn same_document_gives_the_same_png() {
    assert_eq!(
        ticket_png(&ticket(), 150).unwrap(),
        ticket_png(&ticket(), 150).unwrap()
    );
}

#[test]
fn absurd_resolutions_are_refused() {
    for dpi in [0, 35, 601, u32::MAX] {
        let error = ticket_png(&ticket(), dpi).unwrap_err();
        let expected = RenderError::SizeOutOfRange {
            what: "dpi",
            value: dpi,
            min: 36,
            max: 600,
        };
        assert_eq!(error, expected);
    }
}
