//! The first page of a PDF: its filled shapes are drawn, as codes are made of them in prints, and each
//! of its pictures is looked at by itself, as scanners and telephones wrap theirs.
//!
//! Words, lines, clips and shadings are left out: nothing of it can be a code.

mod image;

use lopdf::content::{Content, Operation};
use lopdf::{Dictionary, Document, LoadOptions, Object, ObjectId, Stream};
use resvg::tiny_skia::{FillRule, Paint, PathBuilder, Pixmap, Transform};

use super::grey::Grey;
use super::{PIXELS_MAX, Pictures, failed, sheet};
use crate::error::RenderError;

/// What a stream may unpack to: a page's operators.
const CONTENT_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Operators that are followed, in the page and its forms.
const OPERATIONS_MAX: usize = 2_000_000;
/// Forms within forms, and saved states.
const FORMS_MAX: usize = 8;
const STATES_MAX: usize = 64;
/// Nodes of the page tree above a page.
const PARENTS_MAX: usize = 64;
/// Pictures of a page that are looked at.
const IMAGES_MAX: usize = 32;

pub(super) fn read(file: &[u8]) -> Result<Pictures, RenderError> {
    let options = LoadOptions::with_max_decompressed_size(CONTENT_BYTES_MAX);
    let document = Document::load_mem_with_options(file, options)
        .map_err(|error| failed(error.to_string()))?;
    let page = document
        .page_iter()
        .next()
        .ok_or_else(|| failed("it has no page that can be read"))?;
    let content = document
        .get_page_content_with_limit(page, CONTENT_BYTES_MAX)
        .map_err(|error| failed(error.to_string()))?;
    let (canvas, matrix) = canvas(&document, page)?;
    let mut reader = Reader {
        document: &document,
        canvas,
        is_empty: true,
        operations: 0,
        pixels: 0,
        images: Vec::new(),
        unread: None,
    };
    let resources = inherited(&document, page, b"Resources").and_then(|found| found.as_dict().ok());
    let state = State { matrix, shade: 0.0 };
    reader.run(&content, resources, state, 0);
    let mut seen = reader.images;
    if !reader.is_empty {
        seen.insert(0, Grey::of_drawing(&reader.canvas));
    }
    Ok(Pictures {
        seen,
        unread: reader.unread,
    })
}

/// An empty page, and what turns its points into pixels.
fn canvas(document: &Document, page: ObjectId) -> Result<(Pixmap, Transform), RenderError> {
    let media = inherited(document, page, b"MediaBox").and_then(|found| found.as_array().ok());
    let media = media.map(|sides| numbers(sides)).unwrap_or_default();
    let [x0, y0, x1, y1] = media[..] else {
        return Err(failed("its page has no size"));
    };
    let (left, right) = (x0.min(x1), x0.max(x1));
    let (bottom, top) = (y0.min(y1), y0.max(y1));
    let (canvas, scale) = sheet(right - left, top - bottom)?;
    // PDF counts upwards.
    let matrix = Transform::from_row(scale, 0.0, 0.0, -scale, -left * scale, top * scale);
    Ok((canvas, matrix))
}

/// What a page says, or else what stands above it in the tree.
fn inherited<'a>(document: &'a Document, page: ObjectId, key: &[u8]) -> Option<&'a Object> {
    let mut node = document.get_dictionary(page).ok()?;
    for _ in 0..PARENTS_MAX {
        if let Ok(found) = node.get_deref(key, document) {
            return Some(found);
        }
        node = node.get_deref(b"Parent", document).ok()?.as_dict().ok()?;
    }
    None
}

struct Reader<'a> {
    document: &'a Document,
    canvas: Pixmap,
    is_empty: bool,
    /// Operators so far, and pixels of pictures.
    operations: usize,
    pixels: usize,
    images: Vec<Grey>,
    unread: Option<String>,
}

#[derive(Clone, Copy)]
struct State {
    /// From the units in force to pixels.
    matrix: Transform,
    /// What shapes are filled with: 0 is black, 1 white.
    shade: f32,
}

impl<'a> Reader<'a> {
    fn run(
        &mut self,
        content: &[u8],
        resources: Option<&'a Dictionary>,
        state: State,
        depth: usize,
    ) {
        // A page that is broken in the middle is seen as far as it goes.
        let Ok(content) = Content::decode(content) else {
            self.unread = Some("its page is damaged".to_owned());
            return;
        };
        let mut state = state;
        let mut saved = Vec::new();
        let mut path = PathBuilder::new();
        for operation in &content.operations {
            self.operations += 1;
            if self.operations > OPERATIONS_MAX {
                self.unread = Some(format!("its page has more than {OPERATIONS_MAX} operators"));
                return;
            }
            match operation.operator.as_str() {
                "q" if saved.len() < STATES_MAX => saved.push(state),
                "Q" => state = saved.pop().unwrap_or(state),
                "cm" => state.matrix = moved(state.matrix, &numbers(&operation.operands)),
                "f" | "F" | "B" | "b" => self.fill(&mut path, FillRule::Winding, state),
                "f*" | "B*" | "b*" => self.fill(&mut path, FillRule::EvenOdd, state),
                "n" | "S" | "s" => path.clear(),
                "g" | "rg" | "k" | "sc" | "scn" => {
                    state.shade = shade(&operation.operands).unwrap_or(state.shade);
                }
                "Do" => self.object(operation, resources, state, depth),
                operator => outline(&mut path, operator, &numbers(&operation.operands)),
            }
        }
    }

