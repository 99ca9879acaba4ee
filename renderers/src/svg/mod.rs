//! Writes SVG, with words as words.

mod fonts;
mod number;
mod subsets;

use crate::scene::{Anchor, Colour, Item, Modules, Picture, Rect, Rule, Shape, Text};
use crate::text::{Line, Reading, Weight};

pub(crate) use self::number::{push_number, push_signed};

/// What is not embedded is looked for in the viewer; the widths of long texts are pinned.
const FONT_FAMILY: &str = "'Ticket Sans','Noto Sans','Noto Sans Hebrew','Noto Sans Arabic','Noto Sans CJK JP',\
    'Segoe UI','Helvetica Neue',Arial,'DejaVu Sans',sans-serif";

/// Rules with the letters of `texts` that only large typefaces have.
pub(crate) fn rare_letters<'a>(texts: impl Iterator<Item = &'a Text>) -> String {
    let mut rules = String::new();
    subsets::push_rules(&mut rules, texts);
    rules
}

/// An SVG file in the making.
pub(crate) struct Writer {
    out: String,
}

impl Writer {
    pub(crate) fn new() -> Self {
        Self::with_capacity(16 * 1024)
    }

    /// With room for a file of about so many bytes.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self {
            out: String::with_capacity(bytes),
        }
    }

    /// Opens the root. `unit` is that of the page's size, `description` the text of `<desc>`.
    pub(crate) fn open(&mut self, page: &Page, description: &str) {
        self.out
            .push_str(r#"<svg xmlns="http://www.w3.org/2000/svg" width=""#);
        self.out.push_str(page.width);
        self.out.push_str(r#"" height=""#);
        self.out.push_str(page.height);
        self.out.push_str(r#"" viewBox="0 0"#);
        for length in page.view {
            self.out.push(' ');
            push_number(&mut self.out, length);
        }
        self.out.push_str("\" lang=\"");
        self.out.push_str(page.language);
        self.out.push_str(r#""><desc>"#);
        push_escaped(&mut self.out, description);
        self.out.push_str("</desc>");
        self.out.push_str("<g font-family=\"");
        self.out.push_str(FONT_FAMILY);
        self.out.push_str("\">");
    }

    /// Embeds the typefaces for the letters of `texts`, beside rules that are made already (see
    /// [`rare_letters`]) for some of them.
    pub(crate) fn fonts<'a>(
        &mut self,
        texts: impl Iterator<Item = &'a Text>,
        rare: impl Iterator<Item = &'a Text>,
        made: &str,
    ) {
        self.out.push_str("<style>");
        fonts::push_rules(&mut self.out, texts);
        self.out.push_str(made);
        subsets::push_rules(&mut self.out, rare);
        self.out.push_str("</style>");
    }

    pub(crate) fn finish(mut self) -> String {
        self.out.push_str("</g></svg>");
        self.out
    }

    /// What was written so far, as markup for another file.
    pub(crate) fn into_markup(self) -> String {
        self.out
    }

    pub(crate) fn items<'a>(&mut self, items: impl IntoIterator<Item = &'a Item>) {
        for item in items {
            match item {
                Item::Rect(rect) => self.rect(rect),
                Item::Rule(rule) => self.rule(rule),
                Item::Text(text) => self.text(text),
                Item::Modules(modules) => self.modules(modules),
                Item::Picture(picture) => self.picture(picture),
                Item::Shape(shape) => self.shape(shape),
            }
        }
    }

    /// Adds markup as it is.
    pub(crate) fn raw(&mut self, markup: &str) {
        self.out.push_str(markup);
    }

    /// Adds ` name="value"` for a length.
    pub(crate) fn length(&mut self, name: &str, value: f32) {
        self.attribute(name, |out| push_number(out, value));
    }

    /// Adds ` name="#rrggbb"`.
    pub(crate) fn colour(&mut self, name: &str, colour: Colour) {
        self.attribute(name, |out| push_colour(out, colour));
    }

    fn attribute(&mut self, name: &str, value: impl FnOnce(&mut String)) {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        value(&mut self.out);
        self.out.push('"');
    }

    fn rect(&mut self, rect: &Rect) {
        self.out.push_str("<rect");
        self.length("x", rect.x);
        self.length("y", rect.y);
        self.length("width", rect.width);
        self.length("height", rect.height);
        if rect.radius > 0.0 {
            self.length("rx", rect.radius);
        }
        match rect.stroke {
            None => self.colour("fill", rect.colour),
            Some(width) => {
                self.out.push_str(" fill=\"none\"");
                self.colour("stroke", rect.colour);
                self.length("stroke-width", width);
            }
        }
        self.out.push_str("/>");
    }

    fn rule(&mut self, rule: &Rule) {
        self.out.push_str("<line");
        self.length("x1", rule.from.0);
        self.length("y1", rule.from.1);
        self.length("x2", rule.to.0);
        self.length("y2", rule.to.1);
        self.colour("stroke", rule.colour);
        self.length("stroke-width", rule.width);
        if let Some((dash, gap)) = rule.dash {
            self.attribute("stroke-dasharray", |out| {
                push_number(out, f32::from(dash));
                out.push(' ');
                push_number(out, f32::from(gap));
            });
        }
        self.out.push_str("/>");
    }

    /// One path for the whole code, on the pixel grid: scanners like sharp edges.
    fn modules(&mut self, modules: &Modules) {
        self.out
            .push_str("<path role=\"img\" shape-rendering=\"crispEdges\"");
        self.attribute("aria-label", |out| push_value(out, &modules.spoken));
        self.colour("fill", Colour::INK);
        self.attribute("transform", |out| {
            out.push_str("translate(");
            push_number(out, modules.x);
            out.push(' ');
            push_number(out, modules.y);
            out.push_str(")scale(");
            out.push_str(&modules.size.to_string());
            out.push(')');
        });
        self.attribute("d", |out| {
            for (column, row, length) in &modules.runs {
                for (prefix, number) in [("M", column), (" ", row), ("h", length), ("v1h-", length)]
                {
                    out.push_str(prefix);
                    push_signed(out, i32::from(*number));
                }
                out.push('z');
            }
        });
        self.out.push_str("/>");
    }

    fn shape(&mut self, shape: &Shape) {
        self.out.push_str("<path");
        self.colour("fill", shape.colour);
        self.attribute("d", |out| {
            for (at, [x, y]) in shape.corners.iter().enumerate() {
                out.push(if at == 0 { 'M' } else { 'L' });
                push_number(out, *x);
                out.push(' ');
                push_number(out, *y);
            }
            out.push('z');
        });
        self.out.push_str("/>");
    }

    /// Dots in the file itself: nothing is fetched.
    fn picture(&mut self, picture: &Picture) {
        self.out.push_str("<image");
        self.length("x", picture.x);
        self.length("y", picture.y);
        self.length("width", picture.width);
        self.length("height", picture.height);
        self.attribute("aria-label", |out| push_value(out, &picture.spoken));
        self.attribute("href", |out| out.push_str(picture.image.data_uri()));
        self.out.push_str("/>");
    }

    pub(crate) fn text(&mut self, text: &Text) {
        // A text that stands on several lines or was cut is also there in one piece.
        let has_title = text.fitted.lines.len() > 1 || !text.fitted.complete;
        if has_title {
            self.out.push_str("<g><title>");
            push_escaped(&mut self.out, &text.source);
            self.out.push_str("</title>");
        }
        self.out.push_str("<text");
        self.length("font-size", text.fitted.size);
        if text.weight == Weight::Bold {
            self.out.push_str(" font-weight=\"700\"");
        }
        if text.tracking > 0.0 {
            self.length("letter-spacing", text.tracking * text.fitted.size);
        }
        // A text that runs from the right starts there.
        let is_rtl = text.reading == Reading::RightToLeft;
        if is_rtl {
            self.out.push_str(" direction=\"rtl\"");
        }
        match (text.anchor, is_rtl) {
            (Anchor::Start, false) | (Anchor::End, true) => {}
            (Anchor::Middle, _) => self.out.push_str(" text-anchor=\"middle\""),
            (Anchor::End, false) | (Anchor::Start, true) => {
                self.out.push_str(" text-anchor=\"end\"");
            }
        }
        self.colour("fill", text.colour);
        if let [line] = &text.fitted.lines[..] {
            self.line_start(text, &line.shaped, text.y);
            push_escaped(&mut self.out, &line.shaped.text);
        } else {
            self.out.push('>');
            for (line, (shaped, _, y)) in text.fitted.lines.iter().zip(text.lines()) {
                self.out.push_str("<tspan");
                self.line_start(text, shaped, y);
                push_escaped(&mut self.out, &shaped.text);
                push_escaped(&mut self.out, &line.trailing);
                self.out.push_str("</tspan>");
            }
        }
        self.out
            .push_str(if has_title { "</text></g>" } else { "</text>" });
    }

    /// Where a line begins. Its width is pinned when another typeface might leave the place.
    fn line_start(&mut self, text: &Text, line: &Line, y: f32) {
        self.length("x", text.x);
        self.length("y", y);
        let width = text.width_of(line);
        if text.width_max.is_some_and(|max| width > max * 0.75) {
            self.length("textLength", width);
            self.out.push_str(" lengthAdjust=\"spacingAndGlyphs\"");
        }
        self.out.push('>');
    }
}

/// The root's size, as XML says it, and the size of what it shows.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    pub(crate) width: &'a str,
    pub(crate) height: &'a str,
    pub(crate) view: [f32; 2],
    /// The language's tag.
    pub(crate) language: &'a str,
}

/// Adds ` name="#rrggbb"`.
pub(crate) fn push_colour_of(out: &mut String, name: &str, colour: Colour) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    push_colour(out, colour);
    out.push('"');
}

fn push_colour(out: &mut String, colour: Colour) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.push('#');
    for channel in colour.0 {
        out.push(char::from(DIGITS[usize::from(channel >> 4)]));
        out.push(char::from(DIGITS[usize::from(channel & 15)]));
    }
}

/// Adds `text` as the value of an attribute.
pub(crate) fn push_value(out: &mut String, text: &str) {
    for (index, part) in text.split('"').enumerate() {
        if index > 0 {
            out.push_str("&quot;");
        }
        push_escaped(out, part);
    }
}

/// Adds `text` as XML character data. Characters that XML cannot hold were removed before.
pub(crate) fn push_escaped(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
}
