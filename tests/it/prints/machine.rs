//! Random sequences of everything that clients and operators do, against a simple model.

use cli::service::Tweaks;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;
use tests::http::order_body;
use tests::svg::desc;
use tests::{Answer, Gate, Home, Position, TestApp};

use super::Sketcher;
use super::model::{Concert, Print, Ticket};

const CASES: u32 = 64;
const STEPS: usize = 30;

/// What can happen. Numbers choose among what is there, by the remainder.
#[derive(Debug, Clone)]
enum Step {
    Create { capacity: u32 },
    Buy { concert: usize, keyed: bool },
    Change { concert: usize, part: Part },
    Print { ticket: usize },
    Fetch { ticket: usize },
    Nonsense { concert: usize, what: usize },
    Gate { hold: bool },
    Restart { lose_files: bool },
}

#[derive(Debug, Clone, Copy)]
enum Part {
    Nothing,
    Name,
    Cancel,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let index = 0..1_000_usize;
    let part = prop_oneof![
        Just(Part::Nothing),
        Just(Part::Name),
        Just(Part::Cancel),
        Just(Part::Reopen)
    ];
    prop_oneof![
        2 => (0..4_u32).prop_map(|capacity| Step::Create { capacity }),
        6 => (index.clone(), any::<bool>())
            .prop_map(|(concert, keyed)| Step::Buy { concert, keyed }),
        4 => (index.clone(), part).prop_map(|(concert, part)| Step::Change { concert, part }),
        5 => index.clone().prop_map(|ticket| Step::Print { ticket }),
        4 => index.clone().prop_map(|ticket| Step::Fetch { ticket }),
        2 => (index.clone(), index).prop_map(|(concert, what)| Step::Nonsense { concert, what }),
        2 => any::<bool>().prop_map(|hold| Step::Gate { hold }),
        1 => any::<bool>().prop_map(|lose_files| Step::Restart { lose_files }),
    ]
}

struct Model {
    app: TestApp,
    gate: Gate,
    concerts: Vec<Concert>,
    tickets: Vec<Ticket>,
    changes: u32,
}

impl Model {
    async fn new() -> Self {
        let gate = Gate::new(Position::Open);
        let folder = Home::new().await;
        Self {
            app: start(folder, &gate).await,
            gate,
            concerts: Vec::new(),
            tickets: Vec::new(),
            changes: 0,
        }
    }

    async fn run(mut self, steps: Vec<Step>) {
        for step in steps {
            self = self.take(step).await;
            self.check().await;
        }
        self.settle().await;
        self.app.stop().await;
    }

    async fn take(mut self, step: Step) -> Self {
        match step {
            Step::Create { capacity } => self.create(capacity).await,
            Step::Gate { hold: true } => self.gate.set(Position::Closed),
            Step::Gate { hold: false } => self.release(),
            Step::Restart { lose_files } => return self.restart(lose_files).await,
            Step::Buy { .. } | Step::Change { .. } | Step::Nonsense { .. }
                if self.concerts.is_empty() => {}
            Step::Buy { concert, keyed } => self.buy(concert % self.concerts.len(), keyed).await,
            Step::Change { concert, part } => {
                self.change(concert % self.concerts.len(), part).await;
            }
            Step::Nonsense { concert, what } => {
                self.nonsense(concert % self.concerts.len(), what).await;
            }
            Step::Print { .. } | Step::Fetch { .. } if self.tickets.is_empty() => {}
            Step::Print { ticket } => self.print(ticket % self.tickets.len()).await,
            Step::Fetch { ticket } => self.fetch(ticket % self.tickets.len()).await,
        }
        self
    }

    async fn create(&mut self, capacity: u32) {
        let name = "Name 0".to_owned();
        let id = self.app.http.create_concert(&name, capacity).await;
        self.concerts.push(Concert {
            id,
            name,
            capacity,
            sold: 0,
            cancelled: false,
        });
    }

