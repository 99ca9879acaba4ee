//! The integration tests, in one binary.

mod api;
mod browser;
mod cli;
mod cluster;
mod conformance;
mod load;
mod postgres;
mod prints;
mod recovery;
mod redis;
mod sale;
mod tidy;
mod tls;
mod workers;
