//! What is on a page, in terms that every back end understands.
//!
//! Lengths are in points, or in pixels for the seating plan; x grows to the right, y downwards.

use crate::text::{Fitted, FittedLine, Line, Place, Weight, clean, fit};

/// Red, green, blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Colour(pub(crate) [u8; 3]);

impl Colour {
    pub(crate) const WHITE: Self = Self([255, 255, 255]);
    pub(crate) const INK: Self = Self([0x14, 0x17, 0x1F]);
    pub(crate) const MUTED: Self = Self([0x5B, 0x62, 0x70]);
    pub(crate) const HAIRLINE: Self = Self([0xC4, 0xC8, 0xD0]);
    pub(crate) const ACCENT: Self = Self([0xB4, 0x23, 0x4A]);
    /// A free and a sold seat.
    pub(crate) const FREE: Self = Self([0x0B, 0x7A, 0x5B]);
    pub(crate) const SOLD: Self = Self([0xA9, 0xB0, 0xBC]);
    /// All but white.
    pub(crate) const ALL: [Self; 6] = [
        Self::INK,
        Self::MUTED,
        Self::HAIRLINE,
        Self::ACCENT,
        Self::FREE,
        Self::SOLD,
    ];
}

#[derive(Debug, Clone)]
pub(crate) enum Item {
    Rect(Rect),
    Rule(Rule),
    Text(Text),
    Modules(Modules),
}

/// A rectangle, filled or outlined.
#[derive(Debug, Clone)]
pub(crate) struct Rect {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) width: f32,
    pub(crate) height: f32,
    pub(crate) radius: f32,
    pub(crate) colour: Colour,
    /// The outline's width; none fills the rectangle.
    pub(crate) stroke: Option<f32>,
}

/// A straight line.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) from: (f32, f32),
    pub(crate) to: (f32, f32),
    pub(crate) width: f32,
    pub(crate) colour: Colour,
    /// Length of a dash and of the gap behind it.
    pub(crate) dash: Option<(u8, u8)>,
}

/// The dark modules of a QR code, as runs `(column, row, length)`.
#[derive(Debug, Clone)]
pub(crate) struct Modules {
    pub(crate) x: f32,
    pub(crate) y: f32,
    /// The side of one module.
    pub(crate) size: f32,
    pub(crate) runs: Vec<(u8, u8, u8)>,
}

/// What `x` of a text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// One text, in one or more lines.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    pub(crate) x: f32,
    /// The first baseline.
    pub(crate) y: f32,
    pub(crate) weight: Weight,
    pub(crate) colour: Colour,
    pub(crate) anchor: Anchor,
    /// Space added after each letter, in em.
    pub(crate) tracking: f32,
    /// The text in full, whatever became of it below.
    pub(crate) source: String,
    pub(crate) fitted: Fitted,
    /// Width that a viewer with other typefaces must keep to.
    pub(crate) width_max: Option<f32>,
}

impl Text {
    /// A short text of ours on one line, `size` points high.
    pub(crate) fn label(text: &str, at: (f32, f32), size: f32, weight: Weight) -> Self {
        let line = FittedLine {
            shaped: Line::shape(text, weight),
            trailing: String::new(),
        };
        let fitted = Fitted {
            lines: vec![line],
            size,
            leading: size,
            complete: true,
        };
        Self {
            width_max: None,
            ..Self::of(text.to_owned(), fitted, at, weight)
        }
    }

    /// A text from outside, made to fit `place`. `at` is the start of its first baseline.
    pub(crate) fn fitted(text: &str, at: (f32, f32), place: &Place) -> Self {
        let source = clean(text).into_owned();
        let fitted = fit(&source, place);
        Self {
            width_max: Some(place.width),
            ..Self::of(source, fitted, at, place.weight)
        }
    }

    fn of(source: String, fitted: Fitted, (x, y): (f32, f32), weight: Weight) -> Self {
        Self {
            x,
            y,
            weight,
            colour: Colour::INK,
            anchor: Anchor::Start,
            tracking: 0.0,
            source,
            fitted,
            width_max: None,
        }
    }

    pub(crate) fn coloured(self, colour: Colour) -> Self {
        Self { colour, ..self }
    }

    pub(crate) fn anchored(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }

    pub(crate) fn tracked(self, tracking: f32) -> Self {
        Self { tracking, ..self }
    }

    /// The same text, lower by `dy`.
    pub(crate) fn lowered(self, dy: f32) -> Self {
        Self {
            y: self.y + dy,
            ..self
        }
    }

    /// From the first baseline to the last.
    pub(crate) fn depth(&self) -> f32 {
        self.fitted.leading * count(self.fitted.lines.len().saturating_sub(1))
    }

    /// The lines with the places where they begin, from the left.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (&Line, f32, f32)> {
        self.fitted.lines.iter().enumerate().map(|(index, line)| {
            let width = self.width_of(&line.shaped);
            let x = match self.anchor {
                Anchor::Start => self.x,
                Anchor::Middle => self.x - width / 2.0,
                Anchor::End => self.x - width,
            };
            (&line.shaped, x, self.y + self.fitted.leading * count(index))
        })
    }

    /// The width of one of this text's lines.
    pub(crate) fn width_of(&self, line: &Line) -> f32 {
        let gaps = count(line.clusters.len().saturating_sub(1));
        (line.width + self.tracking * gaps) * self.fitted.size
    }

    /// Whether a code point had to stand in for a glyph.
    pub(crate) fn has_missing(&self) -> bool {
        self.fitted
            .lines
            .iter()
            .any(|line| line.shaped.has_missing())
    }
}

/// A small count as a factor of lengths.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of lines and letters, far below 2^23"
)]
pub(crate) fn count(number: usize) -> f32 {
    number as f32
}
