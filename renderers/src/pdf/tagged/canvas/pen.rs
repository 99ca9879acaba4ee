//! Outlines of letters as paths.

use pdf_writer::Content;
use skrifa::outline::OutlinePen;

use crate::pdf::rounded;

/// Writes an outline as path operators.
pub(super) struct Pen<'a> {
    content: &'a mut Content,
    x: f32,
    y: f32,
    scale: f32,
    /// The current point, in font units.
    last: (f32, f32),
}

impl<'a> Pen<'a> {
    /// Writes outlines with their origin at a place, so many points in a font unit.
    pub(super) fn new(content: &'a mut Content, (x, y): (f32, f32), scale: f32) -> Self {
        let last = (0.0, 0.0);
        Self {
            content,
            x,
            y,
            scale,
            last,
        }
    }

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
