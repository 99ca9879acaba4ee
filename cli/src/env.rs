//! The environment variables that the program reads; it reads them nowhere else.

use std::ffi::OsString;

/// Prefix of every setting, as in `TICKETOVERFLOW__API__LISTEN`.
pub(crate) const PREFIX: &str = "TICKETOVERFLOW__";
/// Separates the sections of a setting.
pub(crate) const SEPARATOR: &str = "__";

/// All of them, whatever they are for.
pub(crate) fn variables() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os()
}
