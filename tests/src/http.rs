//! A client that keeps everything it was told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{HOST, HeaderMap};
use serde_json::{Value, json};

use crate::wait::eventually;

/// A client of one server.
#[derive(Debug, Clone)]
pub struct Http {
    client: reqwest::Client,
    base: String,
    /// The servers, asked in turn.
    addresses: Arc<[SocketAddr]>,
    asked: Arc<AtomicUsize>,
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Http {
    /// A client of the server at an address.
    pub fn new(address: SocketAddr) -> Self {
        Self::of(vec![address])
    }

    /// A client of several servers, to whom it seems to be one: it asks them in turn, by the
    /// name of the first.
    ///
    /// # Panics
    ///
    /// Without a server.
    pub fn of(addresses: Vec<SocketAddr>) -> Self {
        Self {
            client: client(usize::MAX),
            base: format!("http://{}", addresses[0]),
            addresses: addresses.into(),
            asked: Arc::default(),
        }
    }

    /// The same client with a connection for each request: a server of little patience may close
    /// one that idles in the moment in which it is used again.
    #[must_use]
    pub fn without_idle_connections(self) -> Self {
        Self {
            client: client(0),
            ..self
        }
    }

    /// `http://host:port`, without a slash at the end.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Starts a request to build upon.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let (turn, request) = self.next(method, path);
        if turn == 0 {
            return request;
        }
        request.header(HOST, self.addresses[0].to_string())
    }

    /// A request to the server whose turn it is.
    fn next(&self, method: Method, path: &str) -> (usize, reqwest::RequestBuilder) {
        let turn = self.asked.fetch_add(1, Ordering::Relaxed) % self.addresses.len();
        let url = format!("http://{}{path}", self.addresses[turn]);
        (turn, self.client.request(method, url))
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Answer {
        answer(self.request(Method::GET, path)).await
    }

    /// The address of the server.
    pub fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// `GET` with headers.
    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send("GET", path, headers, "").await
    }

    /// Any request with any bytes for a body; no body at all when there are none.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body> + AsRef<[u8]>,
    ) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let names_host = headers.iter().any(|(name, _)| *name == "host");
        let mut request = if names_host {
            self.next(method, path).1
        } else {
            self.request(method, path)
        };
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.as_ref().is_empty() {
            request = request.body(body);
        }
        answer(request).await
    }

    /// `POST` with a JSON body and an idempotency key.
    pub async fn post_keyed(&self, path: &str, key: &str, body: &Value) -> Answer {
        let request = self
            .request(Method::POST, path)
            .header("idempotency-key", key);
        answer(request.json(body)).await
    }

    /// Every concert and every ticket, to be compared with later.
    pub async fn ledger(&self) -> [String; 2] {
        [
            self.get("/api/v1/concerts").await.text(),
            self.get("/api/v1/tickets").await.text(),
        ]
    }

    /// `POST` with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        answer(self.request(Method::POST, path).json(body)).await
    }

    /// `POST` without a body.
    pub async fn post_empty(&self, path: &str) -> Answer {
        answer(self.request(Method::POST, path)).await
    }

    /// `PUT` with a JSON body.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        answer(self.request(Method::PUT, path).json(body)).await
    }

    /// Creates a concert and gives its id.
    pub async fn create_concert(&self, name: &str, capacity: u32) -> String {
        let body = concert_body(name, capacity);
        let created = self.post("/api/v1/concerts", &body).await;
        assert_eq!(created.status, 201, "{}", created.text());
        created.string("/id")
    }

    /// Buys a ticket as the built-in user of that number; gives the answer.
    pub async fn buy(&self, concert: &str, user: u32) -> Answer {
        self.post("/api/v1/tickets", &order_body(concert, user))
            .await
    }

    /// Buys a ticket that must be there, and gives its id.
    pub async fn bought(&self, concert: &str, user: u32) -> String {
        let bought = self.buy(concert, user).await;
        assert_eq!(bought.status, 201, "{}", bought.text());
        bought.string("/id")
    }

    /// Polls a ticket until its print has a status.
    ///
    /// # Panics
    ///
    /// If it has it not in time.
    pub async fn until_print(&self, ticket: &str, status: &str) {
        let path = format!("/api/v1/tickets/{ticket}");
        let has_it = || async {
            let found = self.get(&path).await.string("/print_status");
            (found == status).then_some(())
        };
        eventually(&format!("ticket {ticket} becomes {status}"), has_it).await;
    }

    /// A concert's seating plan. It may take longer to draw than a request waits for it.
    ///
    /// # Panics
    ///
    /// If the server says anything but to come back, or there is no plan in time.
    pub async fn plan(&self, concert: &str) -> Answer {
        let path = format!("/api/v1/concerts/{concert}/seats");
        eventually("the plan is drawn", || async {
            let plan = self.get(&path).await;
            if plan.status == 404 && !plan.header("retry-after").is_empty() {
                return None;
            }
            assert_eq!(plan.status, 200, "{}", plan.text());
            Some(plan)
        })
        .await
    }
}

/// A client that keeps up to so many connections to a server for later.
fn client(idle_max: usize) -> reqwest::Client {
    // The client asks for one even where nothing is encrypted. Refused when there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        // A server that never answers fails the test instead of holding it up.
        .timeout(crate::wait::DEADLINE)
        .pool_max_idle_per_host(idle_max)
        .build()
        .expect("a client without TLS needs nothing of the system")
}

/// Sends a request and reads the answer to its end.
pub async fn answer(request: reqwest::RequestBuilder) -> Answer {
    try_answer(request).await.expect("the server answers")
}

/// As [`answer`], for servers that may be gone.
pub async fn try_answer(request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Ok(Answer {
        status,
        headers,
        body: response.bytes().await?,
    })
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The string at a JSON pointer.
    pub fn string(&self, pointer: &str) -> String {
        let json = self.json();
        let found = json.pointer(pointer).and_then(Value::as_str);
        found
            .unwrap_or_else(|| panic!("no string at {pointer} in {json}"))
            .to_owned()
    }

    /// A header, or nothing when it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("headers are ASCII"))
    }

    /// Asserts a problem of a status, as every error of the contract is.
    #[track_caller]
    pub fn assert_problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status, "{problem}");
        for key in ["type", "title", "detail"] {
            assert!(problem[key].is_string(), "{key} in {problem}");
        }
        problem
    }
}

/// A concert next year, on sale.
pub fn concert_body(name: &str, capacity: u32) -> Value {
    json!({
        "name": name,
        "venue": "Grand Arena",
        "date": "2031-05-17",
        "capacity": capacity,
        "status": "ACTIVE",
    })
}

/// An order of the built-in user of that number, 1 to 5,000.
pub fn order_body(concert: &str, user: u32) -> Value {
    json!({ "concert_id": concert, "user_id": user_id(user) })
}

/// The id of the built-in user of that number, 1 to 5,000.
pub fn user_id(user: u32) -> String {
    format!("00000000-0000-0000-0000-{user:012}")
}
