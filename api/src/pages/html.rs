//! The words and the looks of the home page.

use std::fmt::{self, Display, Write};

use domain::concert::{Offer, Status};

use crate::origin::Origin;

const STYLE: &str = include_str!("home.css");
pub(super) const TYPE: &str = "text/html; charset=utf-8";

/// Plans of larger halls are megabytes: too much for a thumbnail.
const SEATS_PICTURED_MAX: u32 = 20_000;

/// The page with these concerts, for a client that calls us so. The path before ours, `base` here and
/// below, holds nothing that would have to be escaped, nor does a host.
pub(super) fn page(concerts: &[Offer], origin: &Origin) -> String {
    let base = origin.base();
    let mut main = String::with_capacity(32 * 1024);
    if concerts.is_empty() {
        main.push_str(&nothing_yet(origin));
    } else {
        main.push_str("<h2>Newest concerts</h2>\n<ul class=\"cards\">\n");
        for offer in concerts {
            write_card(&mut main, base, offer).expect("a String takes whatever is written");
        }
        main.push_str("</ul>\n");
    }
    document(base, &main)
}

/// The page when the ledger is away.
pub(super) fn apology(base: &str) -> String {
    let words = "The concerts cannot be read right now. Please reload soon.";
    document(base, &format!("<p class=\"note\">{words}</p>\n"))
}

/// The page of a concert that is not there.
pub(super) fn missing(base: &str) -> String {
    note_with_a_way_home(base, "There is no such concert.")
}

/// The page instead of one that is not there.
pub(super) fn unknown(base: &str) -> String {
    note_with_a_way_home(base, "There is no such page.")
}

fn note_with_a_way_home(base: &str, words: &str) -> String {
    let home = format!("<a href=\"{base}/\">See the concerts there are.</a>");
    document(base, &format!("<p class=\"note\">{words} {home}</p>\n"))
}

fn nothing_yet(origin: &Origin) -> String {
    let (scheme, host, base) = (origin.scheme(), origin.host(), origin.base());
    format!(
        "<div class=\"note\"><h2>No concerts yet</h2>\n\
         <p>Create the first one:</p>\n\
         <pre>curl -X POST {scheme}://{host}{base}/api/v1/concerts -d '{{\n  \
         \"name\": \"Die Walküre\", \"venue\": \"Opera House\",\n  \
         \"date\": \"2030-06-01\", \"capacity\": 3000, \"status\": \"ACTIVE\"\n}}'</pre></div>\n"
    )
}

fn document(base: &str, main: &str) -> String {
    let body = format!(
        "<header>\n<h1>Ticket<b>Overflow</b></h1>\n\
         <p>Sells concert tickets to a crowd that arrives at once, prints them, and draws who sits \
         where. Never one seat too many.</p>\n\
         <nav><a href=\"{base}/docs/\">API documentation</a>\
         <a href=\"{base}/openapi.json\">OpenAPI</a>\
         <a href=\"{base}/metrics\">Metrics</a><a href=\"{base}/readyz\">Readiness</a></nav>\n</header>\n\
         <main>\n{main}</main>\n"
    );
    frame("TicketOverflow", "", &body)
}

/// A whole document. `title` is escaped already; `style` is added to that of all pages.
pub(super) fn frame(title: &str, style: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}{style}</style>\n</head>\n<body>\n\
         {body}</body>\n</html>\n"
    )
}

fn write_card(html: &mut String, base: &str, offer: &Offer) -> fmt::Result {
    let concert = &offer.concert;
    let plan = format!("{base}/api/v1/concerts/{}/seats", concert.id);
    let (name, venue) = (
        Escaped(concert.name.as_str()),
        Escaped(concert.venue.as_str()),
    );
    let left = concert.capacity.saturating_sub(offer.sold);
    let (word, class) = status_shown(offer.status());
    let id = concert.id;
    let page = format!("{base}/concerts/{id}");
    writeln!(html, "<li>\n<a class=\"plan\" href=\"{page}\">")?;
    if (1..=SEATS_PICTURED_MAX).contains(&concert.capacity) {
        writeln!(
            html,
            "<img src=\"{plan}\" alt=\"Seating plan of {name}\" loading=\"lazy\">"
        )?;
    } else {
        writeln!(html, "<span>Open the seating plan</span>")?;
    }
    writeln!(html, "</a>\n<h3 dir=\"auto\">{name}</h3>")?;
    let date = concert.date;
    writeln!(
        html,
        "<p dir=\"auto\">{venue}</p>\n<p><time datetime=\"{date}\">{date}</time></p>"
    )?;
    writeln!(
        html,
        "<p><span class=\"status {class}\">{word}</span> {left} of {} seats left</p>",
        { concert.capacity }
    )?;
    let capacity = concert.capacity.max(1);
    writeln!(
        html,
        "<meter min=\"0\" max=\"{capacity}\" value=\"{left}\"></meter>\n</li>"
    )
}

/// The word for a status, and the class of its element.
pub(super) fn status_shown(status: Status) -> (&'static str, &'static str) {
    match status {
        Status::Active => ("On sale", "active"),
        Status::Cancelled => ("Cancelled", "cancelled"),
        Status::SoldOut => ("Sold out", "soldout"),
    }
}

/// Text as it may stand in an element or a quoted attribute.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for char in self.0.chars() {
            match char {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use domain::ConcertId;
    use domain::clock::from_micros;
    use domain::concert::{Concert, Name, parse_date};

    use super::*;

    fn offer(name: &str, capacity: u32) -> Offer {
        let concert = Concert {
            id: ConcertId(uuid::Uuid::nil()),
            name: Name::parse(name).unwrap(),
            venue: Name::parse("\"O'Neil's\"").unwrap(),
            date: parse_date("2030-06-01").unwrap(),
            capacity,
            layout_id: None,
            status: Status::Active,
            version: 1,
            created_at: from_micros(0),
        };
        Offer { concert, sold: 0 }
    }

    fn here() -> Origin {
        Origin::example("")
    }

    #[test]
    fn every_link_has_the_path_before_ours() {
        let origin = Origin::example("/a/b");
        let pages = [
            page(&[offer("N", 10)], &origin),
            page(&[], &origin),
            apology("/a/b"),
            missing("/a/b"),
            unknown("/a/b"),
        ];
        for page in pages {
            for link in ["href=\"", "src=\"", "tickets.example"] {
                for (at, _) in page.match_indices(link) {
                    let to = &page[at + link.len()..];
                    assert!(to.starts_with("/a/b/"), "{page}");
                }
            }
        }
    }

    #[test]
    fn names_cannot_write_html() {
        let page = page(
            &[offer("<script>alert(1)</script> & \"x\" onerror='y'", 10)],
            &here(),
        );
        assert!(!page.contains("<script"));
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;x&quot;"));
        assert!(page.contains("&quot;O&#39;Neil&#39;s&quot;"));
    }

    #[test]
    fn nothing_comes_from_elsewhere() {
        let pages = [
            page(&[offer("N", 10)], &here()),
            page(&[], &here()),
            apology(""),
            unknown(""),
        ];
        for page in pages {
            let page = page.replace("https://tickets.example/api", "");
            assert!(
                !page.contains("http") && !page.contains("src=\"//"),
                "{page}"
            );
        }
    }

    #[test]
    fn large_halls_are_linked_and_not_pictured() {
        assert!(page(&[offer("N", SEATS_PICTURED_MAX)], &here()).contains("<img"));
        assert!(!page(&[offer("N", SEATS_PICTURED_MAX + 1)], &here()).contains("<img"));
    }
}
