//! The crowd: who buys, who prints, who downloads.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::UserId;
use loadtest::{Request, Script};

use super::Shared;

/// How long a reader waits when a print is not there yet.
const NOT_YET: Duration = Duration::from_millis(10);

/// How long a buyer waits who heard that the seats left are held by others, and how often the
/// buyers of one connection ask again altogether. After that, the answer stands.
const HELD: Duration = Duration::from_millis(50);
const ASKED_AGAIN_MAX: u32 = 1_000;

/// Buys one ticket for each of some users. A user to whom the seats left were held by others asks
/// again.
#[derive(Debug)]
pub(super) struct Buyer {
    host: Shared,
    concert: Shared,
    users: VecDeque<UserId>,
    /// Who waits for an answer.
    asking: Option<UserId>,
    asked_again: u32,
    /// The tickets that were bought.
    pub(super) tickets: Vec<String>,
}

impl Buyer {
    pub(super) fn new(server: SocketAddr, concert: &str, users: &[UserId]) -> Self {
        Self {
            host: server.to_string().into(),
            concert: concert.into(),
            users: users.iter().copied().collect(),
            asking: None,
            asked_again: 0,
            tickets: Vec::new(),
        }
    }
}

impl Script for Buyer {
    fn next(&mut self, request: &mut Vec<u8>) -> bool {
        let Some(user) = self.users.pop_front() else {
            return false;
        };
        self.asking = Some(user);
        let body = format!(r#"{{"concert_id":"{}","user_id":"{user}"}}"#, self.concert);
        Request::new("POST", "/api/v1/tickets", &self.host)
            .json(body)
            .write_to(request);
        true
    }

    fn answered(&mut self, status: u16, body: &[u8]) -> Duration {
        let id = || {
            serde_json::from_slice::<serde_json::Value>(body).ok()?["id"]
                .as_str()
                .map(str::to_owned)
        };
        let asked = self.asking.take();
        match status {
            201 => self.tickets.extend(id()),
            409 if self.asked_again < ASKED_AGAIN_MAX => {
                self.asked_again += 1;
                if let Some(user) = asked {
                    self.users.push_front(user);
                }
                return HELD;
            }
            _ => {}
        }
        Duration::ZERO
    }
}

/// Asks for the print of each of some tickets.
#[derive(Debug)]
pub(super) struct Printer {
    host: Shared,
    tickets: VecDeque<String>,
}

impl Printer {
    pub(super) fn new(server: SocketAddr, tickets: &[String]) -> Self {
        Self {
            host: server.to_string().into(),
            tickets: tickets.iter().cloned().collect(),
        }
    }
}

impl Script for Printer {
    fn next(&mut self, request: &mut Vec<u8>) -> bool {
        let Some(ticket) = self.tickets.pop_front() else {
            return false;
        };
        let path = format!("/api/v1/tickets/{ticket}/print");
        Request::new("POST", &path, &self.host)
            .json("")
            .write_to(request);
        true
    }

    fn answered(&mut self, _status: u16, _body: &[u8]) -> Duration {
        Duration::ZERO
    }
}

/// Downloads the print of each of some tickets until each was there once.
#[derive(Debug)]
pub(super) struct Reader {
    host: Shared,
    old_name: Arc<str>,
    new_name: Arc<str>,
    missing: VecDeque<String>,
    /// Prints with the old name.
    pub(super) stale: u64,
    /// Prints with the new name.
    pub(super) fresh: u64,
}

impl Reader {
    pub(super) fn new(
        server: SocketAddr,
        tickets: &[String],
        old_name: &str,
        new_name: &str,
    ) -> Self {
        Self {
            host: server.to_string().into(),
            old_name: old_name.into(),
            new_name: new_name.into(),
            missing: tickets.iter().cloned().collect(),
            stale: 0,
            fresh: 0,
        }
    }
}

impl Script for Reader {
    fn next(&mut self, request: &mut Vec<u8>) -> bool {
        let Some(ticket) = self.missing.front() else {
            return false;
        };
        let path = format!("/api/v1/tickets/{ticket}/print");
        Request::new("GET", &path, &self.host).write_to(request);
        true
    }

    fn answered(&mut self, status: u16, body: &[u8]) -> Duration {
        let Some(ticket) = self.missing.pop_front() else {
            return Duration::ZERO;
        };
        if status == 200 && contains(body, &self.old_name) {
            self.stale += 1;
        }
        if status == 200 && contains(body, &self.new_name) {
            self.fresh += 1;
            return Duration::ZERO;
        }
        self.missing.push_back(ticket);
        NOT_YET
    }
}

fn contains(body: &[u8], text: &str) -> bool {
    std::str::from_utf8(body).is_ok_and(|body| body.contains(text))
}
