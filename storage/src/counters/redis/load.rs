//! Replacing a concert's counters.
//!
//! An epoch is written where nobody looks yet, and then made the present one in one step, if the
//! one that it replaces still is; so of two that rebuild at once one wins, and nobody ever sees
//! half of an epoch. What a crash leaves behind expires.

use std::time::Duration;

use domain::ConcertId;
use domain::ports::{BucketPlan, Epoch, Stock};
use domain::seat::SeatNo;
use futures::StreamExt;
use futures::future::join_all;
use futures::stream;

use super::remote::{Remote, SEATS_MAX};
use crate::redis::Failure;

/// Counters that were not loaded for so long are forgotten, and loaded again when they are asked
/// for. Buckets outlive the tally, so that they are not found missing.
const TALLY_LIFE: Duration = Duration::from_hours(7 * 24);
const BUCKET_LIFE: Duration = Duration::from_hours(8 * 24);
/// Buckets written side by side.
const BUCKETS_AT_ONCE: usize = 16;

impl Remote {
    /// Replaces the counters of `replaces`.
    pub(super) async fn load(
        &self,
        concert: ConcertId,
        stock: &Stock,
        replaces: Option<Epoch>,
    ) -> Result<(), Failure> {
        let old = match replaces {
            Some(_) => self.tally(concert).await?,
            None => None,
        };
        let Some(epoch) = self.begin(concert, replaces).await? else {
            return Ok(());
        };
        let filled = self.fill(concert, epoch, stock).await;
        let published = match filled {
            Ok(()) => self.publish(concert, epoch, stock, replaces).await,
            Err(failure) => Err(failure),
        };
        match (&published, old) {
            (Ok(true), Some(old)) => self.clear(concert, old.epoch, old.plan).await,
            (Ok(false), _) => self.clear(concert, epoch, stock.plan).await,
            // After an error it may be the present epoch or not; if not, it expires.
            (Ok(true), None) | (Err(_), _) => {}
        }
        published.map(|_| ())
    }

    async fn begin(
        &self,
        concert: ConcertId,
        replaces: Option<Epoch>,
    ) -> Result<Option<Epoch>, Failure> {
        let key = self.concert_key(concert);
        let last = format!("{key}:epoch");
        let args = [number(replaces), millis(BUCKET_LIFE)];
        let epoch: Option<u64> = self.redis.eval(&self.begin, &[&key, &last], &args).await?;
        Ok(epoch.map(Epoch))
    }

    async fn fill(&self, concert: ConcertId, epoch: Epoch, stock: &Stock) -> Result<(), Failure> {
        let mut returned = vec![Vec::new(); stock.next.len()];
        for seat in &stock.returned {
            if let Some(seats) = returned.get_mut((seat.0 / stock.plan.width) as usize) {
                seats.push(*seat);
            }
        }
        let buckets = (0u32..).zip(stock.next.iter().copied().zip(returned));
        let mut filled = stream::iter(buckets)
            .map(|(bucket, (next, returned))| {
                let past = stock.plan.range(bucket).end.max(next.0);
                self.fill_bucket(concert, epoch, bucket, next.0..past, returned)
            })
            .buffer_unordered(BUCKETS_AT_ONCE);
        while let Some(bucket) = filled.next().await {
            bucket?;
        }
        Ok(())
    }

    async fn fill_bucket(
        &self,
        concert: ConcertId,
        epoch: Epoch,
        bucket: u32,
        seats: std::ops::Range<u32>,
        returned: Vec<SeatNo>,
    ) -> Result<(), Failure> {
        let (counter, list) = self.bucket_keys(concert, epoch, bucket);
        let keys = [counter.as_str(), list.as_str()];
        let counted = [seats.start.into(), seats.end.into(), millis(BUCKET_LIFE)];
        let mut returned = returned.chunks(SEATS_MAX);
        let mut some = returned.next().unwrap_or_default();
        loop {
            let mut args = counted.to_vec();
            args.extend(some.iter().map(|seat| u64::from(seat.0)));
            self.redis.eval::<()>(&self.fill, &keys, &args).await?;
            match returned.next() {
                Some(more) => some = more,
                None => return Ok(()),
            }
        }
    }

    async fn publish(
        &self,
        concert: ConcertId,
        epoch: Epoch,
        stock: &Stock,
        replaces: Option<Epoch>,
    ) -> Result<bool, Failure> {
        let args = [
            number(replaces),
            epoch.0,
            stock.free().into(),
            stock.plan.capacity.into(),
            stock.plan.width.into(),
            millis(TALLY_LIFE),
        ];
        let key = self.concert_key(concert);
        self.redis.eval(&self.publish, &[&key], &args).await
    }

    /// Removes the buckets of an epoch that is over, as far as that is possible now: nobody takes
    /// from them, and they expire.
    async fn clear(&self, concert: ConcertId, epoch: Epoch, plan: BucketPlan) {
        let removals = (0..plan.buckets()).map(async |bucket| {
            let (counter, returned) = self.bucket_keys(concert, epoch, bucket);
            let mut command = redis::cmd("UNLINK");
            command.arg(counter).arg(returned);
            self.redis.run::<()>(&command).await
        });
        if let Some(failure) = join_all(removals).await.into_iter().find_map(Result::err) {
            tracing::debug!(error = %failure, "old seat counters could not be removed yet");
        }
    }
}

/// An epoch as the scripts know it.
fn number(epoch: Option<Epoch>) -> u64 {
    epoch.map_or(0, |epoch| epoch.0)
}

fn millis(life: Duration) -> u64 {
    u64::try_from(life.as_millis()).expect("a few days")
}
