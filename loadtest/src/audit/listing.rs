//! Reads a list of tickets while it arrives, an element at a time.

use std::borrow::Cow;

use serde::Deserialize;

/// The longest element. A ticket has some 300 bytes.
const ELEMENT_BYTES_MAX: usize = 64 * 1024;

/// A ticket as the contract has it: these keys and no others.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ticket<'a> {
    #[serde(borrow)]
    pub(crate) id: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) concert: Linked<'a>,
    #[serde(borrow)]
    pub(crate) user: Linked<'a>,
    #[serde(borrow)]
    pub(crate) print_status: Cow<'a, str>,
}

/// Something that a ticket names.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Linked<'a> {
    #[serde(borrow)]
    pub(crate) id: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) url: Cow<'a, str>,
}

/// Cuts a JSON array of objects into its elements.
#[derive(Debug, Default)]
pub(crate) struct Elements {
    /// The beginning of an element that is not whole yet.
    held: Vec<u8>,
    depth: u32,
    in_string: bool,
    escaped: bool,
    ended: bool,
    /// What is wrong with it.
    broken: Option<&'static str>,
}

impl Elements {
    /// Takes more bytes, and hands on each element that is whole.
    pub(crate) fn feed(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8])) {
        let mut begins = (self.depth > 1).then_some(0);
        for (at, &byte) in bytes.iter().enumerate() {
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'[' | b'{' => {
                    self.depth += 1;
                    if self.depth == 2 {
                        begins = Some(at);
                    }
                }
                b']' | b'}' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 1
                        && let Some(begin) = begins.take()
                    {
                        self.hand_on(&bytes[begin..=at], &mut each);
                    }
                    self.ended = self.depth == 0;
                }
                _ => {}
            }
        }
        if let Some(begin) = begins {
            self.held.extend_from_slice(&bytes[begin..]);
            if self.held.len() > ELEMENT_BYTES_MAX {
                self.held.clear();
                self.broken = Some("an element is longer than 64 KiB");
            }
        }
    }

    fn hand_on(&mut self, last: &[u8], each: &mut impl FnMut(&[u8])) {
        if self.held.is_empty() {
            each(last);
        } else {
            self.held.extend_from_slice(last);
            each(&self.held);
            self.held.clear();
        }
    }

    /// What was wrong with the list, once it has ended.
    pub(crate) fn end(&self) -> Result<(), &'static str> {
        match self.broken {
            Some(what) => Err(what),
            None if self.ended => Ok(()),
            None => Err("the list breaks off"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_the_same_however_the_list_arrives() {
        let list = br#"[{"a":"}\"]"},{"b":[{},{"c":1}]} , {"d":"\\"}]"#;
        for piece in 1..list.len() {
            let mut elements = Elements::default();
            let mut found = Vec::new();
            for bytes in list.chunks(piece) {
                elements.feed(bytes, |element| {
                    found.push(String::from_utf8(element.to_vec()).unwrap());
                });
            }
            assert_eq!(
                found,
                [r#"{"a":"}\"]"}"#, r#"{"b":[{},{"c":1}]}"#, r#"{"d":"\\"}"#]
            );
            assert_eq!(elements.end(), Ok(()));
        }
    }

    #[test]
    fn a_list_that_breaks_off_is_told_from_an_empty_one() {
        let ended = |text: &[u8]| {
            let mut elements = Elements::default();
            elements.feed(text, |_| {});
            elements.end().is_ok()
        };
        assert!(ended(b"[]") && ended(b"[{}]"));
        assert!(!ended(b"[{}") && !ended(b"[{}, {") && !ended(b""));
    }
}
