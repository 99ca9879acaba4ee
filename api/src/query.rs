//! What stands behind the question mark: the filter of the ticket list, and how a print or a plan is
//! wanted.

use domain::prints::Style;
use domain::tickets::TicketFilter;
use domain::{ConcertId, UserId};

use crate::accept;
use crate::problem::{NOT_FOUND, Problem};

/// Reads `user_id` and `concert_id`. A filter that can match nothing by its form (an unknown or
/// repeated name, an id that is none) names something that does not exist: 404.
pub(crate) fn ticket_filter(query: Option<&str>) -> Result<TicketFilter, Problem> {
    let mut filter = TicketFilter::default();
    let pairs = query.unwrap_or_default().split('&');
    for pair in pairs.filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decode(value).unwrap_or_default();
        let repeated = match decode(name).as_deref() {
            Some("concert_id") => {
                let id = ConcertId::parse(&value).ok_or_else(|| Problem::no_such("concert"))?;
                filter.concert_id.replace(id).is_some()
            }
            Some("user_id") => {
                let id = UserId::parse(&value).ok_or_else(|| Problem::no_such("user"))?;
                filter.user_id.replace(id).is_some()
            }
            _ => return Err(Problem::new(&NOT_FOUND, "there is no such filter")),
        };
        if repeated {
            return Err(Problem::new(&NOT_FOUND, "a filter is given more than once"));
        }
    }
    Ok(filter)
}

/// Reads `lang` and `sheet`; `language` is what to take without the first. Other names are left to
/// others, as they were before there were these two.
pub(crate) fn style(query: Option<&str>, language: &'static str) -> Result<Style, Problem> {
    let mut style = Style {
        language,
        phone: false,
    };
    if let Some(tag) = value(query, "lang") {
        let none = || Problem::new(&NOT_FOUND, "there are no prints in this language");
        style.language = accept::named_language(&tag).ok_or_else(none)?;
    }
    let sheet = value(query, "sheet").map(|sheet| sheet.to_ascii_lowercase());
    match sheet.as_deref() {
        None | Some("a4") => {}
        Some("phone") => style.phone = true,
        Some(_) => return Err(Problem::new(&NOT_FOUND, "a sheet is a4 or phone")),
    }
    Ok(style)
}

/// The value of a name, if it is there. One that cannot be decoded is empty.
pub(crate) fn value(query: Option<&str>, wanted: &str) -> Option<String> {
    let pairs = query.unwrap_or_default().split('&');
    let mut pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let (_, value) = pairs.find(|(name, _)| decode(name).as_deref() == Some(wanted))?;
    Some(decode(value).unwrap_or_default())
}

/// Undoes form encoding; `None` when the text is not encoded UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'%' => {
                let hex = rest
                    .get(..2)
                    .and_then(|hex| std::str::from_utf8(hex).ok())?;
                let plain = hex.bytes().all(|byte| byte.is_ascii_hexdigit());
                bytes.push(u8::from_str_radix(hex, 16).ok().filter(|_| plain)?);
                rest = &rest[2..];
            }
            b'+' => bytes.push(b' '),
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0190163d-8694-739b-aea5-966c26f8ad90";

    #[test]
    fn both_conditions_are_read_in_any_order() {
        let (concert_id, user_id) = (ConcertId::parse(ID), UserId::parse(ID));
        let both = TicketFilter {
            concert_id,
            user_id,
        };
        let query = format!("user_id={ID}&&concert_id={ID}&");
        assert_eq!(ticket_filter(Some(&query)).unwrap(), both);
        let encoded = format!("user%5Fid={}", ID.replace('-', "%2d"));
        assert_eq!(ticket_filter(Some(&encoded)).unwrap().user_id, user_id);
        let upper = format!("user_id={}", ID.to_uppercase());
        assert_eq!(ticket_filter(Some(&upper)).unwrap().user_id, user_id);
        for none in [None, Some("")] {
            assert_eq!(ticket_filter(none).unwrap(), TicketFilter::default());
        }
    }

    #[test]
    fn styles_are_read_in_any_case_and_from_regions() {
        for (query, language, phone) in [
            ("lang=de-AT", "de", false),
            ("lang=DE&sheet=PHONE", "de", true),
            ("lang=de_AT&sheet=A4", "de", false),
            ("lang=fr-Latn-CA", "fr", false),
            ("sheet=Phone", "en", true),
        ] {
            let style = style(Some(query), "en").unwrap();
            assert_eq!((style.language, style.phone), (language, phone), "{query}");
        }
        for query in [
            "lang=",
            "lang=xx",
            "lang=deutsch",
            "lang=-de",
            "sheet=",
            "sheet=a5",
        ] {
            assert_eq!(
                style(Some(query), "en").unwrap_err().status(),
                404,
                "{query}"
            );
        }
    }

    #[test]
    fn whatever_else_is_not_found() {
        let twice = format!("user_id={ID}&user_id={ID}");
        let unknown = format!("user_id={ID}&page=1");
        for query in [
            "user_id=",
            "user_id",
            "concert_id=1",
            "page=1",
            "USER_ID=1",
            "%FF=1",
            "user_id=%zz",
            "user_id=%+1",
            "=",
            &twice,
            &unknown,
        ] {
            let status = ticket_filter(Some(query)).unwrap_err().status();
            assert_eq!(status, 404, "{query:?}");
        }
    }
}
