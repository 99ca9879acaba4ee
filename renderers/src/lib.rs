//! Documents in, bytes out: tickets as SVG, PDF and PNG, seating plans as SVG and PNG.
//!
//! Pure: no clock, no files, no environment, no network. The typefaces are compiled in. The same
//! document gives the same bytes, always; nothing but the size of the input bounds the work.

mod document;
mod error;
mod palette;
mod pdf;
mod plan;
mod qr;
mod raster;
mod scene;
mod sold;
mod svg;
mod text;
mod ticket;

pub use self::document::{PlanDocument, TicketDocument};
pub use self::error::RenderError;
pub use self::plan::{plan_png, plan_svg};
pub use self::sold::SoldSeats;
pub use self::ticket::{ticket_pdf, ticket_png, ticket_svg};
