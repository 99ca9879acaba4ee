//! The audit from outside: what any client may see of a server agrees with itself and with what
//! was promised. Lists are read as they come; 16 bytes of each ticket are kept.

mod concert;
mod listing;
mod prints;
mod words;

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) use self::concert::Found;
pub(crate) use self::listing::Elements;
pub(crate) use self::words::Words;
use crate::client::Client;
use crate::record::Faults;
use crate::target::{LoadError, Target};
use crate::verdict::Verdict;

/// The most tickets of which ids are kept to find duplicates among concerts: 320 MB of them.
const TICKETS_MAX: u64 = 20_000_000;

/// What to look at.
#[derive(Debug, Clone)]
pub struct AuditOptions {
    /// Only these concerts; every one if empty.
    pub concerts: Vec<String>,
    /// The most prints that are read, over all concerts.
    pub prints_max: u64,
    /// Tickets of each concert that are compared with what they are by themselves.
    pub samples: u64,
    /// The age that a plan may have.
    pub plan_staleness: Duration,
}

impl Default for AuditOptions {
    fn default() -> Self {
        Self {
            concerts: Vec::new(),
            prints_max: 10_000,
            samples: 20,
            plan_staleness: Duration::from_mins(3),
        }
    }
}

/// Tickets that were acknowledged, sorted, by the id of their concert: all of them must be there.
pub type Acknowledged = BTreeMap<String, Vec<u128>>;

/// What was found.
#[derive(Debug)]
pub struct Audited {
    /// Each promise.
    pub verdicts: Vec<Verdict>,
    /// Tickets that are listed, by the id of their concert.
    pub listed: BTreeMap<String, u64>,
    /// What was looked at, in words.
    pub extent: String,
}

/// What clients see that must not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Flaw {
    Oversold,
    Lost,
    Duplicate,
    Stale,
    NoPrint,
    PlanAhead,
    Differs,
    Stranger,
    Status,
}

impl Flaw {
    const ALL: [Self; 9] = [
        Self::Oversold,
        Self::Lost,
        Self::Duplicate,
        Self::NoPrint,
        Self::Stale,
        Self::PlanAhead,
        Self::Differs,
        Self::Stranger,
        Self::Status,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Oversold => "P1 oversold",
            Self::Lost => "P3 lost",
            Self::Duplicate => "P4 duplicate-ids",
            Self::NoPrint => "P5 printed-without-print",
            Self::Stale => "P6 stale-bytes",
            Self::PlanAhead => "P8 plan-ahead",
            Self::Differs => "P9 list-differs",
            Self::Stranger => "P9 unknown-names",
            Self::Status => "P9 status-differs",
        }
    }
}

/// A concert as the contract has it: these keys and no others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Concert {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) venue: String,
    pub(crate) date: String,
    pub(crate) capacity: u32,
    pub(crate) status: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    id: String,
    #[expect(dead_code, reason = "it must be there")]
    name: String,
    #[expect(dead_code, reason = "it must be there")]
    email: String,
}

/// An audit that runs.
#[derive(Debug)]
pub(crate) struct Audit<'a> {
    pub(crate) client: Client,
    pub(crate) options: &'a AuditOptions,
    pub(crate) users: HashSet<String>,
    pub(crate) flaws: BTreeMap<Flaw, Faults>,
    pub(crate) plan_stale: Duration,
    pub(crate) prints: u64,
    pub(crate) prints_skipped: u64,
    ids: Vec<u128>,
    tickets: u64,
}

/// Looks at everything. `progress` is told each concert that is done: its number, how many there
/// are, and the tickets so far.
pub async fn audit(
    target: &Target,
    options: &AuditOptions,
    acknowledged: &Acknowledged,
    mut progress: impl FnMut(usize, usize, u64),
) -> Result<Audited, LoadError> {
    let mut client = Client::patient(target);
    let users: Vec<User> = client.get("/api/v1/users").await?.json()?;
    let concerts: Vec<Concert> = client.get("/api/v1/concerts").await?.json()?;
    let mut audit = Audit {
        client,
        options,
        users: users.into_iter().map(|user| user.id).collect(),
        flaws: BTreeMap::new(),
        plan_stale: Duration::ZERO,
        prints: 0,
        prints_skipped: 0,
        ids: Vec::new(),
        tickets: 0,
    };
    audit.check_missing(&concerts);
    let wanted = |one: &Concert| options.concerts.is_empty() || options.concerts.contains(&one.id);
    let concerts: Vec<_> = concerts.into_iter().filter(wanted).collect();
    let mut listed = BTreeMap::new();
    for (at, concert) in concerts.iter().enumerate() {
        let none = Vec::new();
        let own = acknowledged.get(&concert.id).unwrap_or(&none);
        let found = audit.check_concert(concert, own).await?;
        listed.insert(concert.id.clone(), found.tickets());
        audit.take_ids(found);
        progress(at + 1, concerts.len(), audit.tickets);
    }
    audit.check_unique();
    Ok(audit.conclude(concerts.len(), listed))
}

impl Audit<'_> {
    pub(crate) fn note(&mut self, flaw: Flaw, detail: impl FnOnce() -> String) {
        self.flaws.entry(flaw).or_default().note(detail);
    }

    /// A concert that was asked for must be listed.
    fn check_missing(&mut self, concerts: &[Concert]) {
        let listed: HashSet<_> = concerts.iter().map(|one| one.id.as_str()).collect();
        for id in &self.options.concerts {
            if !listed.contains(id.as_str()) {
                self.note(Flaw::Differs, || format!("concert {id} is not listed"));
            }
        }
    }

    fn take_ids(&mut self, found: Found) {
        self.tickets += found.tickets();
        let room = TICKETS_MAX.saturating_sub(u64::try_from(self.ids.len()).unwrap_or(u64::MAX));
        if found.tickets() <= room {
            self.ids.extend(found.ids);
        }
    }

    /// No ticket is listed with two concerts.
    fn check_unique(&mut self) {
        let mut ids = std::mem::take(&mut self.ids);
        ids.sort_unstable();
        for pair in ids.windows(2).filter(|pair| pair[0] == pair[1]) {
            let id = uuid::Uuid::from_u128(pair[0]);
            self.note(Flaw::Duplicate, || {
                format!("ticket {id} is listed with two concerts")
            });
        }
    }

    fn conclude(mut self, concerts: usize, listed: BTreeMap<String, u64>) -> Audited {
        let mut verdicts: Vec<_> = Flaw::ALL
            .into_iter()
            .map(|flaw| {
                let found = self.flaws.remove(&flaw).unwrap_or_default();
                Verdict::count(flaw.name(), found.count, found.details)
            })
            .collect();
        let limit = self.options.plan_staleness.as_secs_f64();
        let stale = Verdict::figure(
            "P8 plan-staleness",
            self.plan_stale.as_secs_f64(),
            "s",
            limit,
        );
        let place = verdicts.iter().position(|one| one.name.starts_with("P9"));
        verdicts.insert(place.unwrap_or(verdicts.len()), stale);
        let skipped = match self.prints_skipped {
            0 => String::new(),
            more => format!(" ({more} more were not read)"),
        };
        let extent = format!(
            "{concerts} concerts, {} tickets and {} prints{skipped}",
            self.tickets, self.prints
        );
        Audited {
            verdicts,
            listed,
            extent,
        }
    }
}
