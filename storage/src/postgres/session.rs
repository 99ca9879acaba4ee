//! What every connection is told when it is opened.

use std::time::Duration;

use domain::Timestamp;

use super::batch::micros;

/// Whose clock says how long claims and leases last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LeaseClock {
    /// The server's: it does not matter then whose clock is wrong.
    #[default]
    Server,
    /// Whoever asks says what time it is, as tests do whose clock stands still.
    Callers,
}

/// How a ledger is opened. The defaults suit a server in the same data centre.
#[derive(Debug, Clone)]
pub struct Options {
    /// What this process is called in the server's list of connections.
    pub application_name: String,
    /// Connections that write.
    pub writers_max: usize,
    /// Connections that read.
    pub readers_max: usize,
    /// How long to wait for one of them to be free.
    pub acquire_timeout: Duration,
    /// How long a server may take to answer a new connection.
    pub connect_timeout: Duration,
    /// How long a statement may run, and wait for locks altogether.
    pub statement_timeout: Duration,
    /// How long a statement may wait for one lock.
    pub lock_timeout: Duration,
    /// How long a transaction may stay open with nothing asked of it. Shorter than one waits for
    /// a lock: a process that is cut off while it changes a concert holds up all who sell it.
    pub idle_in_transaction_timeout: Duration,
    /// Whose clock says how long claims and leases last.
    pub lease_clock: LeaseClock,
}

/// The part of the [`Options`] that each connection needs.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) acquire_timeout: Duration,
    pub(super) connect_timeout: Duration,
    statement_timeout: Duration,
    lock_timeout: Duration,
    idle_in_transaction_timeout: Duration,
}

/// How much longer than the server's own time-out to wait for its answer. Without it, whoever
/// asks a server whose network is cut waits for hours.
const ANSWER_MARGIN: Duration = Duration::from_secs(2);

impl Default for Options {
    fn default() -> Self {
        Self {
            application_name: "ticketoverflow".into(),
            writers_max: 8,
            readers_max: 8,
            acquire_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(3),
            statement_timeout: Duration::from_secs(15),
            lock_timeout: Duration::from_secs(10),
            idle_in_transaction_timeout: Duration::from_secs(5),
            lease_clock: LeaseClock::default(),
        }
    }
}

impl Session {
    pub(super) fn of(options: &Options) -> Self {
        Self {
            acquire_timeout: options.acquire_timeout,
            connect_timeout: options.connect_timeout,
            statement_timeout: options.statement_timeout,
            lock_timeout: options.lock_timeout,
            idle_in_transaction_timeout: options.idle_in_transaction_timeout,
        }
    }

    /// How long an answer may take before the connection counts as lost.
    pub(super) fn patience(&self) -> Duration {
        self.statement_timeout + ANSWER_MARGIN
    }

    /// The settings, and a question: can this server only read?
    ///
    /// The tables go from empty to a hundred thousand rows within seconds, faster than their
    /// statistics follow, and a plan that was made for an empty table reads all of a full one. So
    /// each statement is written for one plan, from item to item over indexes, which is made once.
    pub(super) fn settings(&self) -> String {
        format!(
            "set statement_timeout = {};
             set lock_timeout = {};
             set idle_in_transaction_session_timeout = {};
             set plan_cache_mode = force_generic_plan;
             set enable_seqscan = off;
             set enable_bitmapscan = off;
             set enable_hashjoin = off;
             set enable_mergejoin = off;
             set jit = off;
             select pg_is_in_recovery() or current_setting('transaction_read_only')::boolean",
            self.statement_timeout.as_millis(),
            self.lock_timeout.as_millis(),
            self.idle_in_transaction_timeout.as_millis(),
        )
    }
}

impl LeaseClock {
    /// What a statement is given as the present: nothing, if the server knows better.
    pub(super) fn present(self, now: Timestamp) -> Option<i64> {
        match self {
            Self::Server => None,
            Self::Callers => Some(micros(now)),
        }
    }
}
