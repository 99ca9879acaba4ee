//! Seating plans in gzip and zstd. A crowd looks at the same few plans, so each is compressed once.

use std::io::{self, Write};

use bytes::Bytes;
use domain::{BytesCache, ConcertId};
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::sync::Semaphore;

use crate::accept::Coding;
use crate::problem::{Problem, UNAVAILABLE};

/// Plans are long runs of nearly equal lines: higher levels cost time and save little.
const GZIP_LEVEL: Compression = Compression::new(4);
const ZSTD_LEVEL: i32 = 3;

/// Compressed plans by their concerts and codings, of each the rendering that was asked for last.
#[derive(Debug)]
pub(crate) struct CompressedPlans {
    kept: BytesCache,
    /// One plan at a time: compression must not take the threads from everything else.
    turn: Semaphore,
}

impl CompressedPlans {
    /// An empty cache of so many bytes.
    pub(crate) fn new(bytes_max: u64) -> Self {
        Self {
            kept: BytesCache::new(bytes_max),
            turn: Semaphore::new(1),
        }
    }

    /// The plan of a concert in a coding; `etag` names its rendering.
    pub(crate) async fn get(
        &self,
        concert: ConcertId,
        etag: &str,
        coding: Coding,
        plan: Bytes,
    ) -> Result<Bytes, Problem> {
        let Some(name) = coding.name() else {
            return Ok(plan);
        };
        let whole = plan.clone();
        let make = || async {
            let _turn = self.turn.acquire().await.map_err(failed)?;
            let packed = tokio::task::spawn_blocking(move || compress(coding, &whole)).await;
            packed.map_err(failed)?.map(Some).map_err(failed)
        };
        let name = format!("{concert} {name}");
        let packed = self.kept.get_or_make(&name, etag, make).await?;
        Ok(packed.unwrap_or(plan))
    }
}

fn compress(coding: Coding, plan: &[u8]) -> io::Result<Bytes> {
    match coding {
        Coding::Identity => Ok(Bytes::copy_from_slice(plan)),
        Coding::Gzip => {
            let mut encoder = GzEncoder::new(Vec::with_capacity(plan.len() / 8), GZIP_LEVEL);
            encoder.write_all(plan)?;
            Ok(encoder.finish()?.into())
        }
        Coding::Zstd => Ok(zstd::bulk::compress(plan, ZSTD_LEVEL)?.into()),
    }
}

fn failed(error: impl std::error::Error) -> Problem {
    tracing::error!(%error, "a seating plan could not be compressed");
    Problem::new(&UNAVAILABLE, "the seating plan could not be compressed").retry_soon()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use uuid::Uuid;

    use super::*;

    const BYTES_MAX: u64 = 1_000_000;
    const CONCERT: ConcertId = ConcertId(Uuid::from_u128(7));

    fn plan() -> Bytes {
        Bytes::from("<svg/>".repeat(1_000))
    }

    #[tokio::test]
    async fn a_plan_is_compressed_once_in_each_coding() {
        let plans = CompressedPlans::new(BYTES_MAX);
        let get = async |etag, coding, plan| plans.get(CONCERT, etag, coding, plan).await.unwrap();
        for coding in [Coding::Gzip, Coding::Zstd] {
            let first = get("1-0", coding, plan()).await;
            assert_eq!(get("1-0", coding, Bytes::new()).await, first);
            assert!(first.len() * 10 < plan().len());
        }
        for coding in [Coding::Gzip, Coding::Zstd] {
            let first = get("1-0", coding, Bytes::new()).await;
            assert_ne!(get("1-1", coding, Bytes::new()).await, first);
        }
    }

    #[tokio::test]
    async fn what_was_compressed_is_the_plan() {
        let plans = CompressedPlans::new(BYTES_MAX);
        let get = async |coding| plans.get(CONCERT, "1-0", coding, plan()).await.unwrap();
        let gzip = get(Coding::Gzip).await;
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&*gzip)
            .read_to_end(&mut unpacked)
            .unwrap();
        assert_eq!(unpacked, plan());
        let zstd = get(Coding::Zstd).await;
        assert_eq!(zstd::stream::decode_all(&*zstd).unwrap(), plan());
    }
}
