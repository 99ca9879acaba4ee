//! What a scenario's file may say.

use super::{
    CLIENTS_MAX, CONCERTS_MAX, CUSTOMERS_MAX, Crowd, RATE_MAX, SECONDS_MAX, Scenario, Step,
};

/// The longest that may be promised, in seconds.
const PROMISE_S_MAX: f64 = 86_400.0;
/// Rates and times that were made to fit a limit may miss it by this factor.
const ROUNDING: f64 = 1.000_001;
/// The farthest day of a concert.
const DAYS_MAX: u32 = 3_650;

/// Says what is wrong and where.
pub(super) fn check(scenario: &Scenario) -> Result<(), String> {
    let counts = scenario.concerts.iter().map(|one| u64::from(one.count));
    let concerts: u64 = counts.sum();
    ensure(concerts > 0, || "it has no [[concert]]".into())?;
    ensure(concerts <= u64::from(CONCERTS_MAX), || {
        format!("it has {concerts} concerts; {CONCERTS_MAX} at most")
    })?;
    for (at, concert) in scenario.concerts.iter().enumerate() {
        let key = &concert.key;
        let twice = scenario.concerts[..at].iter().any(|one| one.key == *key);
        ensure(!twice, || format!("two concerts have the key {key:?}"))?;
        ensure(concert.capacity <= 1_000_000, || {
            format!("concert {key:?}: a capacity is 0 to 1,000,000")
        })?;
        ensure(concert.in_days <= DAYS_MAX, || {
            format!("concert {key:?}: in_days is 0 to {DAYS_MAX}")
        })?;
    }
    let promises = &scenario.promises;
    for (name, seconds) in [
        ("plan_staleness_s", promises.plan_staleness_s),
        ("urgent_p99_s", promises.urgent_p99_s),
    ] {
        ensure((0.0..=PROMISE_S_MAX).contains(&seconds), || {
            format!("promises: {name} is 0 to {PROMISE_S_MAX}")
        })?;
    }
    ensure(!scenario.phases.is_empty(), || "it has no [[phase]]".into())?;
    for phase in &scenario.phases {
        ensure(!phase.crowds.is_empty(), || {
            format!("phase {:?} has no [[phase.crowd]]", phase.name)
        })?;
        for crowd in &phase.crowds {
            let whose = |what| format!("crowd {:?} of phase {:?}: {what}", crowd.name, phase.name);
            check_figures(crowd).map_err(whose)?;
            check_steps(scenario, crowd).map_err(whose)?;
        }
        ensure(!phase.crowds.iter().all(|crowd| crowd.fill), || {
            format!("phase {:?}: some crowd must not be of `fill`", phase.name)
        })?;
    }
    let customers = scenario.customers();
    ensure(customers <= CUSTOMERS_MAX, || {
        format!("{customers} customers come altogether; {CUSTOMERS_MAX} at most")
    })
}

/// Says what is wrong with the arrivals of all crowds together, in an open loop.
pub(super) fn check_arrivals(scenario: &Scenario) -> Result<(), String> {
    let rate = scenario.rate();
    ensure(rate <= RATE_MAX * ROUNDING, || {
        format!("{rate} customers come in a second; {RATE_MAX} at most")
    })?;
    let seconds = scenario.natural_seconds();
    ensure(seconds <= SECONDS_MAX * ROUNDING, || {
        format!(
            "customers come for {}; {} at most",
            hours(seconds),
            hours(SECONDS_MAX)
        )
    })
}

fn hours(seconds: f64) -> String {
    format!("{:.1} h", seconds / 3_600.0)
}

fn check_figures(crowd: &Crowd) -> Result<(), String> {
    ensure((1..=CLIENTS_MAX).contains(&crowd.clients), || {
        format!("clients are 1 to {CLIENTS_MAX}")
    })?;
    ensure((1..=CUSTOMERS_MAX).contains(&crowd.customers), || {
        format!("customers are 1 to {CUSTOMERS_MAX}")
    })?;
    ensure((0.0..=3_600.0).contains(&crowd.think_s), || {
        "think_s is 0 to 3600".into()
    })?;
    for (name, share) in [("ramp", crowd.ramp), ("from", crowd.from)] {
        ensure((0.0..=1.0).contains(&share), || {
            format!("{name} is a part, 0 to 1")
        })?;
    }
    let rate = crowd.natural_rate();
    ensure(rate > 0.0 && rate <= RATE_MAX * ROUNDING, || {
        format!("its rate is above 0 and at most {RATE_MAX}, not {rate}")
    })?;
    let seconds = crowd.natural_seconds();
    ensure(seconds <= SECONDS_MAX * ROUNDING, || {
        format!(
            "at {rate} a second it comes for {}; {} at most",
            hours(seconds),
            hours(SECONDS_MAX)
        )
    })
}

fn check_steps(scenario: &Scenario, crowd: &Crowd) -> Result<(), String> {
    ensure(crowd.steps.is_empty() != crowd.mix.is_empty(), || {
        "it has either steps or a mix".into()
    })?;
    for key in &crowd.concerts {
        let known = scenario.concerts.iter().any(|one| one.key == *key);
        ensure(known, || format!("there is no concert {key:?}"))?;
    }
    for visit in crowd.visits() {
        let mut has_ticket = false;
        for step in visit {
            match step {
                Step::Buy | Step::Recall => has_ticket = true,
                Step::Ticket | Step::Print | Step::Printed | Step::Download => {
                    ensure(has_ticket, || {
                        format!("{step:?} needs a ticket: buy or recall one before")
                    })?;
                }
                Step::Rename => ensure(crowd.rename_to.is_some(), || {
                    "rename needs rename_to".into()
                })?,
                Step::User | Step::Concert | Step::Plan | Step::Think => {}
            }
        }
        ensure(!visit.is_empty(), || "a visit has no steps".into())?;
    }
    let shares: u64 = crowd.mix.iter().map(|visit| u64::from(visit.share)).sum();
    ensure(crowd.mix.is_empty() || shares > 0, || {
        "the shares of a mix are not all 0".into()
    })
}

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}
