//! Logos come from outside.

use renderers::{Brand, BrandColour, Logo, RenderError, TicketDocument};
use renderers::{ticket_pdf, ticket_png, ticket_svg};

use crate::support::{CODE, rasterised, run, scanned, ticket};

const SQUARE: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20">
    <script>alert(1)</script><rect width="40" height="20" fill="#0a7d4f"/></svg>"##;

fn branded(logo: Logo) -> TicketDocument {
    TicketDocument {
        brand: Some(Brand {
            colour: Some(BrandColour([10, 125, 79])),
            logo: Some(logo),
        }),
        ..ticket()
    }
}

#[test]
fn nothing_of_a_logos_markup_is_on_the_ticket() {
    let document = branded(Logo::parse(SQUARE).unwrap());
    let svg = String::from_utf8(ticket_svg(&document).unwrap()).unwrap();
    assert!(svg.contains("data:image/png;base64,"));
    for markup in ["<script", "alert(", "40 20"] {
        assert!(!svg.contains(markup), "{markup}");
    }
    let pdf = ticket_pdf(&document).unwrap();
    run("qpdf", "qpdf", &["--check", "{}"], &pdf);
    let images = run("poppler-utils", "pdfimages", &["-list", "{}"], &pdf);
    assert!(images.contains("smask"), "{images}");
    assert_eq!(scanned(&rasterised(&pdf)), CODE);
    assert_eq!(scanned(&ticket_png(&document, 150).unwrap()), CODE);
}

#[test]
fn hostile_logos_are_refused() {
    let svg = |inner: &str| {
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
            viewBox="0 0 10 10">{inner}</svg>"#
        )
    };
    let laughs = r#"<!DOCTYPE svg [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
        <svg xmlns="http://www.w3.org/2000/svg"><text>&b;</text></svg>"#;
    let mut doubling = String::new();
    for n in 1..40 {
        let last = n - 1;
        let twice = format!(r##"<use href="#g{last}"/><use href="#g{last}"/>"##);
        doubling.push_str(r#"<g id="g"#);
        doubling.push_str(&n.to_string());
        doubling.push_str(r#"">"#);
        doubling.push_str(&twice);
        doubling.push_str("</g>");
    }
    let refused = [
        laughs.to_owned(),
        svg(r#"<image href="file:///etc/passwd" width="10" height="10"/>"#),
        svg(r#"<image href="http://127.0.0.1:9/x.png" width="10" height="10"/>"#),
        svg(&format!(
            r#"<rect id="g0" width="1" height="1"/>{doubling}"#
        )),
        svg(""),
        "x".repeat(600 * 1024),
        "data:image/png;base64,AAAA".to_owned(),
        "data:image/png;base64,%%%".to_owned(),
        String::new(),
    ];
    for logo in refused {
        let error = Logo::parse(&logo).unwrap_err();
        assert!(matches!(error, RenderError::Logo(_)), "{logo:.60}: {error}");
    }
}

#[test]
fn colour_is_written_with_six_digits_and_pale_ones_are_darkened() {
    let json = r##"{"colour": "#ffee00"}"##;
    let brand: Brand = serde_json::from_str(json).unwrap();
    assert_eq!(brand.colour, Some(BrandColour([255, 238, 0])));
    for wrong in ["red", "#fff", "#12345g", "#1234567"] {
        let json = format!(r#"{{"colour": "{wrong}"}}"#);
        assert!(serde_json::from_str::<Brand>(&json).is_err(), "{wrong}");
    }
    let document = TicketDocument {
        brand: Some(brand),
        ..ticket()
    };
    let svg = String::from_utf8(ticket_svg(&document).unwrap()).unwrap();
    assert!(!svg.contains("#ffee00"), "it would not be seen on paper");
}
