//! The outputs as their readers see them: XML parsers, PDF tools, scanners.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may fail as tests do"
)]

mod archive;
mod brand;
mod browser;
mod cancelled;
mod golden;
mod hostile;
mod languages;
mod pdf;
mod plan;
mod png;
mod scan;
mod support;
mod svg;
