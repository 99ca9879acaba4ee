//! Words: glyphs in runs, each with the text that it stands for.

use pdf_writer::{Name, Str, TextStr};

use super::pen::Pen;
use super::{Canvas, font_name};
use crate::pdf::fonts::Encoded;
use crate::pdf::rounded;
use crate::scene::Text;
use crate::text::{Cluster, CodeBox, Face, FaceId, Line, Shape, is_ignorable};

/// Glyphs of one font on one baseline, not written yet.
pub(super) struct Run {
    x: f32,
    y: f32,
    /// Where the viewer's pen is after them.
    pen: f32,
    /// Glyphs, as two bytes each, and after how many of the bytes the pen goes back how far, in
    /// thousandths of an em.
    glyphs: Vec<u8>,
    steps: Vec<(usize, f32)>,
}

impl Canvas {
    pub(super) fn text(&mut self, text: &Text) {
        self.fill_colour(text.colour);
        self.content.begin_text();
        // A text object begins with the font of the one before, which may be in another stream.
        self.font = None;
        for (line, x, y) in text.lines() {
            let mut tracking = 0.0;
            for cluster in &line.clusters {
                let shift = x + tracking * text.fitted.size;
                self.cluster(line, cluster, (shift, self.height - y), text.fitted.size);
                tracking += text.tracking;
            }
            self.flush();
            self.silent_glyphs();
        }
        self.content.end_text();
        for (line, x, y) in text.lines() {
            self.frames(line, (x, self.height - y), text);
        }
    }

    /// Adds the glyphs of a piece of text. The widest stands for the text, the others for none.
    fn cluster(&mut self, line: &Line, cluster: &Cluster, (x, y): (f32, f32), size: f32) {
        let text = &line.text[cluster.text.clone()];
        let Shape::Glyphs(glyphs) = &cluster.shape else {
            let (face, blank) = CodeBox::blank();
            return self.glyph(face, blank, (x + cluster.x * size, y), size, text);
        };
        if text.chars().all(is_ignorable) {
            return;
        }
        match &line.glyphs[glyphs.clone()] {
            [glyph] => {
                let at = (x + glyph.x * size, y + glyph.y * size);
                self.glyph(glyph.face, glyph.id, at, size, text);
            }
            several => {
                let advance = |index: &usize| {
                    let glyph = &several[*index];
                    Face::of(glyph.face).advance(glyph.id)
                };
                let main = (0..several.len()).max_by_key(advance);
                for (index, glyph) in several.iter().enumerate() {
                    let at = (x + glyph.x * size, y + glyph.y * size);
                    if main == Some(index) {
                        self.glyph(glyph.face, glyph.id, at, size, text);
                    } else {
                        self.silent.push((glyph.face, glyph.id, at, size));
                    }
                }
            }
        }
    }

    /// Adds the glyphs that belong to a letter that another glyph stands for: they say nothing.
    /// They come after their line, so that readers find its letters side by side.
    fn silent_glyphs(&mut self) {
        if self.silent.is_empty() {
            return;
        }
        self.open_span("");
        for (face, id, at, size) in std::mem::take(&mut self.silent) {
            let face = Face::of(face);
            let encoded = self.fonts.encode(face, id, "");
            self.show(face, &encoded, at, size);
        }
        self.close_span();
    }

    /// Adds a glyph that stands for `text`: in a span of its own when it stood for another before.
    fn glyph(&mut self, face: FaceId, id: u16, at: (f32, f32), size: f32, text: &str) {
        let face = Face::of(face);
        let encoded = self.fonts.encode(face, id, text);
        if encoded.says_text {
            self.show(face, &encoded, at, size);
        } else {
            self.open_span(text);
            self.show(face, &encoded, at, size);
            self.close_span();
        }
    }

    /// Adds a glyph to the run if it continues it, else begins a new run.
    fn show(&mut self, face: &Face, encoded: &Encoded, (x, y): (f32, f32), size: f32) {
        let same_line = |run: &Run| (run.y - y).abs() < 0.001;
        let continues =
            self.font == Some((face.id, size)) && self.run.as_ref().is_some_and(same_line);
        if !continues {
            self.flush();
            self.set_font(face, size);
        }
        let run = self.run.get_or_insert_with(|| Run {
            x,
            y,
            pen: x,
            glyphs: Vec::with_capacity(64),
            steps: Vec::new(),
        });
        if !run.glyphs.is_empty() {
            // Thousandths of an em that the pen must go back, as kerning mostly does.
            let back = ((run.pen - x) / size * 1000.0).round();
            if back != 0.0 {
                run.steps.push((run.glyphs.len(), back));
                run.pen -= back / 1000.0 * size;
            }
        }
        run.pen += encoded.advance * size;
        run.glyphs.extend(encoded.glyph.to_be_bytes());
    }

    fn set_font(&mut self, face: &Face, size: f32) {
        if self.font != Some((face.id, size)) {
            self.content
                .set_font(Name(font_name(face.id).as_bytes()), size);
            self.font = Some((face.id, size));
        }
    }

    /// Writes the run.
    fn flush(&mut self) {
        let Some(run) = self.run.take() else { return };
        let (x, y) = (rounded(run.x), rounded(run.y));
        self.content.set_text_matrix([1.0, 0.0, 0.0, 1.0, x, y]);
        if run.steps.is_empty() {
            self.content.show(Str(&run.glyphs));
            return;
        }
        let mut show = self.content.show_positioned();
        let mut items = show.items();
        let mut start = 0;
        for (end, back) in run.steps {
            items.show(Str(&run.glyphs[start..end])).adjust(back);
            start = end;
        }
        items.show(Str(&run.glyphs[start..]));
    }

    /// Begins a part of the page that stands for `text`, whatever its glyphs are.
    fn open_span(&mut self, text: &str) {
        self.flush();
        let mut mark = self
            .content
            .begin_marked_content_with_properties(Name(b"Span"));
        mark.properties().actual_text(TextStr(text));
    }

    fn close_span(&mut self) {
        self.flush();
        self.content.end_marked_content();
    }

    /// The frames and digits of code points, as paths: the text is in the blanks below them.
    fn frames(&mut self, line: &Line, (x, y): (f32, f32), text: &Text) {
        let size = text.fitted.size;
        let mut tracking = 0.0;
        for cluster in &line.clusters {
            if let Shape::Missing(character) = cluster.shape {
                let x = x + (cluster.x + tracking) * size;
                let code = CodeBox::of(character);
                for [left, bottom, right, top] in CodeBox::frame(cluster.advance) {
                    let corner = [x + left * size, y + bottom * size].map(rounded);
                    let sides = [(right - left) * size, (top - bottom) * size].map(rounded);
                    self.content.rect(corner[0], corner[1], sides[0], sides[1]);
                }
                self.content.fill_even_odd();
                for digit in code.digits(cluster.advance) {
                    let (x, y) = (x + digit.x * size, y + digit.y * size);
                    let face = Face::of(digit.face);
                    let scale = digit.size * size / f32::from(face.units_per_em);
                    let mut pen = Pen::new(&mut self.content, (x, y), scale);
                    face.draw(digit.glyph, &mut pen);
                }
                self.content.fill_nonzero();
            }
            tracking += text.tracking;
        }
    }
}
