//! The typefaces: Noto Sans for Latin, Greek, Cyrillic and Devanagari with its Hebrew, Arabic and
//! Japanese sisters compiled in, and those that were added when the process started.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use harfrust::{Direction, FontRef, Script, ShapePlan, ShaperData};
use skrifa::charmap::Charmap;
use skrifa::instance::{LocationRef, Size};
use skrifa::metrics::GlyphMetrics;
use skrifa::outline::{DrawSettings, OutlineGlyphCollection, OutlinePen};
use skrifa::raw::TableProvider;
use skrifa::string::StringId;
use skrifa::{GlyphId, MetadataProvider, Tag};

use crate::error::RenderError;

/// Regular or bold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    Regular,
    Bold,
}

/// A typeface; the index into [`faces`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FaceId(u8);

impl FaceId {
    pub(crate) fn index(self) -> u8 {
        self.0
    }
}

/// From this weight on (OpenType's `usWeightClass`) a typeface is taken for a bold one.
const BOLD_CLASS: u16 = 600;
/// Typefaces that may be added, and the bytes that all of them may have.
const ADDED_MAX: usize = 32;
const ADDED_BYTES_MAX: usize = 256 * 1024 * 1024;

/// In order of preference.
const BUILT_IN: [&[u8]; 8] = [
    include_bytes!("../../assets/fonts/NotoSans-Regular.ttf"),
    include_bytes!("../../assets/fonts/NotoSans-Bold.ttf"),
    include_bytes!("../../assets/fonts/NotoSansHebrew-Regular.ttf"),
    include_bytes!("../../assets/fonts/NotoSansHebrew-Bold.ttf"),
    include_bytes!("../../assets/fonts/NotoSansArabic-Regular.ttf"),
    include_bytes!("../../assets/fonts/NotoSansArabic-Bold.ttf"),
    include_bytes!("../../assets/fonts/NotoSansJP-Regular.ttf"),
    include_bytes!("../../assets/fonts/NotoSansJP-Bold.ttf"),
];
/// The last built-in ones, too large to be given to browsers whole.
const UNSLICED: usize = 2;

/// A typeface, parsed once for the life of the process.
pub(crate) struct Face {
    pub(crate) id: FaceId,
    /// The PostScript name, as PDF wants it.
    pub(crate) name: String,
    /// The font file; a collection's first font counts.
    pub(crate) bytes: &'static [u8],
    pub(crate) font: FontRef<'static>,
    pub(crate) shaper: ShaperData,
    pub(crate) units_per_em: u16,
    /// Whether outlines are PostScript's (`CFF `), not TrueType's.
    pub(crate) is_cff: bool,
    weight_class: u16,
    /// As many as there are scripts, at most, in each direction.
    plans: RwLock<Vec<Arc<ShapePlan>>>,
    charmap: Charmap<'static>,
    metrics: GlyphMetrics<'static>,
    outlines: OutlineGlyphCollection<'static>,
}

