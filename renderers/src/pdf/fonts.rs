//! The glyphs that a document uses, and the font subsets made of them.

use subsetter::{GlyphRemapper, subset};

use super::failed;
use crate::error::RenderError;
use crate::text::{Face, FaceId};

/// Characters that one glyph may stand for in a ToUnicode table; poppler refuses long entries.
const TEXT_MAX: usize = 8;

/// What a document uses of each typeface, in the order of first use.
#[derive(Clone, Default)]
pub(super) struct Fonts {
    used: Vec<Used>,
}

/// What a document uses of one typeface.
#[derive(Clone)]
pub(super) struct Used {
    pub(super) face: FaceId,
    remapper: GlyphRemapper,
    /// By glyph of the subset: the text it stands for, and its width in font units.
    pub(super) glyphs: Vec<(String, u16)>,
}

/// A glyph as the content stream names it.
pub(super) struct Encoded {
    /// In the subset.
    pub(super) glyph: u16,
    /// Whether the font's ToUnicode table gives the text that was asked for.
    pub(super) says_text: bool,
    /// How far a viewer moves the pen, in em.
    pub(super) advance: f32,
}

impl Fonts {
    /// Registers a use of a glyph for `text`. The first use decides what the glyph stands for,
    /// unless that is too long for readers, who then get a glyph without a text.
    pub(super) fn encode(&mut self, face: &Face, glyph: u16, text: &str) -> Encoded {
        let known = self.used.iter().position(|used| used.face == face.id);
        let at = known.unwrap_or_else(|| {
            self.used.push(Used::new(face));
            self.used.len() - 1
        });
        let used = &mut self.used[at];
        let new = used.remapper.remap(glyph);
        if usize::from(new) == used.glyphs.len() {
            let fits = text.chars().nth(TEXT_MAX).is_none();
            let text = if fits { text } else { "" };
            used.glyphs.push((text.to_owned(), face.advance(glyph)));
        }
        let (known, width) = &used.glyphs[usize::from(new)];
        Encoded {
            glyph: new,
            says_text: known == text,
            advance: f32::from(*width) / f32::from(face.units_per_em),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Used> {
        self.used.iter()
    }
}

impl Used {
    fn new(face: &Face) -> Self {
        Self {
            face: face.id,
            remapper: GlyphRemapper::new(),
            // The glyph for nothing is a part of every subset.
            glyphs: vec![(String::new(), face.advance(0))],
        }
    }

    /// The typeface cut down to the glyphs, and its name with a tag for them.
    pub(super) fn subset(&self) -> Result<(Vec<u8>, String), RenderError> {
        let face = Face::of(self.face);
        let bytes = subset(face.bytes, 0, &self.remapper).map_err(|e| failed("font", &e))?;
        Ok((bytes, format!("{}+{}", tag(&self.remapper), face.name)))
    }
}

/// Six letters that differ between subsets (ISO 32000-1, 9.6.4), made of the glyphs in them.
fn tag(remapper: &GlyphRemapper) -> String {
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    for glyph in remapper.remapped_gids() {
        hash = (hash ^ u64::from(glyph)).wrapping_mul(0x100_0000_01B3);
    }
    let letter = |byte: u8| char::from(b'A' + byte % 26);
    hash.to_le_bytes().into_iter().take(6).map(letter).collect()
}
