//! Dots as SVG: for each chunk one dotted path for each look, of zero-length lines with caps.

use super::field::{Chunk, Field, Statuses};
use crate::svg::{push_number, push_signed};

/// A path of zero-length lines, in tenths of a pixel.
#[derive(Clone, Default)]
struct Dots {
    path: String,
    last: Option<[i32; 2]>,
}

impl Dots {
    fn push(&mut self, [x, y]: [i32; 2]) {
        let (command, [from_x, from_y]) = self.last.map_or(('M', [0, 0]), |last| ('m', last));
        self.path.push(command);
        push_signed(&mut self.path, x - from_x);
        // A minus sign separates by itself.
        if y >= from_y {
            self.path.push(' ');
        }
        push_signed(&mut self.path, y - from_y);
        self.path.push_str("h0");
        self.last = Some([x, y]);
    }
}

/// The dots of a chunk as they look now.
pub(super) fn chunk(field: &Field, chunk: &Chunk, statuses: Statuses) -> String {
    let mut paths = vec![Dots::default(); field.looks.len()];
    for dot in chunk.dots.clone() {
        paths[field.look_of(dot, statuses)].push(field.dots[dot]);
    }
    let length: usize = paths.iter().map(|dots| dots.path.len() + 100).sum();
    let mut out = String::with_capacity(length);
    out.push_str(r#"<g fill="none" transform="scale(.1)">"#);
    for (look, dots) in field.looks.iter().zip(&paths) {
        if dots.last.is_none() {
            continue;
        }
        let cap = if look.square { "square" } else { "round" };
        let stroke = |out: &mut String, colour: crate::scene::Colour, size: f32| {
            out.push_str("<path");
            crate::svg::push_colour_of(out, "stroke", colour);
            out.push_str(" stroke-linecap=\"");
            out.push_str(cap);
            out.push_str("\" stroke-width=\"");
            push_number(out, size * field.pitch * 10.0);
            out.push_str("\" d=\"");
            out.push_str(&dots.path);
            out.push_str("\"/>");
        };
        stroke(&mut out, look.colour, look.size);
        if look.hole > 0.0 {
            stroke(&mut out, crate::scene::Colour::WHITE, look.hole);
        }
    }
    out.push_str("</g>");
    out
}
