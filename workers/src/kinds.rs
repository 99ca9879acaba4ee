//! How many jobs of a kind this process holds at a time, where there is a limit.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use domain::jobs::KindRoom;

use crate::slots::Slots;

/// The limits of a process, which its pools share.
#[derive(Debug, Clone, Default)]
pub(crate) struct KindLimits(Arc<Vec<Limited>>);

#[derive(Debug)]
struct Limited {
    kind: String,
    max: u32,
    held: AtomicU32,
}

/// A job of a limited kind that is held. Its end lets the pool look for another one.
#[derive(Debug)]
pub(crate) struct KindPlace {
    limits: KindLimits,
    at: usize,
    slots: Arc<Slots>,
}

impl KindLimits {
    pub(crate) fn of(kinds_max: &BTreeMap<String, u32>) -> Self {
        let limited = kinds_max.iter().map(|(kind, &max)| Limited {
            kind: kind.clone(),
            max,
            held: AtomicU32::new(0),
        });
        Self(Arc::new(limited.collect()))
    }

    /// How many more of each may be held.
    pub(crate) fn rooms(&self) -> Vec<KindRoom> {
        let limited = self.0.iter();
        let room = limited.map(|one| KindRoom {
            kind: one.kind.clone(),
            room: one.max.saturating_sub(one.held.load(Ordering::Acquire)),
        });
        room.collect()
    }

    /// Counts a job that a pool holds, if its kind is limited.
    pub(crate) fn hold(&self, kind: &str, slots: &Arc<Slots>) -> Option<KindPlace> {
        let at = self.0.iter().position(|one| one.kind == kind)?;
        self.0[at].held.fetch_add(1, Ordering::AcqRel);
        Some(KindPlace {
            limits: self.clone(),
            at,
            slots: Arc::clone(slots),
        })
    }
}

impl Drop for KindPlace {
    fn drop(&mut self) {
        self.limits.0[self.at].held.fetch_sub(1, Ordering::AcqRel);
        self.slots.nudge();
    }
}
