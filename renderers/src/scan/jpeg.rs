//! JPEG: photographs, and what messengers make of pictures.

use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;

use super::grey::Grey;
use super::{area, failed};
use crate::error::RenderError;

pub(super) fn read(file: &[u8]) -> Result<Grey, RenderError> {
    let wrong = |error: DecodeErrors| failed(error.to_string());
    // Its output is red, green and blue, whatever the file has.
    let mut decoder = JpegDecoder::new(ZCursor::new(file));
    decoder.decode_headers().map_err(wrong)?;
    let (width, height) = decoder
        .info()
        .map(|info| (usize::from(info.width), usize::from(info.height)))
        .ok_or_else(|| failed("it has no size"))?;
    area(width, height)?;
    let pixels = decoder.decode().map_err(wrong)?;
    let picture = Grey::of(width, height, &pixels, 3)?;
    picture.ok_or_else(|| failed("it ends too early"))
}
