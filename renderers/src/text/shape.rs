//! Turns one line of text into placed glyphs: bidi order, font fallback, shaping.

use std::ops::Range;

use harfrust::{Direction, Script, ShapeOptions, UnicodeBuffer, script};
use unicode_bidi::{BidiClass, BidiInfo, Level, bidi_class};

use super::font::{Face, FaceId, Weight};

/// Marks that are drawn on one letter at most. More would climb over the neighbouring lines.
const MARKS_MAX: usize = 3;

/// In which direction a page is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    LeftToRight,
    RightToLeft,
}

impl Reading {
    /// The direction of a text on such a page. Names in other scripts keep their own on a page
    /// that is read from the right, so that their full stops stay behind them.
    pub(crate) fn of(self, text: &str) -> Self {
        let strong = text
            .chars()
            .map(bidi_class)
            .find(|class| matches!(class, BidiClass::L | BidiClass::R | BidiClass::AL));
        match (self, strong) {
            (Self::LeftToRight, _) | (_, Some(BidiClass::L)) => Self::LeftToRight,
            (Self::RightToLeft, _) => Self::RightToLeft,
        }
    }
}

/// A glyph, placed relative to its line's origin. Lengths are in em, y upwards.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Glyph {
    pub(crate) face: FaceId,
    pub(crate) id: u16,
    pub(crate) x: f32,
    pub(crate) y: f32,
}

/// What stands for a piece of text that cannot be divided: a letter with its marks, a ligature.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    /// Glyphs of the line, by index.
    Glyphs(Range<usize>),
    /// No embedded font has this character: its code point is drawn, one em wide.
    Missing(char),
}

/// A piece of text and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cluster {
    /// Bytes of the line's text.
    pub(crate) text: Range<usize>,
    /// Left edge, in em.
    pub(crate) x: f32,
    /// Width, in em.
    pub(crate) advance: f32,
    pub(crate) shape: Shape,
}

/// A line of text, shaped: independent of its size and place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub(crate) text: String,
    /// In visual order, from left to right.
    pub(crate) clusters: Vec<Cluster>,
    pub(crate) glyphs: Vec<Glyph>,
    /// In em.
    pub(crate) width: f32,
}

impl Line {
    /// Shapes `text`, which holds no control characters (see [`super::clean`]), as part of a page
    /// that is read from left to right: that is the paragraph's direction whatever the text
    /// begins with, because every field of such a page is set from the left.
    pub(crate) fn shape(text: &str, weight: Weight) -> Self {
        Self::directed(text, weight, Reading::LeftToRight)
    }

    /// Shapes `text` as a paragraph of this direction (see [`Reading::of`]).
    pub(crate) fn directed(text: &str, weight: Weight, reading: Reading) -> Self {
        let mut line = Self {
            text: text.to_owned(),
            clusters: Vec::new(),
            glyphs: Vec::new(),
            width: 0.0,
        };
        let is_rtl = reading == Reading::RightToLeft;
        if !is_rtl && text.chars().all(|c| c < '\u{590}') {
            line.shape_run(0..text.len(), false, weight);
            return line;
        }
        let level = if is_rtl { Level::rtl() } else { Level::ltr() };
        let bidi = BidiInfo::new(text, Some(level));
        for paragraph in &bidi.paragraphs {
            let (levels, runs) = bidi.visual_runs(paragraph, paragraph.range.clone());
            for run in runs {
                let backwards = levels[run.start].is_rtl();
                line.shape_run(run, backwards, weight);
            }
        }
        line
    }

    /// The characters for which a code point had to stand in.
    pub(crate) fn missing(&self) -> impl Iterator<Item = char> {
        self.clusters
            .iter()
            .filter_map(|cluster| match cluster.shape {
                Shape::Missing(character) => Some(character),
                Shape::Glyphs(_) => None,
            })
    }

    /// Moves everything closer together when the line is wider than `width` em.
    pub(crate) fn squeeze(&mut self, width: f32) {
        if self.width <= width || self.width <= 0.0 {
            return;
        }
        let factor = width / self.width;
        self.glyphs.iter_mut().for_each(|glyph| glyph.x *= factor);
        for cluster in &mut self.clusters {
            cluster.x *= factor;
            cluster.advance *= factor;
        }
        self.width = width;
    }

    /// Adds a run of one direction.
    fn shape_run(&mut self, run: Range<usize>, backwards: bool, weight: Weight) {
        let mut segments = segments(&self.text, run, weight);
        if backwards {
            segments.reverse();
        }
        for segment in segments {
            match segment.face {
                Some(face) => self.shape_segment(&segment, face, backwards),
                None => self.add_missing(segment.text, backwards),
            }
        }
    }

    fn shape_segment(&mut self, segment: &Segment, face: &Face, backwards: bool) {
        let mut buffer = UnicodeBuffer::new();
        let mut marks = 0;
        for (at, character) in self.text[segment.text.clone()].char_indices() {
            let is_mark = bidi_class(character) == BidiClass::NSM;
            marks = if is_mark { marks + 1 } else { 0 };
            if marks <= MARKS_MAX {
                let at = u32::try_from(at).expect("a line is shorter than 4 GiB");
                buffer.add(character, at);
            }
        }
        let direction = if backwards {
            Direction::RightToLeft
        } else {
            Direction::LeftToRight
        };
        buffer.set_direction(direction);
        buffer.set_script(segment.script);
        let plan = face.plan(direction, segment.script);
        let shaper = face.shaper.shaper(&face.font).build();
        let shaped = shaper.shape(buffer, ShapeOptions::new().plan(Some(&plan)));

        let placed = shaped.glyph_infos().iter().zip(shaped.glyph_positions());
        let mut starts: Vec<usize> = Vec::new();
        for (info, position) in placed {
            let start = segment.text.start + info.cluster as usize;
            if starts.last() != Some(&start) {
                starts.push(start);
                self.open_cluster(start);
            }
            let scale = |units: i32| units_to_em(units, face.units_per_em);
            self.glyphs.push(Glyph {
                face: face.id,
                id: u16::try_from(info.glyph_id).expect("TrueType glyph ids are 16 bits"),
                x: self.width + scale(position.x_offset),
                y: scale(position.y_offset),
            });
            self.width += scale(position.x_advance);
            let end = self.glyphs.len();
            let open = self
                .clusters
                .last_mut()
                .expect("a cluster was opened above");
            open.advance = self.width - open.x;
            if let Shape::Glyphs(glyphs) = &mut open.shape {
                glyphs.end = end;
            }
        }
        self.close_clusters(&starts, segment.text.end, backwards);
    }

