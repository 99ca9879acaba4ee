//! Reads tickets' codes out of files: photographs, screenshots, scans, and prints as they are.

mod grey;
mod jpeg;
mod pdf;
mod png;
mod svg;

use resvg::tiny_skia::{Color, Pixmap};

use self::grey::Grey;
use crate::error::RenderError;

/// Pixels of a picture: a photograph of a phone.
const PIXELS_MAX: usize = 50_000_000;

/// The longer side of what is drawn to be looked at, a page or an SVG file: on an A4 page a module
/// of a ticket's code then has eight pixels.
const DRAWN_PX: f32 = 2_400.0;

/// The texts of the QR codes in a file: a picture (PNG or JPEG), which may be a photograph, a scan
/// or a screenshot, the first page of a PDF, or an SVG file.
///
/// Fails with [`RenderError::Picture`] when it is none of these, is damaged, or has more than 50
/// million pixels.
pub fn read_codes(file: &[u8]) -> Result<Vec<String>, RenderError> {
    find_codes(file, |_| true)
}

/// The same, looking on until one of the codes is wanted: an advertisement may have one as well, and
/// is easier to read than a small one beside it. Gives all that were found.
///
/// Fails as [`read_codes`] does.
pub fn find_codes(
    file: &[u8],
    is_wanted: impl Fn(&str) -> bool,
) -> Result<Vec<String>, RenderError> {
    let mut found = Vec::new();
    let pictures = pictures(file)?;
    for picture in &pictures.seen {
        if picture.search(&is_wanted, &mut found) {
            return Ok(found);
        }
    }
    match pictures.unread {
        Some(unread) if found.is_empty() => Err(failed(unread)),
        _ => Ok(found),
    }
}

/// What a file shows.
#[derive(Default)]
struct Pictures {
    seen: Vec<Grey>,
    /// What of it could not be looked at.
    unread: Option<String>,
}

fn pictures(file: &[u8]) -> Result<Pictures, RenderError> {
    let begin = file.trim_ascii_start();
    let begin = begin.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(begin);
    let one = |picture: Result<Grey, RenderError>| {
        let seen = vec![picture?];
        Ok(Pictures { seen, unread: None })
    };
    if file.starts_with(b"\x89PNG") {
        one(png::read(file))
    } else if file.starts_with(b"\xFF\xD8\xFF") {
        one(jpeg::read(file))
    } else if begin.starts_with(b"%PDF-") {
        pdf::read(file)
    } else if begin.starts_with(b"<") {
        one(svg::read(file))
    } else {
        Err(failed("it is neither PNG nor JPEG nor PDF nor SVG"))
    }
}

/// An empty sheet for what has these proportions, and its scale.
fn sheet(width: f32, height: f32) -> Result<(Pixmap, f32), RenderError> {
    let scale = DRAWN_PX / width.max(height);
    let [columns, rows] = [width, height].map(|side| whole(side * scale));
    let sheet = (scale.is_finite() && scale > 0.0)
        .then(|| Pixmap::new(columns, rows))
        .flatten();
    let mut sheet = sheet.ok_or_else(|| failed("its page has no size"))?;
    sheet.fill(Color::WHITE);
    Ok((sheet, scale))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "at most the longer side of what is drawn"
)]
fn whole(side: f32) -> u32 {
    side.round().clamp(1.0, DRAWN_PX) as u32
}

/// A side in pixels that a file names.
fn side(pixels: u32) -> usize {
    usize::try_from(pixels).unwrap_or(usize::MAX)
}

/// Pixels of a picture with these sides, if they are not too many.
fn area(width: usize, height: usize) -> Result<usize, RenderError> {
    let area = width.checked_mul(height);
    let area = area.filter(|area| *area <= PIXELS_MAX);
    area.ok_or_else(|| failed(format!("it has more than {PIXELS_MAX} pixels")))
}

fn failed(reason: impl Into<String>) -> RenderError {
    RenderError::Picture(reason.into())
}
