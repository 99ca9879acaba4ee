//! A pool's claimed jobs as a back end of apalis.
//!
//! It cannot fail, and it never ends by itself: apalis ends a worker on the first error of its
//! back end, and waits for ever on one that has ended. What can fail is done before (claiming)
//! and after (settling).

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use apalis::prelude::{Task, WorkerContext};
use apalis_core::backend::finalize::Ephemeral;
use apalis_core::backend::{Backend, BackendConfig};
use apalis_core::layers::Identity;
use tokio::sync::mpsc;

use crate::claimer::Held;

/// Claimed jobs. A clone reads from the same queue, so that a restarted worker goes on with it.
#[derive(Debug, Clone)]
pub(crate) struct Inbox(Arc<Mutex<mpsc::Receiver<Held>>>);

impl Inbox {
    pub(crate) fn new(jobs: mpsc::Receiver<Held>) -> Self {
        Self(Arc::new(Mutex::new(jobs)))
    }

    /// A job that no worker has taken.
    pub(crate) fn take(&self) -> Option<Held> {
        self.lock().try_recv().ok()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, mpsc::Receiver<Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Backend for Inbox {
    type Task = Task<Held>;
    type Error = Infallible;

    fn poll_ready(
        &mut self,
        _cx: &mut Context<'_>,
        _worker: &WorkerContext,
    ) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        _worker: &WorkerContext,
    ) -> Poll<Option<Result<Task<Held>, Infallible>>> {
        match self.lock().poll_recv(cx) {
            Poll::Ready(Some(held)) => Poll::Ready(Some(Ok(Task::new(held)))),
            // Without a claimer there is nothing more, but the worker ends only when it is told.
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }

    fn poll_close(
        &mut self,
        _cx: &mut Context<'_>,
        _worker: &WorkerContext,
    ) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }
}

impl BackendConfig for Inbox {
    type Args = Held;
    type Id = ();
    type Kind = Ephemeral;
    type Config = ();
    type Layer = Identity;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _worker: &mut WorkerContext) -> Identity {
        Identity::new()
    }
}
