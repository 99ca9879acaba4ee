//! Keep-alive connections of one thread. Who finds none free waits, and the wait counts as
//! latency: a server that needs more connections than it was given is slow for its clients.

use std::cell::{Cell, RefCell};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::connection::{Connection, ConnectionError};
use crate::histogram::Latency;
use crate::target::Target;

/// Connections, up to a number.
#[derive(Debug)]
pub(crate) struct Pool {
    target: Target,
    idle: RefCell<Vec<Line>>,
    free: Semaphore,
    opened: Cell<u64>,
    handshakes: RefCell<Latency>,
}

/// The right to one of the connections.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    _permit: SemaphorePermit<'a>,
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
    _place: Place<'a>,
}

impl Pool {
    pub(crate) fn new(target: &Target, connections_max: usize) -> Self {
        Self {
            target: target.clone(),
            idle: RefCell::default(),
            free: Semaphore::new(connections_max.max(1)),
            opened: Cell::new(0),
            handshakes: RefCell::default(),
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

    /// How long TLS took to agree, of each connection that speaks it.
    pub(crate) fn take_handshakes(&self) -> Latency {
        self.handshakes.take()
    }

    /// Waits until one of the connections is free.
    pub(crate) async fn place(&self) -> Result<Place<'_>, ConnectionError> {
        let permit = self.free.acquire().await;
        let place = permit.map(|permit| Place { _permit: permit });
        place.map_err(|_| ConnectionError::Closed)
    }

    /// Takes a connection, or opens one.
    pub(crate) async fn lease<'a>(
        &'a self,
        place: Place<'a>,
    ) -> Result<Lease<'a>, ConnectionError> {
        // The one that was used last is the least likely to be closed for idleness.
        while let Some(mut line) = self.take_idle() {
            if line.connection.is_alive() {
                return Ok(self.leased(line, place));
            }
        }
        let line = Line {
            connection: self.open().await?,
            request: Vec::with_capacity(512),
        };
        Ok(self.leased(line, place))
    }

    async fn open(&self) -> Result<Connection, ConnectionError> {
        let connection = Connection::to(&self.target).await?;
        self.opened.set(self.opened.get() + 1);
        if let Some(time) = connection.handshake() {
            self.handshakes.borrow_mut().record(time);
        }
        Ok(connection)
    }

    fn take_idle(&self) -> Option<Line> {
        self.idle.borrow_mut().pop()
    }

    fn leased<'a>(&'a self, line: Line, place: Place<'a>) -> Lease<'a> {
        Lease {
            line,
            pool: self,
            _place: place,
        }
    }
}

impl Lease<'_> {
    pub(crate) fn line(&mut self) -> &mut Line {
        &mut self.line
    }

    /// Has another connection instead, a new one.
    pub(crate) async fn reopen(&mut self) -> Result<(), ConnectionError> {
        self.line.connection = self.pool.open().await?;
        Ok(())
    }

    /// Gives the connection back: its answer was read to the end.
    pub(crate) fn give_back(self) {
        self.pool.idle.borrow_mut().push(self.line);
    }
}
