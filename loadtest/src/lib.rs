//! The operators' tool: it sees the service as any client does, over HTTP only.
//!
//! The generator is lean on purpose. It shares its machine with the server more often than not,
//! and what it costs is missing from what it measures.

mod connection;
mod generator;
mod request;

pub use self::connection::{Connection, ConnectionError, Response};
pub use self::generator::{Limits, Report, Script, run};
pub use self::request::Request;
