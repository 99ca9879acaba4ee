//! A client that does one thing after the other: to prepare a run, and to look at what is left.

use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::audit::Elements;
use crate::cause;
use crate::connection::{Connection, ConnectionError, Head};
use crate::request::Request;
use crate::target::{LoadError, Target};

/// How often a busy server is asked again.
const TRIES_MAX: u32 = 20;
/// The longest that it is waited for, each time.
const RETRY_AFTER_MAX_S: u32 = 10;
/// The patience with a server that is gone, of which each lost GET costs one.
const LOST_MAX: u32 = 8;
/// What a minute without an answer costs.
const TIMED_OUT_COSTS: u32 = 6;
/// How long before a lost GET is tried again; twice as long each time, up to the longest: some ten
/// seconds altogether, in which a server is started again.
const LOST_PAUSE: Duration = Duration::from_millis(250);
const LOST_PAUSE_MAX: Duration = Duration::from_secs(2);

/// A connection that is opened when it is needed.
#[derive(Debug)]
pub(crate) struct Client {
    target: Target,
    connection: Option<Connection>,
    /// How much may be lost of one GET until it is given up.
    lost_max: u32,
}

/// Takes an answer as it comes.
pub(crate) trait Sink {
    /// Forgets what came: the answer broke off, and begins again.
    fn restart(&mut self);

    /// Takes the next bytes of an answer of a status.
    fn take(&mut self, status: u16, bytes: &[u8]);
}

/// Keeps the whole of it.
impl Sink for Vec<u8> {
    fn restart(&mut self) {
        self.clear();
    }

    fn take(&mut self, _: u16, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Counts the elements of a list.
#[derive(Debug, Default)]
pub(crate) struct Count {
    list: Elements,
    elements: u64,
}

impl Count {
    pub(crate) fn elements(&self) -> u64 {
        self.elements
    }
}

impl Sink for Count {
    fn restart(&mut self) {
        *self = Self::default();
    }

    fn take(&mut self, _: u16, bytes: &[u8]) {
        let elements = &mut self.elements;
        self.list.feed(bytes, |_| *elements += 1);
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) etag: Option<String>,
    pub(crate) body: Vec<u8>,
    location: Option<String>,
    what: String,
}

impl Client {
    pub(crate) fn new(target: &Target) -> Self {
        Self {
            target: target.clone(),
            connection: None,
            lost_max: 0,
        }
    }

    /// One that tries a GET again that was lost, until a server that was started again is there.
    pub(crate) fn patient(target: &Target) -> Self {
        Self {
            lost_max: LOST_MAX,
            ..Self::new(target)
        }
    }

    /// `GET`.
    pub(crate) async fn get(&mut self, path: &str) -> Result<Answer, LoadError> {
        self.whole("GET", path, None).await
    }

    /// `POST` or `PUT` with a JSON body.
    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        json: &str,
    ) -> Result<Answer, LoadError> {
        self.whole(method, path, Some(json)).await
    }

    async fn whole(
        &mut self,
        method: &str,
        path: &str,
        json: Option<&str>,
    ) -> Result<Answer, LoadError> {
        let mut body = Vec::new();
        let head = self.stream(method, path, json, &mut body).await?;
        Ok(Answer {
            status: head.status,
            etag: head.etag,
            body,
            location: head.location,
            what: format!("{method} {path}"),
        })
    }

    /// A request whose answer is handed on as it comes. One that a server is too busy for (503)
    /// is asked again, some times; the sink does not see those answers.
    pub(crate) async fn stream(
        &mut self,
        method: &str,
        path: &str,
        json: Option<&str>,
        sink: &mut impl Sink,
    ) -> Result<Head, LoadError> {
        let mut request = Request::to(&self.target, method, path);
        if let Some(json) = json {
            request = request.json(json);
        }
        let mut bytes = Vec::new();
        request.write_to(&mut bytes);
        let is_read = method == "GET";
        let (mut tries, mut lost, mut pause) = (0, 0, LOST_PAUSE);
        loop {
            let error = match self.once(&bytes, is_read, sink).await {
                Ok(head) => {
                    tries += 1;
                    if head.status != 503 || tries == TRIES_MAX {
                        return Ok(head);
                    }
                    let wait_s = head.retry_after_s.unwrap_or(1).min(RETRY_AFTER_MAX_S);
                    tokio::time::sleep(Duration::from_secs(u64::from(wait_s))).await;
                    continue;
                }
                Err(error) => error,
            };
            lost += match error {
                ConnectionError::Io(_) | ConnectionError::Closed if is_read => 1,
                ConnectionError::TimedOut if is_read => TIMED_OUT_COSTS,
                _ => LOST_MAX,
            };
            if lost >= self.lost_max {
                let what = format!("{method} {path} of {}", self.target.url());
                return Err(match error {
                    ConnectionError::NotSent(_) => LoadError::NotSent(what, error),
                    _ => LoadError::Unanswered(what, error),
                });
            }
            sink.restart();
            tokio::time::sleep(pause).await;
            pause = (2 * pause).min(LOST_PAUSE_MAX);
        }
    }

    async fn once(
        &mut self,
        request: &[u8],
        is_read: bool,
        sink: &mut impl Sink,
    ) -> Result<Head, ConnectionError> {
        let mut served = |status, bytes: &[u8]| {
            if status != 503 {
                sink.take(status, bytes);
            }
        };
        if let Some(mut connection) = self.connection.take()
            && connection.is_alive()
        {
            match connection.stream(request, &mut served).await {
                Ok(head) => {
                    self.connection = Some(connection);
                    return Ok(head);
                }
                // The server may close a connection at the moment when it is used again.
                Err(error) if !(is_read && connection.was_closed_idle(&error)) => {
                    return Err(error);
                }
                Err(_) => {}
            }
        }
        let mut connection = Connection::to(&self.target).await?;
        let head = connection.stream(request, &mut served).await?;
        self.connection = Some(connection);
        Ok(head)
    }
}

impl Answer {
    /// The body of a success as JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, LoadError> {
        if !(200..300).contains(&self.status) {
            return Err(self.refused(None));
        }
        serde_json::from_slice(&self.body).map_err(|error| self.refused(Some(&error)))
    }

    fn refused(&self, error: Option<&serde_json::Error>) -> LoadError {
        let status = self.status;
        let said = || {
            let words = cause::words(status, self.location.as_deref(), &self.body);
            let (_, said) = words.split_once(' ').unwrap_or(("", "nothing"));
            said.to_owned()
        };
        LoadError::Refused {
            what: self.what.clone(),
            status,
            detail: error.map_or_else(said, ToString::to_string),
        }
    }
}
