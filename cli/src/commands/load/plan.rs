//! What a run will be, told before it begins.

use loadtest::{Mode, Options};

use crate::out::{rate, several};

/// The scenario in a line, and how it is run in another one.
pub(super) fn words(options: &Options) -> String {
    let scenario = &options.scenario;
    let customers = several(scenario.customers(), "customer");
    let connections = several(
        u64::try_from(options.connections).unwrap_or(u64::MAX),
        "connection",
    );
    let until = options.seconds_max.map_or(String::new(), |seconds| {
        format!(", nobody after {}", time(seconds))
    });
    let how = match options.mode {
        Mode::Open => format!(
            "open loop: {customers} within {}, {} a second at most",
            time(scenario.natural_seconds()),
            per_second(scenario.rate()),
        ),
        Mode::Closed => {
            let phases = scenario.phases.iter();
            let clients = phases.map(|phase| {
                // The others come by the clock.
                let crowds = phase.crowds.iter().filter(|crowd| !crowd.keeps_to_clock());
                crowds.map(|crowd| u64::from(crowd.clients)).sum::<u64>()
            });
            let clients = several(clients.max().unwrap_or(0), "client");
            format!("closed loop: {clients} come again until {customers} were here{until}")
        }
        Mode::Max => format!("as fast as it goes: {customers}{until}"),
    };
    format!(
        "{}: {}\n{how}; over {connections}, cut short after {}",
        scenario.name,
        scenario.about,
        time(options.limit.as_secs_f64())
    )
}

fn per_second(value: f64) -> String {
    if value < 0.1 {
        format!("{value:.1e}")
    } else if value < 10.0 {
        format!("{value:.1}")
    } else {
        rate(value)
    }
}

/// A time in the largest unit of which there are some.
fn time(seconds: f64) -> String {
    let (value, unit) = match seconds {
        s if s >= 2.0 * 3_600.0 => (s / 3_600.0, "h"),
        s if s >= 600.0 => (s / 60.0, "min"),
        s => (s, "s"),
    };
    let text = format!("{value:.1}");
    format!("{} {unit}", text.strip_suffix(".0").unwrap_or(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        let all = [0.5, 150.0, 1_800.0, 25_200.0, 9_000.0].map(time);
        assert_eq!(all, ["0.5 s", "150 s", "30 min", "7 h", "2.5 h"]);
        assert_eq!([0.25, 1_234.4].map(per_second), ["0.2", "1,234"]);
    }
}
