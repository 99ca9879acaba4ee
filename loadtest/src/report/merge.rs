//! Adds up the results of several generators.

use super::{ConcertSales, Customers, Generator, Report, Run, Server};
use crate::tally;
use crate::verdict::{NOT_AUDITED, Verdict};

/// Why results cannot be joined.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// There is nothing.
    #[error("no results were given")]
    Nothing,
    /// They are of different runs.
    #[error("{0} cannot be added to {1}: only results of one scenario against one target can")]
    Different(String, String),
    /// One of them was given before.
    #[error(
        "the run of seed {} that began at {} is given twice; generators that run together each \
         need a --seed of their own",
        .0.seed, .0.started_at
    )]
    Twice(Run),
}

impl Report {
    /// Joins the results of several generators that loaded one target with one scenario.
    pub fn merge(reports: Vec<Self>) -> Result<Self, MergeError> {
        let mut reports = reports.into_iter();
        let mut sum = reports.next().ok_or(MergeError::Nothing)?;
        for report in reports {
            sum.add(report)?;
        }
        sum.check_together();
        Ok(sum)
    }

    fn add(&mut self, other: Self) -> Result<(), MergeError> {
        let what = |one: &Self| format!("{} against {}", one.scenario, one.target);
        if (&self.scenario, &self.target) != (&other.scenario, &other.target) {
            return Err(MergeError::Different(what(&other), what(self)));
        }
        if let Some(run) = other.runs.iter().find(|run| self.runs.contains(run)) {
            return Err(MergeError::Twice(*run));
        }
        self.runs.extend(&other.runs);
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are exact")]
        let end = |one: &Self| one.started_at as f64 + one.elapsed_s;
        let ended = end(self).max(end(&other));
        self.started_at = self.started_at.min(other.started_at);
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are exact")]
        let elapsed_s = ended - self.started_at as f64;
        self.elapsed_s = elapsed_s;
        self.cut_short |= other.cut_short;
        self.generators += other.generators;
        self.generator.add(&other.generator);
        self.customers.add(&other.customers);
        for (kind, requests) in &other.requests {
            self.requests.entry(*kind).or_default().add(requests);
        }
        self.timeline.merge(other.timeline);
        for concert in other.concerts {
            match self.concerts.iter_mut().find(|one| one.id == concert.id) {
                Some(same) => same.add(&concert),
                None => self.concerts.push(concert),
            }
        }
        for waits in other.waits {
            match self.waits.iter_mut().find(|one| one.place == waits.place) {
                Some(same) => same.wait.add(&waits.wait),
                None => self.waits.push(waits),
            }
        }
        self.server.add(&other.server);
        self.errors.add(&other.errors);
        self.causes.add(&other.causes);
        self.warnings.extend(other.warnings);
        for verdict in &other.verdicts {
            self.join_verdict(verdict);
        }
        Ok(())
    }

    /// What only the sum shows: generators may have oversold a concert together, or been given
    /// the same tickets, a share is one of all customers, and the 99th percentile one of all urgent
    /// prints.
    fn check_together(&mut self) {
        let oversold = tally::oversold(&self.concerts);
        if !oversold.ok {
            // Each generator lists what all of them sold, so their sum counts a ticket several times.
            self.set_verdict(oversold);
        }
        let sold_twice = tally::sold_twice(&self.concerts);
        // A list that was not read to its end lacks tickets that were sold once.
        if self.named(NOT_AUDITED).is_none() && !sold_twice.ok {
            self.join_verdict(&sold_twice);
        }
        let shares = self.named("P2 unserved").filter(|one| one.unit == "%");
        if let Some(limit) = shares.map(|one| one.limit) {
            let all = tally::unserved(&self.concerts, &self.customers, &self.causes, limit);
            self.set_verdict(all);
        }
        if let Some(limit) = self.named("P7 urgent-p99").map(|one| one.limit) {
            let unserved = self.verdicts.iter().find(|one| one.name == "P2 unserved");
            self.set_verdict(tally::urgent(&self.waits, limit, unserved));
        }
    }

    fn named(&mut self, name: &str) -> Option<&mut Verdict> {
        self.verdicts.iter_mut().find(|one| one.name == name)
    }

    fn set_verdict(&mut self, verdict: Verdict) {
        match self.named(&verdict.name) {
            Some(same) => *same = verdict,
            None => self.verdicts.push(verdict),
        }
    }

    fn join_verdict(&mut self, verdict: &Verdict) {
        match self.named(&verdict.name) {
            Some(same) => same.join(verdict),
            None => self.verdicts.push(verdict.clone()),
        }
    }
}

impl Generator {
    fn add(&mut self, other: &Self) {
        self.connections += other.connections;
        self.opened += other.opened;
        self.threads += other.threads;
        self.cpu_s += other.cpu_s;
        self.arrived += other.arrived;
        self.late += other.late;
        self.lateness.add(&other.lateness);
        self.turned_away += other.turned_away;
        self.unsent.add(&other.unsent);
        self.resent += other.resent;
        self.handshakes.add(&other.handshakes);
    }
}

impl Customers {
    fn add(&mut self, other: &Self) {
        self.left += other.left;
        self.cut_off += other.cut_off;
        self.unanswered += other.unanswered;
        self.unserved += other.unserved;
        self.not_sent += other.not_sent;
    }
}

impl ConcertSales {
    fn add(&mut self, other: &Self) {
        self.bought += other.bought;
        self.refused += other.refused;
        // Each listed what there was when it ended.
        self.listed = self.listed.max(other.listed);
    }
}

impl Server {
    fn add(&mut self, other: &Self) {
        self.rss_max = self.rss_max.max(other.rss_max);
        self.ledger_bytes = self.ledger_bytes.max(other.ledger_bytes);
        self.other_bytes = self.other_bytes.max(other.other_bytes);
    }
}
