//! The embedded typefaces: Noto Sans for Latin, Greek, Cyrillic and Devanagari, with its Hebrew
//! and Arabic sisters.

use std::sync::OnceLock;

use harfrust::{FontRef, ShaperData};
use skrifa::charmap::Charmap;
use skrifa::instance::{LocationRef, Size};
use skrifa::metrics::GlyphMetrics;
use skrifa::outline::{DrawSettings, OutlineGlyphCollection, OutlinePen};
use skrifa::{GlyphId, MetadataProvider};

/// Regular or bold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    Regular,
    Bold,
}

/// An embedded typeface; the index into [`FACES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FaceId(u8);

struct Source {
    name: &'static str,
    bytes: &'static [u8],
}

/// Regular and bold take turns; after the first pair come the fallbacks, in order of preference.
const FACES: [Source; 6] = [
    Source {
        name: "NotoSans-Regular",
        bytes: include_bytes!("../../assets/fonts/NotoSans-Regular.ttf"),
    },
    Source {
        name: "NotoSans-Bold",
        bytes: include_bytes!("../../assets/fonts/NotoSans-Bold.ttf"),
    },
    Source {
        name: "NotoSansHebrew-Regular",
        bytes: include_bytes!("../../assets/fonts/NotoSansHebrew-Regular.ttf"),
    },
    Source {
        name: "NotoSansHebrew-Bold",
        bytes: include_bytes!("../../assets/fonts/NotoSansHebrew-Bold.ttf"),
    },
    Source {
        name: "NotoSansArabic-Regular",
        bytes: include_bytes!("../../assets/fonts/NotoSansArabic-Regular.ttf"),
    },
    Source {
        name: "NotoSansArabic-Bold",
        bytes: include_bytes!("../../assets/fonts/NotoSansArabic-Bold.ttf"),
    },
];

/// A typeface, parsed once for the life of the process.
pub(crate) struct Face {
    pub(crate) id: FaceId,
    /// The PostScript name, as PDF wants it.
    pub(crate) name: &'static str,
    /// The TrueType file.
    pub(crate) bytes: &'static [u8],
    pub(crate) font: FontRef<'static>,
    pub(crate) shaper: ShaperData,
    pub(crate) units_per_em: u16,
    charmap: Charmap<'static>,
    metrics: GlyphMetrics<'static>,
    outlines: OutlineGlyphCollection<'static>,
}

impl Face {
    pub(crate) fn of(id: FaceId) -> &'static Self {
        &faces()[usize::from(id.0)]
    }

    /// The typefaces of a weight, the preferred one first.
    pub(crate) fn choices(weight: Weight) -> impl Iterator<Item = &'static Self> {
        let skip = usize::from(weight == Weight::Bold);
        faces().iter().skip(skip).step_by(2)
    }

    pub(crate) fn covers(&self, character: char) -> bool {
        self.charmap
            .map(character)
            .is_some_and(|glyph| glyph != GlyphId::NOTDEF)
    }

    /// How far a glyph moves the pen, in font units, before kerning.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "TrueType keeps advances as 16 bits without a sign"
    )]
    pub(crate) fn advance(&self, glyph: u16) -> u16 {
        self.metrics
            .advance_width(GlyphId::from(glyph))
            .unwrap_or(0.0) as u16
    }

    /// Ascent, descent and the box that holds every glyph, in font units.
    pub(crate) fn vertical(&self) -> Vertical {
        let metrics = self.font.metrics(Size::unscaled(), LocationRef::default());
        let bounds = metrics.bounds.unwrap_or_default();
        Vertical {
            ascent: whole(metrics.ascent),
            descent: whole(metrics.descent),
            bounds: [bounds.x_min, bounds.y_min, bounds.x_max, bounds.y_max].map(whole),
        }
    }

    /// 400 for regular, 700 for bold.
    pub(crate) fn weight_class(&self) -> u16 {
        if self.id.0.is_multiple_of(2) {
            400
        } else {
            700
        }
    }

    /// Hands the glyph's outline to `pen`, in font units with y upwards.
    pub(crate) fn draw(&self, glyph: u16, pen: &mut impl OutlinePen) {
        if let Some(outline) = self.outlines.get(GlyphId::from(glyph)) {
            let settings = DrawSettings::unhinted(Size::unscaled(), LocationRef::default());
            // The fonts are compiled in; a broken outline would draw nothing in every test.
            drop(outline.draw(settings, pen));
        }
    }
}

/// How far a typeface reaches, in font units with y upwards.
pub(crate) struct Vertical {
    pub(crate) ascent: i16,
    pub(crate) descent: i16,
    /// Left, bottom, right, top.
    pub(crate) bounds: [i16; 4],
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a length in font units, as TrueType has it"
)]
fn whole(units: f32) -> i16 {
    units as i16
}

fn faces() -> &'static [Face] {
    static PARSED: OnceLock<Vec<Face>> = OnceLock::new();
    PARSED.get_or_init(|| {
        (0u8..)
            .zip(&FACES)
            .map(|(id, source)| parse(FaceId(id), source))
            .collect()
    })
}

fn parse(id: FaceId, source: &Source) -> Face {
    let font = FontRef::new(source.bytes).expect("the embedded fonts are TrueType files");
    Face {
        id,
        name: source.name,
        bytes: source.bytes,
        shaper: ShaperData::new(&font),
        units_per_em: font
            .metrics(Size::unscaled(), LocationRef::default())
            .units_per_em,
        charmap: font.charmap(),
        metrics: font.glyph_metrics(Size::unscaled(), LocationRef::default()),
        outlines: font.outline_glyphs(),
        font,
    }
}
