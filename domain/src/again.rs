//! Transactions that are begun anew when the ledger breaks them off: after a deadlock, a lost
//! connection, a fail-over.
//!
//! Whether a transaction was written is unknown when the ledger is lost while it commits. Nobody
//! guesses then: the next try is told, and looks which of its rows are there.

use std::future::Future;
use std::time::Duration;

use crate::ports::StoreError;

/// Tries altogether. With the waits in between, about two seconds.
const TRIES_MAX: u32 = 7;

const FIRST_WAIT: Duration = Duration::from_millis(25);

/// Where a transaction failed, or all tries of one.
#[derive(Debug)]
pub(crate) enum Broken {
    /// Before it was committed: nothing of it was written.
    Before(StoreError),
    /// While it was committed: perhaps it was written.
    Committing(StoreError),
}

/// Whether an earlier try may have been written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Earlier {
    /// It was not.
    Nothing,
    /// Nobody knows.
    Unknown,
}

/// Tries a transaction until it is not broken off any more, but not for ever. What is returned then
/// says whether any of the tries may have been written.
pub(crate) async fn write<T, Trying>(
    mut transaction: impl FnMut(Earlier) -> Trying,
) -> Result<T, Broken>
where
    Trying: Future<Output = Result<T, Broken>>,
{
    let mut earlier = Earlier::Nothing;
    let mut wait = FIRST_WAIT;
    let mut tries = 1;
    loop {
        let error = match transaction(earlier).await {
            Ok(written) => return Ok(written),
            Err(Broken::Committing(error)) => {
                earlier = Earlier::Unknown;
                error
            }
            Err(Broken::Before(error)) => error,
        };
        if tries == TRIES_MAX || !matches!(error, StoreError::Interrupted(_)) {
            return Err(match earlier {
                Earlier::Nothing => Broken::Before(error),
                Earlier::Unknown => Broken::Committing(error),
            });
        }
        tracing::warn!(
            error = error.chain(),
            tries,
            ?earlier,
            "a transaction was broken off and begins anew"
        );
        metrics::counter!("ticketoverflow_transactions_begun_anew_total").increment(1);
        tokio::time::sleep(wait).await;
        wait *= 2;
        tries += 1;
    }
}

impl From<StoreError> for Broken {
    fn from(error: StoreError) -> Self {
        Self::Before(error)
    }
}

impl From<Broken> for StoreError {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Before(error) | Broken::Committing(error) => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::future::ready;

    use super::*;

    fn interrupted() -> StoreError {
        StoreError::interrupted(anyhow::anyhow!("test"))
    }

    /// Fails in these ways and then succeeds; gives what each try was told.
    async fn tries(failures: Vec<Broken>) -> (Result<(), Broken>, Vec<Earlier>) {
        let (told, failures) = (RefCell::new(Vec::new()), RefCell::new(failures.into_iter()));
        let written = write(|earlier| {
            told.borrow_mut().push(earlier);
            ready(failures.borrow_mut().next().map_or(Ok(()), Err))
        });
        let written = written.await;
        (written, told.into_inner())
    }

    #[tokio::test]
    async fn what_was_broken_off_begins_anew_and_knows_what_may_have_been_written() {
        use Earlier::{Nothing, Unknown};

        let (written, told) = tries(vec![
            Broken::Before(interrupted()),
            Broken::Committing(interrupted()),
            Broken::Before(interrupted()),
        ])
        .await;
        assert!(written.is_ok());
        assert_eq!(told, [Nothing, Nothing, Unknown, Unknown]);
    }

    #[tokio::test]
    async fn other_errors_are_final() {
        let (written, told) = tries(vec![Broken::Before(StoreError::Conflict("test"))]).await;
        assert!(matches!(
            written,
            Err(Broken::Before(StoreError::Conflict(_)))
        ));
        assert_eq!(told.len(), 1);
    }

    #[tokio::test]
    async fn what_perhaps_was_written_stays_so_whatever_fails_after_it() {
        let conflict = || StoreError::Conflict("test");
        let (written, _) = tries(vec![Broken::Committing(conflict())]).await;
        assert!(matches!(written, Err(Broken::Committing(_))));
        let failures = vec![
            Broken::Committing(interrupted()),
            Broken::Before(interrupted()),
            Broken::Before(conflict()),
        ];
        let (written, told) = tries(failures).await;
        assert!(matches!(written, Err(Broken::Committing(_))));
        assert_eq!(told.len(), 3);
    }

    #[tokio::test]
    async fn nobody_tries_for_ever() {
        let failures = (0..100).map(|_| Broken::Before(interrupted())).collect();
        let (written, told) = tries(failures).await;
        assert!(matches!(
            written,
            Err(Broken::Before(StoreError::Interrupted(_)))
        ));
        assert_eq!(told.len(), 7);
    }
}
