//! Documents in, bytes out: tickets as SVG, PDF and PNG, seating plans as SVG and PNG.
//!
//! Pure: no clock, no files, no environment, no network. The typefaces are compiled in. The same
//! document gives the same bytes, always; nothing but the size of the input bounds the work.

mod brand;
mod document;
mod error;
mod language;
mod pdf;
mod plan;
mod qr;
mod raster;
mod scan;
mod scene;
mod svg;
mod text;
mod ticket;

pub use domain::sold::SoldSeats;

pub use self::brand::{Brand, BrandColour, Logo};
pub use self::document::{OnMissing, PlanDocument, Sheet, TicketDocument};
pub use self::error::RenderError;
pub use self::language::Language;
pub use self::pdf::Backend as PdfBackend;
pub use self::plan::{SeatingPlan, Section, plan_png, plan_section_svg, plan_sections, plan_svg};
pub use self::scan::{find_codes, read_codes};
pub use self::text::add_fonts;
pub use self::ticket::{ticket_missing, ticket_pdf, ticket_pdf_by, ticket_png, ticket_svg};
