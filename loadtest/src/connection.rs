//! One keep-alive connection: a request out, an answer in.

use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::framing::Framing;
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
    /// The body of an answer that came in chunks, put together.
    joined: Vec<u8>,
    /// The server said that the last answer was the last one.
    ended: bool,
}

/// An answer. The body is valid until the next request on the connection.
#[derive(Debug)]
pub struct Response<'a> {
    /// HTTP status.
    pub status: u16,
    /// After how many seconds the server wants to be asked again.
    pub retry_after_s: Option<u32>,
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

/// The first lines of an answer.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) retry_after_s: Option<u32>,
    /// The entity tag, if it is one that fits.
    pub(crate) etag: Option<String>,
    /// The server closes the connection after this answer.
    closes: bool,
    body_starts: usize,
    framing: Framing,
}

impl Connection {
    /// Connects.
    pub async fn open(server: SocketAddr) -> Result<Self, ConnectionError> {
        let connecting = tokio::time::timeout(ANSWER_TIMEOUT, TcpStream::connect(server));
        let stream = connecting.await.map_err(|_| ConnectionError::TimedOut)??;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(4 * 1024),
            used: 0,
            joined: Vec::new(),
            ended: false,
        })
    }

    /// Whether the server has not hung up while nobody looked.
    pub(crate) fn is_alive(&self) -> bool {
        // Nothing may come while nothing was asked: bytes are as bad as the end.
        let nothing = self.stream.try_read(&mut [0; 1]);
        !self.ended
            && matches!(nothing, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
    }

    /// Sends a request and waits for its answer.
    pub async fn send(&mut self, request: &Request) -> Result<Response<'_>, ConnectionError> {
        let mut bytes = Vec::with_capacity(512);
        request.write_to(&mut bytes);
        self.exchange(&bytes).await
    }

    /// Sends the bytes of one request and waits for its answer.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<Response<'_>, ConnectionError> {
        self.write(request).await?;
        let answer = tokio::time::timeout(ANSWER_TIMEOUT, self.read_answer());
        let head = answer.await.map_err(|_| ConnectionError::TimedOut)??;
        self.ended = head.closes;
        let body = match head.framing {
            Framing::Length(length) => &self.buffer[head.body_starts..][..length],
            _ => &self.joined,
        };
        Ok(Response {
            status: head.status,
            retry_after_s: head.retry_after_s,
            body,
        })
    }

    /// Sends the bytes of one request and hands the body on as it comes, so that memory does not
    /// grow with it. Each piece may take as long as a whole answer elsewhere.
    pub(crate) async fn stream(
        &mut self,
        request: &[u8],
        mut sink: impl FnMut(u16, &[u8]),
    ) -> Result<Head, ConnectionError> {
        self.write(request).await?;
        let mut head = loop {
            if let Some(head) = parse_head(&self.buffer)? {
                break head;
            }
            self.read_in_time().await?;
        };
        self.buffer.drain(..head.body_starts);
        loop {
            let status = head.status;
            let used = head.framing.read(&self.buffer, |bytes| sink(status, bytes));
            let used = used.map_err(|what| ConnectionError::Unreadable(what.into()))?;
            self.buffer.drain(..used);
            if head.framing.is_done() {
                self.ended = head.closes;
                return Ok(head);
            }
            self.read_in_time().await?;
        }
    }

    async fn write(&mut self, request: &[u8]) -> Result<(), ConnectionError> {
        self.stream.write_all(request).await?;
        self.buffer.drain(..self.used);
        self.used = 0;
        Ok(())
    }

    /// Reads a whole answer: one with a length stays in the buffer, chunks are joined.
    async fn read_answer(&mut self) -> Result<Head, ConnectionError> {
        let mut head = loop {
            if let Some(head) = parse_head(&self.buffer)? {
                break head;
            }
            self.read_more().await?;
        };
        if let Framing::Length(length) = head.framing {
            while self.buffer.len() < head.body_starts + length {
                self.read_more().await?;
            }
            self.used = head.body_starts + length;
            return Ok(head);
        }
        self.joined.clear();
        let mut used = head.body_starts;
        loop {
            let joined = &mut self.joined;
            let read = head.framing.read(&self.buffer[used..], |bytes| {
                joined.extend_from_slice(bytes);
            });
            used += read.map_err(|what| ConnectionError::Unreadable(what.into()))?;
            if head.framing.is_done() {
                self.used = used;
                return Ok(head);
            }
            self.read_more().await?;
        }
    }

    async fn read_in_time(&mut self) -> Result<(), ConnectionError> {
        let read = tokio::time::timeout(ANSWER_TIMEOUT, self.read_more());
        read.await.map_err(|_| ConnectionError::TimedOut)?
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
    // Not even to be filled with nothing: it is some of what an answer costs.
    let mut headers = [const { MaybeUninit::uninit() }; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut []);
    let parsed = httparse::ParserConfig::default()
        .parse_response_with_uninit_headers(&mut response, bytes, &mut headers)
        .map_err(|error| unreadable(&error.to_string()))?;
    let httparse::Status::Complete(body_starts) = parsed else {
        return Ok(None);
    };
    let mut head = Head {
        status: response
            .code
            .ok_or_else(|| unreadable("it has no status"))?,
        retry_after_s: None,
        etag: None,
        closes: false,
        body_starts,
        framing: Framing::Done,
    };
    let (mut length, mut chunked) = (None, false);
    for header in response.headers.iter() {
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        let text = || std::str::from_utf8(header.value).unwrap_or_default();
        if is("content-length") {
            length = text().parse::<usize>().ok();
        } else if is("transfer-encoding") {
            chunked = text().eq_ignore_ascii_case("chunked");
        } else if is("retry-after") {
            head.retry_after_s = text().parse().ok();
        } else if is("connection") {
            head.closes = text().eq_ignore_ascii_case("close");
        } else if is("etag") {
            head.etag = Some(text().to_owned());
        }
    }
    head.framing = match length {
        Some(length) if length <= ANSWER_BYTES_MAX => Framing::Length(length),
        Some(_) => return Err(unreadable("it is longer than 64 MiB")),
        None if head.status == 204 || head.status == 304 => Framing::Length(0),
        None if chunked => Framing::ChunkSize,
        None => return Err(unreadable("it has neither a length nor chunks")),
    };
    Ok(Some(head))
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
        assert_eq!(head.status, 201);
        assert!(matches!(head.framing, Framing::Length(2)));
        assert_eq!(&answer[head.body_starts..], b"{}");
    }

    #[test]
    fn an_answer_without_a_length_or_of_a_huge_one_is_refused() {
        assert!(parse_head(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(parse_head(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n").is_err());
        assert!(parse_head(b"SSH-2.0\r\n").is_err());
    }
}
