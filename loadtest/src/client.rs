//! A client that does one thing after the other: to prepare a run, and to look at what is left.

use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::connection::{Connection, ConnectionError};
use crate::request::Request;
use crate::target::{LoadError, Target};

/// How often a busy server is asked again.
const TRIES_MAX: u32 = 20;
/// The longest that it is waited for, each time.
const RETRY_AFTER_MAX_S: u32 = 10;
/// How much of an answer an error shows.
const DETAIL_CHARS: usize = 200;

/// A connection that is opened when it is needed.
#[derive(Debug)]
pub(crate) struct Client {
    target: Target,
    connection: Option<Connection>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) etag: Option<String>,
    pub(crate) body: Vec<u8>,
    what: String,
}

impl Client {
    pub(crate) fn new(target: &Target) -> Self {
        Self {
            target: target.clone(),
            connection: None,
        }
    }

    /// `GET`.
    pub(crate) async fn get(&mut self, path: &str) -> Result<Answer, LoadError> {
        let mut body = Vec::new();
        let keep = |_: u16, bytes: &[u8]| body.extend_from_slice(bytes);
        let (status, etag) = self.stream("GET", path, None, keep).await?;
        Ok(Answer {
            status,
            etag,
            body,
            what: format!("GET {path}"),
        })
    }

    /// `POST` or `PUT` with a JSON body.
    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        json: &str,
    ) -> Result<Answer, LoadError> {
        let mut body = Vec::new();
        let keep = |_: u16, bytes: &[u8]| body.extend_from_slice(bytes);
        let (status, etag) = self.stream(method, path, Some(json), keep).await?;
        Ok(Answer {
            status,
            etag,
            body,
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
        mut sink: impl FnMut(u16, &[u8]),
    ) -> Result<(u16, Option<String>), LoadError> {
        let mut request = Request::new(method, path, &self.target.host);
        if let Some(json) = json {
            request = request.json(json);
        }
        let mut bytes = Vec::new();
        request.write_to(&mut bytes);
        let mut tries = 0;
        loop {
            tries += 1;
            let asked = self.once(&bytes, &mut sink).await;
            let head = asked.map_err(|error| {
                let what = format!("{method} {path} of {}", self.target.url());
                LoadError::Unanswered(what, error)
            })?;
            if head.status != 503 || tries == TRIES_MAX {
                return Ok((head.status, head.etag));
            }
            let wait_s = head.retry_after_s.unwrap_or(1).min(RETRY_AFTER_MAX_S);
            tokio::time::sleep(Duration::from_secs(u64::from(wait_s))).await;
        }
    }

    async fn once(
        &mut self,
        request: &[u8],
        sink: &mut impl FnMut(u16, &[u8]),
    ) -> Result<crate::connection::Head, ConnectionError> {
        let kept = self.connection.take().filter(Connection::is_alive);
        let mut connection = match kept {
            Some(connection) => connection,
            None => Connection::open(self.target.address).await?,
        };
        let served = |status, bytes: &[u8]| {
            if status != 503 {
                sink(status, bytes);
            }
        };
        let head = connection.stream(request, served).await?;
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
        let text = String::from_utf8_lossy(&self.body);
        let text: String = text.chars().take(DETAIL_CHARS).collect();
        LoadError::Refused {
            what: self.what.clone(),
            status: self.status,
            detail: error.map_or(text, ToString::to_string),
        }
    }
}
