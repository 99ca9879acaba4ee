//! A picture of shades of grey, and the ways to look at it.

use resvg::tiny_skia::Pixmap;

use super::{PIXELS_MAX, area};
use crate::error::RenderError;

/// From so many pixels on it is also looked at from afar, where noise and folds are gone.
const HALVED_MIN: usize = 1_000_000;

/// Rows of brightness, 0 to 255, without gaps.
pub(super) struct Grey {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
    /// Drawn here, as large as is good: larger it shows nothing more.
    is_drawn: bool,
}

/// How a picture is looked at.
#[derive(Clone, Copy)]
struct Look {
    size: Size,
    /// With light paper around it, which a screenshot may have cut off.
    framed: bool,
    /// Light on dark: a screen in dark mode.
    inverted: bool,
    /// In black and white, divided half way: right for screenshots, whose light is even.
    sharp: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Size {
    Halved,
    AsIs,
    Times(usize),
}

const fn look(size: Size, framed: bool, inverted: bool, sharp: bool) -> Look {
    Look {
        size,
        framed,
        inverted,
        sharp,
    }
}

/// Those that cost little come first. Modules of one or two pixels are too small to be found.
const LOOKS: [Look; 10] = [
    look(Size::AsIs, false, false, false),
    look(Size::AsIs, true, false, false),
    look(Size::AsIs, true, true, false),
    look(Size::Halved, false, false, false),
    look(Size::Times(2), true, false, false),
    look(Size::Times(2), true, true, true),
    look(Size::Times(4), true, false, true),
    look(Size::Times(4), true, true, true),
    look(Size::Times(3), true, false, true),
    look(Size::Times(3), true, true, true),
];

impl Grey {
    /// A picture of pixels that each have `channels` bytes: grey, grey and opacity, three colours,
    /// three colours and opacity. What can be seen through lies on white. `None` if there are not
    /// enough of them.
    pub(super) fn of(
        width: usize,
        height: usize,
        bytes: &[u8],
        channels: usize,
    ) -> Result<Option<Self>, RenderError> {
        let area = area(width, height)?;
        let pixels: Vec<u8> = bytes.chunks_exact(channels).take(area).map(grey).collect();
        Ok((pixels.len() == area && area > 0).then_some(Self {
            width,
            height,
            pixels,
            is_drawn: false,
        }))
    }

    /// What was drawn on white.
    pub(super) fn of_drawing(drawing: &Pixmap) -> Self {
        let [width, height] = [drawing.width(), drawing.height()].map(super::side);
        Self {
            width,
            height,
            pixels: drawing.data().chunks_exact(4).map(grey).collect(),
            is_drawn: true,
        }
    }

    /// Looks for codes in several ways until one that is wanted is found; adds all to `found`.
    pub(super) fn search(
        &self,
        is_wanted: &impl Fn(&str) -> bool,
        found: &mut Vec<String>,
    ) -> bool {
        // The enlarged picture is the same for the looks that follow each other.
        let mut kept: Option<(Size, Self)> = None;
        for look in LOOKS {
            let has_it = kept.as_ref().is_some_and(|(size, _)| *size == look.size);
            if look.size != Size::AsIs && !has_it {
                kept = self.sized(look.size).map(|sized| (look.size, sized));
            }
            let seen = match &kept {
                _ if look.size == Size::AsIs => self,
                Some((size, seen)) if *size == look.size => seen,
                _ => continue,
            };
            for code in seen.codes(look) {
                if !found.contains(&code) {
                    found.push(code);
                }
            }
            if found.iter().any(|code| is_wanted(code)) {
                return true;
            }
        }
        false
    }

