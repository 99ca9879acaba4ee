//! Draws a scene's items as PDF operators.

mod pen;
mod words;

use pdf_writer::{Content, Name, Settings};

use self::words::Run;
use super::structure::{Kind, Tag};
use crate::pdf::fonts::Fonts;
use crate::pdf::{KAPPA, rounded};
use crate::scene::{Colour, Item, Modules, Picture, Rect, Rule};
use crate::text::FaceId;

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
