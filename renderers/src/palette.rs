//! The few colours of our pictures, so that a pixel is one byte.

use std::sync::OnceLock;

use crate::scene::Colour;

/// Steps from white to each colour, for smooth edges.
pub(crate) const SHADES: u16 = 16;
/// Bits of each channel by which a pixel is looked up.
const BITS: u32 = 5;
const SIDE: usize = 1 << BITS;

/// White, and some colours in shades. Pictures hold nothing else but blends of them.
pub(crate) struct Palette {
    /// Red, green, blue, one after the other.
    colours: Vec<u8>,
    /// For each pixel with its channels cut to [`BITS`]: the nearest colour.
    nearest: Vec<u8>,
}

impl Palette {
    /// White, and every colour of ours.
    pub(crate) fn ours() -> &'static Self {
        static OURS: OnceLock<Palette> = OnceLock::new();
        OURS.get_or_init(|| Self::of(&Colour::ALL))
    }

    /// White, and up to 15 colours. It takes some milliseconds.
    fn of(colours: &[Colour]) -> Self {
        let colours = shades(colours);
        let keys = 0..SIDE * SIDE * SIDE;
        let mut nearest: Vec<u8> = keys.map(|key| nearest(&colours, pixel_of(key))).collect();
        // Plain areas are not approximated.
        for (index, colour) in (0..).zip(&colours).step_by(usize::from(SHADES)) {
            nearest[key_of(*colour)] = index;
        }
        Self {
            colours: colours.concat(),
            nearest,
        }
    }

    pub(crate) fn colours(&self) -> &[u8] {
        &self.colours
    }

    /// The colour of each pixel, given as red, green, blue, opacity.
    pub(crate) fn indices(&self, pixels: &[u8]) -> Vec<u8> {
        let mut indices = vec![0; pixels.len() / 4];
        let runs = pixels.chunks(4 * RUN).zip(indices.chunks_mut(RUN));
        // Most of a picture is paper.
        for (pixels, indices) in runs.filter(|(pixels, _)| !is_white(pixels)) {
            for (pixel, index) in pixels.chunks_exact(4).zip(indices) {
                *index = self.nearest[key_of([pixel[0], pixel[1], pixel[2]])];
            }
        }
        indices
    }
}

/// Pixels that are looked at together.
const RUN: usize = 16;

fn is_white(pixels: &[u8]) -> bool {
    pixels.iter().fold(0xFF, |all, byte| all & byte) == 0xFF
}

/// White, and [`SHADES`] shades of each colour, the palest first.
pub(crate) fn shades(colours: &[Colour]) -> Vec<[u8; 3]> {
    let shades = colours
        .iter()
        .flat_map(|colour| (1..=SHADES).map(|step| shade(*colour, step)));
    [Colour::WHITE.0].into_iter().chain(shades).collect()
}

/// A mixture of white and `step` sixteenths of a colour.
fn shade(colour: Colour, step: u16) -> [u8; 3] {
    colour.0.map(|channel| {
        let mixed = u16::from(channel) * step + 255 * (SHADES - step);
        u8::try_from(mixed / SHADES).expect("a mean of bytes is a byte")
    })
}

fn nearest(colours: &[[u8; 3]], pixel: [u8; 3]) -> u8 {
    let distance = |colour: &[u8; 3]| -> u32 {
        let channels = colour.iter().zip(pixel);
        channels.map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
    };
    let best = (0..)
        .zip(colours)
        .min_by_key(|(_, colour)| distance(colour));
    best.map_or(0, |(index, _)| index)
}

fn key_of(pixel: [u8; 3]) -> usize {
    pixel.iter().fold(0, |key, channel| {
        key << BITS | usize::from(channel >> (8 - BITS))
    })
}

/// The middle of the pixels with this key, such that white stays white.
fn pixel_of(key: usize) -> [u8; 3] {
    [2, 1, 0].map(|place| {
        let channel = (key >> (BITS * place)) % SIDE;
        u8::try_from(channel * 255 / (SIDE - 1)).expect("a share of 255 is a byte")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_colours_are_kept_exactly() {
        let palette = Palette::ours();
        for colour in [Colour::WHITE].iter().chain(&Colour::ALL) {
            let [red, green, blue] = colour.0;
            let index = usize::from(palette.indices(&[red, green, blue, 255])[0]);
            assert_eq!(palette.colours()[3 * index..3 * index + 3], colour.0);
        }
    }

    #[test]
    fn blends_with_white_are_nearly_kept() {
        let palette = Palette::ours();
        for colour in &Colour::ALL {
            for step in 0..=SHADES {
                let [red, green, blue] = shade(*colour, step);
                let index = usize::from(palette.indices(&[red, green, blue, 255])[0]);
                let kept = &palette.colours()[3 * index..3 * index + 3];
                let far = kept
                    .iter()
                    .zip([red, green, blue])
                    .any(|(a, b)| a.abs_diff(b) > 16);
                assert!(!far, "{kept:?} for {red}, {green}, {blue}");
            }
        }
    }
}
