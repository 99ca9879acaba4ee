//! The environment variables that the program reads; it reads them nowhere else.

/// Prefix of every setting, as in `TICKETOVERFLOW__API__LISTEN`.
pub(crate) const PREFIX: &str = "TICKETOVERFLOW__";
/// Separates the sections of a setting.
pub(crate) const SEPARATOR: &str = "__";
