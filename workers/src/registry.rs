//! The kinds of jobs that this process can run.

use std::fmt;
use std::time::Duration;

use domain::job::{
    self, Claimed, Noop, Policy, Queue, RenderPlan, RenderTicket, RetimePrints, ServiceTimes,
};
use futures::FutureExt;
use futures::future::BoxFuture;
use metrics::{Gauge, Histogram};
use tracing::Span;

use crate::job::{Job, JobContext, JobResult};

/// Knows for every kind how its jobs are read and run.
pub struct Registry(Vec<Entry>);

/// What is known of a kind.
pub(crate) struct Entry {
    name: &'static str,
    queue: Queue,
    pub(crate) policy: Policy,
    pub(crate) decode: fn(&Claimed) -> Result<Box<dyn Run>, serde_json::Error>,
    pub(crate) span: fn(&Claimed) -> Span,
    pub(crate) seconds: Histogram,
    service_s: Gauge,
}

/// A [`Job`] whose type is forgotten.
pub(crate) trait Run: Send + Sync {
    fn run<'a>(&'a self, ctx: &'a JobContext) -> BoxFuture<'a, JobResult>;

    /// Whether another job may be waiting for this one to end.
    fn is_unique(&self) -> bool;
}

impl Registry {
    /// Adds a kind.
    #[must_use]
    pub fn with<J: Job>(mut self) -> Self {
        self.0.push(Entry {
            name: J::NAME,
            queue: J::QUEUE,
            policy: J::POLICY,
            decode: |job| Ok(Box::new(job::decode::<J>(job)?)),
            span: J::span,
            seconds: metrics::histogram!("ticketoverflow_job_seconds", "kind" => J::NAME),
            service_s: metrics::gauge!("ticketoverflow_job_service_seconds", "kind" => J::NAME),
        });
        self
    }

    pub(crate) fn find(&self, kind: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.name == kind)
    }
}

impl Entry {
    /// Learns how long a job of this kind kept its place.
    pub(crate) fn learn(&self, times: &ServiceTimes, took: Duration) {
        self.service_s
            .set(times.record(self.queue, self.name, took));
    }
}

impl Default for Registry {
    /// Every kind of the domain.
    fn default() -> Self {
        Self(Vec::new())
            .with::<RenderTicket>()
            .with::<RenderPlan>()
            .with::<RetimePrints>()
            .with::<Noop>()
    }
}

impl<J: Job> Run for J {
    fn run<'a>(&'a self, ctx: &'a JobContext) -> BoxFuture<'a, JobResult> {
        Job::run(self, ctx).boxed()
    }

    fn is_unique(&self) -> bool {
        self.unique_key().is_some()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|entry| entry.name))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_the_domain_can_be_run() {
        let registry = Registry::default();
        for kind in job::KINDS {
            let entry = registry.find(kind.name).unwrap();
            assert_eq!(entry.policy, kind.policy, "{}", kind.name);
        }
        assert!(registry.find("unheard_of").is_none());
    }
}
