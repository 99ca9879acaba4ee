//! Writes PDF, with our own shaping and font subsets, by one of two back ends.
//!
//! Every glyph carries the text it stands for, in the font's ToUnicode table or, where the same
//! glyph stands for several texts, in an ActualText span: searching and copying give back the
//! words in logical order, also for characters that are drawn as a code point.
//!
//! The tagged back end is what tickets are made with. The one on printpdf draws the same scene
//! through another library; tests hold the two against each other, and `bench render` says what
//! the second costs.

mod fonts;
pub(crate) mod printed;
pub(crate) mod tagged;

use crate::error::RenderError;

/// Who writes the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// Our own, on pdf-writer: tagged for assistive technology, with what all tickets share made
    /// once.
    Tagged,
    /// printpdf: not tagged, and made anew each time.
    Printpdf,
}

/// The page.
pub(crate) struct Sheet<'a> {
    /// Width and height in points.
    pub(crate) size: [f32; 2],
    pub(crate) title: &'a str,
    /// The language's tag (BCP 47).
    pub(crate) language: &'a str,
}

/// Control points of a quarter circle, as a share of its radius.
const KAPPA: f32 = 0.552_3;

/// Hundredths of a point are finer than any printer.
fn rounded(value: f32) -> f32 {
    (value * 100.0).round() / 100.0
}

fn failed(backend: &'static str, reason: &impl ToString) -> RenderError {
    RenderError::Backend {
        backend,
        reason: reason.to_string(),
    }
}
