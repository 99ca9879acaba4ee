//! Dots as pixels: each look is drawn once for every position within a pixel, and then copied.
//!
//! Pixels are indices into a palette of shades between white and each colour, so that a dot's
//! smooth edge is a number too.

use super::field::{Field, Statuses};
use super::looks::Look;
use crate::raster::{Canvas, SHADES, mixed};

/// Positions within a pixel, across and down.
const STEPS: usize = 4;
/// Samples within a pixel, across and down, that its coverage is counted by.
const SAMPLES: usize = 4;

/// Pixels that are copied at a time.
const WORD: usize = 8;

/// A look at one position within a pixel, in a canvas's own indices.
struct Sprite {
    /// Where it begins, left of and above the pixel of the dot's place.
    left: usize,
    top: usize,
    /// Pixels of a row.
    width: usize,
    /// Words of a row.
    words: usize,
    /// Row by row; nought where nothing is.
    pixels: Vec<[u8; WORD]>,
}

/// Draws every dot; `scale` is pixels of the canvas in one of the plan.
pub(super) fn draw(canvas: &mut Canvas, field: &Field, statuses: Statuses, scale: f32) {
    let looks: Vec<_> = field
        .looks
        .iter()
        .map(|look| {
            let palest = canvas.palest(look.colour);
            (sprites(look, field.pitch * scale, palest), palest)
        })
        .collect();
    for (dot, place) in field.dots.iter().enumerate() {
        let (sprites, palest) = &looks[field.look_of(dot, statuses)];
        let (x, left) = split(place[0], scale);
        let (y, top) = split(place[1], scale);
        blit(canvas, &sprites[top * STEPS + left], *palest, [x, y]);
    }
}

/// The pixel that a place in tenths lies in, and the step within it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "places in a picture of a few thousand pixels"
)]
fn split(tenths: i32, scale: f32) -> (usize, usize) {
    let place = (tenths as f32 * scale / 10.0).max(0.0) * STEPS as f32;
    let place = place as usize;
    (place / STEPS, place % STEPS)
}

fn sprites(look: &Look, pitch: f32, palest: u8) -> Vec<Sprite> {
    let positions = (0..STEPS).flat_map(|top| (0..STEPS).map(move |left| (left, top)));
    positions
        .map(|(left, top)| sprite(look, pitch, palest, left, top))
        .collect()
}

/// A look with nothing around it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sprites are some dozen pixels wide"
)]
fn sprite(look: &Look, pitch: f32, palest: u8, left: usize, top: usize) -> Sprite {
    let half = (look.size * pitch / 2.0).ceil() as usize + 1;
    let side = 2 * half + 1;
    let cover = |row: usize, column: usize| cover(look, pitch, half, [column, row], [left, top]);
    let covers: Vec<Vec<u8>> = (0..side)
        .map(|row| (0..side).map(|column| cover(row, column)).collect())
        .collect();
    let shows = |at: &usize, of: &dyn Fn(usize) -> u8| of(*at) > 0;
    let column = |at: usize| covers.iter().map(|row| row[at]).max().unwrap_or(0);
    let line = |at: usize| covers[at].iter().copied().max().unwrap_or(0);
    let ends = |of: &dyn Fn(usize) -> u8| {
        let first = (0..side).find(|at| shows(at, of)).unwrap_or(half);
        let last = (0..side).rev().find(|at| shows(at, of)).unwrap_or(half);
        first..last + 1
    };
    let (columns, rows) = (ends(&column), ends(&line));
    let words = columns.len().div_ceil(WORD);
    let mut pixels = vec![[0; WORD]; words * rows.len()];
    for (row, line) in covers[rows.clone()].iter().enumerate() {
        for (at, cover) in line[columns.clone()].iter().enumerate() {
            if *cover > 0 {
                pixels[row * words + at / WORD][at % WORD] = mixed(0, palest, *cover);
            }
        }
    }
    Sprite {
        left: half - columns.start,
        top: half - rows.start,
        width: columns.len(),
        words,
        pixels,
    }
}

/// How much of a pixel a look covers, in steps of the palette.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "sprites are some dozen pixels wide, and samples are sixteen"
)]
fn cover(look: &Look, pitch: f32, half: usize, pixel: [usize; 2], step: [usize; 2]) -> u8 {
    let within = |[x, y]: [f32; 2], diameter: f32| {
        let radius = diameter * pitch / 2.0;
        if look.square {
            x.abs() <= radius && y.abs() <= radius
        } else {
            x * x + y * y <= radius * radius
        }
    };
    let away = |pixel: usize, step: usize, sample: usize| {
        let middle = half as f32 + (step as f32 + 0.5) / STEPS as f32;
        pixel as f32 + (sample as f32 + 0.5) / SAMPLES as f32 - middle
    };
    let samples = SAMPLES * SAMPLES;
    let hits = (0..samples).filter(|sample| {
        let at = [
            away(pixel[0], step[0], sample % SAMPLES),
            away(pixel[1], step[1], sample / SAMPLES),
        ];
        within(at, look.size) && !within(at, look.hole)
    });
    hits.count() as u8 * (SHADES / samples as u8)
}

/// Copies a sprite. What would lie beyond the left or right edge is not drawn.
fn blit(canvas: &mut Canvas, sprite: &Sprite, palest: u8, [x, y]: [usize; 2]) {
    let Some(left) = x
        .checked_sub(sprite.left)
        .filter(|left| left + sprite.width <= canvas.width)
    else {
        return;
    };
    for (row, words) in sprite.pixels.chunks_exact(sprite.words).enumerate() {
        let Some(at) = (y + row)
            .checked_sub(sprite.top)
            .filter(|at| *at < canvas.height)
        else {
            continue;
        };
        let line = &mut canvas.row_mut(at)[left..];
        for (index, ink) in words.iter().enumerate() {
            lay(&mut line[index * WORD..], *ink, palest);
        }
    }
}

/// Lays a word of ink on pixels. Where all of it comes on white, as nearly always, that is one
/// operation.
fn lay(pixels: &mut [u8], ink: [u8; WORD], palest: u8) {
    if let Some(under) = pixels.first_chunk_mut::<WORD>() {
        let (below, above) = (u64::from_ne_bytes(*under), u64::from_ne_bytes(ink));
        if inked(below) & inked(above) == 0 {
            *under = (below | above).to_ne_bytes();
            return;
        }
    }
    for (pixel, ink) in pixels.iter_mut().zip(ink).filter(|(_, ink)| *ink > 0) {
        *pixel = mixed(*pixel, palest, ink - palest + 1);
    }
}

/// The highest bit of each byte that is not nought.
fn inked(word: u64) -> u64 {
    const LOW: u64 = u64::from_ne_bytes([0x7F; WORD]);
    (((word & LOW) + LOW) | word) & !LOW
}
