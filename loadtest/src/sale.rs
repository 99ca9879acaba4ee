//! What the generator's threads share: users, concerts on sale, and what was acknowledged of them.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::Days;
use serde::Deserialize;
use serde_json::json;

use crate::audit::Words;
use crate::client::{Client, Count};
use crate::scenario::{Scenario, Step};
use crate::target::{LoadError, Target};

/// Tickets of a concert that are kept for those who take up a ticket of before.
const KEPT_MAX: usize = 10_000;

/// Everything that visits need to know.
#[derive(Debug)]
pub(crate) struct Sale {
    pub(crate) target: Target,
    pub(crate) users: Vec<String>,
    pub(crate) concerts: Vec<OnSale>,
    /// Customers who came so far, of each crowd of each phase.
    pub(crate) came: Vec<AtomicU64>,
    begun: Instant,
    keeps_tickets: bool,
    keeps_times: bool,
}

/// A concert on sale.
#[derive(Debug)]
pub(crate) struct OnSale {
    /// What the scenario calls it.
    pub(crate) key: String,
    pub(crate) id: String,
    pub(crate) capacity: u32,
    /// An order, up to the user's id.
    pub(crate) order: Vec<u8>,
    /// Its names, the oldest first, with the moment when the change was answered, if it was.
    names: Mutex<Vec<(Option<Instant>, String)>>,
    kept: Mutex<Vec<String>>,
    /// When each purchase was acknowledged, in milliseconds since the beginning, in that order;
    /// those of before first.
    acknowledged_ms: Mutex<Vec<u32>>,
    /// The most purchases that a plan has shown.
    shown: AtomicU32,
}

#[derive(Debug, Deserialize)]
struct User {
    id: String,
}

#[derive(Debug, Deserialize)]
struct Created {
    id: String,
    name: String,
    capacity: u32,
}

impl Sale {
    /// Reads the users and puts the scenario's concerts on sale, or takes up those that are there.
    pub(crate) async fn open(
        target: &Target,
        scenario: &Scenario,
        existing: &[String],
    ) -> Result<Self, LoadError> {
        let mut client = Client::new(target);
        let users: Vec<User> = client.get("/api/v1/users").await?.json()?;
        if users.is_empty() {
            return Err(LoadError::Refused {
                what: "GET /api/v1/users".into(),
                status: 200,
                detail: "there is nobody to sell to".into(),
            });
        }
        let mut sale = Self {
            target: target.clone(),
            users: users.into_iter().map(|user| user.id).collect(),
            concerts: Vec::new(),
            came: scenario.crowds().map(|_| AtomicU64::new(0)).collect(),
            begun: Instant::now(),
            keeps_tickets: scenario.has(Step::Recall),
            keeps_times: scenario.has(Step::Plan),
        };
        let today = domain::Clock::now(&domain::SystemClock).date_naive();
        for (at, concert) in scenario.concerts.iter().enumerate() {
            let given = existing.iter().skip(at).step_by(scenario.concerts.len());
            for id in given {
                let path = format!("/api/v1/concerts/{id}");
                let found: Created = client.get(&path).await?.json()?;
                sale.add(&concert.key, found);
                if sale.keeps_times {
                    let sold = count_sold(&mut client, id).await?;
                    sale.take_up(sale.concerts.len() - 1, sold);
                }
            }
            for _ in 0..if existing.is_empty() {
                concert.count
            } else {
                0
            } {
                let body = json!({
                    "name": concert.name,
                    "venue": concert.venue,
                    "date": (today + Days::new(u64::from(concert.in_days))).to_string(),
                    "capacity": concert.capacity,
                    "status": "ACTIVE",
                })
                .to_string();
                let created = client.send("POST", "/api/v1/concerts", &body);
                let created: Created = created.await?.json()?;
                sale.add(&concert.key, created);
            }
        }
        // Many concerts take seconds to create, and nobody comes meanwhile.
        sale.begun = Instant::now();
        Ok(sale)
    }

