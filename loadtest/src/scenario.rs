//! Scenarios: what is on sale, who comes, how many, how fast, and what each of them does.
//!
//! The built-in ones are files of the same form that operators write.

mod check;
mod fit;

use serde::{Deserialize, Serialize};

pub use self::fit::{Fit, Pace};

/// The most customers of a run.
pub const CUSTOMERS_MAX: u64 = 10_000_000;
/// The most clients of one crowd.
pub const CLIENTS_MAX: u32 = 10_000;
/// The most arrivals a second.
pub const RATE_MAX: f64 = 1_000_000.0;
/// The longest that customers come, in seconds.
pub const SECONDS_MAX: f64 = 6.0 * 3_600.0;
/// The longest run before its audit, in seconds: who comes last may stay for a while.
pub const RUN_SECONDS_MAX: f64 = SECONDS_MAX + 3_600.0;
/// The most concerts of a scenario.
pub const CONCERTS_MAX: u32 = 10_000;
/// The most bytes of a scenario's file.
pub const FILE_BYTES_MAX: u64 = 1 << 20;

/// The built-in scenarios, each with its file.
pub const BUILT_IN: [(&str, &str); 8] = [
    ("small", include_str!("../scenarios/small.toml")),
    ("presale", include_str!("../scenarios/presale.toml")),
    ("general", include_str!("../scenarios/general.toml")),
    ("seating", include_str!("../scenarios/seating.toml")),
    ("evening", include_str!("../scenarios/evening.toml")),
    ("priority", include_str!("../scenarios/priority.toml")),
    ("rename", include_str!("../scenarios/rename.toml")),
    ("tour", include_str!("../scenarios/tour.toml")),
];

/// A run, as its file says it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name; the file's if it has none.
    #[serde(default)]
    pub name: String,
    /// What it is like, in a line.
    pub about: String,
    /// Figures that must be kept.
    #[serde(default)]
    pub promises: Promises,
    /// What is on sale.
    #[serde(rename = "concert")]
    pub concerts: Vec<Concert>,
    /// What happens, one after the other.
    #[serde(rename = "phase")]
    pub phases: Vec<Phase>,
}

/// Figures that must be kept. What else is promised has no figure: nobody may be sold a seat
/// that is not there, however busy it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Promises {
    /// No plan is older, in seconds.
    pub plan_staleness_s: f64,
    /// From the order of an urgent print to the print, the 99th percentile, in seconds.
    pub urgent_p99_s: f64,
    /// So large a part of the customers is served, 0 to 1: they get an answer to everything that
    /// they ask, and none is a failure or, to the end, the word that the server is too busy.
    pub answered_share: f64,
}

impl Promises {
    /// How many customers may be left unserved, in percent.
    pub(crate) fn unserved_percent(&self) -> f64 {
        // Shares such as 0.99 are not exact, and 1.0000000000000009 % is not what they mean.
        ((1.0 - self.answered_share) * 1e6).round() / 1e4
    }
}

impl Default for Promises {
    fn default() -> Self {
        Self {
            plan_staleness_s: 180.0,
            urgent_p99_s: 10.0,
            answered_share: 0.99,
        }
    }
}

/// A concert that is created for the run, or several alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Concert {
    /// What crowds call it.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Its venue.
    pub venue: String,
    /// Seats.
    pub capacity: u32,
    /// Days from today.
    pub in_days: u32,
    /// How many of them.
    #[serde(default = "one")]
    pub count: u32,
}

/// Crowds that come at the same time. The next phase begins when all have gone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// As progress shows it.
    pub name: String,
    /// Who comes.
    #[serde(rename = "crowd")]
    pub crowds: Vec<Crowd>,
}

/// Customers, or others, who do alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crowd {
    /// As reports show it.
    pub name: String,
    /// Keys of the concerts that they choose from at random; every concert if not given.
    #[serde(default)]
    pub concerts: Vec<String>,
    /// How many there are at a time, in a closed loop. In an open one their number and their
    /// pause say how many arrive in a second: `clients ÷ think_s`.
    pub clients: u32,
    /// How many come altogether.
    pub customers: u64,
    /// Arrivals a second, instead of `clients ÷ think_s`.
    pub rate: Option<f64>,
    /// They come evenly over the whole time of the others, whatever the rate would be.
    #[serde(default)]
    pub fill: bool,
    /// The pause between two visits of a client, in seconds.
    #[serde(default = "think_s")]
    pub think_s: f64,
    /// During this part of its time, 0 to 1, the crowd grows from nobody.
    #[serde(default)]
    pub ramp: f64,
    /// It begins to come after this part, 0 to 1, of the time of the phase's first crowd.
    #[serde(default)]
    pub from: f64,
    /// How they are spread over time.
    #[serde(default)]
    pub arrivals: Arrivals,
    /// Their prints are wanted at once: the promise of urgent prints is theirs.
    #[serde(default)]
    pub urgent: bool,
    /// The name that `rename` gives.
    pub rename_to: Option<String>,
    /// What each of them does, one after the other.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// Or different things, each for its share of them.
    #[serde(default)]
    pub mix: Vec<Visit>,
}

