//! What is drawn for a character that no embedded typeface has.

use std::sync::OnceLock;

use super::font::{FaceId, Weight};
use super::shape::Line;

/// A frame with the code point in hexadecimal digits: `U+6771` is 67 above 71.
pub(crate) struct CodeBox {
    /// Values 0 to 15: four of them, or six beyond U+FFFF.
    nibbles: Vec<u8>,
}

/// A digit in the frame. Lengths in em of the text around, y upwards.
pub(crate) struct CodeDigit {
    pub(crate) face: FaceId,
    pub(crate) glyph: u16,
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) size: f32,
}

/// The frame's lower and upper edge and its distance to the neighbours, in em.
const BOTTOM: f32 = -0.16;
const TOP: f32 = 0.86;
const MARGIN: f32 = 0.05;
/// Width of the frame's line, in em.
const LINE: f32 = 0.035;
/// Height of Noto Sans' digits, and the width that all of them share, in em of their size.
const DIGIT_HEIGHT: f32 = 0.714;
const DIGIT_WIDTH: f32 = 0.61;

impl CodeBox {
    pub(crate) fn of(character: char) -> Self {
        let code = u32::from(character);
        let count = if code > 0xFFFF { 6 } else { 4 };
        let nibble = |place: u32| u8::try_from(code >> (4 * place) & 15).expect("four bits");
        Self {
            nibbles: (0..count).rev().map(nibble).collect(),
        }
    }

    /// A glyph without a picture, as wide as a frame. It carries the character where the text of
    /// a page can be searched.
    pub(crate) fn blank() -> (FaceId, u16) {
        static BLANK: OnceLock<(FaceId, u16)> = OnceLock::new();
        *BLANK.get_or_init(|| {
            let glyph = &Line::shape("\u{2003}", Weight::Regular).glyphs[0];
            (glyph.face, glyph.id)
        })
    }

    /// The outer and the inner rectangle of the frame, as left, bottom, right, top.
    pub(crate) fn frame(width: f32) -> [[f32; 4]; 2] {
        let outer = [MARGIN, BOTTOM, width - MARGIN, TOP];
        let inner = [
            outer[0] + LINE,
            outer[1] + LINE,
            outer[2] - LINE,
            outer[3] - LINE,
        ];
        [outer, inner]
    }

    /// The digits in two rows.
    pub(crate) fn digits(&self, width: f32) -> impl Iterator<Item = CodeDigit> {
        let columns = self.nibbles.len() / 2;
        let places = if columns == 2 { 2.0 } else { 3.0 };
        let size = ((width - 2.0 * MARGIN - 4.0 * LINE) / (places * DIGIT_WIDTH)).min(0.56);
        let left = (width - places * DIGIT_WIDTH * size) / 2.0;
        let gap = (TOP - BOTTOM - 2.0 * DIGIT_HEIGHT * size) / 3.0;
        let upper = TOP - gap - DIGIT_HEIGHT * size;
        let lower = BOTTOM + gap;
        self.nibbles.iter().enumerate().map(move |(index, nibble)| {
            let (face, glyph, advance) = digit_glyph(*nibble);
            let column = crate::scene::count(index % columns);
            CodeDigit {
                face,
                glyph,
                x: left + (column * DIGIT_WIDTH + (DIGIT_WIDTH - advance) / 2.0) * size,
                y: if index < columns { upper } else { lower },
                size,
            }
        })
    }
}

/// Typeface, glyph and width in em of a hexadecimal digit.
fn digit_glyph(nibble: u8) -> (FaceId, u16, f32) {
    static GLYPHS: OnceLock<Vec<(FaceId, u16, f32)>> = OnceLock::new();
    let glyphs = GLYPHS.get_or_init(|| {
        let line = Line::shape("0123456789ABCDEF", Weight::Bold);
        let widths = line.clusters.iter().map(|cluster| cluster.advance);
        line.glyphs
            .iter()
            .zip(widths)
            .map(|(glyph, w)| (glyph.face, glyph.id, w))
            .collect()
    });
    glyphs[usize::from(nibble)]
}
