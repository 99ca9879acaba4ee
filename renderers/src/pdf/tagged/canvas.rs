//! Draws a scene's items as PDF operators.

use pdf_writer::{Content, Name, Settings, Str, TextStr};
use skrifa::outline::OutlinePen;

use super::structure::{Kind, Tag};
use crate::pdf::fonts::{Encoded, Fonts};
use crate::pdf::{KAPPA, rounded};
use crate::scene::{Colour, Item, Modules, Picture, Rect, Rule, Text};
use crate::text::{Cluster, CodeBox, Face, FaceId, Line, Shape, is_ignorable};

pub(super) struct Canvas {
    /// The page's height: PDF counts y upwards.
    height: f32,
    content: Content,
    pub(super) fonts: Fonts,
    /// The parts of the page that mean something.
    pub(super) tags: Vec<Tag>,
    pub(super) pictures: Vec<Picture>,
    /// The typeface and size that are set.
    font: Option<(FaceId, f32)>,
    run: Option<Run>,
    /// Glyphs of the line that stand for no text of their own, with their places and sizes.
    silent: Vec<(FaceId, u16, (f32, f32), f32)>,
}

/// Glyphs of one font on one baseline, not written yet.
struct Run {
    x: f32,
    y: f32,
    /// Where the viewer's pen is after them.
    pen: f32,
    /// Glyphs, as two bytes each, and after how many of the bytes the pen goes back how far, in
    /// thousandths of an em.
    glyphs: Vec<u8>,
    steps: Vec<(usize, f32)>,
}

/// A typeface in the page's resources.
pub(super) fn font_name(face: FaceId) -> String {
    format!("F{}", face.index())
}

/// A picture in the page's resources.
pub(super) fn picture_name(number: usize) -> String {
    format!("I{number}")
}

fn new_content() -> Content {
    Content::with_settings_and_capacity(Settings { pretty: false }, 8 * 1024)
}

impl Clone for Canvas {
    /// A canvas that goes on where this one is, without its operators.
    fn clone(&self) -> Self {
        Self {
            height: self.height,
            content: new_content(),
            fonts: self.fonts.clone(),
            tags: self.tags.clone(),
            pictures: self.pictures.clone(),
            font: None,
            run: None,
            silent: Vec::new(),
        }
    }
}

impl Canvas {
    pub(super) fn new(height: f32) -> Self {
        Self {
            height,
            content: new_content(),
            fonts: Fonts::default(),
            tags: Vec::new(),
            pictures: Vec::new(),
            font: None,
            run: None,
            silent: Vec::new(),
        }
    }

    /// The operators so far.
    pub(super) fn take_content(&mut self) -> Vec<u8> {
        let content = std::mem::replace(&mut self.content, new_content());
        content.finish().into_vec()
    }

    pub(super) fn draw(&mut self, item: &Item) {
        match item {
            Item::Rect(rect) => self.artifact(|canvas| canvas.rect(rect)),
            Item::Rule(rule) => self.artifact(|canvas| canvas.rule(rule)),
            // Only plans have shapes, and plans are not written as PDF.
            Item::Shape(_) => {}
            Item::Modules(modules) => {
                let size = f32::from(modules.side) * modules.size;
                let place = self.place(modules.x, modules.y, size, size);
                let kind = Kind::Figure(modules.spoken.clone(), place);
                self.tagged(kind, 72, |canvas| canvas.modules(modules));
            }
            Item::Picture(picture) => {
                let place = self.place(picture.x, picture.y, picture.width, picture.height);
                let kind = Kind::Figure(picture.spoken.clone(), place);
                self.tagged(kind, 2, |canvas| canvas.picture(picture));
            }
            Item::Text(text) => {
                let kind = Kind::Text(text.role);
                self.tagged(kind, text.rank, |canvas| canvas.text(text));
            }
        }
    }

    /// Left, bottom, right and top as PDF counts.
    fn place(&self, x: f32, y: f32, width: f32, height: f32) -> [f32; 4] {
        let top = self.height - y;
        [x, top - height, x + width, top].map(rounded)
    }

    /// Draws what means nothing.
    fn artifact(&mut self, draw: impl FnOnce(&mut Self)) {
        self.content.begin_marked_content(Name(b"Artifact"));
        draw(self);
        self.content.end_marked_content();
    }

    /// Draws what has a place in the structure.
    fn tagged(&mut self, kind: Kind, rank: u8, draw: impl FnOnce(&mut Self)) {
        let number = i32::try_from(self.tags.len()).expect("a page has few parts");
        let mut mark = self
            .content
            .begin_marked_content_with_properties(Name(kind.name()));
        mark.properties().identify(number);
        drop(mark);
        self.tags.push(Tag { kind, rank });
        draw(self);
        self.content.end_marked_content();
    }

