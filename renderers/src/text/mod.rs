//! Text: typefaces, shaping, and fitting words into a place.
//!
//! A character that no typeface has (an emoji, or Chinese and Korean without an added font) is
//! never dropped and never an empty box: its code point is drawn as hexadecimal digits in a frame.
//! SVG keeps the real character, whose viewer has more typefaces, and PDF keeps it for search and
//! copying.

mod code_box;
mod fit;
mod font;
mod shape;

use std::borrow::Cow;

pub(crate) use self::code_box::CodeBox;
pub(crate) use self::fit::{Fitted, FittedLine, Place, fit};
pub use self::font::add_fonts;
pub(crate) use self::font::{Face, FaceId, Weight, is_built_in};
pub(crate) use self::shape::{Cluster, Glyph, Line, Reading, Shape, is_ignorable};

/// The text without what XML cannot hold and a line cannot show: control characters and
/// non-characters go, tabs and line breaks become spaces.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    let fine = |c: char| {
        !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{FFFE}'..='\u{FFFF}')
    };
    if text.chars().all(fine) {
        return Cow::Borrowed(text);
    }
    let replaced = text.chars().filter_map(|c| match c {
        '\t' | '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some(' '),
        c => fine(c).then_some(c),
    });
    Cow::Owned(replaced.collect())
}

#[cfg(test)]
mod tests;
