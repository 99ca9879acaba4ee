//! `audit`: checks every invariant of the ledger, or from outside what any client may see.

use anyhow::bail;
use domain::audit::{self, Invariant, LISTED_MAX, Violation};
use domain::ports::Store;
use loadtest::{Acknowledged, AuditOptions, Target, Trust};
use serde_json::json;

use crate::args::{AuditArgs, TlsArgs};
use crate::config::Config;
use crate::progress::Progress;
use crate::{out, wire};

/// Prints a line for each invariant; `false` when one is broken.
pub async fn audit(args: &AuditArgs) -> anyhow::Result<bool> {
    if let Some(target) = &args.target {
        return from_outside(args, target).await;
    }
    let args = &args.ledger;
    let config = Config::load(&args.common)?;
    let opened = wire::inspect(&config).await?;
    let violations = audit::run(opened.parts.store.as_ref()).await?;
    report(&violations, args.json)?;
    Ok(violations.is_empty())
}

/// Reading harms nobody, so any server may be looked at.
async fn from_outside(args: &AuditArgs, target: &str) -> anyhow::Result<bool> {
    let tls = TlsArgs {
        ca: args.ca.clone(),
        insecure: args.insecure,
    };
    let target = Target::find(target, true, &tls.trust()).await?;
    if tls.trust() != Trust::System && !target.is_encrypted() {
        bail!("--ca and --insecure do nothing without an https:// target");
    }
    let options = AuditOptions {
        concerts: args.concert.clone(),
        prints_max: args.prints_max,
        ..AuditOptions::default()
    };
    let progress = Progress::start("reading what clients see", 0);
    let nothing = Acknowledged::new();
    let audited = loadtest::audit(&target, &options, &nothing, |_, _, tickets| {
        progress.set(tickets);
    });
    let audited = audited.await?;
    progress.done(&audited.extent);
    let holds = audited.verdicts.iter().all(|verdict| verdict.ok);
    if args.ledger.json {
        let invariants = audited.verdicts.iter().map(|verdict| {
            json!({
                "name": verdict.name,
                "violations": violations(verdict),
                "ok": verdict.ok,
                "details": verdict.details,
            })
        });
        let invariants: Vec<_> = invariants.collect();
        out::json(&json!({ "ok": holds, "invariants": invariants }))?;
    } else {
        audited.verdicts.iter().for_each(out::line);
    }
    Ok(holds)
}

/// How often a promise was broken; a figure is too large or not.
fn violations(verdict: &loadtest::Verdict) -> u64 {
    if !verdict.unit.is_empty() {
        return u64::from(!verdict.ok);
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is a count"
    )]
    let count = verdict.value as u64;
    count
}

/// The lines of a report about a ledger that is open already.
pub async fn lines(store: &dyn Store) -> anyhow::Result<(Vec<String>, bool)> {
    let violations = audit::run(store).await?;
    Ok((report_lines(&violations), violations.is_empty()))
}

fn report(violations: &[Violation], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        let invariants: Vec<_> = Invariant::ALL
            .iter()
            .map(|&invariant| {
                let details: Vec<_> = of(violations, invariant).map(|v| &v.detail).collect();
                json!({
                    "name": invariant.name(),
                    "violations": details.len(),
                    "ok": details.is_empty(),
                    "details": details,
                })
            })
            .collect();
        return out::json(&json!({ "ok": violations.is_empty(), "invariants": invariants }));
    }
    for line in report_lines(violations) {
        out::line(line);
    }
    Ok(())
}

fn report_lines(violations: &[Violation]) -> Vec<String> {
    let mut lines = Vec::new();
    for invariant in Invariant::ALL {
        let found: Vec<_> = of(violations, invariant).collect();
        let more = if found.len() >= LISTED_MAX as usize {
            " or more"
        } else {
            ""
        };
        let verdict = if found.is_empty() { "ok" } else { "BROKEN" };
        lines.push(format!(
            "{} {}{more} {verdict}",
            invariant.name(),
            found.len()
        ));
        lines.extend(
            found
                .iter()
                .map(|violation| format!("  {}", violation.detail)),
        );
    }
    lines
}

fn of(violations: &[Violation], invariant: Invariant) -> impl Iterator<Item = &Violation> {
    violations
        .iter()
        .filter(move |violation| violation.invariant == invariant)
}