    fn codes(&self, look: Look) -> Vec<String> {
        // Four modules are the least that a symbol has around it.
        let frame = if look.framed {
            self.width.min(self.height) / 12 + 8
        } else {
            0
        };
        let darkest = self.pixels.iter().copied().min().unwrap_or_default();
        let lightest = self.pixels.iter().copied().max().unwrap_or(u8::MAX);
        let middle = u8::midpoint(darkest, lightest);
        let shade = |pixel: u8| {
            let pixel = match pixel {
                _ if !look.sharp => pixel,
                pixel if pixel > middle => u8::MAX,
                _ => 0,
            };
            if look.inverted {
                u8::MAX - pixel
            } else {
                pixel
            }
        };
        let paper = shade(if look.inverted { darkest } else { lightest });
        let at = |x: usize, y: usize| {
            let (x, y) = (x.checked_sub(frame)?, y.checked_sub(frame)?);
            (x < self.width && y < self.height).then(|| shade(self.pixels[y * self.width + x]))
        };
        let mut picture = rqrr::PreparedImage::prepare_from_greyscale(
            self.width + 2 * frame,
            self.height + 2 * frame,
            |x, y| at(x, y).unwrap_or(paper),
        );
        let grids = picture.detect_grids();
        let decoded = grids.iter().filter_map(|grid| grid.decode().ok());
        decoded.map(|(_, text)| text).collect()
    }

    /// The picture in another size, unless it is too large or too small for that.
    fn sized(&self, size: Size) -> Option<Self> {
        let pixels = self.pixels.len();
        match size {
            Size::AsIs => None,
            Size::Halved => (pixels >= HALVED_MIN).then(|| self.halved()),
            Size::Times(times) => {
                let is_small = pixels * times * times <= PIXELS_MAX;
                (is_small && !self.is_drawn).then(|| self.enlarged(times))
            }
        }
    }

    /// Each pixel is the mean of four.
    fn halved(&self) -> Self {
        let (width, height) = ((self.width / 2).max(1), (self.height / 2).max(1));
        let old = |x: usize, y: usize| {
            let (x, y) = (x.min(self.width - 1), y.min(self.height - 1));
            u32::from(self.pixels[y * self.width + x])
        };
        let mean = |at: usize| {
            let (x, y) = (at % width * 2, at / width * 2);
            byte((old(x, y) + old(x + 1, y) + old(x, y + 1) + old(x + 1, y + 1)) / 4)
        };
        Self {
            width,
            height,
            pixels: (0..width * height).map(mean).collect(),
            is_drawn: self.is_drawn,
        }
    }

    /// So many times as wide and high, with soft edges: where modules are no whole number of pixels,
    /// the edges of the new ones are nearer to where they belong.
    fn enlarged(&self, times: usize) -> Self {
        let columns = blends(self.width, times);
        let rows = blends(self.height, times);
        let mut pixels = Vec::with_capacity(columns.len() * rows.len());
        for row in &rows {
            let [above, below] = [row.near, row.far].map(|y| &self.pixels[y * self.width..]);
            pixels.extend(columns.iter().map(|column| {
                let [above, below] = [above, below]
                    .map(|row| column.of(row[column.near].into(), row[column.far].into()));
                byte(row.of(above, below) / (column.whole * row.whole))
            }));
        }
        Self {
            width: columns.len(),
            height: rows.len(),
            pixels,
            is_drawn: self.is_drawn,
        }
    }
}

/// Of which two old pixels a new one is made.
struct Blend {
    near: usize,
    far: usize,
    /// The far one's part of the whole.
    share: u32,
    whole: u32,
}

impl Blend {
    /// The sum, `whole` times too large.
    fn of(&self, near: u32, far: u32) -> u32 {
        near * (self.whole - self.share) + far * self.share
    }
}

/// Blends for a side that is made so many times as long. Pixels are squares: the middle of the new
/// one at `at` lies at `(2 at + 1) / (2 times) - 1/2` of the old ones.
fn blends(length: usize, times: usize) -> Vec<Blend> {
    let whole = 2 * times;
    let blend = |at: usize| {
        let place = (2 * at + 1).saturating_sub(times);
        let near = (place / whole).min(length - 1);
        Blend {
            near,
            far: (near + 1).min(length - 1),
            share: u32::try_from(place % whole).unwrap_or_default(),
            whole: u32::try_from(whole).unwrap_or(1),
        }
    };
    (0..length * times).map(blend).collect()
}

fn byte(value: u32) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
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
    byte((brightness * opacity + 255 * (255 - opacity)) / 255)
}
