//! Draws scenes into pixels and packs them as PNG.

mod canvas;
mod glyphs;
mod items;

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use png::chunk::IDAT;
use png::{
    BitDepth, ColorType, DeflateCompression, Encoder, Filter, PixelDimensions, Unit, Writer,
};
use resvg::tiny_skia::Pixmap;

use crate::error::RenderError;

pub(crate) use self::canvas::{Canvas, SHADES, mixed};

/// Where more effort saves little: measured on tickets and plans.
const DEFLATE_LEVEL: u8 = 1;

/// Points in an inch.
const POINTS: f32 = 72.0;

/// A length in points as pixels.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a page's length at no more than a few hundred dots an inch"
)]
pub(crate) fn pixels(points: f32, dpi: u32) -> u32 {
    (points * dpi as f32 / POINTS).round() as u32
}

/// The height of a picture `width_px` pixels wide with the proportions of `size`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a picture of a few thousand pixels"
)]
pub(crate) fn scaled([width, height]: [f32; 2], width_px: u32) -> u32 {
    (height * width_px as f32 / width).round() as u32
}

/// Packs a picture of few colours as an indexed PNG: a third of the bytes that packing dominates
/// with.
pub(crate) fn encode(canvas: &Canvas, dpi: Option<u32>) -> Result<Vec<u8>, RenderError> {
    let [width, height] = [canvas.width, canvas.height].map(u32::try_from);
    let (Ok(width), Ok(height)) = (width, height) else {
        return Err(failed("png", &"the picture is too large"));
    };
    let mut bytes = Vec::with_capacity(canvas.scanlines().len() / 8);
    let mut encoder = Encoder::new(&mut bytes, width, height);
    encoder.set_color(ColorType::Indexed);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_palette(canvas.palette());
    let mut writer = header(encoder, dpi)?;
    // In one go: the encoder's own way, row by row, takes half as long again.
    let packed = packed(canvas.scanlines()).map_err(|error| failed("png", &error))?;
    writer
        .write_chunk(IDAT, &packed)
        .and_then(|()| writer.finish())
        .map_err(|error| failed("png", &error))?;
    Ok(bytes)
}

fn packed(scanlines: &[u8]) -> std::io::Result<Vec<u8>> {
    let level = Compression::new(DEFLATE_LEVEL.into());
    let mut encoder = ZlibEncoder::new(Vec::with_capacity(scanlines.len() / 8), level);
    encoder.write_all(scanlines)?;
    encoder.finish()
}

/// Packs a picture with any colours as a PNG.
pub(crate) fn encode_colours(pixmap: &Pixmap, dpi: Option<u32>) -> Result<Vec<u8>, RenderError> {
    let opaque = pixmap.data().chunks_exact(4);
    let pixels: Vec<u8> = opaque.flat_map(|pixel| &pixel[..3]).copied().collect();
    let mut bytes = Vec::with_capacity(pixels.len() / 16);
    let mut encoder = Encoder::new(&mut bytes, pixmap.width(), pixmap.height());
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_deflate_compression(DeflateCompression::Level(DEFLATE_LEVEL));
    encoder.set_filter(Filter::Up);
    let mut writer = header(encoder, dpi)?;
    writer
        .write_image_data(&pixels)
        .and_then(|()| writer.finish())
        .map_err(|error| failed("png", &error))?;
    Ok(bytes)
}

fn header<'a>(
    mut encoder: Encoder<'_, &'a mut Vec<u8>>,
    dpi: Option<u32>,
) -> Result<Writer<&'a mut Vec<u8>>, RenderError> {
    if let Some(dpi) = dpi {
        // Dots a metre.
        let density = (dpi * 10_000).div_ceil(254);
        encoder.set_pixel_dims(Some(PixelDimensions {
            xppu: density,
            yppu: density,
            unit: Unit::Meter,
        }));
    }
    encoder
        .write_header()
        .map_err(|error| failed("png", &error))
}

fn failed(backend: &'static str, reason: &impl ToString) -> RenderError {
    RenderError::Backend {
        backend,
        reason: reason.to_string(),
    }
}
