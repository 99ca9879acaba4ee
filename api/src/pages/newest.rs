//! The newest concerts. The ledger lists the oldest first, and ids tell their time, so the list
//! is entered near its end.

use std::collections::VecDeque;

use chrono::TimeDelta;
use domain::concert::Offer;
use domain::{ConcertId, Context, Error, concerts};

use crate::stream::PAGE;

/// Concerts on the page.
const SHOWN: usize = 12;

/// How far back to look, until there are enough.
const WINDOWS: [TimeDelta; 3] = [
    TimeDelta::minutes(10),
    TimeDelta::days(1),
    TimeDelta::days(30),
];

/// The newest concerts, the newest first.
pub(super) async fn concerts(ctx: &Context) -> Result<Vec<Offer>, Error> {
    let now = ctx.clock.now();
    for window in WINDOWS {
        let newest = last_after(ctx, Some(first_id((now - window).timestamp_millis()))).await?;
        if newest.len() == SHOWN {
            return Ok(newest);
        }
    }
    last_after(ctx, None).await
}

async fn last_after(ctx: &Context, mut after: Option<ConcertId>) -> Result<Vec<Offer>, Error> {
    let mut last = VecDeque::with_capacity(SHOWN + 1);
    loop {
        let page = concerts::list(ctx, after, PAGE).await?;
        let full = page.len() >= PAGE as usize;
        after = page.last().map(|offer| offer.concert.id);
        for offer in page {
            last.push_front(offer);
            last.truncate(SHOWN);
        }
        if !full {
            return Ok(last.into());
        }
    }
}

/// An id that sorts before all that were made from that moment on.
fn first_id(millis: i64) -> ConcertId {
    let millis = u64::try_from(millis).unwrap_or(0);
    ConcertId(uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid())
}
