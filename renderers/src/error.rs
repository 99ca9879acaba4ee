//! What can stop a rendering.

/// A document or a size that no picture can be made of.
///
/// Text is a reason only if the document says so ([`crate::OnMissing::Refuse`]): otherwise
/// characters without a glyph are drawn as their code point. Texts that are too long are wrapped,
/// made smaller and at last cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The ticket's code does not fit a QR symbol with error correction M.
    #[error("a ticket code of {length} bytes does not fit a QR symbol")]
    CodeTooLong {
        /// Bytes of the code.
        length: usize,
    },
    /// A sold seat lies beyond the capacity.
    #[error("seat {seat} is sold, but the concert has {capacity} seats")]
    SeatOutOfRange {
        /// The highest sold seat, counted from 0.
        seat: u32,
        /// Seats of the concert.
        capacity: u32,
    },
    /// The layout is that of another house.
    #[error("the layout has {seats} seats, but the concert has {capacity}")]
    LayoutDiffers {
        /// Seats of the layout.
        seats: u32,
        /// Seats of the concert.
        capacity: u32,
    },
    /// More seats than a concert may have ([`domain::seat::CAPACITY_MAX`]).
    #[error("a capacity of {capacity} is more than a plan can show")]
    CapacityTooLarge {
        /// Seats of the concert.
        capacity: u32,
    },
    /// The picture's size is outside what this crate agrees to allocate.
    #[error("{what} must be from {min} to {max}, not {value}")]
    SizeOutOfRange {
        /// Which size: `dpi` or `width_px`.
        what: &'static str,
        /// The value asked for.
        value: u32,
        /// Smallest accepted value.
        min: u32,
        /// Largest accepted value.
        max: u32,
    },
    /// No typeface has the character, and the document wants none drawn as its code point.
    #[error("no typeface has U+{:04X}, which is in {text:?}", u32::from(*character))]
    NoGlyph {
        /// The first such character.
        character: char,
        /// The text that it is in.
        text: String,
    },
    /// Typefaces cannot be added.
    #[error("the fonts cannot be added: {0}")]
    Fonts(String),
    /// A logo cannot be used.
    #[error("the logo cannot be used: {0}")]
    Logo(String),
    /// A file in which codes are looked for cannot be read.
    #[error("the picture cannot be read: {0}")]
    Picture(String),
    /// A colour is not written as one.
    #[error("a colour is written #rrggbb, not {0:?}")]
    Colour(String),
    /// A section of a plan that there is not.
    #[error("the plan has no section {0:?}")]
    NoSection(String),
    /// A back end refused what this crate made: a defect here, not in the document.
    #[error("the {backend} back end failed: {reason}")]
    Backend {
        /// `svg`, `png`, `pdf` or `font`.
        backend: &'static str,
        /// The back end's own words.
        reason: String,
    },
}
