//! One file per command.

pub mod audit;
pub mod bench;
pub mod config;
pub mod demo;
pub mod doctor;
pub mod jobs;
pub mod load;
pub mod migrate;
pub mod openapi;
pub mod render;
pub mod run;
pub mod verify;
