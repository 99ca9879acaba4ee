//! A venue's colour and logo.
//!
//! A logo comes from outside, so no markup of it goes into a file of ours: SVG is drawn once, here,
//! into dots, without scripts, entities, fonts or anything that would have to be fetched.

use std::fmt;
use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use png::{BitDepth, ColorType, Decoder, Encoder, Limits, Transformations};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{ImageHrefResolver, Options, Tree};
use serde::{Deserialize, Serialize};

use crate::error::RenderError;

/// Bytes of a logo's file.
const LOGO_BYTES_MAX: usize = 512 * 1024;
/// Pixels that a drawn logo may have on its sides: 60 × 20 mm at 400 dots an inch.
const WIDTH_MAX: f32 = 960.0;
const HEIGHT_MAX: f32 = 320.0;
/// Pixels of a logo that comes as PNG.
const PNG_PIXELS_MAX: u32 = 4_000_000;
/// Uses of other elements in an SVG: they can multiply each other.
const USES_MAX: usize = 32;

/// How a venue wants its tickets to look.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Brand {
    /// The colour of accents, such as `#b4234a`. It is darkened where it would be too pale on paper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour: Option<BrandColour>,
    /// The logo: SVG markup, or a PNG as `data:image/png;base64,…`. At most 512 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo: Option<Logo>,
}

/// Red, green, blue; written `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BrandColour(pub [u8; 3]);

/// A logo, checked and drawn.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Logo {
    source: Arc<str>,
    image: Arc<Image>,
}

/// Dots with their opacity.
pub(crate) struct Image {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Red, green, blue and opacity, not multiplied with it.
    pub(crate) rgba: Vec<u8>,
    data_uri: OnceLock<String>,
}

impl Logo {
    /// Reads a logo. Fails with [`RenderError::Logo`].
    pub fn parse(source: &str) -> Result<Self, RenderError> {
        if source.len() > LOGO_BYTES_MAX {
            return Err(refused(format!("it has more than {LOGO_BYTES_MAX} bytes")));
        }
        let image = match source.trim_start().strip_prefix("data:image/png;base64,") {
            Some(data) => {
                let bytes = BASE64
                    .decode(data.trim_ascii())
                    .map_err(|e| refused(e.to_string()))?;
                read_png(&bytes)?
            }
            None => draw_svg(source)?,
        };
        Ok(Self {
            source: source.into(),
            image: Arc::new(image),
        })
    }

    pub(crate) fn image(&self) -> &Arc<Image> {
        &self.image
    }
}

impl Image {
    /// The image as a PNG in a `data:` address, made once.
    pub(crate) fn data_uri(&self) -> &str {
        self.data_uri.get_or_init(|| {
            let mut bytes = Vec::new();
            let mut encoder = Encoder::new(&mut bytes, self.width, self.height);
            encoder.set_color(ColorType::Rgba);
            encoder.set_depth(BitDepth::Eight);
            let written = encoder
                .write_header()
                .and_then(|mut writer| writer.write_image_data(&self.rgba));
            written.expect("an image of known size can be written into memory");
            format!("data:image/png;base64,{}", BASE64.encode(bytes))
        })
    }
}

fn read_png(bytes: &[u8]) -> Result<Image, RenderError> {
    let failed = |error: png::DecodingError| refused(error.to_string());
    let limits = Limits {
        bytes: 4 * PNG_PIXELS_MAX as usize + LOGO_BYTES_MAX,
    };
    let mut decoder = Decoder::new_with_limits(std::io::Cursor::new(bytes), limits);
    decoder.set_transformations(Transformations::normalize_to_color8() | Transformations::ALPHA);
    let mut reader = decoder.read_info().map_err(failed)?;
    let info = reader.info();
    let (width, height) = (info.width, info.height);
    if width.saturating_mul(height) > PNG_PIXELS_MAX {
        return Err(refused(format!("it has more than {PNG_PIXELS_MAX} pixels")));
    }
    let size = reader
        .output_buffer_size()
        .ok_or_else(|| refused("it is too large".into()))?;
    let mut pixels = vec![0; size];
    let frame = reader.next_frame(&mut pixels).map_err(failed)?;
    pixels.truncate(frame.buffer_size());
    let rgba = match frame.color_type {
        ColorType::Rgba => pixels,
        ColorType::Rgb => with_opacity(pixels.chunks_exact(3).map(|p| [p[0], p[1], p[2], 255])),
        ColorType::GrayscaleAlpha => {
            with_opacity(pixels.chunks_exact(2).map(|p| [p[0], p[0], p[0], p[1]]))
        }
        ColorType::Grayscale => with_opacity(pixels.iter().map(|p| [*p, *p, *p, 255])),
        ColorType::Indexed => return Err(refused("its colours cannot be read".into())),
    };
    Ok(Image::new(width, height, rgba))
}

