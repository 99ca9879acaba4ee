//! One type per id, so that a ticket's id never passes for a concert's, and where ids come from.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

/// Where fresh UUIDv7 values come from. An input, so that tests are repeatable.
pub trait IdSource: Send + Sync + 'static {
    /// A value never returned before, greater than those of earlier milliseconds.
    fn next(&self) -> Uuid;
}

/// Ids of the operating system's clock and random numbers.
#[derive(Debug, Default)]
pub struct SystemIds;

impl IdSource for SystemIds {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where real ids are made"
    )]
    fn next(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// Repeatable ids: version 7 in form, counted from a seed.
#[derive(Debug)]
pub struct SeededIds {
    seed: u64,
    count: AtomicU64,
}

impl SeededIds {
    /// Ids of one seed; the same seed gives the same ids in the same order.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            count: AtomicU64::new(0),
        }
    }
}

impl IdSource for SeededIds {
    fn next(&self) -> Uuid {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let tail = mix(self.seed ^ count.rotate_left(32));
        // The layout of RFC 9562 §5.7: milliseconds first, then version, then random bits.
        uuid::Builder::from_unix_timestamp_millis(
            count,
            &u128::from(tail).to_be_bytes()[6..]
                .try_into()
                .expect("10 of 16 bytes"),
        )
        .into_uuid()
    }
}

/// The finaliser of `splitmix64`: spreads every input bit over the whole word.
pub fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// Reads 36 characters with hyphens, in small letters, as we write them, or in capitals,
            /// as some clients write every UUID. Anything else names nothing.
            pub fn parse(text: &str) -> Option<Self> {
                let hyphenated = text.len() == 36;
                hyphenated.then(|| Uuid::try_parse(text).ok()).flatten().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

id! {
    /// Names a concert.
    ConcertId
}
id! {
    /// Names a ticket.
    TicketId
}
id! {
    /// Names a user of the user directory.
    UserId
}
id! {
    /// Names a seating layout.
    LayoutId
}
id! {
    /// Names a job.
    JobId
}
id! {
    /// Names one claim of a job. A new one with every claim: it is the fence of the settlement.
    ClaimToken
}
id! {
    /// Names one start of a worker process. A restarted process is another worker.
    WorkerId
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_read_with_hyphens_in_any_case_and_written_in_small_letters() {
        let id = "0190163d-8694-739b-aea5-966c26f8ad90";
        assert_eq!(
            ConcertId::parse(id).map(|id| id.to_string()).as_deref(),
            Some(id)
        );
        assert_eq!(ConcertId::parse(&id.to_uppercase()), ConcertId::parse(id));
        for other in [
            "",
            "health",
            "0190163d8694739baea5966c26f8ad90",
            "{0190163d-8694-739b-aea5-966c26f8ad90}",
            "../../0190163d-8694-739b-aea5-966c26",
            "0190163d-8694-739b-aea5-966c26f8ad9\0",
        ] {
            assert_eq!(ConcertId::parse(other), None, "{other:?}");
        }
    }

    #[test]
    fn seeded_ids_repeat_and_never_collide() {
        let (one, two) = (SeededIds::new(7), SeededIds::new(7));
        let ids: Vec<_> = (0..1_000).map(|_| one.next()).collect();
        assert_eq!(ids, (0..1_000).map(|_| two.next()).collect::<Vec<_>>());
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 1_000);
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
    }
}
