//! Draws a scene's items as PDF operators.

use printpdf::{Codepoint, Color, DictItem, Op, PdfFontHandle, Pt, Rgb, TextItem, TextMatrix};
use skrifa::outline::OutlinePen;

use super::super::fonts::{Encoded, Fonts};
use super::super::{KAPPA, rounded};
use super::name;
use crate::scene::{Colour, Item, Modules, Rect, Rule, Text};
use crate::text::{Cluster, CodeBox, Face, FaceId, Line, Shape, is_ignorable};

pub(super) struct Canvas {
    /// The page's height: PDF counts y upwards.
    height: f32,
    ops: Vec<Op>,
    fonts: Fonts,
    /// The typeface and size that are set.
    font: Option<(FaceId, f32)>,
    run: Option<Run>,
}

/// Glyphs of one font on one baseline, not written yet.
struct Run {
    x: f32,
    y: f32,
    /// Where the viewer's pen is after them.
    pen: f32,
    glyphs: Vec<Codepoint>,
}

impl Canvas {
    pub(super) fn new(height: f32) -> Self {
        Self {
            height,
            ops: Vec::new(),
            fonts: Fonts::default(),
            font: None,
            run: None,
        }
    }

    pub(super) fn finish(self) -> (Vec<Op>, Fonts) {
        (self.ops, self.fonts)
    }

    pub(super) fn draw(&mut self, item: &Item) {
        match item {
            Item::Rect(rect) => self.rect(rect),
            Item::Rule(rule) => self.rule(rule),
            Item::Modules(modules) => self.modules(modules),
            // A brand's dots would bring the whole of printpdf's picture handling with them, and
            // only plans have shapes.
            Item::Picture(_) | Item::Shape(_) => {}
            Item::Text(text) => self.text(text),
        }
    }

    fn rect(&mut self, rect: &Rect) {
        let (left, right) = (rect.x, rect.x + rect.width);
        let (top, bottom) = (self.height - rect.y, self.height - rect.y - rect.height);
        let paint = match rect.stroke {
            None => {
                self.ops.push(Op::SetFillColor {
                    col: colour(rect.colour),
                });
                "f"
            }
            Some(width) => {
                self.ops.push(Op::SetOutlineColor {
                    col: colour(rect.colour),
                });
                self.operator("w", &[width]);
                "s"
            }
        };
        if rect.radius <= 0.0 {
            self.operator("re", &[left, bottom, rect.width, rect.height]);
        } else {
            let (r, k) = (rect.radius, rect.radius * (1.0 - KAPPA));
            self.operator("m", &[left + r, bottom]);
            self.operator("l", &[right - r, bottom]);
            self.operator(
                "c",
                &[right - k, bottom, right, bottom + k, right, bottom + r],
            );
            self.operator("l", &[right, top - r]);
            self.operator("c", &[right, top - k, right - k, top, right - r, top]);
            self.operator("l", &[left + r, top]);
            self.operator("c", &[left + k, top, left, top - k, left, top - r]);
            self.operator("l", &[left, bottom + r]);
            self.operator("c", &[left, bottom + k, left + k, bottom, left + r, bottom]);
        }
        self.operator(paint, &[]);
    }

    fn rule(&mut self, rule: &Rule) {
        self.ops.push(Op::SetOutlineColor {
            col: colour(rule.colour),
        });
        self.operator("w", &[rule.width]);
        let dash = rule
            .dash
            .map(|(dash, gap)| vec![number(dash.into()), number(gap.into())]);
        let value = vec![DictItem::Array(dash.unwrap_or_default()), DictItem::Int(0)];
        self.ops.push(Op::Unknown {
            key: "d".to_owned(),
            value,
        });
        self.operator("m", &[rule.from.0, self.height - rule.from.1]);
        self.operator("l", &[rule.to.0, self.height - rule.to.1]);
        self.operator("S", &[]);
    }

    fn modules(&mut self, modules: &Modules) {
        self.ops.push(Op::SetFillColor {
            col: colour(Colour::INK),
        });
        let size = modules.size;
        for (column, row, length) in &modules.runs {
            // A touch taller than a module: viewers would show a hairline between the rows.
            let y = self.height - modules.y - (f32::from(*row) + 1.02) * size;
            let x = modules.x + f32::from(*column) * size;
            self.operator("re", &[x, y, f32::from(*length) * size, size * 1.02]);
        }
        self.operator("f", &[]);
    }

    fn text(&mut self, text: &Text) {
        self.ops.push(Op::SetFillColor {
            col: colour(text.colour),
        });
        self.ops.push(Op::StartTextSection);
        for (line, x, y) in text.lines() {
            let mut tracking = 0.0;
            for cluster in &line.clusters {
                let shift = x + tracking * text.fitted.size;
                self.cluster(line, cluster, (shift, self.height - y), text.fitted.size);
                tracking += text.tracking;
            }
            self.flush();
        }
        self.ops.push(Op::EndTextSection);
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
        let glyphs = &line.glyphs[glyphs.clone()];
        let advance = |index: &usize| Face::of(glyphs[*index].face).advance(glyphs[*index].id);
        let main = (0..glyphs.len()).max_by_key(advance);
        for (index, glyph) in glyphs.iter().enumerate() {
            let text = if main == Some(index) { text } else { "" };
            let at = (x + glyph.x * size, y + glyph.y * size);
            self.glyph(glyph.face, glyph.id, at, size, text);
        }
    }

