//! The glyphs that a document uses, and the font subsets made of them.

use std::collections::BTreeMap;

use printpdf::{FontId, FontMetrics, ParsedFont, PdfFont, PdfFontMetricsStub};
use subsetter::{GlyphRemapper, subset};

use super::failed;
use crate::error::RenderError;
use crate::text::{Face, FaceId};

/// Characters that one glyph may stand for in a ToUnicode table; poppler refuses long entries.
const TEXT_MAX: usize = 8;

/// What a document uses of each typeface.
#[derive(Default)]
pub(super) struct Fonts {
    used: BTreeMap<FaceId, Used>,
}

#[derive(Default)]
struct Used {
    remapper: GlyphRemapper,
    /// By glyph of the subset: the text it stands for, and its width.
    glyphs: BTreeMap<u16, (String, u16)>,
}

/// A glyph as the content stream names it.
pub(super) struct Encoded {
    /// In the subset.
    pub(super) glyph: u16,
    /// The text that the font's ToUnicode table gives for it.
    pub(super) text: String,
    /// How far a viewer moves the pen, in em.
    pub(super) advance: f32,
}

impl Fonts {
    /// Registers a use of a glyph for `text`. The first use decides what the glyph stands for,
    /// unless that is too long for readers, who then get a glyph without a text.
    pub(super) fn encode(&mut self, face: &Face, glyph: u16, text: &str) -> Encoded {
        let used = self.used.entry(face.id).or_default();
        let new = used.remapper.remap(glyph);
        let entry = used.glyphs.entry(new).or_insert_with(|| {
            let text = if text.chars().nth(TEXT_MAX).is_none() {
                text
            } else {
                ""
            };
            (text.to_owned(), face.advance(glyph))
        });
        Encoded {
            glyph: new,
            text: entry.0.clone(),
            advance: f32::from(entry.1) / f32::from(face.units_per_em),
        }
    }

    /// The resource name of a typeface.
    pub(super) fn name(face: &Face) -> FontId {
        FontId(face.name.to_owned())
    }

    /// Cuts the typefaces down to what was used.
    pub(super) fn embed(self) -> Result<BTreeMap<FontId, PdfFont>, RenderError> {
        let mut fonts = BTreeMap::new();
        for (id, used) in self.used {
            let face = Face::of(id);
            let bytes = subset(face.bytes, 0, &used.remapper).map_err(|e| failed("font", &e))?;
            let name = format!("{}+{}", tag(&used.remapper), face.name);
            let widths = used
                .glyphs
                .iter()
                .map(|(glyph, (_, width))| (*glyph, *width))
                .collect();
            let metrics = face.vertical();
            let mut font = ParsedFont::with_glyph_data(
                bytes,
                0,
                Some(name),
                BTreeMap::new(),
                widths,
                face.units_per_em,
                FontMetrics {
                    ascent: metrics.ascent,
                    descent: metrics.descent,
                },
            );
            font.pdf_font_metrics = PdfFontMetricsStub {
                units_per_em: face.units_per_em,
                x_min: metrics.bounds[0],
                y_min: metrics.bounds[1],
                x_max: metrics.bounds[2],
                y_max: metrics.bounds[3],
                us_weight_class: face.weight_class(),
                ..PdfFontMetricsStub::default()
            };
            fonts.insert(Self::name(face), PdfFont::new(font));
        }
        Ok(fonts)
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
