//! Requests as bytes, written once and sent often.

use crate::target::Target;

/// An HTTP/1.1 request under construction; keeps the connection open.
#[derive(Debug, Clone)]
pub struct Request {
    head: String,
    body: String,
}

impl Request {
    /// A request without a body.
    pub fn new(method: &str, path: &str, host: &str) -> Self {
        Self {
            head: format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n"),
            body: String::new(),
        }
    }

    /// A request to a target, below its base path.
    pub(crate) fn to(target: &Target, method: &str, path: &str) -> Self {
        Self::new(method, &format!("{}{path}", target.base), &target.host)
    }

    /// Adds a header. Values come from the program, not from people: line breaks are its fault.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        debug_assert!(!value.contains(['\r', '\n']), "a header is one line");
        for part in [name, ": ", value, "\r\n"] {
            self.head.push_str(part);
        }
        self
    }

    /// Sets a JSON body.
    #[must_use]
    pub fn json(self, body: impl Into<String>) -> Self {
        let body = body.into();
        let length = body.len().to_string();
        let mut request = self
            .header("Content-Type", "application/json")
            .header("Content-Length", &length);
        request.body = body;
        request
    }

    /// Appends the bytes to send.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.head.as_bytes());
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(self.body.as_bytes());
    }
}
