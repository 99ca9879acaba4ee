//! Draws a scene's items into pixels.
//!
//! Every item has one colour, so an item is how much of each pixel it covers, and a pixel is a
//! shade between white and a colour: an index into a palette. That takes a quarter of the memory
//! of pixels with channels, and they need not be brought back to few colours at the end.

use resvg::tiny_skia::{
    FillRule, FilterQuality, IntSize, Mask, Path, PathBuilder, Pixmap, PixmapPaint, Stroke,
    StrokeDash, Transform,
};
use skrifa::outline::OutlinePen;

use super::Canvas;
use super::glyphs::{self, Placed};
use crate::scene::{Colour, Item, Modules, Picture, Rect, Rule, Shape as ShapeItem, Text, count};
use crate::text::{CodeBox, Face, Glyph, Shape};

/// Control points of a quarter circle, as a share of its radius.
const KAPPA: f32 = 0.552_3;

impl Canvas {
    /// Draws the items of a page of `size`, stretched over the whole picture. Pictures of dots
    /// are left out: they have too many colours (see [`Canvas::with_pictures`]).
    pub(crate) fn draw<'a>(
        &mut self,
        items: impl IntoIterator<Item = &'a Item>,
        [width, height]: [f32; 2],
    ) {
        #[expect(
            clippy::cast_precision_loss,
            reason = "pictures are far below 2^23 pixels wide"
        )]
        let scale = [self.width as f32 / width, self.height as f32 / height];
        let mut brush = Brush {
            canvas: self,
            scale,
        };
        for item in items {
            match item {
                Item::Rect(rect) => brush.rect(rect),
                Item::Rule(rule) => brush.rule(rule),
                Item::Text(text) => brush.text(text),
                Item::Modules(modules) => brush.modules(modules),
                Item::Shape(shape) => brush.shape(shape),
                Item::Picture(_) => {}
            }
        }
    }

    /// The picture with channels, and the pictures of dots among the items.
    pub(crate) fn with_pictures<'a>(
        &self,
        items: impl IntoIterator<Item = &'a Item>,
        [width, height]: [f32; 2],
    ) -> Option<Pixmap> {
        let palette = self.palette();
        let colours = palette.chunks_exact(3).map(|c| [c[0], c[1], c[2], 255]);
        let colours: Vec<_> = colours.collect();
        let pixels = self
            .rows()
            .flatten()
            .flat_map(|pixel| colours[usize::from(*pixel)]);
        let [w, h] = [self.width, self.height].map(|side| u32::try_from(side).ok());
        let mut pixmap = Pixmap::from_vec(pixels.collect(), IntSize::from_wh(w?, h?)?)?;
        #[expect(
            clippy::cast_precision_loss,
            reason = "pictures are far below 2^23 pixels wide"
        )]
        let scale = [self.width as f32 / width, self.height as f32 / height];
        for item in items {
            if let Item::Picture(picture) = item {
                draw_picture(&mut pixmap, picture, scale);
            }
        }
        Some(pixmap)
    }
}

struct Brush<'a> {
    canvas: &'a mut Canvas,
    /// Pixels in a point, across and down.
    scale: [f32; 2],
}

