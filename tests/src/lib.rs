//! The harness that the integration tests share: a server in this process or in its own, real
//! HTTP, and the tools that look at rendered files.

pub mod app;
pub mod http;
pub mod process;
pub mod tools;

pub use self::app::TestApp;
pub use self::http::{Answer, Http};
pub use self::process::Server;
