//! Makes a scenario larger or smaller, longer or shorter, and works out when who comes.

use super::{
    Arrivals, CLIENTS_MAX, Crowd, RATE_MAX, SECONDS_MAX, Scenario, ScenarioError, Step, check,
};
use crate::drive::Mode;
use crate::random::{exponential, unit};

/// How an operator wants a scenario to be.
#[derive(Debug, Clone)]
pub struct Fit {
    /// So many times the seats, the customers and the arrivals.
    pub scale: f64,
    /// The crowds come within so many seconds altogether; rates follow.
    pub seconds: Option<f64>,
    /// Arrivals a second of the first crowd of each phase; the others follow. The number of
    /// customers stays, unless there are seconds, too: then so many come as both make.
    pub rate: Option<f64>,
    /// How it will be run: clients count in a closed loop, rates in an open one.
    pub mode: Mode,
    /// Another pause, in seconds.
    pub think_s: Option<f64>,
}

impl Default for Fit {
    fn default() -> Self {
        Self {
            scale: 1.0,
            seconds: None,
            rate: None,
            mode: Mode::Open,
            think_s: None,
        }
    }
}

/// When the customers of a crowd come.
#[derive(Debug, Clone, PartialEq)]
pub struct Pace {
    /// Seconds from the beginning of the phase to the crowd's.
    pub begins_s: f64,
    /// Arrivals a second, after the ramp.
    pub rate: f64,
    /// Seconds during which the rate grows from 0.
    pub ramp_s: f64,
    /// How many come.
    pub customers: u64,
    /// How they are spread.
    pub arrivals: Arrivals,
}

impl Fit {
    /// The scenario as it is wanted.
    pub fn apply(&self, mut scenario: Scenario) -> Result<Scenario, ScenarioError> {
        for concert in &mut scenario.concerts {
            let scaled = f64::from(concert.capacity) * self.scale;
            concert.capacity = whole(scaled);
        }
        for phase in &mut scenario.phases {
            for crowd in &mut phase.crowds {
                self.scale_crowd(crowd);
            }
        }
        self.hasten(&mut scenario);
        // A larger one is not made as large as may be: seats and customers would not fit together.
        let checked = check::check(&scenario).and_then(|()| match self.mode {
            Mode::Open => check::check_arrivals(&scenario),
            Mode::Closed | Mode::Max => Ok(()),
        });
        checked.map_err(|what| {
            let scale = match self.scale {
                1.0 => String::new(),
                scale => format!(" at scale {scale}"),
            };
            ScenarioError::Sense(format!("{}{scale}: {what}", scenario.name))
        })?;
        Ok(scenario)
    }

    fn scale_crowd(&self, crowd: &mut Crowd) {
        if let Some(think_s) = self.think_s {
            crowd.think_s = think_s;
        }
        if !comes_once(crowd) {
            crowd.rate = Some(crowd.natural_rate() * self.scale);
            crowd.clients = whole(f64::from(crowd.clients) * self.scale);
            if self.mode != Mode::Closed {
                crowd.clients = crowd.clients.min(CLIENTS_MAX);
            }
            crowd.customers = u64::from(whole(exact(crowd.customers) * self.scale));
        }
    }

    /// Gives every crowd the rate that the wanted rate or time makes of its own.
    fn hasten(&self, scenario: &mut Scenario) {
        let mut factor = 1.0;
        if let Some(seconds) = self.seconds {
            factor = scenario.natural_seconds() / seconds.max(0.001);
        }
        for phase in &mut scenario.phases {
            if let (Some(rate), [first, ..]) = (self.rate, phase.crowds.as_slice()) {
                factor = rate / first.natural_rate();
            }
            for crowd in &mut phase.crowds {
                crowd.rate = Some(crowd.natural_rate() * factor);
            }
        }
        if let (Some(seconds), Some(_)) = (self.seconds, self.rate) {
            let share = seconds / scenario.natural_seconds();
            for crowd in scenario
                .phases
                .iter_mut()
                .flat_map(|phase| &mut phase.crowds)
            {
                if comes_once(crowd) {
                    crowd.rate = Some(crowd.natural_rate() / share);
                } else {
                    let customers = (exact(crowd.customers) * share).round().max(1.0);
                    crowd.customers = u64::from(whole(customers));
                }
            }
        }
    }
}

impl Scenario {
    /// Seconds during which customers come, in an open loop.
    pub fn natural_seconds(&self) -> f64 {
        let phases = self.phases.iter();
        phases.map(|phase| longest(&phase.crowds)).sum()
    }

