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

/// A look at one position within a pixel.
struct Sprite {
    side: usize,
    /// How much of a pixel is covered, in steps of the palette; none where nothing is.
    cover: Vec<u8>,
}

/// Draws every dot; `scale` is pixels of the canvas in one of the plan.
pub(super) fn draw(canvas: &mut Canvas, field: &Field, statuses: Statuses, scale: f32) {
    let looks: Vec<(Vec<Sprite>, u8)> = field
        .looks
        .iter()
        .map(|look| {
            (
                sprites(look, field.pitch * scale),
                canvas.palest(look.colour),
            )
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

fn sprites(look: &Look, pitch: f32) -> Vec<Sprite> {
    let positions = (0..STEPS).flat_map(|top| (0..STEPS).map(move |left| (left, top)));
    positions
        .map(|(left, top)| sprite(look, pitch, left, top))
        .collect()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "sprites are some dozen pixels wide"
)]
fn sprite(look: &Look, pitch: f32, left: usize, top: usize) -> Sprite {
    let (outer, inner) = (look.size * pitch / 2.0, look.hole * pitch / 2.0);
    let half = outer.ceil() as usize + 1;
    let side = 2 * half + 1;
    let within = |x: f32, y: f32, radius: f32| {
        if look.square {
            x.abs() <= radius && y.abs() <= radius
        } else {
            x * x + y * y <= radius * radius
        }
    };
    let samples = (SAMPLES * SAMPLES) as u8;
    let middle = |step: usize| half as f32 + (step as f32 + 0.5) / STEPS as f32;
    let mut cover = Vec::with_capacity(side * side);
    for row in 0..side {
        for column in 0..side {
            let mut hits = 0;
            for sample in 0..SAMPLES * SAMPLES {
                let offset = |at: usize| (at as f32 + 0.5) / SAMPLES as f32;
                let x = column as f32 + offset(sample % SAMPLES) - middle(left);
                let y = row as f32 + offset(sample / SAMPLES) - middle(top);
                hits += u8::from(within(x, y, outer) && !within(x, y, inner));
            }
            // As many samples as shades.
            cover.push(hits * (SHADES / samples));
        }
    }
    Sprite { side, cover }
}

/// Copies a sprite. What would lie beyond the edge is not drawn.
fn blit(canvas: &mut Canvas, sprite: &Sprite, palest: u8, [x, y]: [usize; 2]) {
    let half = sprite.side / 2;
    let Some(left) = x
        .checked_sub(half)
        .filter(|x| x + sprite.side <= canvas.width)
    else {
        return;
    };
    for (row, cover) in sprite.cover.chunks_exact(sprite.side).enumerate() {
        let Some(at) = (y + row).checked_sub(half).filter(|at| *at < canvas.height) else {
            continue;
        };
        let start = at * canvas.width + left;
        let line = &mut canvas.pixels[start..start + sprite.side];
        for (pixel, cover) in line.iter_mut().zip(cover).filter(|(_, cover)| **cover > 0) {
            *pixel = mixed(*pixel, palest, *cover);
        }
    }
}
