//! What a concert, a ticket and a job are, and what may happen to them.
//!
//! Use cases are transaction scripts over the traits in [`ports`]; decisions are pure functions.
//! Invariants: no I/O but through a port, no clock and no random number but those passed in, no
//! transaction open while rendering.

pub mod admission;
mod again;
pub mod audit;
mod bytes_cache;
pub mod clock;
pub mod code;
pub mod concert;
pub mod concerts;
mod context;
mod error;
mod groups;
pub mod health;
pub mod hours;
pub mod ids;
mod in_hand;
pub mod job;
pub mod jobs;
pub mod json_text;
pub mod keys;
pub mod layout;
pub mod layouts;
mod looks;
mod lookups;
mod outage;
pub mod plans;
pub mod ports;
pub mod prints;
mod rebuilds;
pub mod reconcile;
pub mod retime;
mod runtime_thread;
pub mod seat;
pub mod seat_status;
pub mod sections;
pub mod show;
pub mod shows;
pub mod size;
pub mod sold;
pub mod ticket;
pub mod tickets;
pub mod user;

pub use self::admission::AdmissionLimits;
pub use self::bytes_cache::BytesCache;
pub use self::clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use self::context::{Context, Limits, Parts};
pub use self::error::{Error, Refusal};
pub use self::ids::{
    ClaimToken, ConcertId, IdSource, JobId, LayoutId, SeededIds, SystemIds, TicketId, UserId,
    WorkerId,
};
pub use self::keys::Answered;
pub use self::outage::Outage;
pub use self::runtime_thread::RuntimeThread;