    /// P1, P2, P4: sold while there is stock, and once for a key.
    async fn buy(&mut self, at: usize, keyed: bool) {
        let concert = &mut self.concerts[at];
        let order = order_body(&concert.id, 1);
        let key = format!("key-{}-{}-{}", at, concert.sold, self.changes);
        let http = &self.app.http;
        let path = "/api/v1/tickets";
        let bought = if keyed {
            let first = http.post_keyed(path, &key, &order).await;
            let again = http.post_keyed(path, &key, &order).await;
            assert_eq!((again.status, &again.body), (first.status, &first.body));
            first
        } else {
            http.post(path, &order).await
        };
        if concert.status() == "ACTIVE" {
            assert_eq!(bought.status, 201, "{}", bought.text());
            concert.sold += 1;
            self.tickets.push(Ticket {
                id: bought.string("/id"),
                concert: at,
                print: Print::Never,
            });
        } else {
            bought.assert_problem(422);
        }
    }

    async fn change(&mut self, at: usize, part: Part) {
        let concert = &mut self.concerts[at];
        self.changes += 1;
        let body = match part {
            Part::Nothing => json!({}),
            Part::Name => {
                concert.name = format!("Name {}", self.changes);
                json!({"name": concert.name})
            }
            Part::Cancel => json!({"status": "CANCELLED"}),
            Part::Reopen => json!({"status": "ACTIVE"}),
        };
        concert.cancelled = match part {
            Part::Cancel => true,
            Part::Reopen => false,
            Part::Nothing | Part::Name => concert.cancelled,
        };
        let path = format!("/api/v1/concerts/{}", concert.id);
        let changed = self.app.http.put(&path, &body).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
        if matches!(part, Part::Nothing) {
            return;
        }
        for ticket in self
            .tickets
            .iter_mut()
            .filter(|ticket| ticket.concert == at)
        {
            ticket.print = ticket.print.changed();
        }
    }

    async fn print(&mut self, at: usize) {
        let ticket = &mut self.tickets[at];
        let path = format!("/api/v1/tickets/{}/print", ticket.id);
        let asked = self.app.http.post_empty(&path).await;
        assert_eq!(asked.status, 202, "{}", asked.text());
        assert!(["PENDING", "PRINTED"].contains(&&*asked.string("/print_status")));
        let status = asked.string("/print_status");
        ticket.print = ticket.print.asked(&status, self.gate.position());
    }

    /// What was held back goes its way.
    fn release(&mut self) {
        self.gate.set(Position::Open);
        for ticket in &mut self.tickets {
            ticket.print = ticket.print.released();
        }
    }

    /// P6: what is handed out shows the concert as it is.
    async fn fetch(&mut self, at: usize) {
        let ticket = &self.tickets[at];
        let answer = self
            .app
            .http
            .get(&format!("/api/v1/tickets/{}/print", ticket.id))
            .await;
        match ticket.print {
            Print::Printed => self.assert_current(ticket, &answer),
            Print::Asked | Print::Unsure if answer.status == 200 => {
                self.assert_current(ticket, &answer);
                self.tickets[at].print = Print::Printed;
            }
            Print::Never | Print::Held | Print::Asked | Print::Unsure => {
                answer.assert_problem(404);
            }
        }
    }

    fn assert_current(&self, ticket: &Ticket, print: &Answer) {
        assert_eq!(print.status, 200, "{}", print.text());
        assert_eq!(desc(&print.body), ticket.id);
        assert_eq!(
            tests::svg::texts(&print.body),
            [self.concerts[ticket.concert].name.as_str()]
        );
    }

