//! The result of a run: what is shown at its end, kept as JSON, drawn as HTML, and added to the
//! results of other generators that loaded the same target.

mod merge;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cause::Causes;
use crate::histogram::Latency;
use crate::record::{Faults, Interval, Kind, Requests, older};
use crate::timeline::Timeline;
use crate::verdict::Verdict;
use crate::watch::Sample;

pub use self::merge::MergeError;

/// The form of the JSON; another number is another form.
pub const FORMAT: u32 = 2;

/// Everything that is known of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`FORMAT`].
    pub format: u32,
    /// The scenario's name.
    pub scenario: String,
    /// What it is like.
    pub about: String,
    /// Who was loaded.
    pub target: String,
    /// `open`, `closed` or `max`.
    pub mode: String,
    /// When it began, in seconds since 1970.
    pub started_at: i64,
    /// From the first arrival until the last visitor had left, in seconds.
    pub elapsed_s: f64,
    /// It ended before everybody had come and left, for a signal or its limit.
    #[serde(default)]
    pub cut_short: bool,
    /// Generators whose results these are.
    pub generators: u32,
    /// Which runs they are: none is counted twice.
    #[serde(default)]
    pub runs: Vec<Run>,
    /// What generators were made of.
    pub generator: Generator,
    /// What became of those who came.
    #[serde(default)]
    pub customers: Customers,
    /// Every kind of request.
    pub requests: BTreeMap<Kind, Requests>,
    /// Concerts that were on sale.
    pub concerts: Vec<ConcertSales>,
    /// From the order of a print until it was there, by crowd.
    pub waits: Vec<Waits>,
    /// Second by second.
    pub timeline: Timeline,
    /// What the server is made of.
    pub server: Server,
    /// What makes the figures doubtful.
    pub warnings: Vec<String>,
    /// Why connections failed.
    pub errors: Faults,
    /// Why requests failed, in the words of the answers.
    #[serde(default)]
    pub causes: Causes,
    /// Whether promises were kept.
    pub verdicts: Vec<Verdict>,
}

/// A run of one generator. Those that run together have a seed each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// What chose its users and concerts.
    pub seed: u64,
    /// When it began, in seconds since 1970.
    pub started_at: i64,
}

/// What the generators were made of, and whether they were fast enough.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Generator {
    /// Connections at a time, at most.
    pub connections: u64,
    /// Connections that were opened.
    pub opened: u64,
    /// Threads.
    pub threads: u64,
    /// Processor time, in seconds.
    pub cpu_s: f64,
    /// Visits that began.
    pub arrived: u64,
    /// Visits that began late although a connection was free.
    pub late: u64,
    /// By how much visits began late, whatever the reason.
    pub lateness: Latency,
    /// Customers who were not sent.
    pub turned_away: u64,
    /// Requests that could not be sent for want of files or ports, which is no server's fault.
    #[serde(default)]
    pub unsent: Faults,
    /// Requests that were sent again, because the server had closed an idle connection.
    #[serde(default)]
    pub resent: u64,
    /// How long TLS took to agree, of each connection that speaks it.
    #[serde(default)]
    pub handshakes: Latency,
}

/// What became of those who came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Customers {
    /// Visits that ended.
    pub left: u64,
    /// Visits that waited in vain for an answer when the run was cut short.
    pub cut_off: u64,
    /// Visits that got no answer, or a failure, or were sent away to the end; with those cut off.
    pub unanswered: u64,
    /// Customers who wanted to buy and left with neither a ticket nor the word that none is left.
    pub unserved: u64,
    /// Visits that the generator could not go on with.
    pub not_sent: u64,
}

impl Customers {
    pub(crate) fn of(total: &Interval) -> Self {
        Self {
            left: total.left,
            cut_off: total.cut_off,
            unanswered: total.unanswered + total.cut_off,
            unserved: total.unserved,
            not_sent: total.not_sent,
        }
    }

    /// Whom the server could have served.
    pub(crate) fn came(&self) -> u64 {
        (self.left + self.cut_off).saturating_sub(self.not_sent)
    }
}

/// What became of a concert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConcertSales {
    /// Its id.
    pub id: String,
    /// What the scenario calls it.
    pub key: String,
    /// Seats.
    pub capacity: u64,
    /// Orders that were answered with a ticket.
    pub bought: u64,
    /// Orders that were told that nothing is left.
    pub refused: u64,
    /// Tickets that were listed at the end.
    pub listed: u64,
}

/// How long a crowd waited for its prints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Waits {
    /// The crowd's place among all of the scenario: several may have one name.
    #[serde(default)]
    pub place: usize,
    /// The crowd.
    pub crowd: String,
    /// Its prints were wanted at once.
    pub urgent: bool,
    /// From the order to the print.
    pub wait: Latency,
}

/// A second of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Second {
    /// Visits that began.
    pub arrived: u64,
    /// Visitors who were there at its end.
    pub here: u64,
    /// Answers by status, without asking again whether a print is there.
    pub by_status: BTreeMap<u16, u64>,
    /// Requests without an answer.
    pub unanswered: u64,
    /// Tickets that were bought.
    pub bought: u64,
    /// Prints that were there.
    pub printed: u64,
    /// Latency of the same requests.
    pub latency: Latency,
    /// The age of the stalest plan that was fetched, in seconds.
    pub plan_stale_s: Option<f64>,
    /// What the server said of itself.
    pub sample: Sample,
}

