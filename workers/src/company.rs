//! Who runs beside whom: a suspect runs alone, everybody else together.
//!
//! A suspect was held by workers that died. If a worker dies again while nothing but the
//! suspect runs, the suspect did it; the ledger is told before the run begins, so that this is
//! known afterwards. All pools of a process share one value: they die together.

use std::sync::Arc;

use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// The jobs that run in this process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Company(Arc<RwLock<()>>);

/// The right to run, until it is dropped.
#[derive(Debug)]
pub(crate) enum Admission {
    /// Beside others.
    Together { _place: OwnedRwLockReadGuard<()> },
    /// Beside nobody.
    Alone { _place: OwnedRwLockWriteGuard<()> },
}

impl Company {
    /// Waits until a job may run. Whoever waits to be alone is served in turn: those who come
    /// later wait for it, so it does not wait for ever.
    pub(crate) async fn admit(&self, alone: bool) -> Admission {
        let company = Arc::clone(&self.0);
        if alone {
            Admission::Alone {
                _place: company.write_owned().await,
            }
        } else {
            Admission::Together {
                _place: company.read_owned().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_suspect_runs_alone_and_is_not_kept_waiting_by_those_who_come_later() {
        let company = Company::default();
        let (one, two) = (company.admit(false).await, company.admit(false).await);
        let mut suspect = Box::pin(company.admit(true));
        assert!(suspect.as_mut().now_or_never().is_none(), "two others run");
        let mut later = Box::pin(company.admit(false));
        assert!(
            later.as_mut().now_or_never().is_none(),
            "the suspect is next"
        );
        drop((one, two));
        let alone = suspect.await;
        assert!(later.as_mut().now_or_never().is_none(), "it is alone");
        drop(alone);
        later.await;
    }

    #[tokio::test]
    async fn a_suspect_that_gives_up_waiting_keeps_nobody_out() {
        let company = Company::default();
        let running = company.admit(false).await;
        assert!(company.admit(true).now_or_never().is_none());
        assert!(company.admit(false).now_or_never().is_some());
        drop(running);
    }
}
