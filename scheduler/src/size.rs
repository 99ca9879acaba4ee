//! Publishes how large the ledger is.

use domain::size::{self, LedgerSize};
use domain::{Context, Error};

/// Measures the ledger and sets the gauges.
pub(crate) async fn tick(ctx: &Context) -> Result<(), Error> {
    publish(&size::measure(ctx.store.as_ref()).await?);
    Ok(())
}

/// Sets every gauge to 0: another scheduler publishes them now.
pub(crate) fn clear() {
    publish(&LedgerSize::default());
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
fn publish(size: &LedgerSize) {
    metrics::gauge!("ticketoverflow_ledger_bytes").set(size.bytes as f64);
    metrics::gauge!("ticketoverflow_ledger_log_bytes").set(size.log_bytes as f64);
    for (table, rows) in size.rows() {
        metrics::gauge!("ticketoverflow_ledger_rows", "table" => table).set(rows as f64);
    }
}
