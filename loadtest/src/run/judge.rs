//! The end of a run: what was promised, and whether it was kept.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::watch;

use super::warn::warnings;
use super::{Gathered, Moment, Options};
use crate::audit::{Acknowledged, AuditOptions, Audited, audit};
use crate::drive::{self, Plan};
use crate::histogram::Latency;
use crate::record::{Fault, Faults, Interval, Kind, Requests};
use crate::report::{ConcertSales, Customers, Second, Waits};
use crate::sale::Sale;
use crate::scenario::{Promises, Step};
use crate::tally;
use crate::target::LoadError;
use crate::verdict::{NOT_AUDITED, Verdict};

/// The longest that the audit takes, beside its wait for a plan.
const AUDIT_MAX: Duration = Duration::from_hours(1);

/// What was found at the end.
pub(super) struct Judged {
    pub(super) concerts: Vec<ConcertSales>,
    pub(super) waits: Vec<Waits>,
    pub(super) warnings: Vec<String>,
    pub(super) verdicts: Vec<Verdict>,
}

/// What was counted during it.
struct Seen<'a> {
    concerts: &'a [ConcertSales],
    waits: &'a [Waits],
    /// Acknowledgements of a ticket that somebody else was given, too.
    twice: u64,
    plan_stale_s: f64,
    /// Whoever had not come yet made no print, and that breaks no promise.
    cut_short: bool,
}

/// Why the audit did not come to its end.
#[derive(Debug)]
struct NotAudited {
    why: String,
    /// The generator could not ask, and the server is not to blame.
    is_own: bool,
}

impl NotAudited {
    fn stopped(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            is_own: false,
        }
    }

    fn of(error: &LoadError) -> Self {
        let cause = std::error::Error::source(error);
        let words = cause.map(|cause| format!(": {cause}")).unwrap_or_default();
        Self {
            why: format!("the audit broke off: {error}{words}"),
            is_own: matches!(error, LoadError::NotSent(..)),
        }
    }

    fn verdict(self) -> Verdict {
        if self.is_own {
            return Verdict::count(NOT_AUDITED, 0, Vec::new()).doubted(self.why);
        }
        Verdict::count(NOT_AUDITED, 1, vec![self.why])
    }
}

