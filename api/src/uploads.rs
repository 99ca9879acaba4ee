//! The memory of large bodies: each takes it as it arrives, so that a client that sends slowly, or
//! not at all, keeps it from nobody.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::problem::{BUSY, Problem};

/// What is handed out at a time.
const PIECE_BYTES: usize = 64 * 1024;

/// The memory of all of them.
#[derive(Debug)]
pub(crate) struct Uploads(Arc<Semaphore>);

/// The memory of one; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Room {
    pieces: Arc<Semaphore>,
    /// What any body may have, and nobody counts.
    free_bytes: usize,
    held: Option<OwnedSemaphorePermit>,
}

impl Uploads {
    /// Memory for so many bodies of so many bytes.
    pub(crate) fn new(count: usize, bytes_max: usize) -> Self {
        let pieces = bytes_max.div_ceil(PIECE_BYTES).saturating_mul(count);
        Self(Arc::new(Semaphore::new(pieces.min(Semaphore::MAX_PERMITS))))
    }

    /// The memory of a body of which nothing has arrived. What goes beyond `free_bytes` is counted.
    pub(crate) fn begin(&self, free_bytes: usize) -> Room {
        Room {
            pieces: Arc::clone(&self.0),
            free_bytes,
            held: None,
        }
    }
}

impl Room {
    /// Makes it enough for so many bytes, or refuses while others hold what is missing.
    pub(crate) fn hold(&mut self, bytes: usize) -> Result<(), Problem> {
        let wanted = bytes.saturating_sub(self.free_bytes).div_ceil(PIECE_BYTES);
        let held = self
            .held
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits);
        let Some(more) = wanted.checked_sub(held).filter(|more| *more > 0) else {
            return Ok(());
        };
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        let full = "too many files are being uploaded (api.uploads_max)";
        let more = Arc::clone(&self.pieces)
            .try_acquire_many_owned(more)
            .map_err(|_| Problem::new(&BUSY, full).retry_soon())?;
        match &mut self.held {
            Some(held) => held.merge(more),
            none => *none = Some(more),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREE: usize = 1_000;

    #[test]
    fn memory_is_taken_as_it_is_needed_and_given_back() {
        let uploads = Uploads::new(2, PIECE_BYTES);
        let (mut one, mut other) = (uploads.begin(FREE), uploads.begin(FREE));
        one.hold(FREE).unwrap();
        other.hold(FREE + 2 * PIECE_BYTES).unwrap();
        // Nobody is refused what every body may have.
        one.hold(FREE).unwrap();
        assert_eq!(one.hold(FREE + 1).unwrap_err().status(), 503);
        drop(other);
        one.hold(FREE + 1).unwrap();
        one.hold(FREE + PIECE_BYTES).unwrap();
        one.hold(FREE + 2 * PIECE_BYTES).unwrap();
        assert_eq!(
            one.hold(FREE + 2 * PIECE_BYTES + 1).unwrap_err().status(),
            503
        );
    }
}
