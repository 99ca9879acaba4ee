//! Drawing, as the domain asks for it.

use async_trait::async_trait;
use bytes::Bytes;

use crate::plans::PlanDrawing;
use crate::prints::{Format, PrintDrawing};

/// Draws tickets and seating plans on a bounded pool of threads.
#[async_trait]
pub trait Renderer: Send + Sync + 'static {
    /// The ticket in a format.
    async fn ticket(&self, drawing: PrintDrawing, format: Format) -> Result<Bytes, RenderError>;

    /// The seating plan, or one section of it, as SVG.
    async fn plan(&self, drawing: PlanDrawing) -> Result<Bytes, RenderError>;
}

/// Why there is no picture.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RenderError {
    /// This document can never be drawn.
    #[error("the document cannot be drawn: {0}")]
    Undrawable(String),
    /// Drawing failed, and may succeed at another time.
    #[error("drawing failed: {0}")]
    Failed(String),
    /// Too many drawings wait already.
    #[error("too many drawings are waiting")]
    Busy,
}
