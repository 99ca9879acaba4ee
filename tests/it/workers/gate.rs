//! A renderer that can be held up, and that knows who is drawing.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use domain::concert::Concert;
use domain::plans::PlanDrawing;
use domain::ports::{RenderError, Renderer};
use domain::prints::{Format, PrintDrawing};
use domain::{ConcertId, TicketId};
use tests::eventually;
use tokio::sync::watch;
use workers::RenderPool;

/// Holds drawings up while it is closed.
pub(super) struct Gate {
    inner: RenderPool,
    open: watch::Sender<bool>,
    drawings: Mutex<Vec<Drawing>>,
}

/// A drawing that came to the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Drawing {
    pub(super) concert: ConcertId,
    pub(super) version: u32,
    /// Whose print it is; nothing of a plan.
    pub(super) ticket: Option<TicketId>,
    pub(super) ended: Ended,
}

/// How it went on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    NotYet,
    Drawn,
    Dropped,
}

/// Notes the end of a drawing, however it ends.
struct Noted<'a> {
    gate: &'a Gate,
    at: usize,
    ended: Ended,
}

impl Gate {
    pub(super) fn before(inner: RenderPool) -> Arc<Self> {
        let (open, drawings) = (watch::Sender::new(true), Mutex::default());
        Arc::new(Self {
            inner,
            open,
            drawings,
        })
    }

    pub(super) fn close(&self) {
        self.open.send_replace(false);
    }

    pub(super) fn open(&self) {
        self.open.send_replace(true);
    }

    /// The drawings so far, in the order of their coming.
    pub(super) fn drawings(&self) -> Vec<Drawing> {
        self.drawings.lock().unwrap().clone()
    }

    /// Waits until drawings that pass a test have come, or got so far.
    pub(super) async fn until(&self, what: &str, count: usize, test: impl Fn(&Drawing) -> bool) {
        let enough = || {
            self.drawings()
                .iter()
                .filter(|drawing| test(drawing))
                .count()
                >= count
        };
        eventually(what, || async { enough().then_some(()) }).await;
    }

    async fn pass(&self, concert: &Concert, ticket: Option<TicketId>) -> Noted<'_> {
        let at = {
            let mut drawings = self.drawings.lock().unwrap();
            drawings.push(Drawing {
                concert: concert.id,
                version: concert.version,
                ticket,
                ended: Ended::NotYet,
            });
            drawings.len() - 1
        };
        let noted = Noted {
            gate: self,
            at,
            ended: Ended::Dropped,
        };
        self.open.subscribe().wait_for(|open| *open).await.unwrap();
        noted
    }
}

#[async_trait]
impl Renderer for Gate {
    async fn ticket(&self, drawing: PrintDrawing, format: Format) -> Result<Bytes, RenderError> {
        let mut noted = self.pass(&drawing.concert, Some(drawing.ticket.id)).await;
        let drawn = self.inner.ticket(drawing, format).await;
        noted.ended = Ended::Drawn;
        drawn
    }

    async fn plan(&self, drawing: PlanDrawing) -> Result<Bytes, RenderError> {
        let mut noted = self.pass(&drawing.concert, None).await;
        let drawn = self.inner.plan(drawing).await;
        noted.ended = Ended::Drawn;
        drawn
    }
}

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        self.gate.drawings.lock().unwrap()[self.at].ended = self.ended;
    }
}
