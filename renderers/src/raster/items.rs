//! Draws a scene's items into pixels.

use resvg::tiny_skia::{
    Color, FillRule, FilterQuality, IntSize, Paint, Path, PathBuilder, Pixmap, PixmapPaint,
    PremultipliedColorU8, Stroke, StrokeDash, Transform,
};
use skrifa::outline::OutlinePen;

use crate::scene::{Colour, Item, Modules, Picture, Rect, Rule, Shape as ShapeItem, Text};
use crate::text::{CodeBox, Face, Shape};

/// Control points of a quarter circle, as a share of its radius.
const KAPPA: f32 = 0.552_3;

/// Draws the items of a page, `width` points wide, stretched over the whole picture.
pub(crate) fn draw_items(items: &[Item], [width, height]: [f32; 2], pixmap: &mut Pixmap) {
    #[expect(
        clippy::cast_precision_loss,
        reason = "pictures are far below 2^23 pixels wide"
    )]
    let scale = [
        pixmap.width() as f32 / width,
        pixmap.height() as f32 / height,
    ];
    let mut brush = Brush { pixmap, scale };
    for item in items {
        match item {
            Item::Rect(rect) => brush.rect(rect),
            Item::Rule(rule) => brush.rule(rule),
            Item::Text(text) => brush.text(text),
            Item::Modules(modules) => brush.modules(modules),
            Item::Picture(picture) => brush.picture(picture),
            Item::Shape(shape) => brush.shape(shape),
        }
    }
}

struct Brush<'a> {
    pixmap: &'a mut Pixmap,
    /// Pixels in a point, across and down.
    scale: [f32; 2],
}

impl Brush<'_> {
    fn transform(&self) -> Transform {
        Transform::from_scale(self.scale[0], self.scale[1])
    }

    fn fill(&mut self, path: Option<Path>, colour: Colour) {
        if let Some(path) = path {
            let transform = self.transform();
            self.pixmap
                .fill_path(&path, &paint(colour), FillRule::Winding, transform, None);
        }
    }

    fn shape(&mut self, shape: &ShapeItem) {
        let mut path = PathBuilder::new();
        for (at, [x, y]) in shape.corners.iter().enumerate() {
            if at == 0 {
                path.move_to(*x, *y);
            } else {
                path.line_to(*x, *y);
            }
        }
        path.close();
        self.fill(path.finish(), shape.colour);
    }

    fn rect(&mut self, rect: &Rect) {
        let path = outline_of(rect);
        match rect.stroke {
            None => self.fill(path, rect.colour),
            Some(width) => self.stroke(path, width, None, rect.colour),
        }
    }

    fn rule(&mut self, rule: &Rule) {
        let mut path = PathBuilder::new();
        path.move_to(rule.from.0, rule.from.1);
        path.line_to(rule.to.0, rule.to.1);
        self.stroke(path.finish(), rule.width, rule.dash, rule.colour);
    }

    fn stroke(&mut self, path: Option<Path>, width: f32, dash: Option<(u8, u8)>, colour: Colour) {
        let dash = dash.map(|(dash, gap)| vec![f32::from(dash), f32::from(gap)]);
        let stroke = Stroke {
            width,
            dash: dash.and_then(|dash| StrokeDash::new(dash, 0.0)),
            ..Stroke::default()
        };
        if let Some(path) = path {
            let transform = self.transform();
            self.pixmap
                .stroke_path(&path, &paint(colour), &stroke, transform, None);
        }
    }

    fn text(&mut self, text: &Text) {
        let mut path = PathBuilder::new();
        let size = text.fitted.size;
        for (line, x, y) in text.lines() {
            let mut tracking = 0.0;
            for cluster in &line.clusters {
                match &cluster.shape {
                    Shape::Glyphs(glyphs) => {
                        for glyph in &line.glyphs[glyphs.clone()] {
                            let at = (x + (glyph.x + tracking) * size, y - glyph.y * size);
                            push_glyph(&mut path, Face::of(glyph.face), glyph.id, at, size);
                        }
                    }
                    Shape::Missing(character) => {
                        let at = (x + (cluster.x + tracking) * size, y);
                        let code = CodeBox::of(*character);
                        push_code_box(&mut path, &code, at, size, cluster.advance);
                    }
                }
                tracking += text.tracking;
            }
        }
        self.fill(path.finish(), text.colour);
    }

    /// On the pixel grid: scanners like sharp edges.
    fn modules(&mut self, modules: &Modules) {
        let [red, green, blue] = Colour::INK.0;
        let ink = PremultipliedColorU8::from_rgba(red, green, blue, 255);
        let ink = ink.expect("an opaque colour is a colour");
        let edge = |at: f32, scale: f32, most: u32| whole(at * scale).min(most) as usize;
        let (width, height) = (self.pixmap.width(), self.pixmap.height());
        let size = modules.size;
        for (column, row, length) in &modules.runs {
            let x = |column: f32| edge(modules.x + column * size, self.scale[0], width);
            let y = |row: f32| edge(modules.y + row * size, self.scale[1], height);
            let columns = x((*column).into())..x(f32::from(*column) + f32::from(*length));
            let rows = y((*row).into())..y(f32::from(*row) + 1.0);
            let pixels = self.pixmap.pixels_mut();
            for row in rows {
                let start = row * width as usize;
                pixels[start + columns.start..start + columns.end].fill(ink);
            }
        }
    }

    fn picture(&mut self, picture: &Picture) {
        let image = &picture.image;
        let size = IntSize::from_wh(image.width, image.height);
        let pixels = image.rgba.chunks_exact(4).flat_map(|pixel| {
            let opacity = u16::from(pixel[3]);
            let mixed = |channel: u8| {
                u8::try_from(u16::from(channel) * opacity / 255).expect("a share of a byte")
            };
            [mixed(pixel[0]), mixed(pixel[1]), mixed(pixel[2]), pixel[3]]
        });
        let Some(dots) = size.and_then(|size| Pixmap::from_vec(pixels.collect(), size)) else {
            return;
        };
        #[expect(
            clippy::cast_precision_loss,
            reason = "a logo has at most 4 million pixels"
        )]
        let shrink = [
            picture.width / image.width as f32,
            picture.height / image.height as f32,
        ];
        let place = self
            .transform()
            .pre_translate(picture.x, picture.y)
            .pre_scale(shrink[0], shrink[1]);
        let paint = PixmapPaint {
            quality: FilterQuality::Bicubic,
            ..PixmapPaint::default()
        };
        self.pixmap
            .draw_pixmap(0, 0, dots.as_ref(), &paint, place, None);
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place in a picture of a few thousand pixels"
)]
fn whole(pixels: f32) -> u32 {
    pixels.round().max(0.0) as u32
}

