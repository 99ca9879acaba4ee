//! The words and the looks of the home page.

use std::fmt::{self, Display, Write};

use domain::concert::{Offer, Status};

const STYLE: &str = include_str!("home.css");
pub(super) const TYPE: &str = "text/html; charset=utf-8";

/// Plans of larger halls are megabytes: too much for a thumbnail.
const SEATS_PICTURED_MAX: u32 = 20_000;

/// The page with these concerts.
pub(super) fn page(concerts: &[Offer]) -> String {
    let mut main = String::with_capacity(32 * 1024);
    if concerts.is_empty() {
        main.push_str(NOTHING_YET);
    } else {
        main.push_str("<h2>Newest concerts</h2>\n<ul class=\"cards\">\n");
        for offer in concerts {
            write_card(&mut main, offer).expect("a String takes whatever is written");
        }
        main.push_str("</ul>\n");
    }
    document(&main)
}

/// The page when the ledger is away.
pub(super) fn apology() -> String {
    document("<p class=\"note\">The concerts cannot be read right now. Please reload soon.</p>\n")
}

/// The page of a concert that is not there.
pub(super) fn missing() -> String {
    document(
        "<p class=\"note\">There is no such concert. <a href=\"/\">See those there are.</a></p>\n",
    )
}

const NOTHING_YET: &str = "<div class=\"note\"><h2>No concerts yet</h2>\n\
    <p>Create the first one:</p>\n\
    <pre>curl -X POST http://localhost:8080/api/v1/concerts -d '{\n  \
    \"name\": \"Die Walküre\", \"venue\": \"Opera House\",\n  \
    \"date\": \"2030-06-01\", \"capacity\": 3000, \"status\": \"ACTIVE\"\n}'</pre></div>\n";

fn document(main: &str) -> String {
    let body = format!(
        "<header>\n<h1>Ticket<b>Overflow</b></h1>\n\
         <p>Sells concert tickets to a crowd that arrives at once, prints them, and draws who sits \
         where. Never one seat too many.</p>\n\
         <nav><a href=\"/docs/\">API documentation</a><a href=\"/openapi.json\">OpenAPI</a>\
         <a href=\"/metrics\">Metrics</a><a href=\"/readyz\">Readiness</a></nav>\n</header>\n\
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

fn write_card(html: &mut String, offer: &Offer) -> fmt::Result {
    let concert = &offer.concert;
    let plan = format!("/api/v1/concerts/{}/seats", concert.id);
    let (name, venue) = (
        Escaped(concert.name.as_str()),
        Escaped(concert.venue.as_str()),
    );
    let left = concert.capacity.saturating_sub(offer.sold);
    let (word, class) = status_shown(offer.status());
    let id = concert.id;
    writeln!(html, "<li>\n<a class=\"plan\" href=\"/concerts/{id}\">")?;
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

    #[test]
    fn names_cannot_write_html() {
        let page = page(&[offer("<script>alert(1)</script> & \"x\" onerror='y'", 10)]);
        assert!(!page.contains("<script"));
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;x&quot;"));
        assert!(page.contains("&quot;O&#39;Neil&#39;s&quot;"));
    }

    #[test]
    fn nothing_comes_from_elsewhere() {
        for page in [page(&[offer("N", 10)]), page(&[]), apology()] {
            let page = page.replace("http://localhost:8080/api", "");
            assert!(
                !page.contains("http") && !page.contains("src=\"//"),
                "{page}"
            );
        }
    }

    #[test]
    fn large_halls_are_linked_and_not_pictured() {
        assert!(page(&[offer("N", SEATS_PICTURED_MAX)]).contains("<img"));
        assert!(!page(&[offer("N", SEATS_PICTURED_MAX + 1)]).contains("<img"));
    }
}
