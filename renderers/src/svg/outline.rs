//! Text as paths.

use skrifa::outline::OutlinePen;

use super::{push_colour, push_number};
use crate::scene::Text;
use crate::text::{CodeBox, Face, Shape};

/// Adds one path that draws all of the text.
pub(super) fn push_text(out: &mut String, text: &Text) {
    out.push_str("<path fill=\"");
    push_colour(out, text.colour);
    out.push_str("\" d=\"");
    let size = text.fitted.size;
    for (line, x, y) in text.lines() {
        let mut tracking = 0.0;
        for cluster in &line.clusters {
            match &cluster.shape {
                Shape::Glyphs(glyphs) => {
                    for glyph in &line.glyphs[glyphs.clone()] {
                        let at = (x + (glyph.x + tracking) * size, y - glyph.y * size);
                        push_glyph(out, Face::of(glyph.face), glyph.id, at, size);
                    }
                }
                Shape::Missing(character) => {
                    let at = (x + (cluster.x + tracking) * size, y);
                    push_code_box(out, &CodeBox::of(*character), at, size, cluster.advance);
                }
            }
            tracking += text.tracking;
        }
    }
    out.push_str("\"/>");
}

fn push_glyph(out: &mut String, face: &Face, glyph: u16, (x, y): (f32, f32), size: f32) {
    let mut pen = Pen {
        out,
        x,
        y,
        scale: size / f32::from(face.units_per_em),
    };
    face.draw(glyph, &mut pen);
}

/// Draws the frame as two rectangles, the inner one wound the other way round.
fn push_code_box(out: &mut String, code: &CodeBox, at: (f32, f32), size: f32, width: f32) {
    for (index, [left, bottom, right, top]) in CodeBox::frame(width).into_iter().enumerate() {
        let corners = [(left, bottom), (right, bottom), (right, top), (left, top)];
        let mut pen = Pen {
            out,
            x: at.0,
            y: at.1,
            scale: size,
        };
        let order = if index == 0 {
            [0, 1, 2, 3]
        } else {
            [0, 3, 2, 1]
        };
        pen.move_to(corners[order[0]].0, corners[order[0]].1);
        for corner in &order[1..] {
            pen.line_to(corners[*corner].0, corners[*corner].1);
        }
        pen.close();
    }
    for digit in code.digits(width) {
        let at = (at.0 + digit.x * size, at.1 - digit.y * size);
        push_glyph(
            out,
            Face::of(digit.face),
            digit.glyph,
            at,
            digit.size * size,
        );
    }
}

/// Writes an outline, given with y upwards, as path data.
struct Pen<'a> {
    out: &'a mut String,
    x: f32,
    y: f32,
    scale: f32,
}

impl Pen<'_> {
    fn command(&mut self, name: char, points: &[(f32, f32)]) {
        self.out.push(name);
        for (index, (x, y)) in points.iter().enumerate() {
            if index > 0 {
                self.out.push(' ');
            }
            push_number(self.out, self.x + x * self.scale);
            self.out.push(' ');
            push_number(self.out, self.y - y * self.scale);
        }
    }
}

impl OutlinePen for Pen<'_> {
    fn move_to(&mut self, x: f32, y: f32) {
        self.command('M', &[(x, y)]);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.command('L', &[(x, y)]);
    }

    fn quad_to(&mut self, cx0: f32, cy0: f32, x: f32, y: f32) {
        self.command('Q', &[(cx0, cy0), (x, y)]);
    }

    fn curve_to(&mut self, cx0: f32, cy0: f32, cx1: f32, cy1: f32, x: f32, y: f32) {
        self.command('C', &[(cx0, cy0), (cx1, cy1), (x, y)]);
    }

    fn close(&mut self) {
        self.out.push('z');
    }
}
