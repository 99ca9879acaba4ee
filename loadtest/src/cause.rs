//! Why requests failed, in the words of those who answered them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The most causes that are told apart. Words that name a ticket make as many as there are.
const CAUSES_MAX: usize = 30;
/// What the others are called.
const OTHERS: &str = "for other reasons";
/// How much of an answer's words is kept, in characters.
const WORDS_CHARS: usize = 160;
/// How much of an answer is looked at, in bytes.
const LOOKED_BYTES: usize = 16 * 1024;

/// How many requests failed for each cause.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Causes(BTreeMap<String, u64>);

impl Causes {
    /// Counts a request.
    pub(crate) fn note(&mut self, cause: String) {
        self.count(cause, 1);
    }

    /// Adds another one's.
    pub fn add(&mut self, other: &Self) {
        for (cause, count) in &other.0 {
            self.count(cause.clone(), *count);
        }
    }

    fn count(&mut self, cause: String, requests: u64) {
        let has_room = self.0.len() < CAUSES_MAX || self.0.contains_key(&cause);
        let cause = if has_room { cause } else { OTHERS.to_owned() };
        *self.0.entry(cause).or_default() += requests;
    }

    /// In words, the most frequent first.
    pub fn lines(&self) -> Vec<String> {
        let mut all: Vec<_> = self.0.iter().collect();
        all.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let line = |(cause, count): (&String, &u64)| match count {
            1 => format!("1 request failed: {cause}"),
            more => format!("{more} requests failed: {cause}"),
        };
        all.into_iter().map(line).collect()
    }
}

/// An answer that helps nobody: its status, where it leads, and what it says.
pub(crate) fn words(status: u16, location: Option<&str>, body: &[u8]) -> String {
    let said = match location {
        Some(location) => format!("to {}", on_a_line(location)),
        None => said(&body[..body.len().min(LOOKED_BYTES)]),
    };
    format!("{status} {said}").trim_end().to_owned()
}

/// What a body says: a problem's detail, a page's title, or its beginning.
fn said(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Problem {
        detail: Option<String>,
        title: Option<String>,
    }
    if let Ok(Problem { detail, title }) = serde_json::from_slice(body)
        && let Some(said) = detail.or(title)
    {
        return on_a_line(&said);
    }
    let text = String::from_utf8_lossy(body);
    let title = text
        .split_once("<title>")
        .and_then(|(_, rest)| rest.split_once("</title>"))
        .map(|(title, _)| title);
    on_a_line(title.unwrap_or(&text))
}

/// A text in one line and not too long, without what would move a terminal's cursor.
fn on_a_line(text: &str) -> String {
    let words = text.split(|char: char| char.is_whitespace() || char.is_control());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    let line = words.join(" ");
    match line.char_indices().nth(WORDS_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_told_in_its_own_words() {
        let problem = br#"{"type":"x","title":"Temporarily unavailable","status":503,
                           "detail":"the ledger is unavailable"}"#;
        let page = b"<html><head><title>502 Bad\nGateway</title></head><body>x</body></html>";
        let long = "x".repeat(WORDS_CHARS + 1);
        for (status, location, body, told) in [
            (503, None, &problem[..], "503 the ledger is unavailable"),
            (
                500,
                None,
                br#"{"title":"Internal error"}"#,
                "500 Internal error",
            ),
            (502, None, page, "502 502 Bad Gateway"),
            (503, None, b" no \x1b[2J seat\r\n", "503 no [2J seat"),
            (503, None, b"{}", "503 {}"),
            (503, None, b"", "503"),
            (301, Some("https://x/"), b"moved", "301 to https://x/"),
            (503, None, long.as_bytes(), &format!("503 {}…", &long[1..])),
        ] {
            assert_eq!(words(status, location, body), told);
        }
    }

    #[test]
    fn causes_are_counted_and_there_are_not_too_many() {
        let mut causes = Causes::default();
        for number in 0..2 * CAUSES_MAX {
            causes.note(format!("ticket {number} is lost"));
        }
        causes.note("ticket 0 is lost".into());
        let mut sum = causes.clone();
        sum.add(&causes);
        let lines = sum.lines();
        assert_eq!(lines.len(), CAUSES_MAX + 1);
        let others = 2 * CAUSES_MAX;
        assert_eq!(
            lines[0],
            format!("{others} requests failed: for other reasons")
        );
        assert_eq!(lines[1], "4 requests failed: ticket 0 is lost");
    }
}
