//! `openapi`: prints the description of the HTTP interface.

use crate::out;

/// Prints the document that a server answers at `/openapi.json`.
pub fn openapi() -> anyhow::Result<()> {
    out::json(&api::openapi())
}
