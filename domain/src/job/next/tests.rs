use uuid::Uuid;

use super::*;
use crate::clock::from_micros;
use crate::ids::{ClaimToken, JobId};
use crate::job::Claim;

fn job(attempt: u32) -> Claimed {
    Claimed {
        losses: 0,
        alone: false,
        claim: Claim {
            job_id: JobId(Uuid::from_u128(1)),
            token: ClaimToken(Uuid::from_u128(2)),
        },
        kind: "noop".into(),
        args: "{}".into(),
        attempt,
        due_at: from_micros(0),
        run_at: from_micros(0),
        created_at: from_micros(0),
        trace: None,
    }
}

fn after(attempt: u32, outcome: &Outcome) -> Transition {
    next(
        &job(attempt),
        outcome,
        &Policy::DEFAULT,
        from_micros(1_000_000),
    )
}

#[test]
fn success_cancellation_and_failure_end_a_job_at_once() {
    for (outcome, state) in [
        (Outcome::Done, State::Completed),
        (Outcome::Cancel("gone".into()), State::Cancelled),
        (Outcome::Fail("never".into()), State::Discarded),
    ] {
        let transition = after(1, &outcome);
        assert_eq!(transition.state, state);
        assert!(transition.state.is_finished());
        assert_eq!(transition.finished_at, Some(from_micros(1_000_000)));
    }
}

#[test]
fn a_failed_attempt_waits_and_the_last_one_is_a_dead_letter() {
    let retry = Outcome::Retry("disk full".into(), None);
    for attempt in 1..Policy::DEFAULT.attempts_max {
        let transition = after(attempt, &retry);
        assert_eq!(transition.state, State::Scheduled);
        assert_eq!(transition.attempt, attempt);
        assert!(transition.run_at > from_micros(1_000_000));
        assert_eq!(transition.error.unwrap().error, "disk full");
    }
    let last = after(Policy::DEFAULT.attempts_max, &retry);
    assert_eq!(last.state, State::Discarded);
    assert_eq!(last.error.unwrap().attempt, Policy::DEFAULT.attempts_max);
}

/// What becomes of a job whose worker was lost.
fn lost(attempt: u32, losses: u32, alone: bool) -> Transition {
    let job = Claimed {
        losses,
        alone,
        ..job(attempt)
    };
    next(
        &job,
        &Outcome::Lost,
        &Policy::DEFAULT,
        from_micros(1_000_000),
    )
}

#[test]
fn a_job_that_was_lost_in_company_twice_is_suspected_and_never_charged() {
    for attempt in 1..=Policy::DEFAULT.attempts_max {
        for (losses, suspect) in [(0, false), (1, true), (2, true)] {
            let transition = lost(attempt, losses, false);
            assert_eq!(
                (transition.state, transition.attempt, transition.losses),
                (State::Available, attempt - 1, losses + 1)
            );
            assert_eq!(transition.is_suspect(), suspect, "after {losses} before");
            assert!(transition.error.unwrap().error.contains("worker died"));
        }
    }
}

#[test]
fn a_job_that_was_lost_alone_is_charged_until_it_is_a_dead_letter() {
    for attempt in 1..Policy::DEFAULT.attempts_max {
        let transition = lost(attempt, 2, true);
        assert_eq!(
            (transition.state, transition.attempt, transition.losses),
            (State::Scheduled, attempt, 3)
        );
    }
    let last = lost(Policy::DEFAULT.attempts_max, 2, true);
    assert_eq!((last.state, last.losses), (State::Discarded, 0));
    let error = last.error.unwrap().error;
    assert!(
        error.contains("the worker died while running it"),
        "{error}"
    );
}

#[test]
fn suspicion_ends_with_a_run_that_ends_and_not_with_handing_back() {
    let suspect = Claimed {
        losses: LOSSES_MAX,
        alone: true,
        ..job(2)
    };
    let after =
        |outcome| next(&suspect, &outcome, &Policy::DEFAULT, from_micros(1_000_000)).is_suspect();
    assert!(after(Outcome::Release));
    assert!(!after(Outcome::Retry("disk full".into(), None)));
    assert!(!after(Outcome::Snooze(TimeDelta::seconds(1))));
    assert!(!after(Outcome::Done));
}

#[test]
fn waiting_and_handing_back_cost_no_attempt() {
    let released = after(5, &Outcome::Release);
    assert_eq!((released.state, released.attempt), (State::Available, 4));
    let snoozed = after(5, &Outcome::Snooze(TimeDelta::seconds(1)));
    assert_eq!((snoozed.state, snoozed.attempt), (State::Scheduled, 4));
    assert_eq!(released.error, None);
}

#[test]
fn no_wait_is_longer_than_is_believed() {
    let latest = from_micros(1_000_000) + WAIT_MAX;
    let day = TimeDelta::days(1);
    for outcome in [
        Outcome::Snooze(day),
        Outcome::Retry("busy".into(), Some(day)),
    ] {
        assert_eq!(after(1, &outcome).run_at, latest, "{outcome:?}");
    }
}

#[test]
fn a_job_that_nobody_here_knows_is_left_to_others_for_a_while() {
    let unknown = Outcome::Unknown("what is it?".into());
    for attempt in [1, 5, 99] {
        let left = after(attempt, &unknown);
        assert_eq!((left.state, left.attempt), (State::Scheduled, attempt - 1));
        let wait = left.run_at - left.at;
        assert!(wait >= TimeDelta::seconds(30) && wait <= WAIT_MAX, "{wait}");
        assert_eq!(left.error, None);
    }
    let old = job(1).created_at + UNKNOWN_KEPT_FOR + TimeDelta::seconds(1);
    let dead = next(&job(1), &unknown, &Policy::DEFAULT, old);
    assert_eq!(dead.state, State::Discarded);
    assert_eq!(dead.error.unwrap().error, "what is it?");
}

#[test]
fn a_wait_given_by_the_job_wins_over_the_usual_one() {
    let retry = Outcome::Retry("busy".into(), Some(TimeDelta::zero()));
    assert_eq!(after(1, &retry).state, State::Available);
}

#[test]
fn a_huge_error_is_cut() {
    let error = after(1, &Outcome::Fail("x".repeat(1_000_000)))
        .error
        .unwrap();
    assert_eq!(error.error.chars().count(), ERROR_CHARS_MAX);
}

#[test]
fn a_state_survives_being_written() {
    for state in State::ALL {
        assert_eq!(State::parse(state.as_str()), Some(state));
    }
}
