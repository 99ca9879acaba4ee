//! What a print says, read as XML: names are escaped there, and set in several lines.

/// The words of a print.
#[derive(Debug)]
pub(crate) struct Words {
    /// The root's own description.
    pub(crate) desc: String,
    /// Each text without white space, and each title: a text that stands on several lines, or
    /// that was cut short, is there in one piece.
    pieces: Vec<String>,
}

impl Words {
    pub(crate) fn of(svg: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(svg).ok()?;
        let document = roxmltree::Document::parse(text).ok()?;
        let root = document.root_element();
        let mut children = root.children();
        let desc = children.find(|node| node.tag_name().name() == "desc")?;
        let said = root
            .descendants()
            .filter(|node| matches!(node.tag_name().name(), "text" | "title"));
        let pieces = said.map(|node| {
            let inner = node.descendants().filter(roxmltree::Node::is_text);
            squeezed(&inner.filter_map(|node| node.text()).collect::<String>())
        });
        Some(Self {
            desc: desc.text().unwrap_or_default().to_owned(),
            pieces: pieces.collect(),
        })
    }

    /// Whether a name is shown: as a whole text, or as some that follow each other. One that is
    /// a part of a text is not shown: "Elsa" is another name than "Elsa on Ice".
    ///
    /// Characters that no typeface has stand in an SVG like all others, so every script is
    /// compared in the same way.
    pub(crate) fn show(&self, name: &str) -> bool {
        let name = squeezed(name);
        (0..self.pieces.len()).any(|first| {
            let mut left = name.as_str();
            for piece in &self.pieces[first..] {
                match left.strip_prefix(piece.as_str()) {
                    Some(rest) => left = rest,
                    None => break,
                }
            }
            left.is_empty()
        })
    }

    /// Whether a day is shown as computers write it. A print that has no day of that form cannot
    /// be compared, and is not found wrong.
    pub(crate) fn may_show_day(&self, day: &str) -> bool {
        let is_day = |text: &&str| text.parse::<chrono::NaiveDate>().is_ok();
        // The time may follow.
        let begins = self.pieces.iter().filter_map(|piece| piece.get(..10));
        let mut days = begins.filter(is_day).peekable();
        days.peek().is_none() || days.any(|shown| shown == day)
    }
}

/// The text without white space, which lines swallow, and without what XML cannot hold.
fn squeezed(text: &str) -> String {
    let stays = |char: &char| !char.is_whitespace() && !matches!(char, '\u{FFFE}' | '\u{FFFF}');
    text.chars().filter(stays).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(inner: &str) -> Words {
        let svg = format!("<svg xmlns='http://www.w3.org/2000/svg'><desc>7</desc>{inner}</svg>");
        Words::of(svg.as_bytes()).unwrap()
    }

    #[test]
    fn a_name_is_found_over_several_lines_and_another_one_is_not() {
        let words = words(
            "<text>Elsa on</text><g><text><tspan>Ice </tspan><tspan>&amp; Fire</tspan></text></g>",
        );
        assert_eq!(words.desc, "7");
        assert!(words.show("Elsa on Ice & Fire") && words.show("Elsa  on"));
        assert!(!words.show("Bob on Ice") && !words.show("Elsa on Ice"));
        assert!(Words::of(b"<svg").is_none());
    }

    #[test]
    fn a_name_is_not_a_part_of_another_one() {
        let words = words("<text>Hall</text><text>Elsa on Ice</text>");
        assert!(words.show("Elsa on Ice"));
        for part in ["Elsa", "on Ice", "Elsa on Ic"] {
            assert!(!words.show(part), "{part}");
        }
    }

    #[test]
    fn names_of_every_script_are_compared() {
        for (shown, other) in [
            ("東京公演", "大阪公演"),
            ("שלום 🎸", "שלום"),
            ("Ärzte", "Ürzte"),
        ] {
            let words = words(&format!("<text>{shown}</text>"));
            assert!(words.show(shown) && !words.show(other), "{shown}");
        }
    }

    #[test]
    fn a_name_that_was_cut_is_compared_by_its_title() {
        let words = words("<g><title>A long name, part 1</title><text>A long n…</text></g>");
        assert!(words.show("A long name, part 1") && !words.show("A long name, part 2"));
    }

    #[test]
    fn a_day_is_compared_where_one_is_shown() {
        let words_of = |day: &str| words(&format!("<text>Elsa</text><text>{day}</text>"));
        for day in ["2026-11-30", "2026-11-30 19:30 (Europe/Berlin)"] {
            assert!(words_of(day).may_show_day("2026-11-30"), "{day}");
            assert!(!words_of(day).may_show_day("2026-12-01"), "{day}");
        }
        assert!(words_of("30 November 2026").may_show_day("2026-12-01"));
    }
}
