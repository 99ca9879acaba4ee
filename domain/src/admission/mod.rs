//! Admission: whether a request is let in is decided before any work is done for it.
//!
//! Requests come in classes, each with places of its own, so that no crowd takes what another one
//! needs. A class whose requests wait to be written in groups has fewer places while the ledger is
//! slow: as many as are written within the longest wait that is worth it. What counts is the
//! length of the queue and the measured pace of the ledger, so that nobody waits in vain; once
//! inside, nothing is given up for want of time.

mod door;
mod halls;
mod pace;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;

use self::door::Door;
pub(crate) use self::halls::{Hall, Halls};
pub(crate) use self::pace::Pace;

pub use self::door::Pass;

/// Requests that share places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Buying.
    Purchases,
    /// Asking for prints.
    PrintOrders,
    /// Fetching prints.
    Downloads,
    /// Looking at seating plans.
    Plans,
    /// Lists, which are sent piece by piece.
    Lists,
    /// Looking at one concert, ticket or layout.
    Lookups,
    /// Creating and changing concerts.
    Changes,
}

/// How much is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdmissionLimits {
    /// Purchases under way, at the most.
    pub purchases_max: usize,
    /// The part of the places for purchases, in percent, that one concert can take.
    pub concert_share_percent: u32,
    /// Print requests under way, at the most.
    pub print_orders_max: usize,
    /// The longest wait for the ledger that is worth it: purchases and print requests are let in
    /// only as far as they are written within this time.
    pub wait_max_ms: u64,
    /// Downloads of prints under way.
    pub downloads_max: usize,
    /// Seating plans under way.
    pub plans_max: usize,
    /// Lists that are being sent.
    pub lists_max: usize,
    /// Requests for one concert, ticket or layout.
    pub lookups_max: usize,
    /// Concerts that are being created or changed.
    pub changes_max: usize,
    /// How long a process believes that a concert is sold out, once that was proven, before it
    /// looks again.
    pub sold_out_believed_ms: u64,
}

/// Why somebody was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The places of the class are taken.
    Full,
    /// The ledger is slow, and as much waits for it as is worth waiting.
    Slow,
    /// The concert has its share of the places.
    Concert,
}

/// A request that was not let in. Nothing was done for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shed {
    /// What it wanted.
    pub class: Class,
    /// Why not.
    pub reason: Reason,
    /// How many of them are under way.
    pub inside: usize,
    /// When to ask again, in seconds.
    pub retry_after_s: u32,
}

/// The doors of every class.
#[derive(Debug)]
pub(crate) struct Admission {
    doors: [Arc<Door>; Class::ALL.len()],
    halls: Halls,
}

impl Admission {
    /// Doors for these limits. `groups_at_once` groups of a sort are written at a time.
    pub(crate) fn new(limits: &AdmissionLimits, groups_at_once: usize) -> Self {
        let patience = Duration::from_millis(limits.wait_max_ms);
        let door = |class| {
            let max = limits.of(class);
            Arc::new(match class {
                Class::Purchases | Class::PrintOrders => {
                    Door::before_a_queue(class, max, patience, groups_at_once)
                }
                _ => Door::new(class, max),
            })
        };
        Self {
            doors: Class::ALL.map(door),
            halls: Halls::new(limits),
        }
    }

    /// Lets a request in, for as long as it keeps its pass.
    pub(crate) fn enter(&self, class: Class) -> Result<Pass, Error> {
        self.door(class).enter().map_err(Error::Shed)
    }

    /// What is known of concerts on sale.
    pub(crate) fn halls(&self) -> &Halls {
        &self.halls
    }

    /// How fast a class is written; its writer says so.
    pub(crate) fn pace(&self, class: Class) -> &Arc<Pace> {
        self.door(class).pace()
    }

    /// Takes a place in a hall, one of the concert's share.
    pub(crate) fn take_place<'a>(&self, hall: &'a Hall) -> Result<halls::Place<'a>, Error> {
        let door = self.door(Class::Purchases);
        let percent = self.halls.share_percent();
        hall.enter(door.share_at_least(percent), || door.share(percent))
            .map_err(|inside| Error::Shed(door.shed(Reason::Concert, inside)))
    }

    /// Requests of a class under way.
    pub(crate) fn inside(&self, class: Class) -> usize {
        self.door(class).inside()
    }

    fn door(&self, class: Class) -> &Arc<Door> {
        &self.doors[class as usize]
    }
}

impl AdmissionLimits {
    fn of(&self, class: Class) -> usize {
        match class {
            Class::Purchases => self.purchases_max,
            Class::PrintOrders => self.print_orders_max,
            Class::Downloads => self.downloads_max,
            Class::Plans => self.plans_max,
            Class::Lists => self.lists_max,
            Class::Lookups => self.lookups_max,
            Class::Changes => self.changes_max,
        }
    }

    /// What is wrong with the limits, if they let nobody in.
    pub fn shut(&self) -> Option<String> {
        if !(1..=100).contains(&self.concert_share_percent) {
            return Some("concert_share_percent must be 1 to 100".to_owned());
        }
        let shut = Class::ALL.iter().find(|class| self.of(**class) == 0);
        shut.map(|class| format!("{}_max must be at least 1", class.name()))
    }
}

impl Default for AdmissionLimits {
    fn default() -> Self {
        Self {
            purchases_max: 20_000,
            concert_share_percent: 75,
            print_orders_max: 20_000,
            wait_max_ms: 500,
            downloads_max: 1_000,
            plans_max: 2_000,
            lists_max: 256,
            lookups_max: 5_000,
            changes_max: 200,
            sold_out_believed_ms: 500,
        }
    }
}

impl Class {
    /// Every class, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::Purchases,
        Self::PrintOrders,
        Self::Downloads,
        Self::Plans,
        Self::Lists,
        Self::Lookups,
        Self::Changes,
    ];

    /// As figures have it; with `_max` behind it the setting that bounds it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Purchases => "purchases",
            Self::PrintOrders => "print_orders",
            Self::Downloads => "downloads",
            Self::Plans => "plans",
            Self::Lists => "lists",
            Self::Lookups => "lookups",
            Self::Changes => "changes",
        }
    }
}

impl Reason {
    fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Slow => "slow",
            Self::Concert => "concert",
        }
    }
}

impl fmt::Display for Shed {
    /// Names the limit, for those who can raise it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (inside, class) = (self.inside, self.class.name());
        let words = class.replace('_', " ");
        match self.reason {
            Reason::Full => write!(f, "{inside} {words} are under way (admission.{class}_max)"),
            Reason::Slow => write!(
                f,
                "{inside} {words} are under way, more than the ledger writes in time \
                 (admission.wait_max_ms)"
            ),
            Reason::Concert => write!(
                f,
                "{inside} {words} for this concert are under way, which is its share \
                 (admission.concert_share_percent)"
            ),
        }
    }
}