    /// P9: bad input is refused, and the next check finds nothing changed.
    async fn nonsense(&self, at: usize, what: usize) {
        let path = format!("/api/v1/concerts/{}", self.concerts[at].id);
        let bad = [
            ("PUT", path.as_str(), r#"{"capacity":1}"#),
            ("PUT", &path, r#"{"name":""}"#),
            ("PUT", &path, "[[[["),
            ("POST", "/api/v1/concerts", "{}"),
            (
                "POST",
                "/api/v1/tickets",
                r#"{"concert_id":"x","user_id":"y"}"#,
            ),
            ("DELETE", &path, ""),
        ];
        let (verb, path, body) = bad[what % bad.len()];
        let answer = self.app.http.send(verb, path, &[], body).await;
        let wanted = if verb == "DELETE" { 405 } else { 400 };
        answer.assert_problem(wanted);
    }

    /// P3 and P5: what was answered is there, and what was begun is done.
    async fn restart(mut self, lose_files: bool) -> Self {
        if lose_files {
            // Reading a print draws it again, which must not wait at the gate.
            self.release();
        }
        let folder = self.app.stop().await;
        if lose_files {
            std::fs::remove_dir_all(folder.path().join("files")).expect("files can be lost");
        }
        let app = start(folder, &self.gate).await;
        Self { app, ..self }
    }

    async fn check(&mut self) {
        let concerts = self.app.http.get("/api/v1/concerts").await.json();
        assert_eq!(concerts.as_array().map(Vec::len), Some(self.concerts.len()));
        for concert in &self.concerts {
            let found = self
                .app
                .http
                .get(&format!("/api/v1/concerts/{}", concert.id))
                .await;
            assert_eq!(found.string("/name"), concert.name);
            assert_eq!(found.string("/status"), concert.status());
        }
        let listed = self.app.http.get("/api/v1/tickets").await.json();
        let listed = listed.as_array().expect("an array");
        assert_eq!(listed.len(), self.tickets.len());
        for ticket in &mut self.tickets {
            let found = listed.iter().find(|one| one["id"] == *ticket.id);
            let found = found.unwrap_or_else(|| panic!("{} is lost", ticket.id));
            assert_eq!(found["concert"]["id"], *self.concerts[ticket.concert].id);
            let status = found["print_status"].as_str().expect("a status");
            assert!(ticket.print.allows(status), "{ticket:?} is {status}");
            ticket.print = ticket.print.seen(status);
        }
    }

    /// P5: every print that is pending is made without more help.
    async fn settle(&mut self) {
        self.release();
        for at in 0..self.tickets.len() {
            if self.tickets[at].print == Print::Asked {
                self.app
                    .http
                    .until_print(&self.tickets[at].id, "PRINTED")
                    .await;
                self.tickets[at].print = Print::Printed;
            }
            self.fetch(at).await;
        }
    }
}

/// An engine that hands back what waits at the gate as soon as it is told to stop.
async fn start(folder: Home, gate: &Gate) -> TestApp {
    let tweaks = gate.tweaks_with(|_| Sketcher::renderer(11));
    TestApp::again(folder, tweaks, |config| config.workers.grace_ms = 50).await
}

#[tests::every_engine]
fn no_sequence_of_requests_and_restarts_breaks_a_promise() {
    let config = Config {
        cases: CASES,
        // A failure is made smaller for a while, not until nothing is left of it.
        max_shrink_time: 60_000,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let steps = prop::collection::vec(step(), 1..STEPS);
    runner
        .run(&steps, |steps| {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(async { Model::new().await.run(steps).await });
            Ok(())
        })
        .expect("every sequence keeps the promises");
}

#[tests::every_engine]
async fn an_engine_that_is_restarted_without_a_request_stays_the_same() {
    let app = TestApp::start().await;
    let concert = app.http.create_concert("A night", 3).await;
    app.http.bought(&concert, 1).await;
    let mut before = app.http.ledger().await;
    // Links carry the address, and with it the port, which differs with every start.
    before[1] = before[1].replace(app.http.base(), "");
    let mut folder = app.stop().await;
    for _ in 0..3 {
        let app = TestApp::again(folder, Tweaks::default(), |_| {}).await;
        let mut after = app.http.ledger().await;
        after[1] = after[1].replace(app.http.base(), "");
        assert_eq!(after, before);
        folder = app.stop().await;
    }
}
