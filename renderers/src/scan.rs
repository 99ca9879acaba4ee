//! Reads a ticket's code out of a picture.

use std::io::Cursor;

use png::{ColorType, Decoder, Limits, Transformations};

use crate::error::RenderError;

/// Pixels of a picture: a photograph of a phone.
const PIXELS_MAX: u32 = 50_000_000;

/// The texts of the QR codes in a PNG, which may be a photograph or a scan of a print.
///
/// Fails with [`RenderError::Backend`] when it is no PNG or has more than 50 million pixels.
pub fn read_codes(png: &[u8]) -> Result<Vec<String>, RenderError> {
    let failed = |reason: String| RenderError::Backend {
        backend: "png",
        reason,
    };
    let limits = Limits {
        bytes: 5 * PIXELS_MAX as usize,
    };
    let mut decoder = Decoder::new_with_limits(Cursor::new(png), limits);
    decoder.set_transformations(Transformations::normalize_to_color8());
    let mut reader = decoder
        .read_info()
        .map_err(|error| failed(error.to_string()))?;
    let (width, height) = (reader.info().width, reader.info().height);
    if width.saturating_mul(height) > PIXELS_MAX {
        return Err(failed(format!("it has more than {PIXELS_MAX} pixels")));
    }
    let size = reader.output_buffer_size();
    let mut pixels = vec![0; size.ok_or_else(|| failed("it is too large".to_owned()))?];
    let frame = reader
        .next_frame(&mut pixels)
        .map_err(|error| failed(error.to_string()))?;
    let channels = match frame.color_type {
        ColorType::Grayscale => 1,
        ColorType::GrayscaleAlpha => 2,
        ColorType::Rgb => 3,
        ColorType::Rgba => 4,
        ColorType::Indexed => return Err(failed("its colours cannot be read".to_owned())),
    };
    let (width, height) = (width as usize, height as usize);
    let mut picture = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| {
        let at = (y * width + x) * channels;
        grey(&pixels[at..at + channels])
    });
    let grids = picture.detect_grids();
    Ok(grids
        .iter()
        .filter_map(|grid| grid.decode().ok())
        .map(|(_, text)| text)
        .collect())
}

/// Its brightness (ITU-R BT.601), on white where it can be seen through.
fn grey(pixel: &[u8]) -> u8 {
    let (brightness, opacity) = match pixel {
        [grey] => (u32::from(*grey), 255),
        [grey, opacity] => (u32::from(*grey), u32::from(*opacity)),
        [r, g, b, rest @ ..] => {
            let [r, g, b] = [*r, *g, *b].map(u32::from);
            let opacity = rest.first().copied().map_or(255, u32::from);
            ((r * 299 + g * 587 + b * 114) / 1000, opacity)
        }
        [] => (255, 255),
    };
    let mixed = (brightness * opacity + 255 * (255 - opacity)) / 255;
    u8::try_from(mixed).unwrap_or(u8::MAX)
}