    fn fill(&mut self, path: &mut PathBuilder, rule: FillRule, state: State) {
        let path = std::mem::take(path);
        let Some(path) = path.finish() else { return };
        let mut paint = Paint::default();
        let shade = byte(state.shade);
        paint.set_color_rgba8(shade, shade, shade, u8::MAX);
        self.canvas
            .fill_path(&path, &paint, rule, state.matrix, None);
        self.is_empty = false;
    }

    /// A form is a page within the page; a picture is kept.
    fn object(
        &mut self,
        operation: &Operation,
        resources: Option<&'a Dictionary>,
        state: State,
        depth: usize,
    ) {
        let Some(stream) = self.named(operation, resources) else {
            return;
        };
        let subtype = stream.dict.get_deref(b"Subtype", self.document);
        match subtype.and_then(Object::as_name) {
            Ok(b"Image") => self.image(stream),
            Ok(b"Form") if depth < FORMS_MAX => {
                let Ok(content) = stream.get_plain_content_with_limit(CONTENT_BYTES_MAX) else {
                    return;
                };
                let own = |key: &[u8]| stream.dict.get_deref(key, self.document).ok();
                let inner = own(b"Resources").and_then(|found| found.as_dict().ok());
                let matrix = own(b"Matrix").and_then(|found| found.as_array().ok());
                let matrix =
                    matrix.map_or(state.matrix, |matrix| moved(state.matrix, &numbers(matrix)));
                let state = State { matrix, ..state };
                self.run(&content, inner.or(resources), state, depth + 1);
            }
            _ => {}
        }
    }

    fn named(
        &self,
        operation: &Operation,
        resources: Option<&'a Dictionary>,
    ) -> Option<&'a Stream> {
        let name = operation.operands.first()?.as_name().ok()?;
        let objects = resources?.get_deref(b"XObject", self.document).ok()?;
        let object = objects.as_dict().ok()?.get_deref(name, self.document);
        object.ok()?.as_stream().ok()
    }

    fn image(&mut self, stream: &Stream) {
        if self.images.len() >= IMAGES_MAX {
            self.unread = Some(format!("its page has more than {IMAGES_MAX} pictures"));
            return;
        }
        let room = PIXELS_MAX.saturating_sub(self.pixels);
        match image::read(self.document, stream, room) {
            Ok((picture, pixels)) => {
                self.pixels += pixels;
                self.images.push(picture);
            }
            Err(reason) => self.unread = Some(reason),
        }
    }
}

/// Goes on with a path.
fn outline(path: &mut PathBuilder, operator: &str, numbers: &[f32]) {
    match (operator, numbers) {
        ("m", &[x, y]) => path.move_to(x, y),
        ("l", &[x, y]) => path.line_to(x, y),
        ("c", &[ax, ay, bx, by, x, y]) => path.cubic_to(ax, ay, bx, by, x, y),
        ("v", &[bx, by, x, y]) => {
            if let Some(last) = path.last_point() {
                path.cubic_to(last.x, last.y, bx, by, x, y);
            }
        }
        ("y", &[ax, ay, x, y]) => path.cubic_to(ax, ay, x, y, x, y),
        ("h", _) => path.close(),
        ("re", &[x, y, width, height]) => {
            path.move_to(x, y);
            path.line_to(x + width, y);
            path.line_to(x + width, y + height);
            path.line_to(x, y + height);
            path.close();
        }
        _ => {}
    }
}

/// The matrix in force after another one was put before it.
fn moved(matrix: Transform, numbers: &[f32]) -> Transform {
    let &[sx, ky, kx, sy, tx, ty] = numbers else {
        return matrix;
    };
    matrix.pre_concat(Transform::from_row(sx, ky, kx, sy, tx, ty))
}

/// The brightness of a colour of one, three or four parts; none of a pattern.
fn shade(operands: &[Object]) -> Option<f32> {
    match numbers(operands)[..] {
        [grey] => Some(grey),
        [red, green, blue] => Some(0.299 * red + 0.587 * green + 0.114 * blue),
        [cyan, magenta, yellow, black] => {
            let ink = 0.299 * cyan + 0.587 * magenta + 0.114 * yellow + black;
            Some(1.0 - ink.min(1.0))
        }
        _ => None,
    }
}

/// The numbers, if there is nothing else.
fn numbers(operands: &[Object]) -> Vec<f32> {
    let numbers: Result<_, _> = operands.iter().map(Object::as_float).collect();
    numbers.unwrap_or_default()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "from 0 to 255"
)]
fn byte(shade: f32) -> u8 {
    (shade.clamp(0.0, 1.0) * 255.0).round() as u8
}
