//! Which format of a print, and which coding of a plan, a client prefers.

use axum::http::header::{ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE};
use axum::http::{HeaderMap, HeaderName};
use domain::prints::{Format, LANGUAGES};

/// The format to answer with, `None` when none will do. At equal preference the order is that of
/// [`Format::ALL`].
pub(crate) fn format(headers: &HeaderMap) -> Option<Format> {
    let best = media_type(headers, &Format::ALL.map(Format::media_type))?;
    Format::ALL
        .into_iter()
        .find(|format| format.media_type() == best)
}

/// Which of some media types to answer with, `None` when none will do. At equal preference the order
/// is theirs.
pub(crate) fn media_type<'a>(headers: &HeaderMap, types: &[&'a str]) -> Option<&'a str> {
    let Some(ranges) = ranges(headers, ACCEPT) else {
        return types.first().copied();
    };
    let mut best = (None, 0);
    for media_type in types.iter().copied() {
        let quality = quality(&ranges, |range| media_specificity(range, media_type));
        if quality > best.1 {
            best = (Some(media_type), quality);
        }
    }
    best.0
}

/// The language of [`LANGUAGES`] that a client prefers; the first one when it says nothing or
/// knows none of them. A range such as `de-AT` is `de` here.
pub(crate) fn language(headers: &HeaderMap) -> &'static str {
    let ranges = ranges(headers, ACCEPT_LANGUAGE).unwrap_or_default();
    let mut best = (LANGUAGES[0], 0);
    for language in LANGUAGES {
        let quality = quality(&ranges, |range| {
            let primary = range.split('-').next()?;
            (primary == language).then_some(u8::from(range == language))
        });
        if quality > best.1 {
            best = (language, quality);
        }
    }
    best.0
}

/// The language of [`LANGUAGES`] that a tag names, or the nearest one: `de` for `de-AT`, `DE` or
/// `de_AT`.
pub(crate) fn named_language(tag: &str) -> Option<&'static str> {
    let primary = tag.split(['-', '_']).next()?;
    let mut known = LANGUAGES.into_iter();
    known.find(|known| known.eq_ignore_ascii_case(primary))
}

/// Whether a client is a browser that wants to show a page: it names HTML and no JSON.
pub(crate) fn wants_page(headers: &HeaderMap) -> bool {
    let ranges = ranges(headers, ACCEPT).unwrap_or_default();
    let names = |end: &str| {
        ranges
            .iter()
            .any(|(range, q)| *q > 0 && range.ends_with(end))
    };
    names("/html") && !names("json")
}

/// How a plan can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// As it is.
    Identity,
    /// For everybody's client.
    Gzip,
    /// Smaller, and sooner unpacked.
    Zstd,
}

impl Coding {
    /// As headers have it; nothing for a plan as it is.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
        }
    }
}

/// The coding that a client prefers; at equal preference zstd, if it names that. Without the
/// header it may know none.
pub(crate) fn coding(headers: &HeaderMap) -> Coding {
    let Some(ranges) = ranges(headers, ACCEPT_ENCODING) else {
        return Coding::Identity;
    };
    let zstd = quality(&ranges, |range| (range == "zstd").then_some(1));
    let gzip = quality(&ranges, |range| match range {
        "gzip" | "x-gzip" => Some(2),
        "*" => Some(1),
        _ => None,
    });
    match (zstd, gzip) {
        (0, 0) => Coding::Identity,
        (zstd, gzip) if zstd >= gzip => Coding::Zstd,
        _ => Coding::Gzip,
    }
}

/// The quality, in thousandths, that the most specific matching range gives.
fn quality(ranges: &[(String, u16)], specificity: impl Fn(&str) -> Option<u8>) -> u16 {
    ranges
        .iter()
        .filter_map(|(range, quality)| Some((specificity(range)?, *quality)))
        .max()
        .map_or(0, |(_, quality)| quality)
}

fn media_specificity(range: &str, media_type: &str) -> Option<u8> {
    if range == media_type {
        return Some(3);
    }
    if range == "*/*" {
        return Some(1);
    }
    let group = range.strip_suffix("/*")?;
    let rest = media_type.strip_prefix(group)?;
    rest.starts_with('/').then_some(2)
}

