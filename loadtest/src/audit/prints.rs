//! Prints: what is PRINTED can be fetched and shows the concert as it is.

use super::{Audit, Concert, Flaw};
use crate::target::LoadError;

/// How often a print is read again whose concert changed meanwhile.
const TRIES_MAX: u32 = 5;

impl Audit<'_> {
    /// Reads the print of each of some tickets that were PRINTED.
    pub(super) async fn check_prints(
        &mut self,
        concert: &Concert,
        tickets: &[String],
    ) -> Result<(), LoadError> {
        let path = format!("/api/v1/concerts/{}", concert.id);
        let mut known = self.client.get(&path).await?;
        for id in tickets {
            self.prints += 1;
            for tries in 0.. {
                let current: Concert = known.json()?;
                let Some(flaw) = self.look(id, &current).await? else {
                    break;
                };
                // If the concert did not change while its print was read, there is no excuse.
                let now = self.client.get(&path).await?;
                let changed = now.etag != known.etag || now.body != known.body;
                known = now;
                if !changed || tries >= TRIES_MAX {
                    let (flaw, what) = flaw;
                    self.note(flaw, || format!("ticket {id} {what}"));
                    break;
                }
            }
        }
        Ok(())
    }

    /// What is wrong with a print.
    async fn look(
        &mut self,
        id: &str,
        concert: &Concert,
    ) -> Result<Option<(Flaw, String)>, LoadError> {
        let path = format!("/api/v1/tickets/{id}/print");
        let print = self.client.get(&path).await?;
        if print.status == 404 {
            // It may have become void since it was listed.
            let ticket = self.client.get(&format!("/api/v1/tickets/{id}")).await?;
            let text = String::from_utf8_lossy(&ticket.body);
            let printed = text.contains("\"PRINTED\"");
            return Ok(printed.then(|| (Flaw::NoPrint, "is PRINTED and its print is 404".into())));
        }
        if print.status != 200 {
            return Ok(Some((
                Flaw::NoPrint,
                format!("has a print of status {}", print.status),
            )));
        }
        let Some(words) = Words::of(&print.body) else {
            return Ok(Some((Flaw::NoPrint, "has a print that is no SVG".into())));
        };
        if words.desc != id {
            return Ok(Some((
                Flaw::Stale,
                format!("has the print of {}", words.desc),
            )));
        }
        if !words.show(&concert.name) {
            let wrong = format!("has a print without the name {:?}", concert.name);
            return Ok(Some((Flaw::Stale, wrong)));
        }
        Ok(None)
    }
}

/// What a print says.
#[derive(Debug)]
struct Words {
    /// The root's own description.
    desc: String,
    /// All texts, without white space: names are set in several lines when they are long.
    texts: String,
}

impl Words {
    fn of(svg: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(svg).ok()?;
        let document = roxmltree::Document::parse(text).ok()?;
        let root = document.root_element();
        let mut children = root.children();
        let desc = children.find(|node| node.tag_name().name() == "desc")?;
        let texts = root
            .descendants()
            .filter(|node| node.tag_name().name() == "text");
        let inner = texts.flat_map(|node| node.descendants().filter(roxmltree::Node::is_text));
        let words = inner.filter_map(|node| node.text());
        Some(Self {
            desc: desc.text().unwrap_or_default().to_owned(),
            texts: squeezed(&words.collect::<String>()),
        })
    }

    /// Whether a name is shown. One that was cut short, or that has characters which no typeface
    /// has, shows at least its beginning, or its plain words.
    fn show(&self, name: &str) -> bool {
        let whole = squeezed(name);
        if self.texts.contains(&whole) {
            return true;
        }
        let begins: String = whole.chars().take(12).collect();
        let cut = self.texts.contains('…') && self.texts.contains(&begins);
        let mut plain = name
            .split(|char: char| !char.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty());
        cut || (!name.is_ascii() && plain.all(|word| self.texts.contains(word)))
    }
}

fn squeezed(text: &str) -> String {
    text.chars().filter(|char| !char.is_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_over_several_lines_and_another_one_is_not() {
        let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><desc>7</desc>\
                    <text>Elsa on</text><g><text><tspan>Ice &amp; Fire</tspan></text></g></svg>";
        let words = Words::of(svg).unwrap();
        assert_eq!(words.desc, "7");
        assert!(words.show("Elsa on Ice & Fire") && words.show("Elsa on  Ice"));
        assert!(!words.show("Bob on Ice"));
        assert!(Words::of(b"<svg").is_none());
    }
}
