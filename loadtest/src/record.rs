//! What one thread measured, second by second.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::cause::Causes;
use crate::histogram::Latency;

/// The most words about one kind of fault.
pub(crate) const DETAILS_MAX: usize = 20;

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Look up a user.
    User,
    /// Look up a concert.
    Concert,
    /// Buy.
    Buy,
    /// Read a ticket.
    Ticket,
    /// Order a print.
    Print,
    /// Ask again whether a print is there.
    Poll,
    /// Download a print.
    Download,
    /// Fetch a plan.
    Plan,
    /// Rename a concert.
    Rename,
}

impl Kind {
    /// All of them, in the order of a visit.
    pub const ALL: [Self; 9] = [
        Self::User,
        Self::Concert,
        Self::Buy,
        Self::Ticket,
        Self::Print,
        Self::Poll,
        Self::Download,
        Self::Plan,
        Self::Rename,
    ];

    /// Whether it is a GET, which changes nothing and may be sent again.
    pub(crate) fn reads(self) -> bool {
        !matches!(self, Self::Buy | Self::Print | Self::Rename)
    }

    /// As reports show it.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "look up user",
            Self::Concert => "look up concert",
            Self::Buy => "buy",
            Self::Ticket => "read ticket",
            Self::Print => "order print",
            Self::Poll => "wait for print",
            Self::Download => "download print",
            Self::Plan => "fetch plan",
            Self::Rename => "rename concert",
        }
    }
}

/// Requests of one kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Requests {
    /// Answers by status.
    pub by_status: BTreeMap<u16, u64>,
    /// Requests without an answer: connections that failed or timed out.
    pub unanswered: u64,
    /// From the moment when the request was due to its answer.
    pub latency: Latency,
    /// From the moment when it was sent to its answer: what a closed loop would see.
    pub service: Latency,
}

impl Requests {
    /// Answers of any status.
    pub fn answers(&self) -> u64 {
        self.by_status.values().sum()
    }

    /// Answers of a status.
    pub fn count(&self, status: u16) -> u64 {
        self.by_status.get(&status).copied().unwrap_or(0)
    }

    /// Adds another one's.
    pub fn add(&mut self, other: &Self) {
        for (status, count) in &other.by_status {
            *self.by_status.entry(*status).or_default() += count;
        }
        self.unanswered += other.unanswered;
        self.latency.add(&other.latency);
        self.service.add(&other.service);
    }
}

/// What must not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// A print showed what was no longer so.
    StaleBytes,
    /// A plan showed fewer purchases than before, or more than there are seats.
    PlanBack,
    /// An answer that the contract does not have.
    WrongAnswer,
    /// A print that was ordered never came, or failed.
    NotPrinted,
    /// A ticket was said to be printed, and its print was not there.
    NoPrint,
}

/// How often something happened, and some words about it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Faults {
    /// How often.
    pub count: u64,
    /// The first ones, [`DETAILS_MAX`] at most.
    pub details: Vec<String>,
}

impl Faults {
    /// Adds another one's.
    pub fn add(&mut self, other: &Self) {
        self.count += other.count;
        let room = DETAILS_MAX.saturating_sub(self.details.len());
        self.details
            .extend(other.details.iter().take(room).cloned());
    }

    /// Notes one.
    pub fn note(&mut self, detail: impl FnOnce() -> String) {
        self.count += 1;
        if self.details.len() < DETAILS_MAX {
            self.details.push(detail());
        }
    }
}

/// What happened within a second, or within many.
#[derive(Debug, Clone, Default)]
pub struct Interval {
    /// Requests by kind.
    pub requests: BTreeMap<Kind, Requests>,
    /// From the order of a print until it was there, by crowd.
    pub waits: BTreeMap<usize, Latency>,
    /// Visits that began.
    pub arrived: u64,
    /// Visits that ended.
    pub left: u64,
    /// Visits that began late although a connection was free: the generator was slow.
    pub late: u64,
    /// By how much visits began late, whatever the reason.
    pub lateness: Latency,
    /// Customers who were not sent because too many were waiting already.
    pub turned_away: u64,
    /// Customers who wanted to buy and left with neither a ticket nor the word that none is left.
    pub unserved: u64,
    /// Visits that came to nothing because a request got no answer, or none that serves.
    pub unanswered: u64,
    /// Visits that waited in vain for an answer when the run was cut short. They did not leave.
    pub cut_off: u64,
    /// Visits that came to nothing because the generator could not send a request.
    pub not_sent: u64,
    /// Requests that it could not send.
    pub unsent: Faults,
    /// Requests that were sent again because a connection had been closed idle.
    pub resent: u64,
    /// The age of the stalest plan, in seconds; nothing if none was fetched.
    pub plan_stale_s: Option<f64>,
    /// What must not happen.
    pub faults: BTreeMap<Fault, Faults>,
    /// Why connections failed.
    pub errors: Faults,
    /// Why requests failed, as the answers say it.
    pub causes: Causes,
}

impl Interval {
    /// Adds another one.
    pub fn add(&mut self, other: &Self) {
        for (kind, requests) in &other.requests {
            self.requests.entry(*kind).or_default().add(requests);
        }
        for (crowd, waits) in &other.waits {
            self.waits.entry(*crowd).or_default().add(waits);
        }
        self.arrived += other.arrived;
        self.left += other.left;
        self.late += other.late;
        self.lateness.add(&other.lateness);
        self.turned_away += other.turned_away;
        self.unserved += other.unserved;
        self.unanswered += other.unanswered;
        self.cut_off += other.cut_off;
        self.not_sent += other.not_sent;
        self.unsent.add(&other.unsent);
        self.resent += other.resent;
        self.plan_stale_s = older(self.plan_stale_s, other.plan_stale_s);
        for (fault, faults) in &other.faults {
            self.faults.entry(*fault).or_default().add(faults);
        }
        self.errors.add(&other.errors);
        self.causes.add(&other.causes);
    }

    /// Notes a request that got no answer.
    pub(crate) fn note_unanswered(&mut self, kind: Kind, why: &str) {
        self.requests.entry(kind).or_default().unanswered += 1;
        self.causes
            .note(format!("{}: no answer: {why}", kind.name()));
        self.errors.note(|| format!("{}: {why}", kind.name()));
    }

    /// Notes an answer.
    pub(crate) fn answered(
        &mut self,
        kind: Kind,
        status: u16,
        latency: Duration,
        service: Duration,
    ) {
        let requests = self.requests.entry(kind).or_default();
        *requests.by_status.entry(status).or_default() += 1;
        requests.latency.record(latency);
        requests.service.record(service);
    }

    /// Answers of a kind and a status.
    pub fn count(&self, kind: Kind, status: u16) -> u64 {
        self.requests
            .get(&kind)
            .map_or(0, |requests| requests.count(status))
    }

    /// The latency of everything that a customer waits for.
    pub fn latency(&self) -> Latency {
        let mut all = Latency::default();
        for (_, requests) in self
            .requests
            .iter()
            .filter(|(kind, _)| **kind != Kind::Poll)
        {
            all.add(&requests.latency);
        }
        all
    }
}

pub(crate) fn older(one: Option<f64>, two: Option<f64>) -> Option<f64> {
    match (one, two) {
        (Some(one), Some(two)) => Some(one.max(two)),
        (one, two) => one.or(two),
    }
}
