//! A picture on a page: JPEG, or rows of samples of up to 8 bits in the usual colours.

use lopdf::{Document, Object, Stream};

use crate::scan::grey::Grey;
use crate::scan::jpeg;

/// Objects that one may have to be followed through to a colour.
const COLOURS_MAX: usize = 4;

/// What samples stand for.
enum Colours {
    /// So many parts of light: 1, 3.
    Light(usize),
    /// Four inks.
    Inks,
    /// Numbers of these shades.
    Indexed(Vec<u8>),
}

/// The picture and its number of pixels, which are at most `room`. Says why it cannot be read.
pub(super) fn read(
    document: &Document,
    stream: &Stream,
    room: usize,
) -> Result<(Grey, usize), String> {
    let number = |key: &[u8]| {
        let found = stream.dict.get_deref(key, document).ok()?;
        usize::try_from(found.as_i64().ok()?).ok()
    };
    let sides = number(b"Width").zip(number(b"Height"));
    let (width, height) = sides.ok_or("a picture on its page has no size")?;
    let pixels = width
        .checked_mul(height)
        .filter(|pixels| (1..=room).contains(pixels))
        .ok_or("the pictures on its page have too many pixels")?;
    let filters = stream.filters().unwrap_or_default();
    match filters[..] {
        [b"DCTDecode"] => {
            let picture = jpeg::read(&stream.content).map_err(|error| error.to_string())?;
            return Ok((picture, pixels));
        }
        [
            ..,
            last @ (b"DCTDecode" | b"JPXDecode" | b"JBIG2Decode" | b"CCITTFaxDecode"),
        ] => {
            let last = String::from_utf8_lossy(last);
            return Err(format!(
                "the pictures on its page are packed by {last}, which is not unpacked here; PNG and \
                 JPEG are"
            ));
        }
        _ => {}
    }
    let is_mask = stream.dict.get_deref(b"ImageMask", document);
    let is_mask = is_mask.and_then(Object::as_bool).unwrap_or_default();
    let bits = if is_mask {
        1
    } else {
        number(b"BitsPerComponent").unwrap_or(8)
    };
    let colours = match stream.dict.get_deref(b"ColorSpace", document) {
        Ok(found) if !is_mask => colours(document, found, 0),
        _ => Some(Colours::Light(1)),
    };
    let colours = colours.ok_or("the colours of a picture on its page cannot be read")?;
    if !matches!(bits, 1 | 2 | 4 | 8) {
        return Err(format!("a picture on its page has samples of {bits} bits"));
    }
    let row = (width * colours.samples() * bits).div_ceil(8);
    let data = stream
        .get_plain_content_with_limit(row.saturating_mul(height).saturating_add(4_096))
        .map_err(|error| error.to_string())?;
    let shades = shades(&data, (width, height), row, bits, &colours);
    let picture = Grey::of(width, height, &shades, 1).map_err(|error| error.to_string())?;
    let picture = picture.ok_or("a picture on its page ends too early")?;
    Ok((picture, pixels))
}

impl Colours {
    fn samples(&self) -> usize {
        match self {
            Self::Light(samples) => *samples,
            Self::Inks => 4,
            Self::Indexed(_) => 1,
        }
    }

    /// The brightness of a pixel: of its samples, from 0 to 255 but for numbers.
    fn shade(&self, samples: &[u8]) -> u8 {
        match (self, samples) {
            (Self::Indexed(shades), [number]) => {
                let shade = shades.get(usize::from(*number));
                shade.copied().unwrap_or_default()
            }
            (Self::Light(_), [grey]) => *grey,
            (Self::Light(_), [red, green, blue]) => mixed([*red, *green, *blue]),
            (Self::Inks, [cyan, magenta, yellow, black]) => {
                let light = [cyan, magenta, yellow].map(|ink| (255 - *ink).saturating_sub(*black));
                mixed(light)
            }
            _ => 0,
        }
    }
}

/// ITU-R BT.601.
fn mixed(light: [u8; 3]) -> u8 {
    let [red, green, blue] = light.map(u32::from);
    u8::try_from((red * 299 + green * 587 + blue * 114) / 1_000).unwrap_or(u8::MAX)
}

/// A brightness for each pixel, as far as there are data.
fn shades(
    data: &[u8],
    (width, height): (usize, usize),
    row: usize,
    bits: usize,
    colours: &Colours,
) -> Vec<u8> {
    let most = u8::MAX >> (8 - bits);
    // Numbers stay as they are; light goes from 0 to 255.
    let step = match colours {
        Colours::Indexed(_) => 1,
        _ => u8::MAX / most,
    };
    let samples = colours.samples();
    let mut pixel = Vec::with_capacity(samples);
    let mut shades = Vec::with_capacity(width.saturating_mul(height));
    for line in data.chunks_exact(row.max(1)).take(height) {
        for x in 0..width {
            pixel.clear();
            pixel.extend((x * samples..(x + 1) * samples).map(|sample| {
                let at = sample * bits;
                let shift = 8 - bits - at % 8;
                ((line[at / 8] >> shift) & most) * step
            }));
            shades.push(colours.shade(&pixel));
        }
    }
    shades
}

fn colours(document: &Document, object: &Object, depth: usize) -> Option<Colours> {
    if depth > COLOURS_MAX {
        return None;
    }
    if let Ok(name) = object.as_name() {
        return of_name(name);
    }
    let parts = object.as_array().ok()?;
    let part = |at: usize| Some(document.dereference(parts.get(at)?).ok()?.1);
    match part(0)?.as_name().ok()? {
        b"ICCBased" => {
            let profile = part(1)?.as_stream().ok()?;
            match profile.dict.get_deref(b"N", document).ok()?.as_i64().ok()? {
                1 => Some(Colours::Light(1)),
                3 => Some(Colours::Light(3)),
                4 => Some(Colours::Inks),
                _ => None,
            }
        }
        b"Indexed" => {
            let base = colours(document, part(1)?, depth + 1)?;
            let table = match part(3)? {
                Object::String(table, _) => table.clone(),
                Object::Stream(table) => table.get_plain_content_with_limit(4 * 256).ok()?,
                _ => return None,
            };
            if matches!(base, Colours::Indexed(_)) {
                return None;
            }
            let colours = table.chunks_exact(base.samples());
            Some(Colours::Indexed(colours.map(|c| base.shade(c)).collect()))
        }
        name => of_name(name),
    }
}

fn of_name(name: &[u8]) -> Option<Colours> {
    match name {
        b"DeviceGray" | b"CalGray" => Some(Colours::Light(1)),
        b"DeviceRGB" | b"CalRGB" => Some(Colours::Light(3)),
        b"DeviceCMYK" => Some(Colours::Inks),
        _ => None,
    }
}
