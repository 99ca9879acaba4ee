//! `audit`: checks every invariant of the ledger.

use domain::audit::{self, Invariant, LISTED_MAX, Violation};
use domain::ports::Store;
use serde_json::json;

use crate::args::LedgerArgs;
use crate::config::Config;
use crate::{out, wire};

/// Prints a line for each invariant; `false` when one is broken.
pub async fn audit(args: &LedgerArgs) -> anyhow::Result<bool> {
    let config = Config::load(&args.common)?;
    let opened = wire::inspect(&config).await?;
    let violations = audit::run(opened.parts.store.as_ref()).await?;
    report(&violations, args.json)?;
    Ok(violations.is_empty())
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
