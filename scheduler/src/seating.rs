//! Orders a new seating plan for every concert that sold tickets since the last one.

use std::sync::atomic::{AtomicU64, Ordering};

use domain::{Context, Error, plans};

/// The age of the oldest mark that the last tick found, for the staleness gauge.
#[derive(Debug, Default)]
pub(crate) struct OldestMark(AtomicU64);

impl OldestMark {
    pub(crate) fn seconds(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }
}

/// Takes marks away, a batch at a time, until none is left.
pub(crate) async fn tick(ctx: &Context, oldest: &OldestMark) -> Result<(), Error> {
    let mut seconds = 0_f64;
    loop {
        let (concerts, oldest_s) = plans::tick(ctx).await?;
        seconds = seconds.max(oldest_s);
        oldest.0.store(seconds.to_bits(), Ordering::Relaxed);
        if concerts == 0 {
            return Ok(());
        }
    }
}
