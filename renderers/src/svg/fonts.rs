//! The typefaces that go into an SVG: slices of the built-in ones, so that a file holds no more of
//! them than the scripts that it uses.
//!
//! The slices are WOFF2 files that were cut once (`assets/web/README.md`). They keep kerning,
//! joining and marks, so that a browser sets the words as we do.

use std::fmt::Write;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::scene::Text;
use crate::text::{Weight, is_ignorable};

/// The family that the slices together make.
pub(super) const FAMILY: &str = "Ticket Sans";

/// The characters of a script or two, regular and bold.
struct Slice {
    /// First and last characters.
    ranges: &'static [(u32, u32)],
    regular: &'static [u8],
    bold: &'static [u8],
}

macro_rules! slice {
    ($name:literal, $ranges:expr) => {
        Slice {
            ranges: &$ranges,
            regular: include_bytes!(concat!("../../assets/web/", $name, "-regular.woff2")),
            bold: include_bytes!(concat!("../../assets/web/", $name, "-bold.woff2")),
        }
    };
}

/// A character belongs to the first slice that names it; the last one has what is left.
const SLICES: [Slice; 10] = [
    slice!(
        "latin",
        [
            (0x20, 0x7E),
            (0xA0, 0xFF),
            (0x131, 0x131),
            (0x152, 0x153),
            (0x2C6, 0x2C7),
            (0x2D8, 0x2DD),
            (0x300, 0x36F),
            (0x2010, 0x205F),
            (0x20AC, 0x20AC),
            (0x2116, 0x2116),
            (0x2122, 0x2122),
            (0x2212, 0x2212)
        ]
    ),
    slice!(
        "latin-ext",
        [(0x100, 0x24F), (0x1E00, 0x1EFF), (0x20A0, 0x20CF)]
    ),
    slice!("greek", [(0x370, 0x3FF), (0x1F00, 0x1FFF)]),
    slice!("cyrillic", [(0x400, 0x45F), (0x490, 0x491), (0x4B0, 0x4B1)]),
    slice!(
        "cyrillic-ext",
        [
            (0x460, 0x52F),
            (0x1C80, 0x1C8F),
            (0x2DE0, 0x2DFF),
            (0xA640, 0xA69F)
        ]
    ),
    slice!(
        "devanagari",
        [
            (0x900, 0x97F),
            (0x1CD0, 0x1CFF),
            (0xA8E0, 0xA8FF),
            (0x25CC, 0x25CC)
        ]
    ),
    slice!("hebrew", [(0x590, 0x5FF), (0xFB1D, 0xFB4F)]),
    slice!("arabic", [(0x600, 0x6FF)]),
    slice!(
        "arabic-ext",
        [
            (0x750, 0x8FF),
            (0xFB50, 0xFDFF),
            (0xFE70, 0xFEFF),
            (0x10E60, 0x10EFF),
            (0x1EE00, 0x1EEFF)
        ]
    ),
    slice!("rest", [(0, 0x1_FFFF)]),
];

/// A rule for a slice in one weight, made once.
static RULES: [[OnceLock<String>; 2]; SLICES.len()] =
    [const { [const { OnceLock::new() }; 2] }; SLICES.len()];

/// Adds the rules for the typefaces that the letters of `texts` need.
pub(super) fn push_rules<'a>(out: &mut String, texts: impl Iterator<Item = &'a Text>) {
    let mut needed = [[false; 2]; SLICES.len()];
    for text in texts {
        let weight = usize::from(text.weight == Weight::Bold);
        for character in text
            .source
            .chars()
            .chain(['…'].into_iter().filter(|_| !text.fitted.complete))
        {
            if let Some(slice) = slice_of(character) {
                needed[slice][weight] = true;
            }
        }
    }
    // Where ranges overlap, browsers take the rule that comes last.
    for (slice, weights) in needed.iter().enumerate().rev() {
        for (weight, _) in weights.iter().enumerate().filter(|(_, needed)| **needed) {
            out.push_str(RULES[slice][weight].get_or_init(|| rule(&SLICES[slice], weight)));
        }
    }
}

fn slice_of(character: char) -> Option<usize> {
    let code = u32::from(character);
    if is_ignorable(character) || !crate::text::is_built_in(character) {
        return None;
    }
    SLICES.iter().position(|slice| {
        let mut ranges = slice.ranges.iter();
        ranges.any(|(first, last)| (*first..=*last).contains(&code))
    })
}

fn rule(slice: &Slice, weight: usize) -> String {
    let (bytes, class) = [(slice.regular, 400), (slice.bold, 700)][weight];
    let mut rule = format!(
        "@font-face{{font-family:'{FAMILY}';font-weight:{class};src:url(data:font/woff2;base64,"
    );
    BASE64.encode_string(bytes, &mut rule);
    rule.push_str(")format('woff2');unicode-range:");
    for (index, (first, last)) in slice.ranges.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        write!(rule, "{comma}U+{first:X}-{last:X}").expect("a string takes all");
    }
    rule.push('}');
    rule
}
