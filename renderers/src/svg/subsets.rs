//! Typefaces for the letters that the slices lack, such as Japanese ones and those of added fonts:
//! cut down to the letters of the file, so that words stay words and need no font of the viewer's.
//!
//! The subsetter makes fonts for PDF, which number glyphs themselves. A browser also wants to know
//! which glyph a character has, and how lines are spaced: two tables are added (OpenType 1.9.1,
//! "cmap" and "OS/2").

use std::collections::BTreeMap;
use std::fmt::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use subsetter::{GlyphRemapper, subset};

use super::fonts::FAMILY;
use crate::scene::Text;
use crate::text::{Face, FaceId, Weight, is_built_in, is_ignorable};

/// Bytes of a table's entry in the directory, and of what stands before the directory.
const ENTRY: usize = 16;
const HEADER: usize = 12;

/// A typeface's letters, each with its glyph.
type Letters = BTreeMap<char, u16>;

/// Adds a rule for each typeface that has letters of `texts` and is in no slice.
pub(super) fn push_rules<'a>(out: &mut String, texts: impl Iterator<Item = &'a Text>) {
    let mut needed: BTreeMap<(bool, FaceId), Letters> = BTreeMap::new();
    for text in texts {
        let foreign = text.source.chars().filter(|c| !c.is_ascii());
        for character in foreign.filter(|c| !is_ignorable(*c) && !is_built_in(*c)) {
            let found = Face::choices(text.weight)
                .find_map(|face| Some((face.id, face.glyph_of(character)?)));
            if let Some((face, glyph)) = found {
                let key = (text.weight == Weight::Bold, face);
                needed.entry(key).or_default().insert(character, glyph);
            }
        }
    }
    for ((is_bold, face), letters) in needed {
        // A font that cannot be cut is left to the viewer, as all were before.
        if let Some(font) = cut(Face::of(face), &letters) {
            push_rule(out, is_bold, &font, &letters);
        }
    }
}

fn push_rule(out: &mut String, is_bold: bool, font: &[u8], letters: &Letters) {
    let class = if is_bold { 700 } else { 400 };
    write!(
        out,
        "@font-face{{font-family:'{FAMILY}';font-weight:{class};src:url(data:font/sfnt;base64,"
    )
    .expect("a string takes all");
    BASE64.encode_string(font, out);
    out.push_str(");unicode-range:");
    for (index, character) in letters.keys().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        write!(out, "{comma}U+{:X}", u32::from(*character)).expect("a string takes all");
    }
    out.push('}');
}

/// The typeface with these letters only, as browsers want it.
fn cut(face: &Face, letters: &Letters) -> Option<Vec<u8>> {
    let mut remapper = GlyphRemapper::new();
    let map: Vec<_> = letters
        .iter()
        .map(|(character, glyph)| (u32::from(*character), remapper.remap(*glyph)))
        .collect();
    let font = subset(face.bytes, 0, &remapper).ok()?;
    let mut tables = tables(&font)?;
    tables.insert(*b"cmap", character_map(&map));
    tables.insert(*b"OS/2", face.table(*b"OS/2")?.to_vec());
    Some(assemble(font.get(..4)?, &tables))
}

/// The tables of a font by their tags.
fn tables(font: &[u8]) -> Option<BTreeMap<[u8; 4], Vec<u8>>> {
    let count = usize::from(u16::from_be_bytes(font.get(4..6)?.try_into().ok()?));
    let directory = font.get(HEADER..HEADER + count * ENTRY)?;
    let table = |entry: &[u8]| {
        let number = |at: usize| -> Option<usize> {
            let bytes = entry[at..at + 4].try_into().ok()?;
            usize::try_from(u32::from_be_bytes(bytes)).ok()
        };
        let (start, length) = (number(8)?, number(12)?);
        let tag = entry[..4].try_into().ok()?;
        Some((tag, font.get(start..start.checked_add(length)?)?.to_vec()))
    };
    directory.chunks_exact(ENTRY).map(table).collect()
}

/// A "cmap" of one subtable in format 12, a group for each letter.
fn character_map(map: &[(u32, u16)]) -> Vec<u8> {
    let groups = u32::try_from(map.len()).expect("a file has few letters");
    let mut table = Vec::with_capacity(28 + map.len() * HEADER);
    // Version, one subtable: of Windows (3), for all of Unicode (10), after these twelve bytes.
    for number in [0_u16, 1, 3, 10, 0, 12] {
        table.extend(number.to_be_bytes());
    }
    // Format 12, its length, no language.
    for number in [12 << 16, 16 + groups * 12, 0, groups] {
        table.extend(number.to_be_bytes());
    }
    for (character, glyph) in map {
        for number in [*character, *character, u32::from(*glyph)] {
            table.extend(number.to_be_bytes());
        }
    }
    table
}

/// A font of these tables, of the sort that `version` says.
fn assemble(version: &[u8], tables: &BTreeMap<[u8; 4], Vec<u8>>) -> Vec<u8> {
    let count = u16::try_from(tables.len()).expect("a dozen tables");
    // The largest power of two not above the number of tables, for searching by halves.
    let power = u16::try_from(count.max(1).ilog2()).expect("a small exponent");
    let range = (1 << power) * 16;
    let mut font = version.to_vec();
    for number in [count, range, power, count * 16 - range] {
        font.extend(number.to_be_bytes());
    }
    let mut start = HEADER + tables.len() * ENTRY;
    for (tag, table) in tables {
        font.extend(tag);
        for number in [checksum(table), whole(start), whole(table.len())] {
            font.extend(number.to_be_bytes());
        }
        start += table.len().next_multiple_of(4);
    }
    for table in tables.values() {
        font.extend(table);
        font.resize(font.len().next_multiple_of(4), 0);
    }
    font
}

fn whole(length: usize) -> u32 {
    u32::try_from(length).expect("fonts are far below 4 GiB")
}

/// The sum of a table's words.
fn checksum(table: &[u8]) -> u32 {
    table.chunks(4).fold(0_u32, |sum, bytes| {
        let mut word = [0; 4];
        word[..bytes.len()].copy_from_slice(bytes);
        sum.wrapping_add(u32::from_be_bytes(word))
    })
}
