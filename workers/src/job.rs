//! What a job is to this crate: a kind that can be run, and what a run may say.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use chrono::TimeDelta;
use domain::job::{Claim, Claimed, Kind, Outcome, Progress};
use domain::ports::{FileError, RenderError, StoreError};
use domain::prints::Effect;
use domain::{Context, Error};
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;
use tracing::Span;

use crate::leases::Line;

/// How long a job waits when the store of files fails.
const FILES_WAIT: TimeDelta = TimeDelta::seconds(2);
/// How long a job waits that found too many others waiting.
const BUSY_WAIT: TimeDelta = TimeDelta::seconds(1);

/// A kind of job that can be run.
///
/// A run may be repeated at any time, from the start, on any machine; what it does must bear
/// that. It holds no transaction while it draws or waits.
pub trait Job: Kind {
    /// Does the work. Writes to the ledger belong into the [`Success`], where they are fenced.
    fn run(&self, ctx: &JobContext) -> impl Future<Output = JobResult> + Send;

    /// The span of a run.
    fn span(job: &Claimed) -> Span {
        job_span!("job.other", job)
    }
}

/// A span with what every job has. Its name has to be a literal.
macro_rules! job_span {
    ($name:literal, $job:expr) => {
        tracing::info_span!(
            $name,
            job.id = %$job.claim.job_id,
            job.attempt = $job.attempt,
            trace = $job.trace.as_deref(),
        )
    };
}
pub(crate) use job_span;

/// What a run is given.
#[derive(Debug)]
pub struct JobContext {
    ctx: Arc<Context>,
    claim: Claim,
    line: Arc<Line>,
}

/// How a run ended.
pub type JobResult = Result<Success, JobError>;

/// The work is done.
pub struct Success {
    pub(crate) effect: Effect,
    pub(crate) afterwards: Option<BoxFuture<'static, ()>>,
}

/// The work is not done; the outcome says what now.
#[derive(Debug, PartialEq, Eq)]
pub struct JobError(pub Outcome);

impl JobContext {
    pub(crate) fn new(ctx: Arc<Context>, claim: Claim, line: Arc<Line>) -> Self {
        Self { ctx, claim, line }
    }

    /// Cancelled when the run is not wanted any more: its claim was lost, an operator cancelled
    /// the job, or the process stops. The run itself is dropped then, at the place where it
    /// waits; this is for what goes on elsewhere, such as a thread.
    pub fn stop(&self) -> &CancellationToken {
        self.line.stop()
    }

    /// Ends a run between two steps if it is not wanted any more.
    pub fn check(&self) -> Result<(), JobError> {
        if self.stop().is_cancelled() {
            // Why it ends is known to whoever stopped it, and stands in place of this.
            return Err(JobError(Outcome::Release));
        }
        Ok(())
    }

    /// Tells operators how far the run is. Costs nothing: it is written when the claim is renewed.
    pub fn report(&self, percent: Option<u8>, text: &str) {
        self.line.report(Progress::new(percent, text));
    }

    /// The right to the run.
    pub fn claim(&self) -> Claim {
        self.claim
    }

    /// The context, to keep beyond the run.
    pub fn shared(&self) -> Arc<Context> {
        Arc::clone(&self.ctx)
    }
}

impl std::ops::Deref for JobContext {
    type Target = Context;

    fn deref(&self) -> &Context {
        &self.ctx
    }
}

impl Success {
    /// Nothing is to be written.
    pub fn nothing() -> Self {
        Self::with(Effect::None)
    }

    /// This is to be written together with the outcome.
    pub fn with(effect: Effect) -> Self {
        Self {
            effect,
            afterwards: None,
        }
    }

    /// What to do once the outcome is written, was refused, or could not be written.
    #[must_use]
    pub fn then(mut self, afterwards: impl Future<Output = ()> + Send + 'static) -> Self {
        self.afterwards = Some(Box::pin(afterwards));
        self
    }
}

impl JobError {
    /// The work is not wanted any more.
    pub fn cancel(why: impl Into<String>) -> Self {
        Self(Outcome::Cancel(why.into()))
    }

    /// The work can never succeed.
    pub fn fail(why: impl Into<String>) -> Self {
        Self(Outcome::Fail(why.into()))
    }

    /// The work may succeed later.
    pub fn retry(why: impl Into<String>) -> Self {
        Self(Outcome::Retry(why.into(), None))
    }
}

impl From<StoreError> for JobError {
    fn from(error: StoreError) -> Self {
        Self(Outcome::from(&error))
    }
}

impl From<FileError> for JobError {
    /// The job waits for the store, however long it is away: nothing is wrong with the job.
    fn from(error: FileError) -> Self {
        tracing::debug!(%error, "a job waits for the store of files");
        Self(Outcome::Snooze(FILES_WAIT))
    }
}

impl From<RenderError> for JobError {
    fn from(error: RenderError) -> Self {
        match error {
            RenderError::Undrawable(_) => Self::fail(error.to_string()),
            RenderError::Failed(_) | RenderError::Busy => Self::retry(error.to_string()),
        }
    }
}

impl From<Error> for JobError {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(error) => error.into(),
            Error::NotFound(_) | Error::Refused(_) => Self::cancel(error.to_string()),
            // Nothing was done, for want of a place to wait: nothing is wrong with the job.
            Error::Busy | Error::Shed(_) => Self(Outcome::Snooze(BUSY_WAIT)),
            Error::Held | Error::VersionMoved { .. } | Error::Part(_) => {
                Self::retry(error.to_string())
            }
        }
    }
}

impl fmt::Debug for Success {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Success")
            .field("effect", &self.effect)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_fault_of_a_job_costs_it_no_attempt() {
        let away = FileError {
            key: "k".into(),
            reason: "away".into(),
        };
        for error in [JobError::from(Error::Busy), JobError::from(away)] {
            assert!(matches!(error.0, Outcome::Snooze(_)), "{:?}", error.0);
        }
        let part = JobError::from(Error::Part("it ended".into()));
        assert!(matches!(part.0, Outcome::Retry(..)), "{:?}", part.0);
    }
}