    fn rect(&mut self, rect: &Rect) {
        let [left, bottom, right, top] = self.place(rect.x, rect.y, rect.width, rect.height);
        match rect.stroke {
            None => self.fill_colour(rect.colour),
            Some(width) => {
                self.stroke_colour(rect.colour);
                self.content.set_line_width(width);
            }
        }
        if rect.radius <= 0.0 {
            self.content
                .rect(left, bottom, rounded(right - left), rounded(top - bottom));
        } else {
            let (r, k) = (rect.radius, rounded(rect.radius * (1.0 - KAPPA)));
            self.content
                .move_to(left + r, bottom)
                .line_to(right - r, bottom)
                .cubic_to(right - k, bottom, right, bottom + k, right, bottom + r)
                .line_to(right, top - r)
                .cubic_to(right, top - k, right - k, top, right - r, top)
                .line_to(left + r, top)
                .cubic_to(left + k, top, left, top - k, left, top - r)
                .line_to(left, bottom + r)
                .cubic_to(left, bottom + k, left + k, bottom, left + r, bottom);
        }
        match rect.stroke {
            None => self.content.fill_nonzero(),
            Some(_) => self.content.close_and_stroke(),
        };
    }

    fn rule(&mut self, rule: &Rule) {
        self.stroke_colour(rule.colour);
        self.content.set_line_width(rule.width);
        let dash = rule
            .dash
            .map(|(dash, gap)| [f32::from(dash), f32::from(gap)]);
        self.content
            .set_dash_pattern(dash.into_iter().flatten(), 0.0);
        let [from, to] = [rule.from, rule.to].map(|(x, y)| (rounded(x), rounded(self.height - y)));
        self.content
            .move_to(from.0, from.1)
            .line_to(to.0, to.1)
            .stroke();
    }

    /// Rectangles a little higher than a module: viewers would show a hairline between the rows.
    fn modules(&mut self, modules: &Modules) {
        self.fill_colour(Colour::INK);
        let size = modules.size;
        for (column, row, length) in &modules.runs {
            let y = self.height - modules.y - (f32::from(*row) + 1.02) * size;
            let x = modules.x + f32::from(*column) * size;
            let (width, height) = (f32::from(*length) * size, size * 1.02);
            self.content
                .rect(rounded(x), rounded(y), rounded(width), rounded(height));
        }
        self.content.fill_nonzero();
    }

    fn picture(&mut self, picture: &Picture) {
        let [left, bottom, ..] = self.place(picture.x, picture.y, picture.width, picture.height);
        let name = picture_name(self.pictures.len());
        self.content
            .save_state()
            .transform([picture.width, 0.0, 0.0, picture.height, left, bottom].map(rounded))
            .x_object(Name(name.as_bytes()))
            .restore_state();
        self.pictures.push(picture.clone());
    }

    fn text(&mut self, text: &Text) {
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
                    let content = &mut self.content;
                    let last = (0.0, 0.0);
                    face.draw(
                        digit.glyph,
                        &mut Pen {
                            content,
                            x,
                            y,
                            scale,
                            last,
                        },
                    );
                }
                self.content.fill_nonzero();
            }
            tracking += text.tracking;
        }
    }

    fn fill_colour(&mut self, colour: Colour) {
        let [red, green, blue] = shares(colour);
        self.content.set_fill_rgb(red, green, blue);
    }

    fn stroke_colour(&mut self, colour: Colour) {
        let [red, green, blue] = shares(colour);
        self.content.set_stroke_rgb(red, green, blue);
    }
}

fn shares(colour: Colour) -> [f32; 3] {
    let share = |channel: u8| (f32::from(channel) / 255.0 * 1000.0).round() / 1000.0;
    colour.0.map(share)
}

/// Writes an outline as path operators.
struct Pen<'a> {
    content: &'a mut Content,
    x: f32,
    y: f32,
    scale: f32,
    /// The current point, in font units.
    last: (f32, f32),
}

impl Pen<'_> {
    fn place(&self, (x, y): (f32, f32)) -> (f32, f32) {
        (
            rounded(self.x + x * self.scale),
            rounded(self.y + y * self.scale),
        )
    }
}

impl OutlinePen for Pen<'_> {
    fn move_to(&mut self, x: f32, y: f32) {
        let (px, py) = self.place((x, y));
        self.content.move_to(px, py);
        self.last = (x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (px, py) = self.place((x, y));
        self.content.line_to(px, py);
        self.last = (x, y);
    }

    /// PDF has cubic curves only.
    fn quad_to(&mut self, cx0: f32, cy0: f32, x: f32, y: f32) {
        let towards =
            |(px, py): (f32, f32)| (px + (cx0 - px) * 2.0 / 3.0, py + (cy0 - py) * 2.0 / 3.0);
        let (one, two) = (towards(self.last), towards((x, y)));
        self.curve_to(one.0, one.1, two.0, two.1, x, y);
    }

    fn curve_to(&mut self, cx0: f32, cy0: f32, cx1: f32, cy1: f32, x: f32, y: f32) {
        let [one, two, end] = [(cx0, cy0), (cx1, cy1), (x, y)].map(|point| self.place(point));
        self.content
            .cubic_to(one.0, one.1, two.0, two.1, end.0, end.1);
        self.last = (x, y);
    }

    fn close(&mut self) {
        self.content.close_path();
    }
}
