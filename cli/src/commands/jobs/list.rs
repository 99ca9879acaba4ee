//! `jobs list`: as many jobs as are asked for, read and printed a page at a time.

use domain::JobId;
use domain::job::{self, Job, KINDS};
use domain::jobs::{self, JobFilter};
use domain::ports::Store;

use super::{as_json, open, parse_id, parse_queue, parse_state};
use crate::args::JobsListArgs;
use crate::out;

/// Jobs that are read at a time.
const PAGE: u32 = 1_000;

pub(super) async fn list(args: &JobsListArgs) -> anyhow::Result<()> {
    let mut page = JobFilter {
        state: args.state.as_deref().map(parse_state).transpose()?,
        queue: args.queue.as_deref().map(parse_queue).transpose()?,
        kind: args.kind.clone(),
        before: args.before.as_deref().map(parse_id).transpose()?,
        max: 0,
    };
    let opened = open(&args.ledger).await?;
    let store = opened.parts.store.as_ref();
    demand_kind(store, args.kind.as_deref()).await?;
    let mut listing = Listing::begin(args.ledger.json);
    let mut left = args.max;
    while left > 0 {
        page.max = left.min(PAGE);
        let listed = store.read().await?.list_jobs(&page).await?;
        for job in &listed {
            listing.add(job)?;
        }
        let found = u32::try_from(listed.len()).expect("no more than asked for");
        left -= found;
        page.before = listed.last().map(|job| job.id).or(page.before);
        if found < page.max {
            break;
        }
    }
    listing.end();
    if left == 0 {
        tell_of_more(store, page, args.max).await?;
    }
    let pauses = jobs::pauses(&opened.parts).await?;
    if !pauses.is_empty() {
        out::note(format_args!("paused, until `jobs resume`: {pauses}"));
    }
    Ok(())
}

/// Says how to go on if the list did not end by itself.
async fn tell_of_more(store: &dyn Store, mut page: JobFilter, listed: u32) -> anyhow::Result<()> {
    page.max = 1;
    let more = store.read().await?.list_jobs(&page).await?;
    if let (Some(last), [_, ..]) = (page.before, more.as_slice()) {
        out::note(format_args!(
            "{listed} are listed, there are more: --before {last} goes on, --max lists more at once"
        ));
    }
    Ok(())
}

/// Refuses the name of a kind that is neither known nor met in the ledger: another version of the
/// program may have queued what this one does not know.
pub(super) async fn demand_kind(store: &dyn Store, kind: Option<&str>) -> anyhow::Result<()> {
    let Some(kind) = kind.filter(|kind| job::info(kind).is_none()) else {
        return Ok(());
    };
    let any = JobFilter {
        state: None,
        queue: None,
        kind: Some(kind.to_owned()),
        before: None,
        max: 1,
    };
    if store.read().await?.list_jobs(&any).await?.is_empty() {
        let known = KINDS.map(|kind| kind.name).join(", ");
        anyhow::bail!("there is no kind {kind:?}, but {known}");
    }
    Ok(())
}

/// A table, or a JSON array.
struct Listing {
    as_json: bool,
    last: Option<JobId>,
}

impl Listing {
    fn begin(as_json: bool) -> Self {
        if as_json {
            out::text("[");
        } else {
            out::line(format_args!(
                "{:36}  {:14} {:7} {:10} {:>7}  due",
                "id", "kind", "queue", "state", "attempt"
            ));
        }
        Self {
            as_json,
            last: None,
        }
    }

    fn add(&mut self, job: &Job) -> anyhow::Result<()> {
        let is_first = self.last.replace(job.id).is_none();
        if self.as_json {
            let object = serde_json::to_string_pretty(&as_json(job))?;
            let comma = if is_first { "" } else { "," };
            out::text(format_args!("{comma}\n  {}", object.replace('\n', "\n  ")));
            return Ok(());
        }
        out::line(format_args!(
            "{:36}  {:14} {:7} {:10} {:>7}  {}",
            job.id,
            job.kind,
            job.queue,
            job.state.as_str(),
            job.attempt,
            job.due_at.format("%Y-%m-%d %H:%M"),
        ));
        Ok(())
    }

    fn end(self) {
        if self.as_json {
            out::line(if self.last.is_some() { "\n]" } else { "]" });
        }
    }
}