    fn open_cluster(&mut self, start: usize) {
        self.clusters.push(Cluster {
            text: start..start,
            x: self.width,
            advance: 0.0,
            shape: Shape::Glyphs(self.glyphs.len()..self.glyphs.len()),
        });
    }

    /// Gives the last clusters, which begin at `starts`, their ends: each reaches to the next.
    fn close_clusters(&mut self, starts: &[usize], end: usize, backwards: bool) {
        let first = self.clusters.len() - starts.len();
        let clusters = &mut self.clusters[first..];
        let mut next = end;
        let mut close = |cluster: &mut Cluster| {
            cluster.text.end = next;
            next = cluster.text.start;
        };
        if backwards {
            clusters.iter_mut().for_each(&mut close);
        } else {
            clusters.iter_mut().rev().for_each(&mut close);
        }
    }

    fn add_missing(&mut self, text: Range<usize>, backwards: bool) {
        let mut characters: Vec<_> = self.text[text.clone()].char_indices().collect();
        if backwards {
            characters.reverse();
        }
        for (at, character) in characters {
            let start = text.start + at;
            let advance = if is_ignorable(character) { 0.0 } else { 1.0 };
            self.open_cluster(start);
            let cluster = self
                .clusters
                .last_mut()
                .expect("a cluster was opened above");
            cluster.text.end = start + character.len_utf8();
            cluster.advance = advance;
            if advance > 0.0 {
                cluster.shape = Shape::Missing(character);
            }
            self.width += advance;
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "font units are far below 2^23")]
fn units_to_em(units: i32, units_per_em: u16) -> f32 {
    units as f32 / f32::from(units_per_em)
}

/// A run of one direction, one typeface and one script. No typeface: nobody has the characters.
struct Segment {
    text: Range<usize>,
    face: Option<&'static Face>,
    script: Script,
}

/// Divides a run, in logical order.
fn segments(text: &str, run: Range<usize>, weight: Weight) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    for (at, character) in text[run.clone()].char_indices() {
        let start = run.start + at;
        let end = start + character.len_utf8();
        let own = script_of(character);
        if let Some(last) = segments.last_mut() {
            // Marks, spaces and invisible characters stay with what they follow, if they can.
            let stays = match last.face {
                Some(face) => face.covers(character) || is_ignorable(character),
                None => is_ignorable(character),
            };
            if stays && (own.is_none() || own == Some(last.script)) {
                last.text.end = end;
                continue;
            }
        }
        let face = Face::choices(weight).find(|face| face.covers(character));
        let script = own.unwrap_or(script::LATIN);
        match segments.last_mut() {
            Some(last) if last.face.is_none() && face.is_none() => last.text.end = end,
            _ => segments.push(Segment {
                text: start..end,
                face,
                script,
            }),
        }
    }
    segments
}

/// The script that decides how a letter is shaped; none for what all scripts share.
fn script_of(character: char) -> Option<Script> {
    Some(match u32::from(character) {
        0x30..=0x39
        | 0x41..=0x5A
        | 0x61..=0x7A
        | 0xAA
        | 0xBA
        | 0xC0..=0xD6
        | 0xD8..=0xF6
        | 0xF8..=0x2AF
        | 0x1E00..=0x1EFF => script::LATIN,
        0x370..=0x3FF | 0x1F00..=0x1FFF => script::GREEK,
        0x400..=0x482 | 0x48A..=0x52F | 0x1C80..=0x1C8F | 0xA640..=0xA66E => script::CYRILLIC,
        0x5D0..=0x5EA | 0x5EF..=0x5F2 | 0xFB1D..=0xFB4F => script::HEBREW,
        0x620..=0x63F
        | 0x641..=0x64A
        | 0x66E..=0x66F
        | 0x671..=0x6D5
        | 0x6EE..=0x6FF
        | 0x750..=0x77F
        | 0x8A0..=0x8C9
        | 0xFB50..=0xFDFF
        | 0xFE70..=0xFEFE => script::ARABIC,
        0x900..=0x950 | 0x955..=0x963 | 0x966..=0x97F => script::DEVANAGARI,
        0x3041..=0x309F => script::HIRAGANA,
        0x30A0..=0x30FF => script::KATAKANA,
        0x3005..=0x3007
        | 0x3400..=0x4DBF
        | 0x4E00..=0x9FFF
        | 0xF900..=0xFAFF
        | 0x20000..=0x3134F => script::HAN,
        0x1100..=0x11FF | 0xAC00..=0xD7FF => script::HANGUL,
        _ => return None,
    })
}

/// Characters that steer the display and have no picture (Default_Ignorable_Code_Point).
pub(crate) fn is_ignorable(character: char) -> bool {
    matches!(u32::from(character),
        0xAD | 0x34F | 0x61C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F
        | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F
        | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFF8 | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A
        | 0xE0000..=0xE0FFF)
}