    /// The most arrivals a second, in an open loop.
    pub fn rate(&self) -> f64 {
        let each = self.phases.iter().map(|phase| {
            let crowds = phase.crowds.iter();
            crowds
                .map(|crowd| crowd.pace(&phase.crowds).rate)
                .sum::<f64>()
        });
        each.fold(0.0, f64::max)
    }
}

impl Crowd {
    /// Whether it comes at a time of its own in a closed loop, too.
    pub fn keeps_to_clock(&self) -> bool {
        self.fill || self.from > 0.0
    }

    /// Arrivals a second, by the rate or by the clients and their pauses.
    pub fn natural_rate(&self) -> f64 {
        self.rate
            .unwrap_or_else(|| f64::from(self.clients) / self.think_s.max(0.001))
    }

    /// Seconds from its first to its last arrival.
    pub fn natural_seconds(&self) -> f64 {
        // While it grows, half as many come: n = rate × (1 − ramp ÷ 2) × seconds.
        exact(self.customers) / self.natural_rate() / (1.0 - self.ramp / 2.0)
    }

    /// When its customers come, beside the other crowds of its phase.
    pub fn pace(&self, phase: &[Crowd]) -> Pace {
        let (mut rate, mut seconds) = (self.natural_rate(), self.natural_seconds());
        if self.fill {
            seconds = (longest(phase) * (1.0 - self.from)).max(0.001);
            rate = exact(self.customers) / seconds / (1.0 - self.ramp / 2.0);
        }
        Pace {
            begins_s: begins_s(self, phase),
            rate: rate.min(RATE_MAX),
            ramp_s: seconds * self.ramp,
            customers: self.customers,
            arrivals: self.arrivals,
        }
    }
}

impl Pace {
    /// Seconds from the beginning of the phase to each arrival, in order.
    pub fn arrivals(&self, seed: u64) -> impl Iterator<Item = f64> + use<> {
        let pace = self.clone();
        let mut due = 0.0;
        (0..self.customers).map(move |at| {
            due += match pace.arrivals {
                Arrivals::Random => exponential(seed, at),
                Arrivals::Steady if at == 0 => 0.0,
                Arrivals::Steady => 1.0,
            };
            pace.begins_s + pace.reached_after_s(due)
        })
    }

    /// Seconds after which so many are expected to have come: the inverse of the integral of the
    /// rate, which is a parabola during the ramp and a line after it.
    fn reached_after_s(&self, customers: f64) -> f64 {
        let during_ramp = self.rate * self.ramp_s / 2.0;
        if customers < during_ramp {
            (2.0 * customers * self.ramp_s / self.rate).sqrt()
        } else {
            customers / self.rate + self.ramp_s / 2.0
        }
    }

    /// Seconds from the beginning of the phase to the end of the crowd's arrivals, about.
    pub fn ends_s(&self) -> f64 {
        self.begins_s + self.reached_after_s(exact(self.customers))
    }

    /// Where in a ramp client number `at` of `clients` begins, in a closed loop.
    pub fn client_begins_s(&self, at: u32, clients: u32, seed: u64) -> f64 {
        let spread = if self.ramp_s > 0.0 { self.ramp_s } else { 0.0 };
        let place = (f64::from(at) + unit(seed, u64::from(at))) / f64::from(clients.max(1));
        self.begins_s + spread * place
    }
}

/// An admin renames a concert once, however large it is.
fn comes_once(crowd: &Crowd) -> bool {
    crowd.visits().any(|steps| steps.contains(&Step::Rename))
}

/// Seconds from the beginning of a phase until its last crowd has come.
fn longest(crowds: &[Crowd]) -> f64 {
    let own = crowds.iter().filter(|crowd| !crowd.fill);
    own.map(|crowd| begins_s(crowd, crowds) + crowd.natural_seconds())
        .fold(0.0, f64::max)
}

/// Seconds from the beginning of a phase to that of one of its crowds.
fn begins_s(crowd: &Crowd, phase: &[Crowd]) -> f64 {
    let first_s = phase.first().map_or(0.0, Crowd::natural_seconds);
    first_s.min(SECONDS_MAX) * crowd.from
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn exact(count: u64) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "nothing is negative, and what is too large to fit is refused afterwards"
)]
fn whole(value: f64) -> u32 {
    value.ceil() as u32
}

#[cfg(test)]
mod tests {
    use super::super::BUILT_IN;
    use super::*;

