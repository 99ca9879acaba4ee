//! PNG: screenshots, and tickets as they are.

use std::io::Cursor;

use png::{ColorType, Decoder, Limits, Transformations};

use super::grey::Grey;
use super::{PIXELS_MAX, area, failed, side};
use crate::error::RenderError;

pub(super) fn read(file: &[u8]) -> Result<Grey, RenderError> {
    let wrong = |error: png::DecodingError| failed(error.to_string());
    let limits = Limits {
        bytes: 5 * PIXELS_MAX,
    };
    let mut decoder = Decoder::new_with_limits(Cursor::new(file), limits);
    decoder.set_transformations(Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(wrong)?;
    let (width, height) = (side(reader.info().width), side(reader.info().height));
    area(width, height)?;
    let size = reader.output_buffer_size();
    let mut pixels = vec![0; size.ok_or_else(|| failed("it is too large"))?];
    let frame = reader.next_frame(&mut pixels).map_err(wrong)?;
    if frame.color_type == ColorType::Indexed {
        return Err(failed("its colours cannot be read"));
    }
    let picture = Grey::of(width, height, &pixels, frame.color_type.samples())?;
    picture.ok_or_else(|| failed("it ends too early"))
}