fn with_opacity(pixels: impl Iterator<Item = [u8; 4]>) -> Vec<u8> {
    pixels.flatten().collect()
}

/// Reads SVG with nothing but what stands in it: no files, no pictures, no words. Says why it cannot
/// be read.
pub(crate) fn parse_svg(source: &str) -> Result<Tree, String> {
    // Entities can multiply each other, and nobody has a use for them.
    if source.contains("<!DOCTYPE") || source.contains("<!ENTITY") {
        return Err("it declares entities".into());
    }
    if source.matches("<use").count() > USES_MAX || source.matches("<filter").count() > 8 {
        return Err(format!("it uses other elements more than {USES_MAX} times"));
    }
    let options = Options {
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(|_, _, _| None),
            resolve_string: Box::new(|_, _| None),
        },
        ..Options::default()
    };
    Tree::from_str(source, &options).map_err(|error| error.to_string())
}

fn draw_svg(source: &str) -> Result<Image, RenderError> {
    let tree = parse_svg(source).map_err(refused)?;
    let size = tree.size();
    let scale = (WIDTH_MAX / size.width()).min(HEIGHT_MAX / size.height());
    let [width, height] = [size.width(), size.height()].map(|side| whole(side * scale));
    let mut pixmap = Pixmap::new(width, height).ok_or_else(|| refused("it is empty".into()))?;
    resvg::render(
        &tree,
        Transform::from_scale(scale, scale),
        &mut pixmap.as_mut(),
    );
    let straight = pixmap.pixels().iter().map(|pixel| {
        let colour = pixel.demultiply();
        [colour.red(), colour.green(), colour.blue(), colour.alpha()]
    });
    let rgba = with_opacity(straight);
    if rgba.chunks_exact(4).all(|pixel| pixel[3] == 0) {
        return Err(refused("nothing of it can be seen".into()));
    }
    Ok(Image::new(width, height, rgba))
}

impl Image {
    fn new(width: u32, height: u32, rgba: Vec<u8>) -> Self {
        Self {
            width,
            height,
            rgba,
            data_uri: OnceLock::new(),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "at most the largest width"
)]
fn whole(side: f32) -> u32 {
    side.round().max(1.0) as u32
}

impl BrandColour {
    /// The colour, darkened until white letters on it have a contrast of 4.5 (WCAG 2.2, 1.4.3).
    pub(crate) fn on_paper(self) -> [u8; 3] {
        let mut colour = self.0;
        while 1.05 / (luminance(colour) + 0.05) < 4.5 {
            colour = colour.map(|channel| channel.saturating_sub(channel / 16 + 1));
        }
        colour
    }
}

/// The relative luminance of sRGB (WCAG 2.2).
fn luminance(colour: [u8; 3]) -> f32 {
    let linear = |channel: u8| {
        let share = f32::from(channel) / 255.0;
        if share <= 0.040_45 {
            share / 12.92
        } else {
            ((share + 0.055) / 1.055).powf(2.4)
        }
    };
    let [red, green, blue] = colour.map(linear);
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

impl TryFrom<String> for BrandColour {
    type Error = RenderError;

    fn try_from(text: String) -> Result<Self, RenderError> {
        let digits = text.strip_prefix('#').filter(|digits| {
            digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let [_, red, green, blue] = number.ok_or(RenderError::Colour(text))?.to_be_bytes();
        Ok(Self([red, green, blue]))
    }
}

impl From<BrandColour> for String {
    fn from(BrandColour([red, green, blue]): BrandColour) -> Self {
        format!("#{red:02x}{green:02x}{blue:02x}")
    }
}

impl TryFrom<String> for Logo {
    type Error = RenderError;

    fn try_from(source: String) -> Result<Self, RenderError> {
        Self::parse(&source)
    }
}

impl From<Logo> for String {
    fn from(logo: Logo) -> Self {
        logo.source.to_string()
    }
}

impl PartialEq for Logo {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Logo {}

impl fmt::Debug for Logo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Image { width, height, .. } = *self.image;
        write!(f, "Logo({width} × {height})")
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Image({} × {})", self.width, self.height)
    }
}

fn refused(reason: String) -> RenderError {
    RenderError::Logo(reason)
}
