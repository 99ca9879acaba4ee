//! One keep-alive connection: a request out, an answer in.

mod link;

use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::time::Duration;

use self::link::Link;
use crate::framing::Framing;
use crate::request::Request;
use crate::target::Target;

/// The most bytes of an answer; a larger one is an error.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How long an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);
/// How long one of several addresses may take to answer before the next one is tried.
const ADDRESS_TIMEOUT: Duration = Duration::from_secs(5);
const HEADERS_MAX: usize = 64;

/// What a server that speaks TLS sends to who does not: an alert of any version.
const TLS_ALERT: [u8; 2] = [0x15, 0x03];

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    link: Link,
    buffer: Vec<u8>,
    /// Bytes at the front of the buffer that belong to the answer before.
    used: usize,
    /// The body of an answer that came in chunks, put together.
    joined: Vec<u8>,
    /// The server said that the last answer was the last one.
    ended: bool,
    /// An answer came over it.
    was_used: bool,
    /// How long TLS took to agree, if it is spoken.
    handshake: Option<Duration>,
}

/// An answer. The body is valid until the next request on the connection.
#[derive(Debug)]
pub struct Response<'a> {
    /// HTTP status.
    pub status: u16,
    /// After how many seconds the server wants to be asked again.
    pub retry_after_s: Option<u32>,
    /// Where a redirect leads.
    pub location: Option<String>,
    /// The body, without any transfer encoding.
    pub body: &'a [u8],
}

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// The network failed, or the server hung up.
    #[error("the connection failed")]
    Io(#[from] std::io::Error),
    /// This machine had no file, port or memory left for it: the server was not even asked.
    #[error("the generator cannot open a connection")]
    NotSent(#[source] std::io::Error),
    /// The server is not trusted, or does not speak TLS as we do.
    #[error("the TLS handshake failed: {0}")]
    Handshake(String),
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
    /// Where a redirect leads.
    pub(crate) location: Option<String>,
    /// The server closes the connection after this answer.
    closes: bool,
    body_starts: usize,
    framing: Framing,
}

impl Connection {
    /// Connects to an address, without TLS.
    pub async fn open(server: SocketAddr) -> Result<Self, ConnectionError> {
        let link = link::open(server, ANSWER_TIMEOUT).await?;
        Ok(Self::over(link, None))
    }

    /// Connects to a target: to the address of its name that answered last or, if that does not
    /// answer any more, to each of the others.
    pub(crate) async fn to(target: &Target) -> Result<Self, ConnectionError> {
        let mut failed = None;
        let mut addresses = target.addresses().peekable();
        while let Some((at, address)) = addresses.next() {
            let last = addresses.peek().is_none();
            let patience = if last {
                ANSWER_TIMEOUT
            } else {
                ADDRESS_TIMEOUT
            };
            match link::open(address, patience).await {
                Ok(link) => {
                    target.prefer(at);
                    return Self::secured(link, target).await;
                }
                // That this machine has no address of the same family is no news of the server.
                Err(ConnectionError::NotSent(_)) if failed.is_some() => {}
                Err(error) => failed = Some(error),
            }
        }
        Err(failed.unwrap_or(ConnectionError::Closed))
    }

    async fn secured(link: Link, target: &Target) -> Result<Self, ConnectionError> {
        let Some(tls) = &target.tls else {
            return Ok(Self::over(link, None));
        };
        let begun = std::time::Instant::now();
        let shaking = tokio::time::timeout(ANSWER_TIMEOUT, link.secure(tls));
        let link = shaking.await.map_err(|_| ConnectionError::TimedOut)??;
        Ok(Self::over(link, Some(begun.elapsed())))
    }

    fn over(link: Link, handshake: Option<Duration>) -> Self {
        Self {
            link,
            buffer: Vec::with_capacity(4 * 1024),
            used: 0,
            joined: Vec::new(),
            ended: false,
            was_used: false,
            handshake,
        }
    }

    /// How long TLS took to agree, if it is spoken.
    pub(crate) fn handshake(&self) -> Option<Duration> {
        self.handshake
    }

    /// Whether the server has not hung up while nobody looked.
    pub(crate) fn is_alive(&mut self) -> bool {
        !self.ended && self.link.is_quiet()
    }

    /// Whether what failed may be asked again over another connection, if it changes nothing: the
    /// server closed this one, which had been used before, and answered nothing (RFC 9112 §9.5).
    pub(crate) fn was_closed_idle(&self, error: &ConnectionError) -> bool {
        let is_closed = matches!(error, ConnectionError::Io(_) | ConnectionError::Closed);
        is_closed && self.was_used && self.buffer.is_empty()
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
        self.was_used = true;
        let body = match head.framing {
            Framing::Length(length) => &self.buffer[head.body_starts..][..length],
            _ => &self.joined,
        };
        Ok(Response {
            status: head.status,
            retry_after_s: head.retry_after_s,
            location: head.location,
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
                self.was_used = true;
                return Ok(head);
            }
            self.read_in_time().await?;
        }
    }

    async fn write(&mut self, request: &[u8]) -> Result<(), ConnectionError> {
        self.buffer.drain(..self.used);
        self.used = 0;
        Ok(self.link.write(request).await?)
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
        match self.link.read(&mut self.buffer).await? {
            0 => Err(ConnectionError::Closed),
            _ => Ok(()),
        }
    }
}

fn parse_head(bytes: &[u8]) -> Result<Option<Head>, ConnectionError> {
    let unreadable = |what: &str| ConnectionError::Unreadable(what.to_owned());
    if bytes.starts_with(&TLS_ALERT) {
        return Err(unreadable("it is of TLS, which https:// speaks"));
    }
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
        location: None,
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
        } else if is("location") {
            head.location = Some(text().to_owned());
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
        let alert = parse_head(b"\x15\x03\x03\0\x02\x02\x32").unwrap_err();
        assert!(alert.to_string().contains("https://"), "{alert}");
    }

    #[tokio::test]
    async fn each_address_of_a_name_is_tried() {
        let nobody = tokio::net::TcpSocket::new_v4().unwrap();
        nobody.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (gone, there) = (nobody.local_addr().unwrap(), listener.local_addr().unwrap());
        let target = Target::at(&[gone, there], "tickets.example", "");
        Connection::to(&target).await.unwrap();
        // From now on it begins with the one that is there.
        let order: Vec<_> = target.addresses().collect();
        assert_eq!(order, [(1, there), (0, gone)]);
        let target = Target::at(&[gone, gone], "tickets.example", "");
        let error = Connection::to(&target).await.unwrap_err();
        assert!(matches!(error, ConnectionError::Io(_)), "{error:?}");
    }
}
