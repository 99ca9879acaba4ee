//! What the domain needs from the world. Two engines implement these traits; one conformance
//! suite holds both to what the comments here say.
//!
//! Batches are slices of at most [`BATCH_MAX`] items, answered in the order given unless a method
//! says otherwise.

mod counters;
mod files;
mod renderer;
mod size;
mod store;
mod wakeups;

pub use self::counters::{BucketPlan, Counted, Counters, CountersError, Epoch, Stock, Taken};
pub use self::files::{FileError, Files};
pub use self::renderer::{RenderError, Renderer};
pub use self::size::SizeView;
pub use self::store::{
    AuditView, ConcertTx, ConcertView, DueAfter, JobTx, JobView, KeyTx, KeyView, LayoutTx,
    LayoutView, ShowTx, ShowView, Store, StoreError, StoreResult, TicketTx, TicketView, Tx, View,
    Waiting,
};
pub use self::wakeups::Wakeups;

/// The most items in one batch for a store.
pub const BATCH_MAX: usize = 1_000;