/// Audits the concerts of the run and joins what was seen during it.
pub(super) async fn judge(
    options: &Options,
    plan: &Plan,
    gathered: &mut Gathered,
    on_moment: &mut impl FnMut(&Moment<'_>),
) -> Judged {
    let sale = &plan.sale;
    let (mut bought, refused) = drive::join_bought(&mut gathered.ends, sale.concerts.len());
    let twice = sort_and_count_twice(&mut bought);
    let mut concerts: Vec<_> = sale
        .concerts
        .iter()
        .enumerate()
        .map(|(at, concert)| ConcertSales {
            id: concert.id.clone(),
            key: concert.key.clone(),
            capacity: u64::from(concert.capacity),
            bought: bought.get(&at).map_or(0, |ids| count(ids.len())),
            refused: refused.get(at).copied().unwrap_or(0),
            listed: 0,
        })
        .collect();
    let acknowledged: Acknowledged = bought
        .into_iter()
        .map(|(at, ids)| (sale.concerts[at].id.clone(), ids))
        .collect();
    let audit_options = AuditOptions {
        concerts: concerts.iter().map(|concert| concert.id.clone()).collect(),
        prints_max: options.prints_max,
        plan_staleness: Duration::from_secs_f64(options.scenario.promises.plan_staleness_s),
        ..AuditOptions::default()
    };
    let nothing = Second::default();
    let mut tell = || {
        on_moment(&Moment {
            auditing: true,
            elapsed: sale.begun().elapsed(),
            customers: 0,
            second: &nothing,
            total: &gathered.total,
        });
    };
    // Who stops the sale wants to know what became of it; who stops the audit does not.
    let stop = (!*options.stop.borrow()).then(|| options.stop.clone());
    tell();
    let audited = audit(&options.target, &audit_options, &acknowledged, |_, _, _| {
        tell();
    });
    let most = AUDIT_MAX + audit_options.plan_staleness;
    let audited = unless_stopped(stop, most, audited).await;
    if let Ok(audited) = &audited {
        for concert in &mut concerts {
            concert.listed = audited.listed.get(&concert.id).copied().unwrap_or(0);
        }
    }
    let waits = waits(options, &gathered.total);
    let unknown = unknown_sales(sale, &concerts);
    let (fetched_s, told_s) = (gathered.total.plan_stale_s, gathered.plan_stale_s);
    let (plan_stale_s, doubt) = plan_staleness(fetched_s, told_s, unknown);
    let seen = Seen {
        concerts: &concerts,
        waits: &waits,
        twice,
        plan_stale_s,
        cut_short: gathered.cut.is_some(),
    };
    let verdicts = verdicts(options, &gathered.total, &seen, audited);
    let mut warnings = warnings(options, plan, gathered);
    warnings.extend(Some(doubt).filter(|doubt| !doubt.is_empty()));
    Judged {
        concerts,
        waits,
        warnings,
        verdicts,
    }
}

/// What the audit found, or why it did not come to its end. The server may have died of the load,
/// and what was measured until then is what its operator needs.
async fn unless_stopped(
    stop: Option<watch::Receiver<bool>>,
    most: Duration,
    audited: impl Future<Output = Result<Audited, LoadError>>,
) -> Result<Audited, NotAudited> {
    let stopped = async {
        let asked = match stop {
            Some(mut stop) => stop.wait_for(|stop| *stop).await.is_ok(),
            None => false,
        };
        if !asked {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        audited = audited => audited.map_err(|error| NotAudited::of(&error)),
        () = stopped => Err(NotAudited::stopped("the audit was stopped")),
        () = tokio::time::sleep(most) => {
            let after = format!("the audit was stopped after {} s", most.as_secs());
            Err(NotAudited::stopped(after))
        }
    }
}

/// How many acknowledgements were of a ticket that somebody else was given, too.
fn sort_and_count_twice(bought: &mut BTreeMap<usize, Vec<u128>>) -> u64 {
    let mut twice = 0;
    for ids in bought.values_mut() {
        ids.sort_unstable();
        let all = ids.len();
        ids.dedup();
        twice += count(all - ids.len());
    }
    twice
}

fn waits(options: &Options, total: &Interval) -> Vec<Waits> {
    let crowds = options.scenario.crowds().enumerate();
    crowds
        .filter_map(|(at, crowd)| {
            Some(Waits {
                place: at,
                crowd: crowd.name.clone(),
                urgent: crowd.urgent,
                wait: total.waits.get(&at)?.clone(),
            })
        })
        .collect()
}

fn verdicts(
    options: &Options,
    total: &Interval,
    seen: &Seen<'_>,
    audited: Result<Audited, NotAudited>,
) -> Vec<Verdict> {
    let promises: &Promises = &options.scenario.promises;
    let fault = |name: &str, fault: Fault| {
        let found = faults(total, fault);
        Verdict::count(name, found.count, found.details)
    };
    let mut all = vec![
        tally::oversold(seen.concerts),
        Verdict::count("P4 sold-twice", seen.twice, Vec::new()),
    ];
    if audited.is_ok() {
        all.push(tally::undersold(seen.concerts));
    }
    let unserved = tally::unserved(
        seen.concerts,
        &Customers::of(total),
        &total.causes,
        promises.unserved_percent(),
    );
    let was_urgent = |waits: &Waits| waits.urgent && waits.wait.count() > 0;
    let some_came = !seen.cut_short || seen.waits.iter().any(was_urgent);
    if some_came && options.scenario.crowds().any(|crowd| crowd.urgent) {
        let limit_s = promises.urgent_p99_s;
        all.push(tally::urgent(seen.waits, limit_s, Some(&unserved)));
    }
    all.push(unserved);
    if options.scenario.has(Step::Printed) {
        all.push(not_printed(total, seen.cut_short));
    }
    all.push(fault("P5 printed-without-print", Fault::NoPrint));
    all.push(fault("P6 stale-bytes", Fault::StaleBytes));
    all.push(Verdict::figure(
        "P8 plan-staleness",
        seen.plan_stale_s,
        "s",
        promises.plan_staleness_s,
    ));
    all.push(fault("P8 plan-back", Fault::PlanBack));
    all.push(fault("P9 wrong-answers", Fault::WrongAnswer));
    let found = audited.map_or_else(
        |missing| vec![missing.verdict()],
        |audited| audited.verdicts,
    );
    for verdict in found {
        match all.iter_mut().find(|one| one.name == verdict.name) {
            // Both saw the same tickets: too many are not twice as many.
            Some(same) if verdict.name == "P1 oversold" && same.value >= verdict.value => {}
            Some(same) => same.join(&verdict),
            None => all.push(verdict),
        }
    }
    all.sort_by(|a, b| a.name[..2].cmp(&b.name[..2]));
    all
}

/// The age of plans. Sales that this generator has no word of make the plans that it fetched look
/// younger than they are; then the server's own account counts as well, and must be there.
fn plan_staleness(fetched_s: Option<f64>, told_s: Option<f64>, unknown: u64) -> (f64, String) {
    let fetched_s = fetched_s.unwrap_or(0.0);
    match (unknown, told_s) {
        (0, _) => (fetched_s, String::new()),
        (_, Some(told_s)) => (fetched_s.max(told_s), String::new()),
        (_, None) => (
            fetched_s,
            format!(
                "the age of plans was not measured: {unknown} tickets were sold that this generator \
                 has no word of, and the server says nothing of plans in its /metrics"
            ),
        ),
    }
}

/// Tickets of the concerts that are neither of before nor acknowledged here.
fn unknown_sales(sale: &Sale, concerts: &[ConcertSales]) -> u64 {
    let each = concerts.iter().enumerate().filter_map(|(at, concert)| {
        let known = sale.known(at)?;
        Some(concert.listed.saturating_sub(known))
    });
    each.sum()
}

/// Prints that never came. To make none at all is no way to keep that promise, if there was time.
fn not_printed(total: &Interval, cut_short: bool) -> Verdict {
    let mut found = faults(total, Fault::NotPrinted);
    let orders = total
        .requests
        .get(&Kind::Print)
        .map_or(0, Requests::answers);
    let printed: u64 = total.waits.values().map(Latency::count).sum();
    if !cut_short && orders > 0 && printed == 0 && found.count == 0 {
        found.note(|| format!("no print was made, of {orders} that were ordered"));
    }
    Verdict::count("P5 not-printed", found.count, found.details)
}

fn faults(total: &Interval, fault: Fault) -> Faults {
    total.faults.get(&fault).cloned().unwrap_or_default()
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_audit_without_an_end_is_stopped() {
        let (_stop, stopped) = watch::channel(false);
        for stop in [None, Some(stopped)] {
            let stopping = unless_stopped(stop, AUDIT_MAX, std::future::pending());
            let audited = tokio::time::timeout(2 * AUDIT_MAX, stopping).await;
            let missing = audited.unwrap().unwrap_err();
            assert_eq!(missing.why, "the audit was stopped after 3600 s");
        }
    }

    #[test]
    fn plans_of_concerts_that_others_sell_too_are_not_called_young_by_their_count() {
        assert_eq!(
            plan_staleness(Some(2.0), Some(9.0), 0),
            (2.0, String::new())
        );
        assert_eq!(
            plan_staleness(Some(2.0), Some(9.0), 5),
            (9.0, String::new())
        );
        let (_, doubt) = plan_staleness(None, None, 5);
        assert!(doubt.contains("not measured"), "{doubt}");
    }

    #[test]
    fn prints_are_not_promised_by_making_none() {
        let mut total = Interval::default();
        assert!(not_printed(&total, false).ok);
        total.answered(Kind::Print, 503, Duration::ZERO, Duration::ZERO);
        assert!(!not_printed(&total, false).ok);
        assert!(not_printed(&total, true).ok, "there was no time for it");
        total.waits.entry(0).or_default().record(Duration::ZERO);
        assert!(not_printed(&total, false).ok);
    }
}