/// One of the things that a crowd does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Visit {
    /// Its share, relative to the others' of the mix.
    pub share: u32,
    /// What happens, one after the other.
    pub steps: Vec<Step>,
}

/// How arrivals are spread over time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrivals {
    /// Independently of each other, as people come: a Poisson process.
    #[default]
    Random,
    /// At equal distances.
    Steady,
}

/// What somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Look up the user.
    User,
    /// Look up the concert.
    Concert,
    /// Buy a ticket; who gets none goes home.
    Buy,
    /// Take up a ticket that somebody bought before.
    Recall,
    /// Read the ticket.
    Ticket,
    /// Order the print.
    Print,
    /// Ask for the ticket until it is printed.
    Printed,
    /// Download the print and read what it says.
    Download,
    /// Fetch the seating plan and read how old it is.
    Plan,
    /// Give the concert the crowd's new name.
    Rename,
    /// Pause for `think_s`.
    Think,
}

impl Step {
    /// As files call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Concert => "concert",
            Self::Buy => "buy",
            Self::Recall => "recall",
            Self::Ticket => "ticket",
            Self::Print => "print",
            Self::Printed => "printed",
            Self::Download => "download",
            Self::Plan => "plan",
            Self::Rename => "rename",
            Self::Think => "think",
        }
    }
}

/// Why there is no scenario.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// It is not of the form.
    #[error("it is not a scenario")]
    Form(#[from] toml::de::Error),
    /// It says what cannot be.
    #[error("{0}")]
    Sense(String),
}

impl Scenario {
    /// A built-in one.
    pub fn built_in(name: &str) -> Option<Self> {
        let (_, text) = BUILT_IN.iter().find(|(known, _)| *known == name)?;
        Some(Self::parse(name, text).expect("the tests read every built-in scenario"))
    }

    /// Reads a file's text; `name` is for one that does not say its own.
    pub fn parse(name: &str, text: &str) -> Result<Self, ScenarioError> {
        let mut scenario: Self = toml::from_str(text)?;
        if scenario.name.is_empty() {
            name.clone_into(&mut scenario.name);
        }
        check::check(&scenario).map_err(ScenarioError::Sense)?;
        Ok(scenario)
    }

    /// Every crowd of every phase.
    pub fn crowds(&self) -> impl Iterator<Item = &Crowd> {
        self.phases.iter().flat_map(|phase| &phase.crowds)
    }

    /// How many come altogether.
    pub fn customers(&self) -> u64 {
        self.crowds()
            .fold(0, |sum, crowd| sum.saturating_add(crowd.customers))
    }

    /// Whether anybody does this.
    pub fn has(&self, step: Step) -> bool {
        self.crowds()
            .any(|crowd| crowd.visits().any(|visit| visit.contains(&step)))
    }
}

impl Crowd {
    /// Everything that somebody of the crowd may do.
    pub fn visits(&self) -> impl Iterator<Item = &[Step]> {
        let mix = self.mix.iter().map(|visit| visit.steps.as_slice());
        let steps = (!self.steps.is_empty()).then_some(self.steps.as_slice());
        steps.into_iter().chain(mix)
    }

    /// The steps of one visit, chosen by a random number.
    pub fn visit(&self, random: u64) -> &[Step] {
        let all: u64 = self.mix.iter().map(|visit| u64::from(visit.share)).sum();
        if all == 0 {
            return &self.steps;
        }
        let mut at = random % all;
        for visit in &self.mix {
            if at < u64::from(visit.share) {
                return &visit.steps;
            }
            at -= u64::from(visit.share);
        }
        &self.steps
    }
}

fn one() -> u32 {
    1
}

fn think_s() -> f64 {
    10.0
}
