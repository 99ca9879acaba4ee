//! What can be queued. Payloads hold ids, never rows: the ledger is read when the job runs.

use std::time::Duration;

use chrono::{NaiveDate, NaiveTime};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Policy, Queue};
use crate::ids::{ConcertId, TicketId};
use crate::prints::Effect;
use crate::show::{Showtime, TimeZone};

/// A kind of job: a payload with the name, pool and patience that all jobs of the kind share.
pub trait Kind: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// As written in the ledger. A changed payload gets a new name; the old one stays known for
    /// as long as jobs of it may exist.
    const NAME: &'static str;
    /// The pool that runs it.
    const QUEUE: Queue;
    /// How often and how long it may try.
    const POLICY: Policy;

    /// The key of which at most one job may be queued and one running.
    fn unique_key(&self) -> Option<String> {
        None
    }

    /// What to write in the transaction that gives the job up.
    fn on_failure(&self) -> Effect {
        Effect::None
    }
}

/// Render one ticket and publish it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenderTicket {
    /// The ticket.
    pub ticket_id: TicketId,
    /// Its concert; jobs of an earlier version do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concert_id: Option<ConcertId>,
}

impl RenderTicket {
    /// The print of a ticket of a concert.
    pub fn of(ticket_id: TicketId, concert_id: impl Into<Option<ConcertId>>) -> Self {
        Self {
            ticket_id,
            concert_id: concert_id.into(),
        }
    }
}

impl Kind for RenderTicket {
    const NAME: &'static str = "render_ticket";
    const QUEUE: Queue = Queue::Prints;
    const POLICY: Policy = Policy {
        attempts_max: 5,
        timeout: Duration::from_secs(30),
        ..Policy::DEFAULT
    };

    fn on_failure(&self) -> Effect {
        Effect::FailPrint {
            ticket_id: self.ticket_id,
        }
    }
}

/// Render a concert's seating plan and publish it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenderPlan {
    /// The concert.
    pub concert_id: ConcertId,
}

impl Kind for RenderPlan {
    const NAME: &'static str = "render_plan";
    const QUEUE: Queue = Queue::Plans;
    const POLICY: Policy = Policy {
        attempts_max: 10,
        timeout: Duration::from_mins(1),
        ..Policy::DEFAULT
    };

    fn unique_key(&self) -> Option<String> {
        Some(format!("plan:{}", self.concert_id))
    }
}

/// Move the due time of prints that wait for a concert whose date, hour or zone was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetimePrints {
    /// The concert.
    pub concert_id: ConcertId,
    /// The day that it was on.
    pub date_before: NaiveDate,
    /// When it began then, by the clocks of the venue; jobs of an earlier version do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_before: Option<NaiveTime>,
    /// The name of the zone of these clocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone_before: Option<String>,
}

impl RetimePrints {
    /// For a concert whose show was to be then.
    pub fn of(concert_id: ConcertId, before: &Showtime) -> Self {
        Self {
            concert_id,
            date_before: before.date,
            starts_before: before.starts_at,
            zone_before: before.time_zone.map(|zone| zone.name().to_owned()),
        }
    }

    /// When the show was to be.
    pub fn before(&self) -> Showtime {
        Showtime {
            date: self.date_before,
            starts_at: self.starts_before,
            time_zone: self.zone_before.as_deref().and_then(TimeZone::parse),
        }
    }
}

impl Kind for RetimePrints {
    const NAME: &'static str = "retime_prints";
    const QUEUE: Queue = Queue::System;
    const POLICY: Policy = Policy {
        attempts_max: 10,
        // A million prints for one day are two thousand pages.
        timeout: Duration::from_mins(10),
        ..Policy::DEFAULT
    };
}

/// Do nothing. Measures what the platform itself costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noop {}

impl Kind for Noop {
    const NAME: &'static str = "noop";
    const QUEUE: Queue = Queue::System;
    const POLICY: Policy = Policy::DEFAULT;
}

/// What is known of a kind without its payload.
#[derive(Debug, Clone, Copy)]
pub struct KindInfo {
    /// See [`Kind::NAME`].
    pub name: &'static str,
    /// See [`Kind::POLICY`].
    pub policy: Policy,
    on_failure: fn(&str) -> Effect,
}

/// Every kind there is.
pub const KINDS: [KindInfo; 4] = [
    of::<RenderTicket>(),
    of::<RenderPlan>(),
    of::<RetimePrints>(),
    of::<Noop>(),
];

/// The kind of that name.
pub fn info(name: &str) -> Option<&'static KindInfo> {
    static ALL: [KindInfo; 4] = KINDS;
    ALL.iter().find(|kind| kind.name == name)
}

/// What to write when a job of that kind and payload is given up. Nothing for a kind or payload
/// that cannot be read: nobody knows whom it was for.
pub fn on_failure(kind: &str, args: &str) -> Effect {
    info(kind).map_or(Effect::None, |kind| (kind.on_failure)(args))
}

const fn of<K: Kind>() -> KindInfo {
    KindInfo {
        name: K::NAME,
        policy: K::POLICY,
        on_failure: |args| {
            serde_json::from_str::<K>(args).map_or(Effect::None, |kind| kind.on_failure())
        },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use uuid::Uuid;

    use super::*;
    use crate::job::WAIT_MAX;

    #[test]
    fn kinds_have_distinct_names_and_are_found_by_them() {
        let names: HashSet<_> = KINDS.iter().map(|kind| kind.name).collect();
        assert_eq!(names.len(), KINDS.len());
        assert!(names.iter().all(|name| info(name).is_some()));
        assert!(info("unheard_of").is_none());
    }

    #[test]
    fn no_kind_has_its_jobs_wait_for_longer_than_is_believed() {
        for kind in KINDS {
            let longest = kind.policy.backoff.longest;
            assert!(longest <= WAIT_MAX.to_std().unwrap(), "{}", kind.name);
        }
    }

    #[test]
    fn giving_up_a_print_marks_its_ticket() {
        let ticket_id = TicketId(Uuid::from_u128(7));
        let args = serde_json::to_string(&RenderTicket::of(ticket_id, None)).unwrap();
        assert_eq!(
            on_failure("render_ticket", &args),
            Effect::FailPrint { ticket_id }
        );
        assert_eq!(on_failure("render_ticket", "{"), Effect::None);
        assert_eq!(on_failure("unheard_of", &args), Effect::None);
    }
}
