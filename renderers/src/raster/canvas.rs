//! Pixels as shades of a few colours.

use crate::scene::Colour;

/// Steps from white to each colour, for smooth edges.
pub(crate) const SHADES: u8 = 16;
/// Colours that a canvas can have beside white, so that a pixel is a byte.
const COLOURS_MAX: usize = 15;

/// A picture whose pixels are indices into a palette: white, then each colour in [`SHADES`]
/// shades, the palest first.
#[derive(Clone)]
pub(crate) struct Canvas {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Rows, each after a zero: the number of the filter "none", as PNG wants it.
    scanlines: Vec<u8>,
    colours: Vec<Colour>,
    /// How dark each index is.
    darkness: Vec<u16>,
}

impl Canvas {
    /// A white picture. Colours beyond the fifteenth are drawn as the first one.
    pub(crate) fn new([width, height]: [u32; 2], mut colours: Vec<Colour>) -> Self {
        let [width, height] = [width, height].map(|side| side as usize);
        colours.truncate(COLOURS_MAX);
        let mut canvas = Self {
            width,
            height,
            scanlines: vec![0; (width + 1) * height],
            colours,
            darkness: Vec::new(),
        };
        let palette = canvas.palette();
        let dark = |rgb: &[u8]| rgb.iter().map(|channel| u16::from(255 - channel)).sum();
        canvas.darkness = palette.chunks_exact(3).map(dark).collect();
        canvas
    }

    /// A row's pixels.
    pub(crate) fn row_mut(&mut self, row: usize) -> &mut [u8] {
        let start = row * (self.width + 1) + 1;
        &mut self.scanlines[start..start + self.width]
    }

    /// The rows, from the top down.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.scanlines
            .chunks_exact(self.width + 1)
            .map(|line| &line[1..])
    }

    /// The rows as a PNG holds them.
    pub(super) fn scanlines(&self) -> &[u8] {
        &self.scanlines
    }

    /// Our colours and others, each once.
    pub(crate) fn colours(others: impl IntoIterator<Item = Colour>) -> Vec<Colour> {
        let mut colours = Colour::ALL.to_vec();
        for colour in others {
            if colour != Colour::WHITE && !colours.contains(&colour) {
                colours.push(colour);
            }
        }
        colours
    }

    /// Red, green and blue of each index.
    pub(crate) fn palette(&self) -> Vec<u8> {
        let shades = self.colours.iter().flat_map(|colour| {
            (1..=SHADES).flat_map(|step| {
                colour.0.map(|channel| {
                    let (step, all) = (u16::from(step), u16::from(SHADES));
                    let mixed = u16::from(channel) * step + 255 * (all - step);
                    u8::try_from(mixed / all).expect("a mean of bytes is a byte")
                })
            })
        });
        Colour::WHITE.0.into_iter().chain(shades).collect()
    }

    /// The index of a colour's palest shade.
    pub(crate) fn palest(&self, colour: Colour) -> u8 {
        let known = self.colours.iter().position(|known| *known == colour);
        let at = u8::try_from(known.unwrap_or(0)).expect("fifteen colours");
        1 + at * SHADES
    }

    /// The index of a colour itself.
    pub(crate) fn full(&self, colour: Colour) -> u8 {
        self.palest(colour) + SHADES - 1
    }

    /// Draws a colour over a part of a row; `cover` says how much of each pixel it takes.
    pub(crate) fn cover(&mut self, left: usize, row: usize, cover: &[u8], colour: Colour) {
        let palest = self.palest(colour);
        let darkness = std::mem::take(&mut self.darkness);
        let pixels = &mut self.row_mut(row)[left..left + cover.len()];
        for (pixel, cover) in pixels
            .iter_mut()
            .zip(cover)
            .filter(|(_, cover)| **cover > 7)
        {
            // 8 to 255 as 1 to 16.
            let step = u8::try_from((u16::from(*cover) + 8) >> 4).expect("at most 16");
            *pixel = if colour == Colour::WHITE {
                lightened(*pixel, step)
            } else {
                darkened(*pixel, palest, step, &darkness)
            };
        }
        self.darkness = darkness;
    }
}

/// A pixel under `step` sixteenths of the colour whose palest shade is given. There are no mixtures
/// with another colour than white, so on a paler one the colour's own shades make the edge, as far
/// as they are darker than what is below.
fn darkened(pixel: u8, palest: u8, step: u8, darkness: &[u16]) -> u8 {
    let dark = |index: u8| darkness[usize::from(index)];
    let shade = palest + step - 1;
    if pixel == 0 || dark(palest + SHADES - 1) <= dark(pixel) {
        mixed(pixel, palest, step)
    } else if dark(shade) > dark(pixel) {
        shade
    } else {
        pixel
    }
}

/// A pixel under `step` sixteenths of the colour whose palest shade is given. On another colour
/// there are no mixtures: whoever has more of the pixel has it.
pub(crate) fn mixed(pixel: u8, palest: u8, step: u8) -> u8 {
    if pixel == 0 {
        palest + step - 1
    } else if step >= SHADES / 2 {
        palest + SHADES - 1
    } else {
        pixel
    }
}

/// A pixel under `step` sixteenths of white.
fn lightened(pixel: u8, step: u8) -> u8 {
    if pixel == 0 {
        return 0;
    }
    let palest = (pixel - 1) / SHADES * SHADES + 1;
    let shade = (pixel - palest + 1) * (SHADES - step) / SHADES;
    if shade == 0 { 0 } else { palest + shade - 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shades_lie_between_white_and_their_colour() {
        let mut canvas = Canvas::new([4, 1], Canvas::colours([]));
        canvas.cover(0, 0, &[0, 100, 255, 255], Colour::ACCENT);
        canvas.cover(3, 0, &[255], Colour::WHITE);
        let palette = canvas.palette();
        let colour = |at: usize| {
            let index = 3 * usize::from(canvas.rows().next().unwrap()[at]);
            [palette[index], palette[index + 1], palette[index + 2]]
        };
        assert_eq!(colour(0), [255; 3]);
        assert_eq!(colour(2), Colour::ACCENT.0);
        assert_eq!(colour(3), [255; 3]);
        let half = colour(1);
        assert!(
            (0..3).all(|c| half[c] < 255 && half[c] > Colour::ACCENT.0[c]),
            "{half:?}"
        );
    }
    #[test]
    fn words_on_a_pale_colour_have_edges_between_both() {
        let pale = Colour([220, 236, 228]);
        let mut canvas = Canvas::new([3, 1], Canvas::colours([pale]));
        canvas.cover(0, 0, &[255; 3], pale);
        canvas.cover(0, 0, &[20, 100, 255], Colour::INK);
        let (row, dark) = (canvas.rows().next().unwrap(), &canvas.darkness);
        let dark: Vec<u16> = row.iter().map(|pixel| dark[usize::from(*pixel)]).collect();
        assert_eq!(row[0], canvas.full(pale));
        assert_eq!(row[2], canvas.full(Colour::INK));
        assert!(dark[0] < dark[1] && dark[1] < dark[2], "{dark:?}");
    }
}