/// What could be seen of the server's process and files.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Server {
    /// The most resident memory, in bytes.
    pub rss_max: Option<u64>,
    /// The ledger's files at the end, in bytes; as the server measured them some seconds before if
    /// nobody could look.
    pub ledger_bytes: Option<u64>,
    /// All other files in the data folder, unless they are too many to look at.
    pub other_bytes: Option<u64>,
}

impl Second {
    pub(crate) fn of(interval: &Interval, here: usize) -> Self {
        let mut second = Self {
            arrived: interval.arrived,
            here: u64::try_from(here).unwrap_or(u64::MAX),
            bought: interval.count(Kind::Buy, 201),
            printed: interval.waits.values().map(Latency::count).sum(),
            latency: interval.latency(),
            plan_stale_s: interval.plan_stale_s,
            ..Self::default()
        };
        for (kind, requests) in &interval.requests {
            second.unanswered += requests.unanswered;
            if *kind != Kind::Poll {
                for (status, count) in &requests.by_status {
                    *second.by_status.entry(*status).or_default() += count;
                }
            }
        }
        second
    }

    /// Answers of any status.
    pub fn answers(&self) -> u64 {
        self.by_status.values().sum()
    }

    /// Adds what another thread or generator did in the same second.
    pub(crate) fn add(&mut self, other: &Self) {
        self.arrived += other.arrived;
        self.here += other.here;
        for (status, count) in &other.by_status {
            *self.by_status.entry(*status).or_default() += count;
        }
        self.unanswered += other.unanswered;
        self.bought += other.bought;
        self.printed += other.printed;
        self.latency.add(&other.latency);
        self.plan_stale_s = older(self.plan_stale_s, other.plan_stale_s);
        // All look at one server; whoever has seen something of it speaks for all.
        if self.sample == Sample::default() {
            self.sample = other.sample;
        }
    }

    /// Adds what happened in the second after it: nobody is there twice, and what the server
    /// said last is so.
    pub(crate) fn follow(&mut self, next: &Self) {
        let here = self.here.max(next.here);
        self.add(next);
        self.here = here;
        if next.sample != Sample::default() {
            self.sample = next.sample;
        }
    }
}

impl Report {
    /// Whether every promise was kept.
    pub fn holds(&self) -> bool {
        self.verdicts.iter().all(|verdict| verdict.ok)
    }

    /// Whether a promise is known to be broken.
    pub fn is_broken(&self) -> bool {
        self.verdicts.iter().any(Verdict::is_broken)
    }

    /// What to say of the run in a line.
    pub fn summary(&self) -> String {
        let count = |which: fn(&Verdict) -> bool| {
            let verdicts = self.verdicts.iter();
            verdicts.filter(|verdict| which(verdict)).count()
        };
        let (broken, unmeasured) = (
            count(Verdict::is_broken),
            count(|verdict| verdict.unmeasured),
        );
        let all = self.verdicts.len();
        let warnings = match self.warnings.len() {
            0 => String::new(),
            1 => ", with a warning".into(),
            more => format!(", with {more} warnings"),
        };
        let cut = if self.cut_short {
            " until the run was cut short"
        } else {
            ""
        };
        let doubt = match unmeasured {
            0 => "",
            _ => ", and not everything was measured",
        };
        match (broken, unmeasured) {
            (0, 0) => format!("Every promise was kept{cut}: {all} of {all}{warnings}"),
            (0, _) => format!("Not measured: {unmeasured} of {all} promises{cut}{warnings}"),
            (1, _) => format!("1 of {all} promises was broken{cut}{doubt}{warnings}"),
            (more, _) => format!("{more} of {all} promises were broken{cut}{doubt}{warnings}"),
        }
    }

    /// Requests of all kinds that a customer waits for.
    pub fn all_requests(&self) -> Requests {
        let mut all = Requests::default();
        for (_, requests) in self
            .requests
            .iter()
            .filter(|(kind, _)| **kind != Kind::Poll)
        {
            all.add(requests);
        }
        all
    }

    /// Requests of one kind.
    pub fn of_kind(&self, kind: Kind) -> Requests {
        self.requests.get(&kind).cloned().unwrap_or_default()
    }

    /// Tickets that were bought.
    pub fn bought(&self) -> u64 {
        self.of_kind(Kind::Buy).count(201)
    }

    /// How long urgent prints took.
    pub fn urgent(&self) -> Latency {
        let mut urgent = Latency::default();
        for waits in self.waits.iter().filter(|waits| waits.urgent) {
            urgent.add(&waits.wait);
        }
        urgent
    }

    /// Processor time of the generators for each request, in microseconds.
    pub fn cpu_us_each(&self) -> f64 {
        let requests: u64 = self.requests.values().map(Requests::answers).sum();
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let requests = requests.max(1) as f64;
        self.generator.cpu_s * 1e6 / requests
    }
}