    fn add(&mut self, key: &str, concert: Created) {
        let (host, base, id) = (&self.target.host, &self.target.base, &concert.id);
        let head = format!(r#"{{"concert_id":"{id}","user_id":""#);
        // All ids are of one length, so one length is right for every order.
        let length = head.len() + self.users[0].len() + 2;
        let order = format!(
            "POST {base}/api/v1/tickets HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{head}"
        );
        self.concerts.push(OnSale {
            key: key.to_owned(),
            capacity: concert.capacity,
            order: order.into_bytes(),
            names: Mutex::new(vec![(Some(self.begun), concert.name)]),
            kept: Mutex::default(),
            acknowledged_ms: Mutex::default(),
            shown: AtomicU32::new(0),
            id: concert.id,
        });
    }

    /// Notes what had been sold of a concert before: it was acknowledged by now at the latest.
    fn take_up(&self, concert: usize, sold: usize) {
        let concert = &self.concerts[concert];
        *locked(&concert.acknowledged_ms) = vec![self.elapsed_ms(); sold];
    }

    fn elapsed_ms(&self) -> u32 {
        u32::try_from(self.begun.elapsed().as_millis()).unwrap_or(u32::MAX)
    }

    /// Sales of a concert that are known: those of before, and those that were acknowledged here.
    /// Nothing if nobody keeps them.
    pub(crate) fn known(&self, concert: usize) -> Option<u64> {
        let known = locked(&self.concerts[concert].acknowledged_ms).len();
        self.keeps_times
            .then(|| u64::try_from(known).unwrap_or(u64::MAX))
    }

    /// Places of the concerts of these keys, or of all.
    pub(crate) fn places(&self, keys: &[String]) -> Vec<usize> {
        let wanted = |concert: &OnSale| keys.is_empty() || keys.contains(&concert.key);
        let all = self.concerts.iter().enumerate();
        let found: Vec<_> = all
            .filter(|(_, one)| wanted(one))
            .map(|(at, _)| at)
            .collect();
        if found.is_empty() {
            // Fewer concerts were given than the scenario has.
            return (0..self.concerts.len()).collect();
        }
        found
    }

    /// Writes an order.
    pub(crate) fn write_order(&self, concert: usize, user: usize, request: &mut Vec<u8>) {
        request.extend_from_slice(&self.concerts[concert].order);
        request.extend_from_slice(self.users[user].as_bytes());
        request.extend_from_slice(b"\"}");
    }

    /// Notes a purchase that was just acknowledged.
    pub(crate) fn acknowledge(&self, concert: usize, ticket: &str) {
        let concert = &self.concerts[concert];
        if self.keeps_times {
            locked(&concert.acknowledged_ms).push(self.elapsed_ms());
        }
        if self.keeps_tickets {
            let mut kept = locked(&concert.kept);
            if kept.len() < KEPT_MAX {
                kept.push(ticket.to_owned());
            }
        }
    }

    /// When the concerts had been put on sale.
    pub(crate) fn begun(&self) -> Instant {
        self.begun
    }

    /// For how long the oldest purchase that a plan lacks had been acknowledged when it was asked
    /// for. Purchases of others hide some of it: never too much is told.
    pub(crate) fn plan_age(&self, concert: usize, asked: Instant, purchased: u32) -> Duration {
        let concert = &self.concerts[concert];
        concert.shown.fetch_max(purchased, Ordering::Relaxed);
        let asked_ms = asked.saturating_duration_since(self.begun).as_millis();
        let asked_ms = u32::try_from(asked_ms).unwrap_or(u32::MAX);
        let times = locked(&concert.acknowledged_ms);
        let missing_ms = times.get(purchased as usize).copied();
        Duration::from_millis(u64::from(
            missing_ms.map_or(0, |ms| asked_ms.saturating_sub(ms)),
        ))
    }

    /// The most purchases that a plan of the concert had shown by now.
    pub(crate) fn shown(&self, concert: usize) -> u32 {
        self.concerts[concert].shown.load(Ordering::Relaxed)
    }

    /// A ticket that somebody bought.
    pub(crate) fn recall(&self, concert: usize, random: u64) -> Option<String> {
        let kept = locked(&self.concerts[concert].kept);
        let length = u64::try_from(kept.len())
            .ok()
            .filter(|length| *length > 0)?;
        let at = usize::try_from(random % length).ok()?;
        kept.get(at).cloned()
    }

    /// Notes that a new name was asked for; from now on it may show.
    pub(crate) fn rename(&self, concert: usize, name: &str) {
        locked(&self.concerts[concert].names).push((None, name.to_owned()));
    }

    /// Notes that it was answered; what is asked for from now on must show it.
    pub(crate) fn renamed(&self, concert: usize, name: &str) {
        let mut names = locked(&self.concerts[concert].names);
        let asked = names.iter_mut().rev().find(|(_, one)| one == name);
        if let Some((answered, _)) = asked {
            *answered = Some(Instant::now());
        }
    }

    /// Whether a print that was asked for at a moment may say what it says: the name that was in
    /// force then, or a later one.
    pub(crate) fn is_fresh(&self, concert: usize, asked: Instant, print: &Words) -> bool {
        let names = locked(&self.concerts[concert].names);
        let answered = |since: &Option<Instant>| since.is_some_and(|since| since <= asked);
        let in_force = names.iter().rposition(|(since, _)| answered(since));
        let mut allowed = names[in_force.unwrap_or(0)..].iter();
        allowed.any(|(_, name)| print.show(name))
    }
}

/// How many tickets of a concert are listed.
async fn count_sold(client: &mut Client, concert: &str) -> Result<usize, LoadError> {
    let path = format!("/api/v1/tickets?concert_id={concert}");
    let mut sold = Count::default();
    client.stream("GET", &path, None, &mut sold).await?;
    Ok(usize::try_from(sold.elements()).unwrap_or(usize::MAX))
}

/// A lock that a panic cannot poison for others: what it guards is whole after every line.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