impl Brush<'_> {
    /// Fills a path that is given in points.
    fn fill(&mut self, path: Option<Path>, colour: Colour) {
        let scale = Transform::from_scale(self.scale[0], self.scale[1]);
        let Some(path) = path.and_then(|path| path.transform(scale)) else {
            return;
        };
        let bounds = path.bounds();
        let left = whole(bounds.left().floor()).min(self.canvas.width);
        let top = whole(bounds.top().floor()).min(self.canvas.height);
        let right = (whole(bounds.right().ceil()) + 1).min(self.canvas.width);
        let bottom = (whole(bounds.bottom().ceil()) + 1).min(self.canvas.height);
        let [width, height] = [right - left, bottom - top].map(|side| u32::try_from(side).ok());
        let (Some(width), Some(height)) = (width, height) else {
            return;
        };
        let Some(mut mask) = Mask::new(width, height) else {
            return;
        };
        #[expect(
            clippy::cast_precision_loss,
            reason = "pictures are far below 2^23 pixels wide"
        )]
        let place = Transform::from_translate(-(left as f32), -(top as f32));
        mask.fill_path(&path, FillRule::Winding, true, place);
        let cover = mask.data().chunks_exact(right - left);
        for (row, cover) in (top..).zip(cover) {
            self.canvas.cover(left, row, cover, colour);
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
        let dash = dash.and_then(|(dash, gap)| StrokeDash::new(vec![dash.into(), gap.into()], 0.0));
        let path = path.and_then(|path| match &dash {
            Some(dash) => path.dash(dash, self.scale[0]),
            None => Some(path),
        });
        let stroke = Stroke {
            width,
            ..Stroke::default()
        };
        let outline = path.and_then(|path| path.stroke(&stroke, self.scale[0]));
        self.fill(outline, colour);
    }

    fn text(&mut self, text: &Text) {
        if !self.small_text(text) {
            self.outlined_text(text);
        }
    }

    /// Copies the letters of a text that are small, have a glyph, and lie within the picture.
    fn small_text(&mut self, text: &Text) -> bool {
        let em = text.fitted.size * self.scale[0];
        if em > glyphs::EM_MAX || text.missing().next().is_some() {
            return false;
        }
        let mut placed = Vec::new();
        for (glyph, at) in letters(text) {
            let at = [at.0 * self.scale[0], at.1 * self.scale[1]];
            placed.push(glyphs::place(glyph.face, glyph.id, em, at));
        }
        let within = |from: i32, length: usize, end: usize| {
            usize::try_from(from).is_ok_and(|from| from + length <= end)
        };
        let (width, height) = (self.canvas.width, self.canvas.height);
        let fits = |glyph: &Placed| {
            within(glyph.left, glyph.width(), width)
                && within(glyph.top, glyph.rows().len(), height)
        };
        if !placed.iter().all(fits) {
            return false;
        }
        for glyph in &placed {
            let [left, top] = [glyph.left, glyph.top].map(|at| usize::try_from(at).unwrap_or(0));
            for (row, cover) in (top..).zip(glyph.rows()) {
                self.canvas.cover(left, row, cover, text.colour);
            }
        }
        true
    }

    fn outlined_text(&mut self, text: &Text) {
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
        let ink = self.canvas.full(Colour::INK);
        let (width, height) = (self.canvas.width, self.canvas.height);
        let size = modules.size;
        let x =
            |column: f32| whole(((modules.x + column * size) * self.scale[0]).round()).min(width);
        let y = |row: f32| whole(((modules.y + row * size) * self.scale[1]).round()).min(height);
        for (column, row, length) in &modules.runs {
            let columns = x((*column).into())..x(f32::from(*column) + f32::from(*length));
            for row in y((*row).into())..y(f32::from(*row) + 1.0) {
                self.canvas.row_mut(row)[columns.clone()].fill(ink);
            }
        }
    }
}

/// The glyphs of a text that has all it needs, with their origins in points.
fn letters(text: &Text) -> impl Iterator<Item = (&Glyph, (f32, f32))> {
    let size = text.fitted.size;
    text.lines().flat_map(move |(line, x, y)| {
        let clusters = line.clusters.iter().enumerate();
        clusters.flat_map(move |(index, cluster)| {
            let glyphs = match &cluster.shape {
                Shape::Glyphs(glyphs) => glyphs.clone(),
                Shape::Missing(_) => 0..0,
            };
            let tracking = text.tracking * count(index);
            line.glyphs[glyphs].iter().map(move |glyph| {
                let at = (x + (glyph.x + tracking) * size, y - glyph.y * size);
                (glyph, at)
            })
        })
    })
}

fn draw_picture(pixmap: &mut Pixmap, picture: &Picture, scale: [f32; 2]) {
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
    let place = Transform::from_scale(scale[0], scale[1])
        .pre_translate(picture.x, picture.y)
        .pre_scale(shrink[0], shrink[1]);
    let paint = PixmapPaint {
        quality: FilterQuality::Bicubic,
        ..PixmapPaint::default()
    };
    pixmap.draw_pixmap(0, 0, dots.as_ref(), &paint, place, None);
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place in a picture of a few thousand pixels"
)]
fn whole(pixels: f32) -> usize {
    pixels.max(0.0) as usize
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

pub(super) fn push_glyph(
    path: &mut PathBuilder,
    face: &Face,
    glyph: u16,
    (x, y): (f32, f32),
    size: f32,
) {
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
