//! Seating plans in gzip. A crowd looks at the same few plans, so each is compressed once.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use domain::ConcertId;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::sync::Semaphore;

use crate::problem::{Problem, UNAVAILABLE};

/// Compressed bytes that are kept; at the limit the cache starts anew.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// Plans are long runs of nearly equal lines: higher levels cost time and save little.
const LEVEL: Compression = Compression::new(4);

/// The compressed plan of each concert that was asked for lately.
#[derive(Debug)]
pub(crate) struct CompressedPlans {
    kept: Mutex<Kept>,
    /// One plan at a time: compression must not take the threads from everything else.
    turn: Semaphore,
}

#[derive(Debug, Default)]
struct Kept {
    plans: HashMap<ConcertId, (String, Bytes)>,
    bytes: usize,
}

impl Default for CompressedPlans {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
            turn: Semaphore::new(1),
        }
    }
}

impl CompressedPlans {
    /// The plan of a concert, of the rendering that `etag` names, compressed.
    pub(crate) async fn get(
        &self,
        id: ConcertId,
        etag: &str,
        plan: Bytes,
    ) -> Result<Bytes, Problem> {
        if let Some(known) = self.find(id, etag) {
            return Ok(known);
        }
        let _turn = self.turn.acquire().await.map_err(failed)?;
        // Somebody who waited in front may have done it.
        if let Some(known) = self.find(id, etag) {
            return Ok(known);
        }
        let packed = tokio::task::spawn_blocking(move || gzip(&plan))
            .await
            .map_err(failed)?
            .map_err(failed)?;
        self.keep(id, etag, packed.clone());
        Ok(packed)
    }

    fn find(&self, id: ConcertId, etag: &str) -> Option<Bytes> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, packed) = kept.plans.get(&id)?;
        (known == etag).then(|| packed.clone())
    }

    fn keep(&self, id: ConcertId, etag: &str, packed: Bytes) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.bytes + packed.len() > BYTES_MAX {
            *kept = Kept::default();
        }
        kept.bytes += packed.len();
        if let Some((_, old)) = kept.plans.insert(id, (etag.to_owned(), packed)) {
            kept.bytes -= old.len();
        }
    }
}

fn gzip(plan: &[u8]) -> std::io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(plan.len() / 8), LEVEL);
    encoder.write_all(plan)?;
    Ok(encoder.finish()?.into())
}

fn failed(error: impl std::error::Error) -> Problem {
    tracing::error!(%error, "a seating plan could not be compressed");
    Problem::new(&UNAVAILABLE, "the seating plan could not be compressed").retry_soon()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn concert(last: u8) -> ConcertId {
        ConcertId::parse(&format!("00000000-0000-0000-0000-0000000000{last:02x}")).unwrap()
    }

    #[tokio::test]
    async fn a_plan_is_compressed_once_for_each_tag() {
        let plans = CompressedPlans::default();
        let plan = Bytes::from("<svg/>".repeat(1_000));
        let first = plans
            .get(concert(1), "\"1-0\"", plan.clone())
            .await
            .unwrap();
        let again = plans
            .get(concert(1), "\"1-0\"", Bytes::new())
            .await
            .unwrap();
        assert_eq!(first, again);
        assert!(first.len() * 10 < plan.len());
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&*first)
            .read_to_end(&mut unpacked)
            .unwrap();
        assert_eq!(unpacked, plan);
        let other = plans
            .get(concert(1), "\"1-1\"", Bytes::new())
            .await
            .unwrap();
        assert_ne!(other, first);
    }

    #[test]
    fn the_cache_is_bounded() {
        let plans = CompressedPlans::default();
        let large = Bytes::from(vec![0; BYTES_MAX / 2]);
        for last in 1..=9 {
            plans.keep(concert(last), "\"1\"", large.clone());
        }
        let kept = plans.kept.lock().unwrap();
        assert!(kept.bytes <= BYTES_MAX);
        assert_eq!(
            kept.bytes,
            kept.plans.values().map(|(_, p)| p.len()).sum::<usize>()
        );
    }
}
