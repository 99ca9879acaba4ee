//! Recognises a pooler that gives each transaction whichever of its connections is free, such as
//! PgBouncer in transaction mode: what a connection is told when it is opened would be forgotten, or
//! heard by others.

use sqlx::{PgConnection, Row};

/// How often it is tried: among other traffic two transactions may be given two connections.
const TRIES: u32 = 3;

/// What such a pooler answers to a parameter of the driver that it was not told to ignore.
const REFUSED: &str = "unsupported startup parameter";

/// Leaves a mark that there was never before in a session, and tells it.
const MARK: &str = "
    select set_config('ticketoverflow.mark', pg_backend_pid() || ' ' || clock_timestamp(), false)";

/// The mark that was left in a session; empty if none was.
const READ_MARK: &str = "
    select coalesce(current_setting('ticketoverflow.mark', true), '')";

/// Whether two connections that were opened one by one are not two sessions of a server.
pub(super) async fn shares_sessions(
    first: &mut PgConnection,
    second: &mut PgConnection,
) -> Result<bool, sqlx::Error> {
    for _ in 0..TRIES {
        let mark = ask(first, MARK).await?;
        let is_shared = ask(second, READ_MARK).await? == mark;
        if is_shared || ask(first, READ_MARK).await? != mark {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a connection was refused by a pooler for what the driver asks for.
pub(super) fn refuses_driver(error: &anyhow::Error) -> bool {
    format!("{error:#}").contains(REFUSED)
}

/// Asks in the form that needs no prepared statement, which would be elsewhere.
async fn ask(conn: &mut PgConnection, question: &'static str) -> Result<String, sqlx::Error> {
    sqlx::raw_sql(question).fetch_one(conn).await?.try_get(0)
}
