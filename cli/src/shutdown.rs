//! Signals: the first asks for a graceful stop, the second ends the process at once.

use std::fmt;
use std::process;

use tokio::signal::unix::{self, SignalKind, signal};

/// Waits for SIGINT, SIGTERM and SIGHUP.
#[derive(Debug)]
pub struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
    /// Not there when whoever started the process had SIGHUP ignored, as `nohup` does.
    hang_up: Option<unix::Signal>,
}

/// A signal that asks a process to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT: somebody at a terminal pressed Ctrl-C.
    Interrupt,
    /// SIGTERM: a service manager stops the process.
    Terminate,
    /// SIGHUP: its terminal or its session has gone.
    HangUp,
}

impl Signals {
    /// Begins to listen; from now on a signal does not end the process by itself.
    pub fn listen() -> std::io::Result<Self> {
        let hang_up = (!is_ignored(Signal::HangUp)).then(|| signal(SignalKind::hangup()));
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: hang_up.transpose()?,
        })
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) -> Signal {
        let Self {
            interrupt,
            terminate,
            hang_up,
        } = self;
        let hung_up = async {
            match hang_up {
                Some(hang_up) => hang_up.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = interrupt.recv() => Signal::Interrupt,
            _ = terminate.recv() => Signal::Terminate,
            _ = hung_up => Signal::HangUp,
        }
    }

    /// Ends the process at the next signal, with the status that shells give such an end.
    pub fn end_at_next(mut self) {
        tokio::spawn(async move {
            let signal = self.next().await;
            tracing::warn!(%signal, "second signal: ending at once");
            crate::logging::finish();
            process::exit(signal.status());
        });
    }
}

impl Signal {
    /// The exit status that shells give a process that the signal ended: 128 and its number.
    pub fn status(self) -> i32 {
        128 + self.kind().as_raw_value()
    }

    fn kind(self) -> SignalKind {
        match self {
            Self::Interrupt => SignalKind::interrupt(),
            Self::Terminate => SignalKind::terminate(),
            Self::HangUp => SignalKind::hangup(),
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
            Self::HangUp => "SIGHUP",
        })
    }
}

/// Whether the process was started with a signal ignored, which is to stay so. Only Linux tells
/// (`proc_pid_status(5)`); elsewhere none is.
fn is_ignored(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal.kind().as_raw_value() - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_of_a_second_signal_is_the_one_that_shells_give() {
        let all = [Signal::Interrupt, Signal::Terminate, Signal::HangUp];
        assert_eq!(all.map(Signal::status), [130, 143, 129]);
    }

    #[test]
    fn nothing_is_ignored_unless_whoever_started_the_process_said_so() {
        assert!(!is_ignored(Signal::Terminate));
    }
}