impl Face {
    pub(crate) fn of(id: FaceId) -> &'static Self {
        &faces()[usize::from(id.0)]
    }

    /// The typefaces in order of preference: those of the weight, then the others, since a word
    /// of the wrong weight is better than none.
    pub(crate) fn choices(weight: Weight) -> impl Iterator<Item = &'static Self> {
        let fits = move |face: &&Self| face.weight() == weight;
        let others = faces().iter().filter(move |face| !fits(face));
        faces().iter().filter(fits).chain(others)
    }

    fn weight(&self) -> Weight {
        if self.weight_class < BOLD_CLASS {
            Weight::Regular
        } else {
            Weight::Bold
        }
    }

    pub(crate) fn covers(&self, character: char) -> bool {
        self.glyph_of(character).is_some()
    }

    /// The glyph of a character, before shaping.
    pub(crate) fn glyph_of(&self, character: char) -> Option<u16> {
        let glyph = self.charmap.map(character)?;
        u16::try_from(glyph.to_u32())
            .ok()
            .filter(|glyph| *glyph > 0)
    }

    /// A table of the font file.
    pub(crate) fn table(&self, tag: [u8; 4]) -> Option<&'static [u8]> {
        Some(self.font.table_data(Tag::new(&tag))?.as_bytes())
    }

    /// How texts of a script and a direction are shaped. It is worked out once: that takes longer
    /// than to shape a word.
    pub(crate) fn plan(&self, direction: Direction, script: Script) -> Arc<ShapePlan> {
        let is_it =
            |plan: &&Arc<ShapePlan>| plan.direction() == direction && plan.script() == Some(script);
        let kept = self.plans.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(plan) = kept.iter().find(is_it) {
            return Arc::clone(plan);
        }
        drop(kept);
        let shaper = self.shaper.shaper(&self.font).build();
        let plan = Arc::new(ShapePlan::new(&shaper, direction, Some(script), None, &[]));
        let mut kept = self.plans.write().unwrap_or_else(PoisonError::into_inner);
        if kept.iter().find(is_it).is_none() {
            kept.push(Arc::clone(&plan));
        }
        plan
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
        self.weight_class
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

/// Adds typefaces for scripts that the built-in ones lack, such as Noto Sans CJK: TrueType or
/// OpenType files, or collections, of which the first font counts. The built-in ones are
/// preferred, then these in their order. They stay for the life of the process, so that the same
/// document gives the same bytes throughout it.
///
/// Fails with [`RenderError::Fonts`] when a file is no font, when there are more than 32 files or
/// 256 MiB, or when something was drawn already.
pub fn add_fonts(files: Vec<Vec<u8>>) -> Result<(), RenderError> {
    let refused = |reason: &str| RenderError::Fonts(reason.to_owned());
    let bytes: usize = files.iter().map(Vec::len).sum();
    if files.len() > ADDED_MAX || bytes > ADDED_BYTES_MAX {
        return Err(refused("more than 32 files or 256 MiB"));
    }
    for (number, file) in files.iter().enumerate() {
        let font = FontRef::from_index(file, 0).ok();
        let has_outlines = font.is_some_and(|font| {
            let names = [b"glyf", b"CFF "];
            names
                .into_iter()
                .any(|name| font.table_data(Tag::new(name)).is_some())
        });
        if !has_outlines {
            return Err(RenderError::Fonts(format!(
                "file {number} is no font with outlines"
            )));
        }
    }
    let added = files.into_iter().map(|file| &*file.leak()).collect();
    ADDED
        .set(added)
        .map_err(|_| refused("they were added before"))?;
    if faces().len() == BUILT_IN.len() + ADDED.get().map_or(0, Vec::len) {
        Ok(())
    } else {
        Err(refused("something was drawn already"))
    }
}

/// Whether the typefaces that browsers are given have a character: the built-in ones but the
/// Japanese ones, which are large.
pub(crate) fn is_built_in(character: char) -> bool {
    let sliced = &faces()[..BUILT_IN.len() - UNSLICED];
    sliced.iter().any(|face| face.covers(character))
}

static ADDED: OnceLock<Vec<&'static [u8]>> = OnceLock::new();

fn faces() -> &'static [Face] {
    static PARSED: OnceLock<Vec<Face>> = OnceLock::new();
    PARSED.get_or_init(|| {
        let added = ADDED.get().into_iter().flatten();
        (0u8..)
            .zip(BUILT_IN.iter().chain(added))
            .map(|(id, bytes)| parse(FaceId(id), bytes))
            .collect()
    })
}

fn parse(id: FaceId, bytes: &'static [u8]) -> Face {
    let font = FontRef::from_index(bytes, 0).expect("built-in and added fonts can be read");
    let name = font
        .localized_strings(StringId::POSTSCRIPT_NAME)
        .english_or_first();
    let name = name.map(|name| name.chars().filter(char::is_ascii_graphic).collect());
    Face {
        id,
        name: name.unwrap_or_else(|| format!("Font{}", id.0)),
        bytes,
        shaper: ShaperData::new(&font),
        units_per_em: font
            .metrics(Size::unscaled(), LocationRef::default())
            .units_per_em,
        is_cff: font.table_data(Tag::new(b"CFF ")).is_some(),
        weight_class: font.os2().map_or(400, |table| table.us_weight_class()),
        charmap: font.charmap(),
        metrics: font.glyph_metrics(Size::unscaled(), LocationRef::default()),
        outlines: font.outline_glyphs(),
        plans: RwLock::default(),
        font,
    }
}
