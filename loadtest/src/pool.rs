//! Keep-alive connections of one thread. Who finds none free waits, and the wait counts as
//! latency: a server that needs more connections than it was given is slow for its clients.

use std::cell::{Cell, RefCell};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::connection::{Connection, ConnectionError};
use crate::target::Target;

/// Connections, up to a number.
#[derive(Debug)]
pub(crate) struct Pool {
    target: Target,
    idle: RefCell<Vec<Line>>,
    free: Semaphore,
    opened: Cell<u64>,
}

/// A connection, with a place to write its requests.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) connection: Connection,
    pub(crate) request: Vec<u8>,
}

/// A connection that somebody uses. Closed when dropped, unless it is given back.
#[derive(Debug)]
pub(crate) struct Lease<'a> {
    line: Line,
    pool: &'a Pool,
    _permit: SemaphorePermit<'a>,
}

impl Pool {
    pub(crate) fn new(target: &Target, connections_max: usize) -> Self {
        Self {
            target: target.clone(),
            idle: RefCell::default(),
            free: Semaphore::new(connections_max.max(1)),
            opened: Cell::new(0),
        }
    }

    /// Whether somebody would get a connection at once.
    pub(crate) fn has_free(&self) -> bool {
        self.free.available_permits() > 0
    }

    /// Connections that were opened so far.
    pub(crate) fn opened(&self) -> u64 {
        self.opened.get()
    }

    pub(crate) async fn lease(&self) -> Result<Lease<'_>, ConnectionError> {
        let permit = self
            .free
            .acquire()
            .await
            .map_err(|_| ConnectionError::Closed)?;
        // The one that was used last is the least likely to be closed for idleness.
        while let Some(line) = self.take_idle() {
            if line.connection.is_alive() {
                return Ok(self.leased(line, permit));
            }
        }
        self.opened.set(self.opened.get() + 1);
        let line = Line {
            connection: Connection::open(self.target.address).await?,
            request: Vec::with_capacity(512),
        };
        Ok(self.leased(line, permit))
    }

    fn take_idle(&self) -> Option<Line> {
        self.idle.borrow_mut().pop()
    }

    fn leased<'a>(&'a self, line: Line, permit: SemaphorePermit<'a>) -> Lease<'a> {
        Lease {
            line,
            pool: self,
            _permit: permit,
        }
    }
}

impl Lease<'_> {
    pub(crate) fn line(&mut self) -> &mut Line {
        &mut self.line
    }

    /// Gives the connection back: its answer was read to the end.
    pub(crate) fn give_back(self) {
        self.pool.idle.borrow_mut().push(self.line);
    }
}
