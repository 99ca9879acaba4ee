//! `migrate`: brings the ledger's schema up to date.

use serde_json::json;

use crate::args::LedgerArgs;
use crate::config::Config;
use crate::{out, wire};

/// Applies what is pending and says what the schema is now.
pub async fn migrate(args: &LedgerArgs) -> anyhow::Result<()> {
    let config = Config::load(&args.common)?;
    let schema = wire::migrate(&config).await?;
    if args.json {
        return out::json(&json!({ "ok": true, "applied": schema.applied }));
    }
    let version = schema.applied.last().copied().unwrap_or_default();
    out::line(format!(
        "the ledger's schema is up to date, at version {version}"
    ));
    Ok(())
}
