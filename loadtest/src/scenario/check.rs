//! What a scenario's file may say.

use super::{
    CLIENTS_MAX, CONCERTS_MAX, CUSTOMERS_MAX, Concert, Crowd, RATE_MAX, SECONDS_MAX, Scenario, Step,
};

/// The longest that may be promised, in seconds.
const PROMISE_S_MAX: f64 = 86_400.0;
/// Rates and times that were made to fit a limit may miss it by this factor.
const ROUNDING: f64 = 1.000_001;
/// The farthest day of a concert.
const DAYS_MAX: u32 = 3_650;
/// The longest name, in characters, as the interface has it.
const NAME_CHARS_MAX: usize = 1_000;
/// The largest concert.
const CAPACITY_MAX: u32 = 1_000_000;

/// Says what is wrong and where.
pub(super) fn check(scenario: &Scenario) -> Result<(), String> {
    ensure(!scenario.concerts.is_empty(), || {
        "it has no [[concert]]".into()
    })?;
    let counts = scenario.concerts.iter().map(|one| u64::from(one.count));
    let concerts: u64 = counts.sum();
    ensure(concerts <= u64::from(CONCERTS_MAX), || {
        format!("it has {concerts} concerts; {CONCERTS_MAX} at most")
    })?;
    for (at, concert) in scenario.concerts.iter().enumerate() {
        let key = &concert.key;
        let twice = scenario.concerts[..at].iter().any(|one| one.key == *key);
        ensure(!twice, || format!("two concerts have the key {key:?}"))?;
        let whose = |what| format!("concert {key:?}: {what}");
        check_concert(concert).map_err(whose)?;
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
    ensure((0.0..=1.0).contains(&promises.answered_share), || {
        "promises: answered_share is a part, 0 to 1".into()
    })?;
    ensure(!scenario.phases.is_empty(), || "it has no [[phase]]".into())?;
    for (at, phase) in scenario.phases.iter().enumerate() {
        check_name("name", &phase.name).map_err(|what| format!("phase {}: {what}", at + 1))?;
        ensure(!phase.crowds.is_empty(), || {
            format!("phase {:?} has no [[phase.crowd]]", phase.name)
        })?;
        for crowd in &phase.crowds {
            let whose = |what| format!("crowd {:?} of phase {:?}: {what}", crowd.name, phase.name);
            check_figures(crowd).map_err(whose)?;
            check_steps(scenario, at, crowd).map_err(whose)?;
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
    check_name("name", &crowd.name)?;
    ensure((1..=CLIENTS_MAX).contains(&crowd.clients), || {
        format!("clients are 1 to {CLIENTS_MAX}")
    })?;
    ensure((1..=CUSTOMERS_MAX).contains(&crowd.customers), || {
        format!("customers are 1 to {CUSTOMERS_MAX}")
    })?;
    ensure((0.0..=3_600.0).contains(&crowd.think_s), || {
        "think_s is 0 to 3600".into()
    })?;
    ensure((0.0..=1.0).contains(&crowd.ramp), || {
        "ramp is a part, 0 to 1".into()
    })?;
    ensure((0.0..1.0).contains(&crowd.from), || {
        format!(
            "from is a part, 0 to less than 1, not {}; who comes when the others have gone is of a \
             phase of their own",
            crowd.from
        )
    })?;
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

fn check_steps(scenario: &Scenario, phase: usize, crowd: &Crowd) -> Result<(), String> {
    ensure(crowd.steps.is_empty() != crowd.mix.is_empty(), || {
        "it has either steps or a mix".into()
    })?;
    for key in &crowd.concerts {
        let known = scenario.concerts.iter().any(|one| one.key == *key);
        ensure(known, || format!("there is no concert {key:?}"))?;
    }
    let phases = scenario.phases.iter().take(phase + 1);
    let mut crowds = phases.flat_map(|phase| &phase.crowds);
    let somebody_buys = crowds.any(|crowd| crowd.visits().any(|visit| visit.contains(&Step::Buy)));
    for visit in crowd.visits() {
        ensure(!visit.is_empty(), || "a visit has no steps".into())?;
        let mut has_ticket = false;
        for (at, step) in visit.iter().enumerate() {
            let place = |what: String| format!("step {:?} ({}): {what}", step.name(), at + 1);
            check_step(*step, crowd, has_ticket, somebody_buys).map_err(place)?;
            has_ticket |= matches!(step, Step::Buy | Step::Recall);
        }
    }
    let shares: u64 = crowd.mix.iter().map(|visit| u64::from(visit.share)).sum();
    ensure(crowd.mix.is_empty() || shares > 0, || {
        "the shares of a mix are not all 0".into()
    })
}

/// Says what a step lacks.
fn check_step(
    step: Step,
    crowd: &Crowd,
    has_ticket: bool,
    somebody_buys: bool,
) -> Result<(), String> {
    match step {
        Step::Ticket | Step::Print | Step::Printed | Step::Download => ensure(has_ticket, || {
            "it needs a ticket: buy or recall one before".into()
        }),
        Step::Recall => ensure(somebody_buys, || {
            "nobody buys a ticket in this phase or before it, so there is none to take up".into()
        }),
        Step::Rename => match &crowd.rename_to {
            Some(name) => check_name("rename_to", name),
            None => Err("it needs rename_to, the new name".into()),
        },
        Step::User | Step::Concert | Step::Buy | Step::Plan | Step::Think => Ok(()),
    }
}

fn check_concert(concert: &Concert) -> Result<(), String> {
    check_name("key", &concert.key)?;
    check_name("name", &concert.name)?;
    check_name("venue", &concert.venue)?;
    ensure((1..=CAPACITY_MAX).contains(&concert.capacity), || {
        format!(
            "its capacity is 1 to {CAPACITY_MAX}, not {}",
            concert.capacity
        )
    })?;
    ensure(concert.in_days <= DAYS_MAX, || {
        format!("in_days is 0 to {DAYS_MAX}")
    })?;
    ensure(concert.count > 0, || {
        "its count is at least 1; leave it out otherwise".into()
    })
}

/// A name that the server takes, and that people can see.
fn check_name(what: &str, name: &str) -> Result<(), String> {
    let visible = name.chars().any(|char| !char.is_whitespace());
    let fits = name.chars().count() <= NAME_CHARS_MAX;
    ensure(
        visible && fits && !name.chars().any(char::is_control),
        || {
            format!(
                "{what} is 1 to {NAME_CHARS_MAX} characters in a line, not {:?}",
                name.chars().take(40).collect::<String>()
            )
        },
    )
}

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}
