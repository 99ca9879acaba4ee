//! One keep-alive connection: a request out, an answer in.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::request::Request;

/// The most bytes of an answer; a larger one is an error.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How long an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);
const HEADERS_MAX: usize = 64;

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Bytes at the front of the buffer that belong to the answer before.
    used: usize,
}

/// An answer. The body is valid until the next request on the connection.
#[derive(Debug)]
pub struct Response<'a> {
    /// HTTP status.
    pub status: u16,
    /// The body, without any transfer encoding.
    pub body: &'a [u8],
}

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// The network failed, or the server hung up.
    #[error("the connection failed")]
    Io(#[from] std::io::Error),
    /// The server hung up in the middle of an answer, or before it.
    #[error("the server closed the connection")]
    Closed,
    /// What came is not HTTP/1.1 with a length.
    #[error("the answer is not one that this client reads: {0}")]
    Unreadable(String),
    /// The server took longer than a minute.
    #[error("the server did not answer within a minute")]
    TimedOut,
}

struct Head {
    status: u16,
    body_starts: usize,
    body_len: usize,
}

impl Connection {
    /// Connects.
    pub async fn open(server: SocketAddr) -> Result<Self, ConnectionError> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(16 * 1024),
            used: 0,
        })
    }

    /// Sends a request and waits for its answer.
    pub async fn send(&mut self, request: &Request) -> Result<Response<'_>, ConnectionError> {
        let mut bytes = Vec::with_capacity(512);
        request.write_to(&mut bytes);
        self.exchange(&bytes).await
    }

    /// Sends the bytes of one request and waits for its answer.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<Response<'_>, ConnectionError> {
        self.stream.write_all(request).await?;
        self.buffer.drain(..self.used);
        self.used = 0;
        let head = tokio::time::timeout(ANSWER_TIMEOUT, self.read_answer())
            .await
            .map_err(|_| ConnectionError::TimedOut)??;
        self.used = head.body_starts + head.body_len;
        Ok(Response {
            status: head.status,
            body: &self.buffer[head.body_starts..self.used],
        })
    }

    async fn read_answer(&mut self) -> Result<Head, ConnectionError> {
        loop {
            if let Some(head) = parse_head(&self.buffer)? {
                while self.buffer.len() < head.body_starts + head.body_len {
                    self.read_more().await?;
                }
                return Ok(head);
            }
            self.read_more().await?;
        }
    }

    async fn read_more(&mut self) -> Result<(), ConnectionError> {
        if self.buffer.len() > ANSWER_BYTES_MAX {
            return Err(ConnectionError::Unreadable(
                "it is longer than 64 MiB".into(),
            ));
        }
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(ConnectionError::Closed),
            _ => Ok(()),
        }
    }
}

fn parse_head(bytes: &[u8]) -> Result<Option<Head>, ConnectionError> {
    let unreadable = |what: &str| ConnectionError::Unreadable(what.to_owned());
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response
        .parse(bytes)
        .map_err(|error| unreadable(&error.to_string()))?;
    let httparse::Status::Complete(body_starts) = parsed else {
        return Ok(None);
    };
    let status = response
        .code
        .ok_or_else(|| unreadable("it has no status"))?;
    let length = response
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok());
    let body_len = match length {
        Some(length) if length <= ANSWER_BYTES_MAX => length,
        None if status == 204 || status == 304 => 0,
        Some(_) => return Err(unreadable("it is longer than 64 MiB")),
        None => return Err(unreadable("it has no Content-Length")),
    };
    Ok(Some(Head {
        status,
        body_starts,
        body_len,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_only_when_it_is_whole() {
        let answer = b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}";
        for cut in 0..answer.len() - 2 {
            assert!(parse_head(&answer[..cut]).unwrap().is_none());
        }
        let head = parse_head(answer).unwrap().unwrap();
        assert_eq!((head.status, head.body_len), (201, 2));
        assert_eq!(&answer[head.body_starts..], b"{}");
    }

    #[test]
    fn an_answer_without_a_length_or_of_a_huge_one_is_refused() {
        assert!(parse_head(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(parse_head(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n").is_err());
        assert!(parse_head(b"SSH-2.0\r\n").is_err());
    }
}