    /// Adds a glyph that stands for `text`: in a span of its own when it stood for another before.
    fn glyph(&mut self, face: FaceId, id: u16, at: (f32, f32), size: f32, text: &str) {
        let face = Face::of(face);
        let encoded = self.fonts.encode(face, id, text);
        if encoded.says_text {
            self.show(face, &encoded, at, size, text);
        } else {
            self.open_span(text);
            self.show(face, &encoded, at, size, "");
            self.close_span();
        }
    }

    /// Adds a glyph to the run if it continues it, else begins a new run.
    fn show(&mut self, face: &Face, encoded: &Encoded, (x, y): (f32, f32), size: f32, text: &str) {
        let continues = self.font == Some((face.id, size))
            && self
                .run
                .as_ref()
                .is_some_and(|run| (run.y - y).abs() < 0.001);
        if !continues {
            self.flush();
            self.set_font(face, size);
        }
        let run = self.run.get_or_insert_with(|| Run {
            x,
            y,
            pen: x,
            glyphs: Vec::new(),
        });
        if let Some(last) = run.glyphs.last_mut() {
            // Thousandths of an em that the pen must go back, as kerning mostly does.
            let back = ((run.pen - x) / size * 1000.0).round();
            last.offset += back;
            run.pen -= back / 1000.0 * size;
        }
        run.pen += encoded.advance * size;
        run.glyphs
            .push(Codepoint::with_cid(encoded.glyph, 0.0, text.to_owned()));
    }

    fn set_font(&mut self, face: &Face, size: f32) {
        if self.font != Some((face.id, size)) {
            let font = PdfFontHandle::External(name(face));
            self.ops.push(Op::SetFont {
                font,
                size: Pt(size),
            });
            self.font = Some((face.id, size));
        }
    }

    /// Writes the run.
    fn flush(&mut self) {
        let Some(run) = self.run.take() else { return };
        let matrix = TextMatrix::Translate(Pt(rounded(run.x)), Pt(rounded(run.y)));
        self.ops.push(Op::SetTextMatrix { matrix });
        self.ops.push(Op::ShowText {
            items: vec![TextItem::GlyphIds(run.glyphs)],
        });
    }

    /// Begins a part of the page that stands for `text`, whatever its glyphs are.
    fn open_span(&mut self, text: &str) {
        self.flush();
        let bytes = [0xFEFF]
            .into_iter()
            .chain(text.encode_utf16())
            .flat_map(u16::to_be_bytes);
        let actual = DictItem::String {
            data: bytes.collect(),
            literal: false,
        };
        let map = [("ActualText".to_owned(), actual)].into();
        self.ops.push(Op::BeginMarkedContentWithProperties {
            tag: "Span".to_owned(),
            properties: DictItem::Dict { map },
        });
    }

    fn close_span(&mut self) {
        self.flush();
        self.ops.push(Op::EndMarkedContent);
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
                    let (width, height) = ((right - left) * size, (top - bottom) * size);
                    self.operator("re", &[x + left * size, y + bottom * size, width, height]);
                }
                self.operator("f*", &[]);
                for digit in code.digits(cluster.advance) {
                    let (x, y) = (x + digit.x * size, y + digit.y * size);
                    let face = Face::of(digit.face);
                    let scale = digit.size * size / f32::from(face.units_per_em);
                    face.draw(
                        digit.glyph,
                        &mut Pen {
                            canvas: self,
                            x,
                            y,
                            scale,
                            last: (0.0, 0.0),
                        },
                    );
                }
                self.operator("f", &[]);
            }
            tracking += text.tracking;
        }
    }

    fn operator(&mut self, key: &str, operands: &[f32]) {
        let value = operands.iter().copied().map(number).collect();
        self.ops.push(Op::Unknown {
            key: key.to_owned(),
            value,
        });
    }
}

/// Writes an outline as path operators.
struct Pen<'a> {
    canvas: &'a mut Canvas,
    x: f32,
    y: f32,
    scale: f32,
    /// The current point, in font units.
    last: (f32, f32),
}

impl Pen<'_> {
    fn segment(&mut self, key: &str, points: &[(f32, f32)]) {
        let place = |(x, y): &(f32, f32)| [self.x + x * self.scale, self.y + y * self.scale];
        let operands: Vec<f32> = points.iter().flat_map(place).collect();
        self.canvas.operator(key, &operands);
        self.last = points.last().copied().unwrap_or(self.last);
    }
}

impl OutlinePen for Pen<'_> {
    fn move_to(&mut self, x: f32, y: f32) {
        self.segment("m", &[(x, y)]);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.segment("l", &[(x, y)]);
    }

    /// PDF has cubic curves only.
    fn quad_to(&mut self, cx0: f32, cy0: f32, x: f32, y: f32) {
        let towards =
            |(px, py): (f32, f32)| (px + (cx0 - px) * 2.0 / 3.0, py + (cy0 - py) * 2.0 / 3.0);
        let controls = (towards(self.last), towards((x, y)));
        self.segment("c", &[controls.0, controls.1, (x, y)]);
    }

    fn curve_to(&mut self, cx0: f32, cy0: f32, cx1: f32, cy1: f32, x: f32, y: f32) {
        self.segment("c", &[(cx0, cy0), (cx1, cy1), (x, y)]);
    }

    fn close(&mut self) {
        self.canvas.operator("h", &[]);
    }
}

fn number(value: f32) -> DictItem {
    DictItem::Real(rounded(value))
}

fn colour(colour: Colour) -> Color {
    let [r, g, b] = colour
        .0
        .map(|channel| (f32::from(channel) / 255.0 * 1000.0).round() / 1000.0);
    Color::Rgb(Rgb {
        r,
        g,
        b,
        icc_profile: None,
    })
}
