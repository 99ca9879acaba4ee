//! Small letters as pixels: each is drawn once for every position within a pixel, and then copied.
//!
//! A page has the same letters over and over, and filling an outline costs far more than copying
//! what came of it. Large letters are rare and have more to lose: they are filled as outlines.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use resvg::tiny_skia::{FillRule, Mask, PathBuilder, Transform};

use super::items::push_glyph;
use crate::text::{Face, FaceId};

/// The most pixels in an em of what counts as small.
pub(super) const EM_MAX: f32 = 32.0;
/// Positions within a pixel, across and down.
const STEPS: f32 = 4.0;
/// Letters that a thread keeps, some hundred bytes each; at the limit it starts anew.
const KEPT_MAX: usize = 8_192;

/// How much of each pixel a letter covers.
pub(super) struct Sprite {
    /// Where it begins, seen from the pixel that its origin lies in.
    left: i32,
    top: i32,
    width: usize,
    /// Row by row, 0 to 255.
    cover: Vec<u8>,
}

/// A sprite and the pixel of its left upper corner.
pub(super) struct Placed {
    pub(super) left: i32,
    pub(super) top: i32,
    sprite: Rc<Sprite>,
}

impl Placed {
    /// Its rows.
    pub(super) fn rows(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.sprite.cover.chunks_exact(self.sprite.width.max(1))
    }

    pub(super) fn width(&self) -> usize {
        self.sprite.width
    }
}

/// Typeface, glyph, bits of the size, and position within a pixel.
type Key = (u8, u16, u32, [u8; 2]);

thread_local! {
    static KEPT: RefCell<HashMap<Key, Rc<Sprite>>> = RefCell::default();
}

/// The glyph with its origin at a place in pixels, `em` pixels large.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "places in a picture of a few thousand pixels, and quarters of one"
)]
pub(super) fn place(face: FaceId, glyph: u16, em: f32, [x, y]: [f32; 2]) -> Placed {
    let whole = [x.floor(), y.floor()];
    let phase = [x - whole[0], y - whole[1]].map(|part| (part * STEPS) as u8);
    let key = (face.index(), glyph, em.to_bits(), phase);
    let sprite = KEPT.with_borrow_mut(|kept| {
        if kept.len() >= KEPT_MAX && !kept.contains_key(&key) {
            kept.clear();
        }
        let draw = || Rc::new(draw(face, glyph, em, phase));
        Rc::clone(kept.entry(key).or_insert_with(draw))
    });
    Placed {
        left: whole[0] as i32 + sprite.left,
        top: whole[1] as i32 + sprite.top,
        sprite,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a letter is some dozen pixels wide"
)]
fn draw(face: FaceId, glyph: u16, em: f32, phase: [u8; 2]) -> Sprite {
    let empty = Sprite {
        left: 0,
        top: 0,
        width: 0,
        cover: Vec::new(),
    };
    // In the middle of what the position stands for.
    let [x, y] = phase.map(|step| (f32::from(step) + 0.5) / STEPS);
    let mut path = PathBuilder::new();
    push_glyph(&mut path, Face::of(face), glyph, (x, y), em);
    let Some(path) = path.finish() else {
        return empty;
    };
    let bounds = path.bounds();
    let (left, top) = (bounds.left().floor(), bounds.top().floor());
    let width = (bounds.right().ceil() - left) as u32 + 1;
    let height = (bounds.bottom().ceil() - top) as u32 + 1;
    let Some(mut mask) = Mask::new(width, height) else {
        return empty;
    };
    let moved = Transform::from_translate(-left, -top);
    mask.fill_path(&path, FillRule::Winding, true, moved);
    Sprite {
        left: left as i32,
        top: top as i32,
        width: width as usize,
        cover: mask.take(),
    }
}