/// The ranges of a header with their qualities; `None` when the header is missing or blank.
/// Parameters other than `q` are ignored: none of our formats has any.
fn ranges(headers: &HeaderMap, name: HeaderName) -> Option<Vec<(String, u16)>> {
    let ranges: Vec<_> = headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter(|range| !range.trim().is_empty())
        .map(range)
        .collect();
    (!ranges.is_empty()).then_some(ranges)
}

fn range(text: &str) -> (String, u16) {
    let mut parts = text.split(';').map(str::trim);
    let range = parts.next().unwrap_or_default().to_ascii_lowercase();
    let quality = parts
        .filter_map(|part| part.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
        .map_or(1_000, |(_, quality)| thousandths(quality.trim()));
    (range, quality)
}

/// A quality that cannot be read counts as full: the client did name the range.
fn thousandths(text: &str) -> u16 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let readable = part.len() <= 3 && part.bytes().all(|byte| byte.is_ascii_digit());
    match whole {
        "0" if readable => format!("{part:0<3}").parse().unwrap_or(1_000),
        _ => 1_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn prints_come_as_what_the_client_prefers() {
        let cases = [
            ("*/*", Some(Format::Svg)),
            ("", Some(Format::Svg)),
            ("image/*", Some(Format::Svg)),
            ("image/svg+xml", Some(Format::Svg)),
            ("Application/PDF", Some(Format::Pdf)),
            ("image/png", Some(Format::Png)),
            ("image/png;q=0.5, application/pdf;q=0.6", Some(Format::Pdf)),
            ("image/*;q=0.8, image/svg+xml;q=0", Some(Format::Png)),
            ("text/html, */*;q=0.1", Some(Format::Svg)),
            ("application/*", Some(Format::Pdf)),
            ("image/svg+xml;charset=utf-8", Some(Format::Svg)),
            ("application/json", None),
            ("text/html", None),
            ("*/*;q=0", None),
            ("*/*;q=0.000", None),
            ("imag/*", None),
            ("nonsense", None),
        ];
        for (accept, expected) in cases {
            assert_eq!(format(&headers(ACCEPT, accept)), expected, "{accept:?}");
        }
        assert_eq!(format(&HeaderMap::new()), Some(Format::Svg));
    }

    #[test]
    fn languages_are_those_that_the_client_prefers() {
        let cases = [
            ("", "en"),
            ("de", "de"),
            ("de-AT,de;q=0.9,en;q=0.8", "de"),
            ("en;q=0.5, JA;q=0.6", "ja"),
            ("xx, ro;q=0.1", "ro"),
            ("xx", "en"),
            ("*", "en"),
            ("fr;q=0", "en"),
        ];
        for (accepted, expected) in cases {
            let headers = headers(ACCEPT_LANGUAGE, accepted);
            assert_eq!(language(&headers), expected, "{accepted:?}");
        }
    }

    #[test]
    fn plans_are_compressed_only_for_those_who_ask() {
        let cases = [
            ("gzip", Coding::Gzip),
            ("br, gzip;q=0.2", Coding::Gzip),
            ("*", Coding::Gzip),
            ("deflate, GZIP", Coding::Gzip),
            ("gzip, deflate, br, zstd", Coding::Zstd),
            ("zstd;q=0.5, gzip;q=0.6", Coding::Gzip),
            ("zstd;q=0, *", Coding::Gzip),
            ("zstd, *;q=0", Coding::Zstd),
            ("", Coding::Identity),
            ("identity", Coding::Identity),
            ("gzip;q=0", Coding::Identity),
            ("br", Coding::Identity),
            ("*, gzip;q=0", Coding::Identity),
            ("*;q=0", Coding::Identity),
        ];
        for (accepted, expected) in cases {
            let headers = headers(ACCEPT_ENCODING, accepted);
            assert_eq!(coding(&headers), expected, "{accepted:?}");
        }
        assert_eq!(coding(&HeaderMap::new()), Coding::Identity);
    }
}