fn paint(colour: Colour) -> Paint<'static> {
    let [red, green, blue] = colour.0;
    let mut paint = Paint::default();
    paint.set_color(Color::from_rgba8(red, green, blue, 255));
    paint
}

fn outline_of(rect: &Rect) -> Option<Path> {
    let (left, top, right, bottom) = (rect.x, rect.y, rect.x + rect.width, rect.y + rect.height);
    let mut path = PathBuilder::new();
    if rect.radius <= 0.0 {
        path.push_rect(resvg::tiny_skia::Rect::from_ltrb(left, top, right, bottom)?);
        return path.finish();
    }
    let (r, k) = (rect.radius, rect.radius * (1.0 - KAPPA));
    path.move_to(left + r, top);
    path.line_to(right - r, top);
    path.cubic_to(right - k, top, right, top + k, right, top + r);
    path.line_to(right, bottom - r);
    path.cubic_to(right, bottom - k, right - k, bottom, right - r, bottom);
    path.line_to(left + r, bottom);
    path.cubic_to(left + k, bottom, left, bottom - k, left, bottom - r);
    path.line_to(left, top + r);
    path.cubic_to(left, top + k, left + k, top, left + r, top);
    path.close();
    path.finish()
}

fn push_glyph(path: &mut PathBuilder, face: &Face, glyph: u16, (x, y): (f32, f32), size: f32) {
    let scale = size / f32::from(face.units_per_em);
    face.draw(glyph, &mut Pen { path, x, y, scale });
}

/// Draws the frame as two rectangles, the inner one wound the other way round.
fn push_code_box(
    path: &mut PathBuilder,
    code: &CodeBox,
    (x, y): (f32, f32),
    size: f32,
    width: f32,
) {
    for (index, [left, bottom, right, top]) in CodeBox::frame(width).into_iter().enumerate() {
        let mut pen = Pen {
            path,
            x,
            y,
            scale: size,
        };
        pen.move_to(left, bottom);
        let corners = [(right, bottom), (right, top), (left, top)];
        let order = if index == 0 { [0, 1, 2] } else { [2, 1, 0] };
        for corner in order {
            pen.line_to(corners[corner].0, corners[corner].1);
        }
        pen.close();
    }
    for digit in code.digits(width) {
        let at = (x + digit.x * size, y - digit.y * size);
        push_glyph(
            path,
            Face::of(digit.face),
            digit.glyph,
            at,
            digit.size * size,
        );
    }
}

/// Adds an outline, given with y upwards, to a path.
struct Pen<'a> {
    path: &'a mut PathBuilder,
    x: f32,
    y: f32,
    scale: f32,
}

impl Pen<'_> {
    fn place(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + x * self.scale, self.y - y * self.scale)
    }
}

impl OutlinePen for Pen<'_> {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.place(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.place(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, cx0: f32, cy0: f32, x: f32, y: f32) {
        let ((cx, cy), (x, y)) = (self.place(cx0, cy0), self.place(x, y));
        self.path.quad_to(cx, cy, x, y);
    }

    fn curve_to(&mut self, cx0: f32, cy0: f32, cx1: f32, cy1: f32, x: f32, y: f32) {
        let (one, two, end) = (self.place(cx0, cy0), self.place(cx1, cy1), self.place(x, y));
        self.path.cubic_to(one.0, one.1, two.0, two.1, end.0, end.1);
    }

    fn close(&mut self) {
        self.path.close();
    }
}
