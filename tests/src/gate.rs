//! A gate before the renderer: it holds drawings back, lets them pass, or fails them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use cli::service::Tweaks;
use domain::plans::PlanDrawing;
use domain::ports::{RenderError, Renderer};
use domain::prints::{Format, PrintDrawing};
use tokio::sync::watch;

use crate::wait::eventually;

/// What the gate does to tickets. Plans always pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// They pass.
    Open,
    /// They wait, with the data that they were given.
    Closed,
    /// They cannot be drawn, now or ever.
    Broken,
}

/// The gate's handle.
#[derive(Debug, Clone)]
pub struct Gate {
    position: watch::Sender<Position>,
    arrived: Arc<AtomicUsize>,
}

struct Gated {
    gate: Gate,
    inner: Arc<dyn Renderer>,
}

impl Gate {
    /// A gate in a position.
    pub fn new(position: Position) -> Self {
        Self {
            position: watch::Sender::new(position),
            arrived: Arc::default(),
        }
    }

    /// A server's tweaks that put this gate before its renderer.
    pub fn tweaks(&self) -> Tweaks {
        self.tweaks_with(|renderer| renderer)
    }

    /// As [`Gate::tweaks`], with a renderer of its own behind the gate.
    pub fn tweaks_with(
        &self,
        renderer: impl Fn(Arc<dyn Renderer>) -> Arc<dyn Renderer> + Send + Sync + 'static,
    ) -> Tweaks {
        let gate = self.clone();
        let wrap = move |inner| {
            let (gate, inner) = (gate.clone(), renderer(inner));
            Arc::new(Gated { gate, inner }) as Arc<dyn Renderer>
        };
        Tweaks {
            renderer: Some(Arc::new(wrap)),
            ..Tweaks::default()
        }
    }

    /// Where the gate stands.
    pub fn position(&self) -> Position {
        *self.position.borrow()
    }

    /// Moves the gate; those who wait see it at once.
    pub fn set(&self, position: Position) {
        self.position.send_replace(position);
    }

    /// How many tickets have come to the gate so far.
    pub fn arrived(&self) -> usize {
        self.arrived.load(Ordering::SeqCst)
    }

    /// Waits until that many tickets have come to the gate.
    pub async fn until_arrived(&self, count: usize) {
        let wait = || async { (self.arrived() >= count).then_some(()) };
        eventually("a drawing comes to the gate", wait).await;
    }
}

#[async_trait]
impl Renderer for Gated {
    async fn ticket(&self, drawing: PrintDrawing, format: Format) -> Result<Bytes, RenderError> {
        self.gate.arrived.fetch_add(1, Ordering::SeqCst);
        let mut position = self.gate.position.subscribe();
        let passed = position
            .wait_for(|position| *position != Position::Closed)
            .await;
        match passed.map(|position| *position) {
            Ok(Position::Open) => self.inner.ticket(drawing, format).await,
            _ => Err(RenderError::Undrawable("the gate is broken".into())),
        }
    }

    async fn plan(&self, drawing: PlanDrawing) -> Result<Bytes, RenderError> {
        self.inner.plan(drawing).await
    }
}
