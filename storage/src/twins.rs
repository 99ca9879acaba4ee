//! What becomes of a job that would wait while another one of its key is queued.

use domain::job::{AttemptError, State, Transition};

/// Cancelled at the moment of its error, or else when it would have run.
pub(crate) fn cancel_twin(transition: &Transition) -> Transition {
    let error = transition.error.as_ref();
    let ended_at = error.map_or(transition.run_at, |error| error.at);
    Transition {
        at: transition.at,
        state: State::Cancelled,
        attempt: transition.attempt,
        run_at: transition.run_at,
        finished_at: Some(ended_at),
        losses: 0,
        error: Some(AttemptError {
            attempt: transition.attempt,
            at: ended_at,
            error: "another job of this key is queued".into(),
        }),
    }
}
