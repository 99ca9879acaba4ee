//! The harness that the integration tests share: a server in this process or in its own, real
//! HTTP, real PostgreSQL, Redis and S3 servers, and the tools that look at rendered files.

pub mod app;
pub mod before_writing;
pub mod cable;
pub mod certificates;
pub mod cluster;
pub mod crowd;
pub mod doom;
pub mod engine;
pub mod gate;
pub mod http;
pub mod postgres;
pub mod process;
pub mod raw;
pub mod redis;
pub mod s3;
pub mod store_gate;
pub mod svg;
pub mod tools;
pub mod wait;

pub use self::app::TestApp;
pub use self::before_writing::{before_writing, before_writing_and_reading};
pub use self::cable::Cable;
pub use self::certificates::{Authority, Certificate};
pub use self::cluster::Cluster;
pub use self::crowd::Crowd;
pub use self::engine::{Engine, Home};
pub use self::gate::{Gate, Position};
pub use self::http::{Answer, Http};
pub use self::postgres::Database;
pub use self::process::Server;
pub use self::raw::Raw;
pub use self::s3::S3Server;
pub use self::store_gate::StoreGate;
pub use self::wait::eventually;
pub use tests_macros::every_engine;
