//! A client that says what it wants, byte by byte.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::wait::DEADLINE;

/// A connection without manners.
#[derive(Debug)]
pub struct Raw {
    stream: TcpStream,
    seen: Vec<u8>,
}

impl Raw {
    /// Connects.
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address)
            .await
            .expect("the server accepts");
        Self {
            stream,
            seen: Vec::new(),
        }
    }

    /// Sends bytes; `false` when the server has hung up.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// Says that nothing more will be sent.
    pub async fn finish(&mut self) {
        // A server that has hung up already has been told.
        let _ = self.stream.shutdown().await;
    }

    /// Reads until the server hangs up; everything that it said.
    ///
    /// # Panics
    ///
    /// When it does not hang up within [`DEADLINE`].
    pub async fn until_closed(&mut self) -> String {
        loop {
            let mut more = vec![0; 16 * 1024];
            match self.read(&mut more).await {
                // A reset is as good an end as any.
                Ok(0) | Err(_) => return self.seen(),
                Ok(length) => self.seen.extend_from_slice(&more[..length]),
            }
        }
    }

    /// Reads until the server has said that text, or hung up; everything that it said.
    pub async fn until(&mut self, text: &str) -> String {
        while !self.seen().contains(text) {
            let mut more = vec![0; 16 * 1024];
            match self.read(&mut more).await {
                Ok(0) | Err(_) => break,
                Ok(length) => self.seen.extend_from_slice(&more[..length]),
            }
        }
        self.seen()
    }

    async fn read(&mut self, more: &mut [u8]) -> io::Result<usize> {
        let read = tokio::time::timeout(DEADLINE, self.stream.read(more)).await;
        read.expect("the server says something or hangs up in time")
    }

    fn seen(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
    }
}

/// The statuses of the answers in a conversation.
pub fn statuses(conversation: &str) -> Vec<u16> {
    let heads = conversation.match_indices("HTTP/1.");
    heads
        .filter_map(|(at, _)| conversation.get(at + 9..at + 12)?.parse().ok())
        .collect()
}
