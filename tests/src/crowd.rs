//! A crowd that buys a concert out, and has its tickets printed, whatever happens to the servers.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::engine::seconds;
use crate::http::{Answer, Http, order_body, try_answer};
use crate::wait::{DEADLINE, eventually};

/// How long a client whose request failed waits before it asks again.
const PATIENCE: Duration = Duration::from_millis(50);

/// A rest between two purchases of one buyer, so that a sale lasts.
const PAUSE: Duration = Duration::from_millis(20);

/// The rest of one whose tickets are printed, as that takes longer.
const PRINT_PAUSE: Duration = Duration::from_millis(100);

/// The rests of a buyer who dawdles: while the test has something to do, however long that takes
/// on a busy machine, the sale goes on and does not end.
const DAWDLE_PAUSES: u32 = 100;

/// Clients who buy until there is nothing left.
#[derive(Debug)]
pub struct Crowd {
    shared: Arc<Shared>,
    buyers: JoinSet<Vec<String>>,
}

#[derive(Debug)]
struct Shared {
    concert: String,
    prints: bool,
    /// Changes when a server is replaced by another one.
    servers: Mutex<Vec<Http>>,
    bought: AtomicUsize,
    /// Buyers dawdle once so many tickets are bought.
    hurried: AtomicUsize,
    refused: AtomicUsize,
    stopping: AtomicBool,
}

impl Crowd {
    /// Buyers who ask these servers in turn. Every other one names a key with each order.
    pub fn buy(servers: Vec<Http>, concert: &str, buyers: u32) -> Self {
        Self::come(servers, concert, buyers, false)
    }

    /// As [`Crowd::buy`], and each ticket is to be printed.
    pub fn buy_and_print(servers: Vec<Http>, concert: &str, buyers: u32) -> Self {
        Self::come(servers, concert, buyers, true)
    }

    fn come(servers: Vec<Http>, concert: &str, buyers: u32, prints: bool) -> Self {
        let shared = Arc::new(Shared {
            concert: concert.to_owned(),
            prints,
            servers: Mutex::new(servers),
            bought: AtomicUsize::new(0),
            hurried: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
        });
        let mut all = JoinSet::new();
        for user in 1..=buyers {
            let shared = Arc::clone(&shared);
            all.spawn(async move { shared.buy_on(user).await });
        }
        Self {
            shared,
            buyers: all,
        }
    }

    /// Tickets that were answered so far.
    pub fn bought(&self) -> usize {
        self.shared.bought.load(Ordering::SeqCst)
    }

    /// Requests that were answered 503 so far.
    pub fn refused(&self) -> usize {
        self.shared.refused.load(Ordering::SeqCst)
    }

    /// Waits until so many more tickets are answered. Buyers hurry a little further than that.
    pub async fn until_more(&self, tickets: usize) {
        self.until(self.bought() + tickets).await;
    }

    /// Waits until so many tickets are answered in all, however late it is asked. Buyers hurry a
    /// little further than that.
    pub async fn until(&self, enough: usize) {
        let left = enough.saturating_sub(self.bought());
        self.hurry_until(enough + left / 2);
        let so_many = || async { (self.bought() >= enough).then_some(()) };
        eventually("the sale goes on", so_many).await;
    }

    /// Has buyers hurry until nothing is left.
    pub fn hurry(&self) {
        self.hurry_until(usize::MAX);
    }

    fn hurry_until(&self, tickets: usize) {
        self.shared.hurried.fetch_max(tickets, Ordering::SeqCst);
    }

    /// Has another server asked in the place of one that is gone.
    pub async fn replace(&self, at: usize, server: Http) {
        self.shared.servers.lock().await[at] = server;
    }

    /// Has everybody go home after their present purchase. Gives the tickets.
    pub async fn stop(self) -> HashSet<String> {
        self.shared.stopping.store(true, Ordering::SeqCst);
        self.sold_out().await
    }

    /// Waits until there is nothing left to buy, and gives the tickets that were answered.
    ///
    /// # Panics
    ///
    /// If one ticket was sold to two, or a server said what it must not.
    pub async fn sold_out(mut self) -> HashSet<String> {
        self.hurry();
        let mut tickets = HashSet::new();
        let patience = DEADLINE + Duration::from_secs(u64::from(seconds()));
        let end = tokio::time::Instant::now() + patience;
        loop {
            let home = tokio::time::timeout_at(end, self.buyers.join_next()).await;
            let Some(bought) = home.expect("the sale ends") else {
                return tickets;
            };
            for ticket in bought.expect("no buyer panics") {
                assert!(tickets.insert(ticket.clone()), "{ticket} was sold twice");
            }
        }
    }
}

impl Shared {
    async fn buy_on(&self, user: u32) -> Vec<String> {
        let mut tickets = Vec::new();
        let order = order_body(&self.concert, user);
        while !self.stopping.load(Ordering::SeqCst) {
            let key = user
                .is_multiple_of(2)
                .then(|| format!("{}-{user}-{}", self.concert, tickets.len()));
            let bought = self.insist(user, "/api/v1/tickets", key.as_deref(), Some(&order));
            let bought = bought.await;
            if bought.status == 422 {
                return tickets;
            }
            assert_eq!(bought.status, 201, "{}", bought.text());
            let ticket = bought.string("/id");
            if self.prints {
                let path = format!("/api/v1/tickets/{ticket}/print");
                let asked = self.insist(user, &path, None, None).await;
                assert!([200, 202].contains(&asked.status), "{}", asked.text());
            }
            tickets.push(ticket);
            self.bought.fetch_add(1, Ordering::SeqCst);
            self.rest().await;
        }
        tickets
    }

    async fn rest(&self) {
        let pause = if self.prints { PRINT_PAUSE } else { PAUSE };
        tokio::time::sleep(pause).await;
        for _ in 0..DAWDLE_PAUSES {
            if self.bought.load(Ordering::SeqCst) < self.hurried.load(Ordering::SeqCst) {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Asks one server after the other until one answers for good. That the last seats are held
    /// by others (409) is no such answer.
    async fn insist(
        &self,
        user: u32,
        path: &str,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> Answer {
        for turn in user as usize.. {
            let http = {
                let servers = self.servers.lock().await;
                servers[turn % servers.len()].clone()
            };
            let mut request = http.request(Method::POST, path);
            if let Some(key) = key {
                request = request.header("idempotency-key", key);
            }
            if let Some(body) = body {
                request = request.json(body);
            }
            match try_answer(request).await {
                Ok(answer) if answer.status == 503 => {
                    assert_eq!(answer.header("retry-after"), "1", "{}", answer.text());
                    self.refused.fetch_add(1, Ordering::SeqCst);
                }
                Ok(answer) if answer.status != 409 => return answer,
                // Nobody is there, or its answer was cut off.
                Ok(_) | Err(_) => {}
            }
            tokio::time::sleep(PATIENCE).await;
        }
        unreachable!("a turn always follows")
    }
}