    fn crowd(text: &str) -> Crowd {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn every_built_in_scenario_is_well_formed_and_sells_out_in_the_shape_of_the_original() {
        for (name, _) in BUILT_IN {
            let scenario = Scenario::built_in(name).unwrap();
            assert_eq!(scenario.name, name);
            assert!(!scenario.about.is_empty());
        }
        let general = Scenario::built_in("general").unwrap();
        let crowd = &general.phases[0].crowds[0];
        assert!((crowd.natural_rate() - 25.0).abs() < 1e-9);
        assert!(crowd.customers > u64::from(general.concerts[0].capacity));
    }

    #[test]
    fn a_shorter_run_has_the_same_customers_and_a_scaled_one_fewer() {
        let fit = Fit {
            scale: 0.1,
            seconds: Some(2.0),
            ..Fit::default()
        };
        let small = fit.apply(Scenario::built_in("small").unwrap()).unwrap();
        let crowd = &small.phases[0].crowds[0];
        assert_eq!((small.concerts[0].capacity, crowd.customers), (85, 100));
        assert!((crowd.natural_seconds() - 2.0).abs() < 1e-9);
    }

    #[test]
    fn arrivals_keep_to_rate_and_ramp() {
        let crowd = crowd(
            "name = 'c'\nclients = 1\ncustomers = 1000\nrate = 100\nramp = 0.5\n\
             arrivals = 'steady'\nsteps = ['user']",
        );
        let pace = crowd.pace(std::slice::from_ref(&crowd));
        let times: Vec<_> = pace.arrivals(1).collect();
        assert_eq!(times.len(), 1_000);
        assert!(times.is_sorted());
        let last = *times.last().unwrap();
        assert!((last - 13.32).abs() < 0.1, "{last}");
        // Half of the time, and a third of the customers, are the ramp's.
        let early = times.iter().filter(|&&time| time < 6.666).count();
        assert!((330..=337).contains(&early), "{early}");
    }

    #[test]
    fn people_come_at_random_and_as_many() {
        let crowd =
            crowd("name = 'c'\nclients = 1\ncustomers = 10000\nrate = 100\nsteps = ['user']");
        let pace = crowd.pace(std::slice::from_ref(&crowd));
        let last = pace.arrivals(7).last().unwrap();
        assert!((95.0..105.0).contains(&last), "{last}");
        let alone = pace.arrivals(7).filter(|time| *time < 1.0).count();
        assert!((70..130).contains(&alone), "{alone}");
    }

    #[test]
    fn nonsense_is_refused_with_its_place() {
        let general = super::super::BUILT_IN[2].1;
        for (from, to, word) in [
            ("clients = 250", "clients = 0", "clients"),
            ("\"user\", \"buy\", ", "\"print\", ", "ticket"),
            ("customers = 3600", "customers = 3600\nramp = 2.0", "ramp"),
            (
                "customers = 3600",
                "customers = 3600\nconcerts = ['x']",
                "no concert",
            ),
            ("in_days = 90", "in_days = 4000000000", "in_days"),
            (
                "in_days = 90",
                "in_days = 90\ncount = 4294967295\n[[concert]]\nkey = 'b'\nname = 'B'\n\
                 venue = 'V'\ncapacity = 1\nin_days = 1\ncount = 3",
                "4294967298 concerts",
            ),
        ] {
            let text = general.replace(from, to);
            let error = Scenario::parse("x", &text).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
        assert!(Scenario::parse("x", "about = 1").is_err());
        for name in ["plan_staleness_s", "urgent_p99_s", "answered_share"] {
            for figure in ["-1", "inf", "nan", "1e30"] {
                let text = format!("promises = {{ {name} = {figure} }}\n{general}");
                let error = Scenario::parse("x", &text).unwrap_err().to_string();
                assert!(error.contains(name), "{error}");
            }
        }
    }

    #[test]
    fn a_mistake_is_refused_with_the_name_of_its_step() {
        let general = super::super::BUILT_IN[2].1;
        for (from, to, words) in [
            (
                "capacity = 3000",
                "capacity = 0",
                "concert \"elsa\": its capacity",
            ),
            ("capacity = 3000", "capacity = 3000\ncount = 0", "its count"),
            (
                "name = \"Elsa on Ice\"",
                "name = \" \"",
                "concert \"elsa\": name is",
            ),
            ("venue = \"Grand Arena\"", "venue = \"a\\nb\"", "venue is"),
            (
                "customers = 3600",
                "customers = 3600\nfrom = 1.0",
                "from is a part",
            ),
            (
                "customers = 3600",
                "customers = 3600\nfrom = nan",
                "from is a part",
            ),
            (
                "\"user\", \"buy\", ",
                "\"recall\", ",
                "step \"recall\" (1): nobody buys",
            ),
            (
                "\"ticket\"]",
                "\"rename\"]\nrename_to = \"\"",
                "step \"rename\" (3): rename_to is 1 to 1000 characters",
            ),
            (
                "\"ticket\"]",
                "\"rename\"]",
                "step \"rename\" (3): it needs rename_to",
            ),
            (
                "\"user\", \"buy\", ",
                "",
                "step \"ticket\" (1): it needs a ticket",
            ),
        ] {
            let text = general.replace(from, to);
            let error = Scenario::parse("x", &text).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_run_has_limits_whatever_its_crowds_add_up_to() {
        let general = super::super::BUILT_IN[2].1;
        let (_, phase) = general.split_once("[[phase]]").unwrap();
        let crowd = phase.split_once("[[phase.crowd]]").unwrap().1;
        let much = |text: &str| {
            let large = "customers = 9000000\nrate = 600000";
            text.replace("customers = 3600", large)
        };
        let long = |text: &str| text.replace("customers = 3600", "customers = 4000\nrate = 0.3");
        let parse = |text: &str| Scenario::parse("x", text);
        let fitted = |text: &str, fit: Fit| fit.apply(parse(text).unwrap());
        let error = parse(&much(&format!("{general}\n[[phase]]{phase}"))).unwrap_err();
        assert!(error.to_string().contains("18000000 customers"), "{error}");
        let crowds = format!("{general}\n[[phase.crowd]]{crowd}");
        for (text, word) in [
            (
                much(&crowds).replace("9000000", "4000000"),
                "1200000 customers come in a second",
            ),
            (
                long(&format!("{general}\n[[phase]]{phase}")),
                "come for 7.4 h; 6.0 h at most",
            ),
            (
                // The second one comes when the first one has almost gone.
                long(&format!("{crowds}from = 0.99\n")),
                "come for 7.4 h; 6.0 h at most",
            ),
        ] {
            let error = fitted(&text, Fit::default()).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
            // It is the run that is judged, not the file.
            for mode in [Mode::Closed, Mode::Max] {
                let fit = Fit {
                    mode,
                    ..Fit::default()
                };
                assert!(fitted(&text, fit).is_ok(), "{word}");
            }
            let slow = Fit {
                seconds: Some(600.0),
                ..Fit::default()
            };
            let fits = fitted(&text, slow).unwrap();
            assert!((fits.natural_seconds() - 600.0).abs() < 1e-6, "{word}");
        }
        let one = parse(&long(general)).unwrap();
        assert_eq!((one.rate(), one.customers()), (0.3, 4_000));
    }

    #[test]
    fn a_rate_and_a_time_say_how_many_come() {
        let fit = Fit {
            seconds: Some(3.0),
            rate: Some(20.0),
            ..Fit::default()
        };
        let small = fit.apply(Scenario::built_in("small").unwrap()).unwrap();
        let crowd = &small.phases[0].crowds[0];
        // During half of the time the crowd grows, and a quarter of the customers is missing.
        assert_eq!((crowd.customers, crowd.natural_rate()), (45, 20.0));
        assert!((crowd.natural_seconds() - 3.0).abs() < 1e-9);
        let rename = fit.apply(Scenario::built_in("rename").unwrap()).unwrap();
        assert_eq!(rename.phases[0].crowds[1].customers, 1);
        assert!((rename.natural_seconds() - 3.0).abs() < 0.2);
    }

    #[test]
    fn a_scale_keeps_the_proportions_or_is_refused() {
        let scaled = |name, scale, mode| {
            let fit = Fit {
                scale,
                mode,
                ..Fit::default()
            };
            fit.apply(Scenario::built_in(name).unwrap())
        };
        assert!(scaled("tour", 3.0, Mode::Open).is_ok());
        let error = scaled("tour", 10.0, Mode::Open).unwrap_err().to_string();
        assert!(error.contains("tour at scale 10: concert"), "{error}");
        // In an open loop only the rate counts.
        let large = scaled("general", 100.0, Mode::Open).unwrap();
        let crowd = &large.phases[0].crowds[0];
        assert!((crowd.natural_rate() - 2_500.0).abs() < 1e-9);
        let error = scaled("general", 100.0, Mode::Closed)
            .unwrap_err()
            .to_string();
        assert!(error.contains("clients"), "{error}");
    }
}
