//! What is on a page, in terms that every back end understands.
//!
//! Lengths are in points, or in pixels for the seating plan; x grows to the right, y downwards.

use std::sync::Arc;

use crate::brand::Image;
use crate::text::{Fitted, FittedLine, Line, Place, Reading, Weight, clean, fit};

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
    /// A seat that somebody is buying.
    pub(crate) const HELD: Self = Self([0xC2, 0x6A, 0x00]);
    /// All but white.
    pub(crate) const ALL: [Self; 7] = [
        Self::INK,
        Self::MUTED,
        Self::HAIRLINE,
        Self::ACCENT,
        Self::FREE,
        Self::SOLD,
        Self::HELD,
    ];
}

#[derive(Debug, Clone)]
pub(crate) enum Item {
    Rect(Rect),
    Rule(Rule),
    Text(Text),
    Modules(Modules),
    Picture(Picture),
    Shape(Shape),
}

/// A filled shape with straight sides.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) corners: Vec<[f32; 2]>,
    pub(crate) colour: Colour,
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
    /// Modules on a side.
    pub(crate) side: u8,
    pub(crate) runs: Vec<(u8, u8, u8)>,
    /// What those hear who do not see it.
    pub(crate) spoken: String,
}

/// A picture of dots, such as a logo.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) width: f32,
    pub(crate) height: f32,
    pub(crate) image: Arc<Image>,
    /// What those hear who do not see it.
    pub(crate) spoken: String,
}

impl Item {
    /// The same item on a page of `width` that is read from right to left.
    pub(crate) fn mirrored(self, width: f32) -> Self {
        match self {
            Self::Rect(rect) => Self::Rect(Rect {
                x: width - rect.x - rect.width,
                ..rect
            }),
            Self::Rule(rule) => Self::Rule(Rule {
                from: (width - rule.from.0, rule.from.1),
                to: (width - rule.to.0, rule.to.1),
                ..rule
            }),
            Self::Text(text) => Self::Text(Text {
                x: width - text.x,
                anchor: match text.anchor {
                    Anchor::Start => Anchor::End,
                    Anchor::Middle => Anchor::Middle,
                    Anchor::End => Anchor::Start,
                },
                ..text
            }),
            // The symbol itself stays as it is, or nobody could read it.
            Self::Modules(modules) => Self::Modules(Modules {
                x: width - modules.x - f32::from(modules.side) * modules.size,
                ..modules
            }),
            Self::Picture(picture) => Self::Picture(Picture {
                x: width - picture.x - picture.width,
                ..picture
            }),
            Self::Shape(mut shape) => {
                for corner in &mut shape.corners {
                    corner[0] = width - corner[0];
                }
                Self::Shape(shape)
            }
        }
    }
}

/// What `x` of a text means: its left end, its middle or its right end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// What a text is in the document, for those who have it read to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// What the page is about.
    Title,
    /// A heading over a part of the page.
    Heading,
    Paragraph,
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
    pub(crate) reading: Reading,
    pub(crate) role: Role,
    /// When it is read aloud: lower ones first, equal ones in the order of the page.
    pub(crate) rank: u8,
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
        Self::directed(text, at, size, weight, Reading::LeftToRight)
    }

    /// A short text of ours on a page that is read in this direction.
    pub(crate) fn directed(
        text: &str,
        at: (f32, f32),
        size: f32,
        weight: Weight,
        reading: Reading,
    ) -> Self {
        let reading = reading.of(text);
        let line = FittedLine {
            shaped: Line::directed(text, weight, reading),
            trailing: String::new(),
        };
        let fitted = Fitted {
            lines: vec![line],
            size,
            leading: size,
            complete: true,
        };
        Self {
            reading,
            ..Self::of(text.to_owned(), fitted, at, weight)
        }
    }

    /// A text from outside, made to fit `place`. `at` is the start of its first baseline.
    pub(crate) fn fitted(text: &str, at: (f32, f32), place: &Place) -> Self {
        Self::fitted_in(text, at, place, Reading::LeftToRight)
    }

    /// A text from outside on a page that is read in this direction.
    pub(crate) fn fitted_in(text: &str, at: (f32, f32), place: &Place, reading: Reading) -> Self {
        let source = clean(text).into_owned();
        let fitted = fit(&source, place, reading);
        Self {
            width_max: Some(place.width),
            reading: reading.of(&source),
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
            reading: Reading::LeftToRight,
            role: Role::Paragraph,
            rank: u8::MAX,
            tracking: 0.0,
            source,
            fitted,
            width_max: None,
        }
    }

    pub(crate) fn coloured(self, colour: Colour) -> Self {
        Self { colour, ..self }
    }

    pub(crate) fn ranked(self, rank: u8) -> Self {
        Self { rank, ..self }
    }

    pub(crate) fn with_role(self, role: Role) -> Self {
        Self { role, ..self }
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

    /// The characters for which a code point had to stand in.
    pub(crate) fn missing(&self) -> impl Iterator<Item = char> {
        self.fitted
            .lines
            .iter()
            .flat_map(|line| line.shaped.missing())
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
