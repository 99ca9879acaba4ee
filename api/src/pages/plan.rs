//! The page of a concert: its house while it sells, and a section in detail. Everything that moves
//! is a script of ours, which asks the routes that any client may ask.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::admission::Class;
use domain::concert::Offer;
use domain::{ConcertId, Error, concerts};

use super::html::{self, Escaped};
use super::{JAVASCRIPT, answer};
use crate::app::App;
use crate::origin::Base;
use crate::problem::Problem;
use crate::request::PathId;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; \
    img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";
const STYLE: &str = include_str!("plan.css");
const SCRIPT: &str = include_str!("plan.js");

pub(crate) async fn plan(
    State(app): State<App>,
    base: Base,
    id: Result<PathId<ConcertId>, Problem>,
) -> Result<Response, Problem> {
    let base = base.as_str();
    let _pass = app.admit(Class::Lookups)?;
    let found = match id {
        Ok(PathId(id)) => concerts::find(app.ctx(), id).await,
        Err(_) => Err(Error::NotFound("concert")),
    };
    let (status, page) = match found {
        Ok(offer) => (StatusCode::OK, page(base, &offer)),
        Err(Error::NotFound(_)) => (StatusCode::NOT_FOUND, html::missing(base)),
        Err(error) => {
            let problem = Problem::from(error);
            problem.log();
            (problem.status(), html::apology(base))
        }
    };
    Ok(answer(status, html::TYPE, POLICY, page.into()))
}

pub(crate) async fn script() -> Response {
    answer(StatusCode::OK, JAVASCRIPT, POLICY, SCRIPT.into())
}

fn page(base: &str, offer: &Offer) -> String {
    let concert = &offer.concert;
    let (word, class) = html::status_shown(offer.status());
    let status = concert.status.as_str();
    let (id, date) = (concert.id, concert.date);
    let (name, venue) = (
        Escaped(concert.name.as_str()),
        Escaped(concert.venue.as_str()),
    );
    let main = format!(
        "<main data-base=\"{base}\" data-concert=\"{id}\" data-status=\"{status}\">\n\
         <nav><a href=\"{base}/\">All concerts</a></nav>\n\
         <h1 dir=\"auto\">{name}</h1>\n\
         <p dir=\"auto\">{venue}</p>\n<p><time datetime=\"{date}\">{date}</time></p>\n\
         <div class=\"sum\"><span id=\"status\" class=\"status {class}\">{word}</span>\
         <p id=\"summary\" role=\"status\"></p>\
         <meter id=\"meter\" min=\"0\" max=\"1\" value=\"0\" aria-label=\"Seats left\"></meter></div>\n\
         <p id=\"note\" class=\"note\" role=\"alert\" hidden></p>\n\
         <noscript><p class=\"note\">Without scripts the plan shows the sale as it was when you \
         opened this page.</p>\n<p class=\"drawing\"><img src=\"{base}/api/v1/concerts/{id}/seats\" \
         alt=\"Seating plan\" width=\"100%\"></p></noscript>\n\
         <p id=\"trouble\" class=\"note\" role=\"alert\" hidden></p>\n\
         <section id=\"detail\" aria-labelledby=\"section\" hidden>\n\
         <header><h2 id=\"section\" dir=\"auto\" tabindex=\"-1\"></h2><span id=\"left\"></span>\
         <button id=\"close\" type=\"button\">Close</button></header>\n\
         <p id=\"seat\"></p>\n<p id=\"change\" class=\"unseen\" role=\"status\"></p>\n\
         <div id=\"seats\" class=\"drawing\"></div>\n</section>\n\
         <p id=\"drawing\" role=\"status\" hidden></p>\n\
         <div id=\"plan\" class=\"drawing\"></div>\n\
         <ul id=\"prices\" class=\"list\" aria-label=\"Prices\"></ul>\n\
         <h2>Sections</h2>\n<ul id=\"sections\" class=\"list\"></ul>\n\
         <p id=\"more\" hidden></p>\n\
         </main>\n<script src=\"{base}/pages/plan.js\" defer></script>\n"
    );
    html::frame(&format!("{name} – TicketOverflow"), STYLE, &main)
}

#[cfg(test)]
mod tests {
    use domain::clock::from_micros;
    use domain::concert::{Concert, Name, Status, parse_date};

    use super::*;

    fn offer(name: &str, status: Status, sold: u32) -> Offer {
        let concert = Concert {
            id: ConcertId(uuid::Uuid::nil()),
            name: Name::parse(name).unwrap(),
            venue: Name::parse("Hall").unwrap(),
            date: parse_date("2030-06-01").unwrap(),
            capacity: 10,
            layout_id: None,
            status,
            version: 1,
            created_at: from_micros(0),
        };
        Offer { concert, sold }
    }

    #[test]
    fn page_says_whether_the_concert_is_on_sale() {
        for (status, sold, word) in [
            (Status::Active, 9, "active\">On sale<"),
            (Status::Active, 10, "soldout\">Sold out<"),
            (Status::SoldOut, 3, "soldout\">Sold out<"),
            (Status::Cancelled, 3, "cancelled\">Cancelled<"),
        ] {
            let page = page("", &offer("N", status, sold));
            assert!(page.contains(word), "{status:?}, {sold} sold: {page}");
            let known = format!("data-status=\"{}\"", status.as_str());
            assert!(page.contains(&known), "{page}");
        }
    }

    #[test]
    fn every_link_has_the_path_before_ours() {
        let page = page("/a/b", &offer("N", Status::Active, 0));
        for link in ["href=\"", "src=\""] {
            for (at, _) in page.match_indices(link) {
                assert!(page[at + link.len()..].starts_with("/a/b/"), "{page}");
            }
        }
        assert!(page.contains("data-base=\"/a/b\""));
    }

    #[test]
    fn page_shows_names_as_they_are_and_loads_its_own_script_only() {
        let name = "<script>alert(1)</script> & \"x\"";
        let page = page("", &offer(name, Status::Active, 0));
        assert_eq!(page.matches("<script").count(), 1, "{page}");
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;x&quot;"));
        assert!(
            !page.contains("http:") && !page.contains("https:"),
            "{page}"
        );
        assert!(!SCRIPT.contains("innerHTML") && !SCRIPT.contains("http"));
    }
}
