//! Fonts and pictures as objects of the file.

use flate2::Compression;
use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Filter, Finish, Name, Pdf, Ref, Str};

use super::{Refs, compressed, failed};
use crate::error::RenderError;
use crate::pdf::fonts::{Fonts, Used};
use crate::scene::Picture;
use crate::text::Face;

/// How characters are numbered: by the glyphs of the subset.
const NUMBERING: SystemInfo = SystemInfo {
    registry: Str(b"Adobe"),
    ordering: Str(b"Identity"),
    supplement: 0,
};

/// Writes the fonts; gives their names in the page's resources.
pub(super) fn fonts(
    pdf: &mut Pdf,
    refs: &mut Refs,
    fonts: &Fonts,
) -> Result<Vec<(String, Ref)>, RenderError> {
    fonts
        .iter()
        .map(|used| Ok((resource(used), font(pdf, refs, used)?)))
        .collect()
}

fn resource(used: &Used) -> String {
    super::canvas::font_name(used.face)
}

fn font(pdf: &mut Pdf, refs: &mut Refs, used: &Used) -> Result<Ref, RenderError> {
    let face = Face::of(used.face);
    let (bytes, name) = used.subset()?;
    let [font, descendant, descriptor, file, unicode] = std::array::from_fn(|_| refs.next());
    let base = Name(name.as_bytes());
    let data = if face.is_cff {
        compressed(cff_of(&bytes)?, Compression::new(3))
    } else {
        compressed(&bytes, Compression::new(3))
    };
    let mut stream = pdf.stream(file, &data);
    stream.filter(Filter::FlateDecode);
    if face.is_cff {
        stream.pair(Name(b"Subtype"), Name(b"CIDFontType0C"));
    } else {
        let length = i32::try_from(bytes.len()).map_err(|error| failed("font", &error))?;
        stream.pair(Name(b"Length1"), length);
    }
    stream.finish();

    let map = unicode_map(used);
    pdf.stream(unicode, &map).filter(Filter::FlateDecode);

    pdf.type0_font(font)
        .base_font(base)
        .encoding_predefined(Name(b"Identity-H"))
        .descendant_font(descendant)
        .to_unicode(unicode);

    let scale = |units: f32| (units * 1000.0 / f32::from(face.units_per_em)).round();
    let mut cid = pdf.cid_font(descendant);
    cid.subtype(if face.is_cff {
        CidFontType::Type0
    } else {
        CidFontType::Type2
    });
    cid.base_font(base);
    cid.system_info(NUMBERING);
    cid.font_descriptor(descriptor);
    if !face.is_cff {
        cid.cid_to_gid_map_predefined(Name(b"Identity"));
    }
    let widths = used
        .glyphs
        .iter()
        .map(|(_, width)| scale(f32::from(*width)));
    cid.widths().consecutive(0, widths);
    cid.finish();

    let metrics = face.vertical();
    let [left, bottom, right, top] = metrics.bounds.map(|units| scale(f32::from(units)));
    let mut about = pdf.font_descriptor(descriptor);
    about.name(base);
    about.flags(FontFlags::SYMBOLIC);
    about.bbox(pdf_writer::Rect::new(left, bottom, right, top));
    about.italic_angle(0.0);
    about.ascent(scale(metrics.ascent.into()));
    about.descent(scale(metrics.descent.into()));
    about.cap_height(714.0);
    // A usual estimate, as fonts do not say: 80 and 120 are regular and bold.
    about.stem_v(if face.weight_class() < 600 {
        80.0
    } else {
        120.0
    });
    if face.is_cff {
        about.font_file3(file);
    } else {
        about.font_file2(file);
    }
    about.finish();
    Ok(font)
}

/// Which text each glyph stands for.
fn unicode_map(used: &Used) -> Vec<u8> {
    let mut map = UnicodeCmap::new(Name(b"Text"), NUMBERING);
    for (glyph, (text, _)) in (0_u16..).zip(&used.glyphs) {
        if !text.is_empty() {
            map.pair_with_multiple(glyph, text.chars());
        }
    }
    compressed(map.finish().as_slice(), Compression::new(3))
}

/// The table with the outlines in an OpenType file.
fn cff_of(font: &[u8]) -> Result<&[u8], RenderError> {
    let tables = font.get(12..).unwrap_or_default().chunks_exact(16);
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0, |sum, byte| sum << 8 | usize::from(*byte))
    };
    tables
        .take_while(|record| record[0].is_ascii_graphic())
        .find(|record| record.starts_with(b"CFF "))
        .and_then(|record| {
            let start = number(&record[8..12]);
            font.get(start..start + number(&record[12..16]))
        })
        .ok_or_else(|| failed("font", &"the subset has no outlines"))
}

/// Writes the pictures; gives their names in the page's resources.
pub(super) fn pictures(pdf: &mut Pdf, refs: &mut Refs, pictures: &[Picture]) -> Vec<(String, Ref)> {
    let written = (0..).zip(pictures).map(|(number, picture)| {
        let [dots, opacity] = [refs.next(), refs.next()];
        let image = &picture.image;
        let size = [image.width, image.height].map(u32::cast_signed);
        let channel = |skip: usize, take: usize| -> Vec<u8> {
            let pixels = image.rgba.chunks_exact(4);
            pixels
                .flat_map(|pixel| &pixel[skip..skip + take])
                .copied()
                .collect()
        };
        let data = compressed(&channel(0, 3), Compression::new(3));
        let mut object = pdf.image_xobject(dots, &data);
        object.filter(Filter::FlateDecode);
        object.width(size[0]).height(size[1]).bits_per_component(8);
        object.color_space().device_rgb();
        object.s_mask(opacity);
        object.finish();
        let data = compressed(&channel(3, 1), Compression::new(3));
        let mut object = pdf.image_xobject(opacity, &data);
        object.filter(Filter::FlateDecode);
        object.width(size[0]).height(size[1]).bits_per_component(8);
        object.color_space().device_gray();
        object.finish();
        (super::canvas::picture_name(number), dots)
    });
    written.collect()
}
